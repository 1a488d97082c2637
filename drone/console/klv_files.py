"""KLV in files: transport streams (and whatever libav opens), bare sets, records of a kit."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import av.error

from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.klv import (
    KEY,
    Framer,
    KlvError,
    LocalSet,
    Stray,
    Tag,
    decode,
    platform_angles,
    read_records,
)
from fieldlink.codecs.tracks import Fix, Track

__all__ = ["KlvFile", "klv_track", "read_klv"]

_MAX_BYTES = 64_000_000  # of bare sets: two days of an aircraft
_MOST_STREAMS = 4
_MOST_NOISE = 3
_PACKET = 188  # bytes of a transport stream's packet
_BARE, _RECORDS = ".klv", ".klvs"


@dataclass
class KlvFile:
    """The sets of a file as bytes and as values, and what is wrong with it."""

    raw: list[bytes] = field(default_factory=list)
    sets: list[LocalSet] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    bad: int = 0

    @property
    def damage(self) -> str:
        """In words; empty for a file that is whole."""
        more = self.bad - len(self.troubles)
        return "; ".join([*self.troubles, *([f"and {more} more"] if more > 0 else [])])

    def trouble(self, said: str) -> None:
        """Something is wrong."""
        self.bad += 1
        if len(self.troubles) < _MOST_NOISE:
            self.troubles.append(said)


def read_klv(path: Path) -> KlvFile:
    """All sets of MISB ST 0601 in a file, up to the damage and behind it.

    Raises:
        SourceError: it cannot be read, or there are none.
    """
    found = KlvFile()
    framers: dict[int, Framer] = {}
    for number, data in _packets(path, found):
        if number in framers or KEY in data:  # others send data too
            for one in framers.setdefault(number, Framer()).feed(data):
                _take(found, one)
    for framer in framers.values():
        for stray in framer.end():
            _take(found, stray)
    if not found.sets:
        detail = f"{path.name} has no KLV of MISB ST 0601"
        raise SourceError("no-klv", f"{detail}: {found.damage}" if found.bad else detail)
    return found


def _take(found: KlvFile, one: bytes | Stray) -> None:
    if isinstance(one, Stray):
        found.trouble(f"{one.reason}: {one.size} bytes from byte {one.at} of its data are no set")
        return
    try:
        found.sets.append(decode(one))
        found.raw.append(one)
    except KlvError as error:
        found.trouble(f"set {len(found.sets) + 1}: {error}")


def _packets(path: Path, found: KlvFile) -> Iterator[tuple[int, bytes]]:
    try:
        if path.suffix.lower() in (_BARE, _RECORDS):
            yield from _plain(path, found)
            return
        size = path.stat().st_size
    except OSError as error:
        raise SourceError("not-found", f"{path}: {error.strerror or error}") from error
    av.logging.set_level(av.logging.FATAL)
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as source:
            chosen = list(source.streams.data[:_MOST_STREAMS])
            if not chosen:
                return
            for packet in source.demux(chosen):
                if packet.size:
                    yield packet.stream_index, bytes(packet)
            if source.format.name == "mpegts" and path.suffix.lower() == ".ts" and size % _PACKET:
                found.trouble(f"truncated: it ends in the middle of a packet, at byte {size}")
    except (av.error.FFmpegError, OSError) as error:
        if not found.sets:
            raise SourceError("not-media", f"{path.name}: libav cannot read it: {error}") from error
        found.trouble(f"libav stops in it, of {size} bytes: {error}")


def _plain(path: Path, found: KlvFile) -> Iterator[tuple[int, bytes]]:
    if path.stat().st_size > _MAX_BYTES:
        raise SourceError(
            "size", f"{path.name} is larger than {_MAX_BYTES // 1_000_000} MB; cut it"
        )
    data = path.read_bytes()
    if path.suffix.lower() == _BARE:
        yield 0, data
        return
    try:
        for record in read_records(data):
            yield 0, record.data
    except KlvError as error:
        found.trouble(str(error))


def klv_track(found: KlvFile, name: str) -> Track:
    """Where the aircraft was, by its own time; its heading is where the nose points."""
    fixes = []
    for one in found.sets:
        lat, lon, at_us = one.number(Tag.LAT), one.number(Tag.LON), one.time_us
        if at_us is not None and lat is not None and lon is not None:
            heading, speed = platform_angles(one)[0], one.number(Tag.GROUND_SPEED)
            fixes.append(Fix(at_us, lat, lon, one.number(Tag.ALT), heading, speed))
    return Track("", name, "drone", sorted(fixes, key=lambda fix: fix.time_us))
