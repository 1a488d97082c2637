"""Archived video with KLV beside it, as an MPEG transport stream: what came of a camera's own, and
else what the catalogue has of where it was.
"""

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import KLV_STREAM, Layer, Manifest
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.klv import KlvError, Narrator, Record, read_records
from fieldlink.codecs.telemetry import OLDEST_US, POSITION, Sample, Schema
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import Catalogue, FiledBundle
from fieldlink.relay.export.gather import Asked
from fieldlink.relay.telemetry.history import History, Query
from fieldlink.systemd.transport import LONGEST_US, SLACK_US, Clip, Piece

__all__ = ["CentreClip", "ClipOptions"]

_PAGE = 500
_VIDEO = "video"
_STREAMS = (POSITION.stream, "attitude", "gimbal", "flight")
_FITS = ("avc1", "avc3", "hvc1", "hev1")
_SECOND = re.compile(r"(.+)-\d{1,2}")
_GAP_US = 500_000


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """`carrier` is the device that carries the camera ("": found by its name), `every_us` lies
    between sets that are made.
    """

    carrier: str = ""
    every_us: int = 200_000
    mission: str = ""


@dataclass
class CentreClip:
    """One clip; `write` gives its bytes, after which `report` says what is in it."""

    catalogue: Catalogue
    root: Path
    asked: Asked
    options: ClipOptions = field(default_factory=ClipOptions)

    def __post_init__(self) -> None:
        self._archive = Archive.open(self.root, write=False)
        self._clip: Clip | None = None
        self._narrator = Narrator()
        self._thin = False
        self._gaps: list[tuple[int, int]] = []
        self._damaged: list[str] = []

    def write(self) -> Iterator[bytes]:
        """The transport stream.

        Raises:
            ArchiveError: it is not said of which camera, or there is no video of that time.
        """
        asked = self.asked
        if asked.device is None:
            raise ArchiveError("a clip is of one camera: name it with --device")
        pieces = self._pieces_found()
        kits = sorted({piece.manifest.kit for piece in pieces})
        if len(kits) > 1:
            raise ArchiveError(f"{asked.device} is of {', '.join(kits)}: say which with --kit")
        kit, carrier = kits[0], self._carrier(kits[0], asked.device)
        camera = None if carrier == asked.device else self._samples(kit, asked.device)
        self._narrator = Narrator(
            self._records(kit, asked.device),
            self._samples(kit, carrier),
            camera,
            every_us=self.options.every_us,
            texts={
                "mission": self.options.mission,
                "designation": carrier,
                "sensor": asked.device,
            },
        )
        self._clip = Clip(asked.from_us, asked.to_us, asked.device)
        yield from self._clip.write(self._pieces(pieces))
        if self._clip.first_us is None:
            raise ArchiveError(f"{asked.device}: what is there of that time cannot be read")

    def _pieces_found(self) -> list[FiledBundle]:
        """The originals; without, thin video that a transport stream of MISB may carry."""
        originals = list(self._bundles(_VIDEO, Layer.ORIGINAL, self.asked.kit))
        if originals:
            return originals
        thin = list(self._bundles(_VIDEO, Layer.PROXY, self.asked.kit))
        fitting = [one for one in thin if any(name in one.manifest.media_type for name in _FITS)]
        if fitting:
            self._thin = True
            return fitting
        why = "only thin video in AV1 has come; want its original first" if thin else "none came"
        raise ArchiveError(f"{self.asked.device}: no video of that time to be exported: {why}")

    def _bundles(self, stream: str, layer: Layer, kit: str | None) -> Iterator[FiledBundle]:
        asked, after = self.asked, None
        while True:
            page = self.catalogue.bundles(
                kit=kit,
                device=asked.device,
                stream=stream,
                layer=layer.value,
                from_us=asked.from_us,
                to_us=asked.to_us,
                limit=_PAGE,
                after=after,
            )
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].number

    def _carrier(self, kit: str, device: str) -> str:
        if self.options.carrier:
            return self.options.carrier
        behind = _SECOND.fullmatch(device)
        # An aircraft's second camera is NAME-2, and says itself where it looks at most.
        if behind is None or self._speaks(kit, device) or not self._speaks(kit, behind[1]):
            return device
        return behind[1]

    def _speaks(self, kit: str, device: str) -> bool:
        return bool(
            self.catalogue.find_series(kit=kit, device=device, stream=POSITION.stream, limit=1)
        )

    def _samples(self, kit: str, device: str) -> Iterator[tuple[Schema, Sample]]:
        history = History(self.catalogue)
        low_us, high_us = self.asked.from_us - OLDEST_US, self.asked.to_us + OLDEST_US
        streams = (
            history.samples(Query(kit, device, stream, max(low_us, 0), high_us))
            for stream in _STREAMS
        )
        for _, schema, sample in heapq.merge(*streams, key=lambda one: one[2].time_us):
            yield schema, sample

    def _records(self, kit: str, device: str) -> Iterator[Record]:
        for one in self._bundles(KLV_STREAM, Layer.ORIGINAL, kit):
            try:
                yield from read_records(self._content(one))
            except KlvError as error:
                self._damaged.append(f"{one.path}: {error}")

    def _content(self, one: FiledBundle) -> bytes:
        try:
            return self._archive.locate(one.path).read_bytes()
        except OSError as error:
            self._damaged.append(f"{one.path}: {error.strerror or error}")
            return b""

    def _pieces(self, pieces: list[FiledBundle]) -> Iterator[Piece]:
        end_us: int | None = None
        for one in pieces:
            manifest, content = one.manifest, self._content(one)
            if not content:
                continue
            if end_us is not None and manifest.start_us - end_us > _GAP_US:
                self._gaps.append((end_us, manifest.start_us))
            begin_us = max(end_us or 0, manifest.start_us - SLACK_US)
            until_us = self._until(manifest)
            end_us = max(until_us, end_us or 0)
            sets = self._narrator.between(begin_us, until_us)
            yield Piece(content, manifest.start_us, sets)

    def _until(self, manifest: Manifest) -> int:
        """Up to when sets are wanted for a piece, whatever its kit says of its end."""
        return min(manifest.end_us, self.asked.to_us, manifest.start_us + LONGEST_US)

    def report(self) -> dict[str, Any]:
        """What was written."""
        clip = self._clip
        if clip is None:
            return {}
        return {
            "device": self.asked.device,
            "from_us": clip.first_us,
            "to_us": clip.last_us,
            "pictures": clip.pictures,
            "sets": len(clip.sets_us),
            "sets_made": sum(at_us in self._narrator.made_us for at_us in clip.sets_us),
            "thin": self._thin,
            "gaps": self._gaps,
            "ended": clip.why,
            "damaged": [*clip.damaged, *self._damaged],
        }
