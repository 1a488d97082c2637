"""Clips out of a kit's spool: a camera's originals, and what is known of where it was. Changes
nothing; also beside a running agent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import KLV_MEDIA_TYPE, TLOG_MEDIA_TYPE, Layer, Manifest
from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.klv import KlvError, Narrator, Record, read_records
from fieldlink.codecs.telemetry import (
    OLDEST_US,
    SHEAF_MEDIA_TYPE,
    Sample,
    Schema,
    iter_sheaf,
)
from fieldlink.codecs.tracks import instant
from fieldlink.drone.record.samples import flight_samples
from fieldlink.edge.spool import SpoolView, Stored
from fieldlink.systemd.transport import LONGEST_US, SLACK_US, Clip, Piece

__all__ = ["Asked", "KitClip"]

_GAP_US = 500_000
_STREAM, _VIDEO = "video", "video/mp4"


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which camera, and of [`from_us`, `to_us`). `carrier` is the device that carries it ("":
    none but itself), `hfov` the field of view of a lens that does not zoom.
    """

    device: str
    from_us: int
    to_us: int
    carrier: str = ""
    hfov: float | None = None
    every_us: int = 200_000
    mission: str = ""


@dataclass
class _Found:
    """What of the spool belongs to a clip."""

    videos: list[Stored] = field(default_factory=list)
    others: list[Stored] = field(default_factory=list)  # pictures that are no originals
    records: list[Stored] = field(default_factory=list)
    tlogs: list[Stored] = field(default_factory=list)
    sheaves: list[Stored] = field(default_factory=list)


class KitClip:
    """One clip; `write` gives its bytes, after which `report` says what is in it."""

    def __init__(self, view: SpoolView, asked: Asked) -> None:
        self._view, self._asked = view, asked
        self._found = _find(view, asked)
        self._missing = 0
        self._gaps: list[tuple[int, int]] = []
        self._damaged: list[str] = []
        carrier = asked.carrier or asked.device
        texts = {"mission": asked.mission, "designation": carrier, "sensor": asked.device}
        own = list(self._samples(asked.device)) if asked.carrier else None
        self._narrator = Narrator(
            self._records(),
            sorted(self._carrier_samples(carrier), key=lambda one: one[1].time_us),
            own,
            every_us=asked.every_us,
            hfov=asked.hfov,
            texts=texts,
        )
        self._clip = Clip(asked.from_us, asked.to_us, asked.device)

    def write(self) -> Iterator[bytes]:
        """The transport stream.

        Raises:
            SourceError: there is no video of that time.
        """
        asked = self._asked
        if not self._found.videos:
            why = "no originals of it are on this kit any more, or they are not recorded"
            if not self._found.others:
                why = "nothing was recorded then; see fieldlink edge spool list"
            span = f"{instant(asked.from_us)} to {instant(asked.to_us)}"
            raise SourceError("empty", f"{asked.device}: no video from {span}: {why}")
        yield from self._clip.write(self._pieces())
        if self._clip.first_us is None:
            raise SourceError("empty", f"{asked.device}: what is there cannot be read")

    def _pieces(self) -> Iterator[Piece]:
        end_us: int | None = None
        for item in self._found.videos:
            manifest = item.manifest
            content = self._view.content(item, 0, manifest.size)
            if content is None:
                self._missing += 1
                continue
            if end_us is not None and manifest.start_us - end_us > _GAP_US:
                self._gaps.append((end_us, manifest.start_us))
            begin_us = max(end_us or 0, manifest.start_us - SLACK_US)
            until_us = self._until(manifest)
            end_us = max(until_us, end_us or 0)
            sets = self._narrator.between(begin_us, until_us)
            yield Piece(content, manifest.start_us, sets)

    def _until(self, manifest: Manifest) -> int:
        """Up to when sets are wanted for a piece, whatever it says of its end."""
        return min(manifest.end_us, self._asked.to_us, manifest.start_us + LONGEST_US)

    def _records(self) -> Iterator[Record]:
        for item in self._found.records:
            try:
                yield from read_records(self._content(item))
            except KlvError as error:
                self._damaged.append(f"KLV of {instant(item.manifest.start_us)}: {error}")

    def _content(self, item: Stored) -> bytes:
        return self._view.content(item, 0, item.manifest.size) or b""

    def _carrier_samples(self, carrier: str) -> Iterator[tuple[Schema, Sample]]:
        yield from self._samples(carrier)
        systems = {item.manifest.meta.get("system") for item in self._found.tlogs}
        for system in systems:
            if isinstance(system, int):
                pieces = (
                    self._content(item)
                    for item in self._found.tlogs
                    if item.manifest.meta.get("system") == system
                )
                yield from flight_samples(pieces, system)

    def _samples(self, device: str) -> Iterable[tuple[Schema, Sample]]:
        """What sheaves have of a device, each sample once, by time."""
        known: dict[tuple[str, int, int], tuple[Schema, Sample]] = {}
        low_us, high_us = self._asked.from_us - OLDEST_US, self._asked.to_us + OLDEST_US
        for item in self._found.sheaves:
            try:
                for block in iter_sheaf(self._content(item), device):
                    for sample in block.samples:
                        if low_us <= sample.time_us <= high_us:
                            key = block.schema.stream, block.epoch, sample.sequence
                            known.setdefault(key, (block.schema, sample))
            except CodecError as error:
                self._damaged.append(f"telemetry of {instant(item.manifest.start_us)}: {error}")
        return sorted(known.values(), key=lambda one: one[1].time_us)

    def report(self, out: Path, size: int) -> dict[str, Any]:
        """What was written."""
        clip = self._clip
        return {
            "file": str(out),
            "bytes": size,
            "device": self._asked.device,
            "from_us": clip.first_us,
            "to_us": clip.last_us,
            "pictures": clip.pictures,
            "sets": len(clip.sets_us),
            "sets_made": sum(at_us in self._narrator.made_us for at_us in clip.sets_us),
            "gaps": self._gaps,
            "missing_pieces": self._missing,
            "ended": clip.why,
            "damaged": [*clip.damaged, *self._damaged],
        }


def _find(view: SpoolView, asked: Asked) -> _Found:
    found = _Found()
    low_us, high_us = asked.from_us - OLDEST_US, asked.to_us + OLDEST_US
    carrier = asked.carrier or asked.device
    for item in view.bundles():
        manifest = item.manifest
        if manifest.end_us < low_us or manifest.start_us > high_us:
            continue
        kind = manifest.media_type.partition(";")[0]
        if kind == SHEAF_MEDIA_TYPE:
            found.sheaves.append(item)
        elif kind == TLOG_MEDIA_TYPE and manifest.device == carrier:
            found.tlogs.append(item)
        elif manifest.device != asked.device:
            continue
        elif kind == KLV_MEDIA_TYPE:
            found.records.append(item)
        elif manifest.stream == _STREAM and asked.from_us < manifest.end_us:
            if kind == _VIDEO and manifest.layer is Layer.ORIGINAL:
                if manifest.start_us < asked.to_us:
                    found.videos.append(item)
            elif manifest.start_us < asked.to_us:
                found.others.append(item)
    for each in (found.videos, found.records, found.tlogs):
        each.sort(key=lambda item: (item.manifest.start_us, item.manifest.sequence))
    return found
