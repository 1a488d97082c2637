"""Filing whole bundles: archive and catalogue in one step, after which custody may be given."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fieldlink.codecs.bundle import (
    GAP_MEDIA_TYPE,
    MARK_MEDIA_TYPE,
    Gap,
    Manifest,
    Mark,
    bundle_id,
    decode_gap,
    decode_manifest,
    decode_mark,
)
from fieldlink.codecs.fault import CodecError
from fieldlink.relay.archive.ledger import Entry
from fieldlink.relay.archive.names import bundle_path
from fieldlink.relay.archive.store import Archive, Item
from fieldlink.relay.catalogue import (
    STANDING,
    Catalogue,
    Filing,
    Incident,
    Journey,
    incident_for,
)

__all__ = ["Filer", "Finished", "Outcome", "filing_of", "replay"]

_log = logging.getLogger(__name__)
_MAX_RECORD_FILE_BYTES = 4096
_REPLAY_BATCH = 500
_NEWEST_FILES = 2


@dataclass(frozen=True, slots=True)
class Finished:
    """A bundle whose bytes are all in `part` and hash to what its manifest says."""

    bundle_id: bytes
    encoded: bytes
    manifest: Manifest
    part: Path
    first_sent_us: int | None
    first_received_us: int | None
    last_received_us: int | None
    bearers: tuple[str, ...]

    @property
    def identity(self) -> tuple[str, bytes, int]:
        """What names one content for ever: kit, spool, sequence."""
        return self.manifest.kit, self.manifest.spool, self.manifest.sequence


@dataclass(slots=True)
class Outcome:
    """What became of a batch: new filings, bundles in custody, files that failed, alarms."""

    filed: list[Filing] = field(default_factory=list)
    custody: list[Finished] = field(default_factory=list)
    failed: list[tuple[Finished, OSError]] = field(default_factory=list)
    alarms: list[tuple[str, str, str]] = field(default_factory=list)  # kind, kit, text


class Filer:
    """Files batches of finished bundles; used by one thread."""

    def __init__(self, archive: Archive, catalogue: Catalogue, clock: Callable[[], int]) -> None:
        self._archive = archive
        self._catalogue = catalogue
        self._clock = clock

    def file(self, batch: Sequence[Finished]) -> Outcome:
        """File `batch`; everything in the outcome's `custody` is durable when this returns.

        Raises:
            OSError, ArchiveError: the disk or the catalogue failed; nothing of it is in custody.
        """
        outcome = Outcome()
        errors = self._archive.sync([one.part for one in batch])
        good = [one for one in batch if one.part not in errors]
        outcome.failed = [(one, errors[one.part]) for one in batch if one.part in errors]
        held = self._catalogue.held([one.bundle_id for one in good])
        new = [one for one in good if one.bundle_id not in held]
        for one in good:
            if one.bundle_id in held:
                one.part.unlink(missing_ok=True)
        if new:
            self._file_new(new, outcome)
        outcome.custody = good
        return outcome

    def _file_new(self, new: Sequence[Finished], outcome: Outcome) -> None:
        self._find_conflicts(new, outcome)
        now_us = self._clock()
        items = self._items(new, now_us)
        # A gap's or a mark's content is read before its part moves.
        records = [self._record(one, outcome) for one in new]
        self._archive.file(items)
        outcome.filed = [
            filing_of(one.bundle_id, one.manifest, item.entry, item.entry.incident, record)
            for one, item, record in zip(new, items, records, strict=True)
        ]
        self._catalogue.file_bundles(outcome.filed)

    def _items(self, new: Sequence[Finished], now_us: int) -> list[Item]:
        incidents = self._catalogue.incidents()
        homes = [incident_for(incidents, one.manifest.start_us).id for one in new]
        paths = [bundle_path(one.manifest, home) for one, home in zip(new, homes, strict=True)]
        taken = self._catalogue.paths_taken(paths)
        items = []
        for one, home, plain in zip(new, homes, paths, strict=True):
            mark = one.bundle_id.hex()[:16]
            path = bundle_path(one.manifest, home, mark=mark) if plain in taken else plain
            taken.add(path)
            items.append(Item(one.part, _entry(one, home, path, now_us)))
        return items

    def _find_conflicts(self, new: Sequence[Finished], outcome: Outcome) -> None:
        claims = self._catalogue.claimed({one.identity for one in new})
        for one in new:
            claimants = claims.setdefault(one.identity, set())
            if claimants:
                text = (
                    f"bundle {one.bundle_id.hex()[:16]} claims sequence {one.manifest.sequence} of "
                    f"{one.manifest.device}, which bundle {min(claimants).hex()[:16]} has; "
                    "both are kept, look at that kit"
                )
                outcome.alarms.append(("identity-conflict", one.manifest.kit, text))
            claimants.add(one.bundle_id)

    def _record(self, one: Finished, outcome: Outcome) -> Gap | Mark | None:
        try:
            return read_record(one.manifest, one.part)
        except CodecError as error:
            is_gap = one.manifest.media_type == GAP_MEDIA_TYPE
            text = f"a {'gap' if is_gap else 'bookmark'} cannot be read ({error}); kept as a file"
            outcome.alarms.append(("gap" if is_gap else "malformed", one.manifest.kit, text))
            return None


def read_record(manifest: Manifest, file: Path) -> Gap | Mark | None:
    """The gap or the mark in a bundle's file; None when it is neither.

    Raises:
        CodecError: it says it is one and is not.
    """
    if manifest.media_type not in {GAP_MEDIA_TYPE, MARK_MEDIA_TYPE}:
        return None
    if manifest.size > _MAX_RECORD_FILE_BYTES:
        raise CodecError("size", f"a record of {manifest.size} bytes")
    content = file.read_bytes()
    return decode_gap(content) if manifest.media_type == GAP_MEDIA_TYPE else decode_mark(content)


def filing_of(
    ident: bytes, manifest: Manifest, entry: Entry, incident: str, record: Gap | Mark | None
) -> Filing:
    """What the catalogue is told of a ledger's entry."""
    journey = Journey(
        captured_us=manifest.recorded_us,
        custody_us=entry.custody_us,
        first_sent_us=entry.first_sent_us,
        first_received_us=entry.first_received_us,
        last_received_us=entry.last_received_us,
        bearers=entry.bearers,
    )
    gap = record if isinstance(record, Gap) else None
    mark = record if isinstance(record, Mark) else None
    return Filing(ident, manifest, entry.encoded, incident, entry.path, journey, gap, mark)


def replay(archive: Archive, catalogue: Catalogue, *, everything: bool = False) -> int:
    """File what the ledger knows and the catalogue does not; returns how many bundles that was.

    A relay that was stopped between moving a file and the catalogue's commit left such ones, at
    the end of its last ledger. With `everything` the whole ledger is read (a new catalogue).
    """
    files = archive.ledger.files()
    count = 0
    incidents = catalogue.incidents()
    for file in files if everything else files[-_NEWEST_FILES:]:
        batch: list[Entry] = []
        for entry in archive.ledger.read(file):
            batch.append(entry)
            if len(batch) == _REPLAY_BATCH:
                count += _replay(archive, catalogue, batch, incidents)
                batch = []
        count += _replay(archive, catalogue, batch, incidents)
    return count


def _replay(
    archive: Archive, catalogue: Catalogue, batch: Sequence[Entry], incidents: Sequence[Incident]
) -> int:
    entries = {bundle_id(entry.encoded): entry for entry in batch}
    held = catalogue.held(entries)
    known = {incident.id for incident in incidents}
    filings = []
    for ident, entry in entries.items():
        manifest = None if ident in held else _manifest(archive, entry)
        if manifest is None:
            continue
        home = entry.incident
        if home == STANDING or home not in known:
            home = incident_for(incidents, manifest.start_us).id
        try:
            record = read_record(manifest, archive.locate(entry.path))
        except CodecError:
            record = None  # told when it was received
        filings.append(filing_of(ident, manifest, entry, home, record))
    if not filings:
        return 0
    archive.settle([filing.path for filing in filings])
    return len(catalogue.file_bundles(filings))


def _manifest(archive: Archive, entry: Entry) -> Manifest | None:
    """The manifest of an entry whose file was moved; None when it never was."""
    manifest = decode_manifest(entry.encoded)
    file = archive.locate(entry.path)
    return manifest if file.is_file() and file.stat().st_size == manifest.size else None


def _entry(one: Finished, incident: str, path: str, now_us: int) -> Entry:
    return Entry(
        encoded=one.encoded,
        incident=incident,
        path=path,
        custody_us=now_us,
        first_sent_us=one.first_sent_us,
        first_received_us=one.first_received_us,
        last_received_us=one.last_received_us,
        bearers=one.bearers,
    )
