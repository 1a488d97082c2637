"""Recordings wherever they lie, as one kind of thing: a kit's flights, and .tlog files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldlink.codecs.tracks import instant
from fieldlink.drone.console.positions import damage_words, read_bounded
from fieldlink.drone.record.index import FlightIndex
from fieldlink.drone.record.reading import join, verify
from fieldlink.drone.record.tracks import systems

__all__ = ["Part", "Recording", "file_recordings", "list_line", "part_problems", "show_lines"]

_MAX_MESSAGES, _MAX_GAPS = 12, 20


@dataclass(frozen=True, slots=True)
class Part:
    """A piece. `state`: growing (being written), pending (not at the centre yet), custody (there),
    refused, or file. `read` gives its bytes, None when they are gone; `check` what is wrong with
    how it is stored, empty if nothing.
    """

    number: int
    size: int
    state: str
    read: Callable[[], bytes | None]
    check: Callable[[], str] = lambda: ""


@dataclass
class Recording:
    """A flight when `armed`, the time between two when not; None: a file says nothing of it.
    `index` is there when the flight is over. Times are UTC us.
    """

    name: str
    device: str
    system: int
    armed: bool | None
    start_us: int
    end_us: int
    frames: int
    parts: list[Part] = field(default_factory=list)
    index: FlightIndex | None = None

    @property
    def size(self) -> int:
        """Bytes of all that is here."""
        return sum(part.size for part in self.parts)

    def content(self) -> bytes:
        """Every good record, by time, as one .tlog file."""
        return join(data for part in self.parts if (data := part.read()) is not None)

    @property
    def missing(self) -> list[int]:
        """The pieces that are not here any more, by number: they went to the centre, or were given
        up."""
        here = {part.number for part in self.parts if part.read() is not None}
        known = {one.number for one in self.index.pieces} if self.index is not None else set()
        last = max((part.number for part in self.parts), default=-1)
        return sorted((known | set(range(last + 1))) - here)

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "device": self.device,
            "system": self.system,
            "armed": self.armed,
            "start_us": self.start_us,
            "end_us": self.end_us,
            "frames": self.frames,
            "bytes": self.size,
            "parts": [[part.number, part.size, part.state] for part in self.parts],
            "index": None if self.index is None else self.index.to_dict(),
        }


def file_recordings(paths: Iterable[Path]) -> Iterator[Recording]:
    """The .tlog files among `paths`, and in those that are folders.

    Raises:
        SourceError: one cannot be read.
    """
    for path in paths:
        inside = path.is_dir()
        files = (
            sorted(p for p in path.iterdir() if p.suffix.lower() == ".tlog") if inside else [path]
        )
        for file in files:
            yield _file(file)


def _file(path: Path) -> Recording:
    data = read_bounded(path)
    verdict = verify(data)
    found = systems(data)
    part = Part(0, len(data), "file", lambda: read_bounded(path))
    return Recording(
        path.name,
        path.stem,
        found[0] if found else 0,
        None,
        verdict.first_us or 0,
        verdict.last_us or 0,
        verdict.records,
        [part],
    )


def part_problems(part: Part) -> list[str]:
    """What is wrong with a piece, read anew; a piece that is not here any more is no problem."""
    stored = part.check()
    data = part.read()
    if data is None:
        return [stored] if stored else []
    damage = damage_words(verify(data))
    # One that is being written may end in the middle of a record.
    if part.state == "growing" and damage.startswith("truncated"):
        damage = ""
    return [problem for problem in (stored, damage) if problem]


def list_line(one: Recording) -> str:
    """A recording on a line."""
    kind = {True: "flight 飞行", False: "idle 待机", None: "file 文件"}[one.armed]
    took_s = max(one.end_us - one.start_us, 0) // 1_000_000
    took = f"{took_s // 60}:{took_s % 60:02}"
    waiting = sum(part.state in ("pending", "growing") for part in one.parts)
    where = "" if one.armed is None else f"  {waiting} of {len(one.parts)} pieces to go 待传"
    return (
        f"{one.name}  {one.device}  {kind}  {instant(one.start_us)}  {took}"
        f"  {one.frames} frames  {one.size / 1e6:.2f} MB{where}"
    )


def show_lines(one: Recording) -> Iterator[str]:
    """A recording and what is in it."""
    yield list_line(one)
    index = one.index
    if index is not None:
        yield f"  ended 结束: {index.ended or 'it goes on'}"
        for gap in index.gaps[:_MAX_GAPS]:
            took_s = (gap.end_us - gap.start_us) / 1e6
            yield f"  gap 缺口: {instant(gap.start_us)}, {took_s:.1f} s: {gap.reason}"
        more = len(index.gaps) - _MAX_GAPS + index.gaps_more
        if more > 0:
            yield f"  and {more} more gaps"
    data = one.content()
    verdict = verify(data)
    for name, count in list(verdict.messages.items())[:_MAX_MESSAGES]:
        yield f"  {count:8}  {name}"
    for part in one.parts:
        yield f"  piece {part.number}: {part.size} bytes, {part.state}"
