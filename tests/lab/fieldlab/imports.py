"""A spool that files are imported into, and what has come into it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from fieldlab.flightlogs import UTC_US
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import (
    FILE_MEDIA_TYPE,
    FLIGHT_MEDIA_TYPE,
    TLOG_MEDIA_TYPE,
    FileIndex,
    Manifest,
)
from fieldlink.codecs.telemetry import SHEAF_MEDIA_TYPE, Sample, decode_sheaf
from fieldlink.drone.record import FlightIndex
from fieldlink.edge.importing.held import hold
from fieldlink.edge.importing.importer import Result, import_file, whole_add
from fieldlink.edge.importing.ledger import find_import, note_import
from fieldlink.edge.importing.order import Order, Place
from fieldlink.edge.spool import Spool

__all__ = ["BEIJING", "Landing", "srt"]

BEIJING = timezone(timedelta(hours=8))
_DAY_US = 86_400_000_000


@dataclass
class Landing:
    """A spool in `folder`. `forget` has it know of no file, as when a kill came before that was
    noted.
    """

    folder: Path
    forget: bool = False
    gaps: list[tuple[Any, ...]] = field(default_factory=list)

    @contextmanager
    def _open(self) -> Iterator[Spool]:
        spool = open_spool(self.folder / "spool")
        try:
            yield spool
        finally:
            spool.close()

    def take(self, path: Path, beside: Path | None = None, **order: Any) -> Result:
        """Import `path`."""
        asked = Order(path.name, **{"vehicle": "m300-1", **order})
        file = hold(path)
        held = hold(beside) if beside is not None else None
        try:
            with self._open() as spool:
                place = Place(
                    add=whole_add(spool.add),
                    add_gap=lambda *gap: self.gaps.append(gap),
                    clock=lambda: UTC_US + _DAY_US,
                    name_of=lambda sysid: f"mav-{sysid}",
                    find=(lambda _: None) if self.forget else partial(find_import, self.folder),
                    note=partial(note_import, self.folder),
                )
                return import_file(file, held, asked, place)
        finally:
            for one in (file, held):
                if one is not None:
                    one.close()

    def bundles(self) -> list[tuple[Manifest, bytes]]:
        """All that is stored."""
        with self._open() as spool:
            return [
                (one.manifest, spool.read(one.bundle_id, 0, one.manifest.size))
                for one in spool.bundles()
            ]

    def flights(self) -> list[FlightIndex]:
        """The indexes of flights."""
        return [FlightIndex.from_dict(json.loads(c)) for _, c in self._of(FLIGHT_MEDIA_TYPE)]

    def pieces(self) -> list[tuple[Manifest, bytes]]:
        """The pieces of recordings."""
        return self._of(TLOG_MEDIA_TYPE)

    def files(self) -> list[tuple[FileIndex, bytes]]:
        """The files, each joined from its parts as its index says."""
        stored = {m.content_hash.hex(): content for m, content in self.bundles()}
        indexes = [FileIndex.from_dict(json.loads(c)) for _, c in self._of(FILE_MEDIA_TYPE)]
        return [(one, b"".join(stored[part.hash] for part in one.parts)) for one in indexes]

    def samples(self) -> dict[tuple[str, str, int], dict[int, Sample]]:
        """By device, stream and epoch, and by number."""
        found: dict[tuple[str, str, int], dict[int, Sample]] = {}
        for _, content in self._of(SHEAF_MEDIA_TYPE):
            for block in decode_sheaf(content):
                key = block.device, block.schema.stream, block.epoch
                found.setdefault(key, {}).update({one.sequence: one for one in block.samples})
        return found

    def stream(self, name: str) -> list[Sample]:
        """The samples of the one series of that stream."""
        [series] = [one for (_, stream, _), one in self.samples().items() if stream == name]
        return [series[number] for number in sorted(series)]

    def _of(self, media_type: str) -> list[tuple[Manifest, bytes]]:
        return [one for one in self.bundles() if one[0].media_type == media_type]


def srt(seconds: int, every_ms: int = 500) -> str:
    """Subtitles of a Mavic that climbs a metre a second from 30.1234, 103.5, at 08:30."""
    blocks = []
    for number, ms in enumerate(range(0, seconds * 1000, every_ms)):
        begin, end = (f"00:00:{at // 1000:02},{at % 1000:03}" for at in (ms, ms + every_ms))
        blocks.append(
            f"{number + 1}\n{begin} --> {end}\n"
            f'<font size="28">FrameCnt: {number + 1}, DiffTime: 33ms\n'
            f"2026-05-01 08:30:{ms // 1000:02}.{ms % 1000:03}\n"
            f"[iso: 100] [latitude: {30.1234 + ms * 1e-8:.6f}] [longitude: 103.500000] "
            f"[rel_alt: {ms / 1000:.3f} abs_alt: {500 + ms / 1000:.3f}] "
            f"[gb_yaw: 90.0 gb_pitch: -45.0 gb_roll: 0.0]</font>\n\n"
        )
    return "".join(blocks)
