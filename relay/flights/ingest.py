"""From filed bundles to flights: in order of filing, by a cursor.

Custody never waits for this. What is read and not stored is read again after a crash, and that
changes nothing: a piece counts once by its number, an index by its content.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, UNSEEN_STREAMS, Layer
from fieldlink.codecs.fault import ArchiveError, CodecError
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import (
    Catalogue,
    FiledBundle,
    FoundIndex,
    FoundPiece,
    Seen,
    StoredFlight,
    Touch,
)
from fieldlink.relay.flights.found import found_in
from fieldlink.relay.telemetry.ingest import SAMPLE_CURSOR

__all__ = ["FLIGHT_CURSOR", "SHEAF_CURSOR", "Ingest", "Note"]

FLIGHT_CURSOR = "flights"
SHEAF_CURSOR = "flight-samples"
_PAGE = 2_000
_MOST_TRIES = 20
_VIDEO = (Layer.PROXY, Layer.ORIGINAL)

Note = Callable[[str, str | None, str], None]
"""Counts something that happened: kind, kit, text."""


class Ingest:
    """Reads on with `read` and `read_samples`; used by one thread."""

    def __init__(self, catalogue: Catalogue, archive: Archive, note: Note) -> None:
        self._catalogue = catalogue
        self._archive = archive
        self._note = note
        self._cursor = catalogue.cursor(FLIGHT_CURSOR)
        self._stored = self._cursor
        self._sheaves = catalogue.cursor(SHEAF_CURSOR)
        self._devices = catalogue.flight_devices()
        self._tries: Counter[bytes] = Counter()
        self.refused = 0

    def read(self) -> tuple[list[StoredFlight], bool]:
        """Take the next page of bundles; the flights that changed, and whether there is more.

        Raises:
            OSError, ArchiveError: the disk or the catalogue does not work; nothing was taken.
        """
        seen, full, upto, more = self._catalogue.filed_after(self._cursor, _PAGE)
        found = [one for filed in full if (one := self._found(filed)) is not None]
        self._devices.update(one.key[:2] for one in found)
        touched = self._touched(seen, full)
        changed: list[StoredFlight] = []
        if found or touched:
            changed, odd = self._catalogue.take_flights(found, touched, (FLIGHT_CURSOR, upto))
            for kit, text in odd:
                self._note("flight", kit, text)
            self._stored = upto
        elif upto - self._stored > _PAGE:  # so that a restart does not pass over all of them again
            self._catalogue.put_cursor(FLIGHT_CURSOR, upto)
            self._stored = upto
        self._cursor = upto
        return changed, more

    def read_samples(self) -> bool:
        """Mark the flights of whose time samples were stored since; whether there is more.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        upto = self._catalogue.cursor(SAMPLE_CURSOR)
        if upto <= self._sheaves:
            return False
        touched, reached = self._catalogue.measured_after(self._sheaves, upto, _PAGE)
        kits = {kit for kit, _ in self._devices}
        touched = [touch for touch in touched if touch[0] in kits]
        if touched:
            self._catalogue.touch_flights(touched, (SHEAF_CURSOR, reached))
        elif reached - self._sheaves > _PAGE:
            self._catalogue.put_cursor(SHEAF_CURSOR, reached)
        self._sheaves = reached
        return reached < upto

    def _touched(self, seen: Sequence[Seen], full: Sequence[FiledBundle]) -> list[Touch]:
        """The times of which kits with aircraft have sent video, or said what is missing."""
        spans: dict[str, tuple[int, int]] = {}
        kits = {kit for kit, _ in self._devices}
        told = [
            (one.kit, one.start_us, one.end_us)
            for one in seen
            if one.layer in _VIDEO and one.stream not in UNSEEN_STREAMS
        ]
        gaps = (one.manifest for one in full if one.manifest.media_type == GAP_MEDIA_TYPE)
        told += [(gap.kit, gap.start_us, gap.end_us) for gap in gaps]
        for kit, start_us, end_us in told:
            if kit in kits:  # of any device: its kit says which of them an aircraft carries
                first_us, last_us = spans.get(kit, (start_us, end_us))
                spans[kit] = min(first_us, start_us), max(last_us, end_us)
        return [(kit, "", *span) for kit, span in spans.items()]

    def _found(self, filed: FiledBundle) -> FoundPiece | FoundIndex | None:
        kit = filed.manifest.kit
        name = f"bundle {filed.bundle_id.hex()[:16]} of {kit}"
        try:
            return found_in(filed, self._archive)
        except CodecError as error:
            self.refused += 1
            self._note("flight", kit, f"{name} is nothing of a flight ({error}); kept as a file")
        except (OSError, ArchiveError) as error:
            self._unread(filed, name, error)
        return None

    def _unread(self, filed: FiledBundle, name: str, error: OSError | ArchiveError) -> None:
        """A file cannot be read: a disk may come back, one that is gone does not."""
        self._tries[filed.bundle_id] += 1
        gone = isinstance(error, FileNotFoundError | ArchiveError)
        if not gone and self._tries[filed.bundle_id] < _MOST_TRIES:
            raise error
        del self._tries[filed.bundle_id]
        self._note("flight", filed.manifest.kit, f"{name} cannot be read: {error}; passed over")
