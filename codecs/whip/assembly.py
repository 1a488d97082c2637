"""RTP packets of one track, in whatever order they come, to whole frames (RFC 3550, RFC 6184 5).

A packet that is missing is waited for, because it is asked for again; then what belongs to it is
given up, and the next frame says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Assembly", "Frame"]

_MOST_WAITING = 2_048
_MAX_FRAME_BYTES = 8_000_000
_RESTART = 3_000  # sequence numbers: whoever is so far off began anew (RFC 3550 A.1)


@dataclass(frozen=True, slots=True)
class Frame:
    """`timestamp` in ticks that do not wrap; `arrival_us` of its last packet; `lost`: something
    right before it is missing.
    """

    timestamp: int
    data: bytes
    arrival_us: int
    lost: bool


@dataclass(frozen=True, slots=True)
class _Part:
    timestamp: int
    marker: bool
    data: bytes
    arrival_us: int


class Assembly:
    """Frames of one track. `starts(data)` tells whether a packet begins a frame that needs none
    before it; without it every packet is a frame. Times are microseconds.
    """

    def __init__(self, patience_us: int, starts: Callable[[bytes], bool] | None = None) -> None:
        self._patience_us, self._starts = patience_us, starts
        self._waiting: dict[int, _Part] = {}
        self._next: int | None = None
        self._highest = 0
        self._tick = 0
        self._parts: list[_Part] = []
        self._size = 0
        self._at_start = False
        self._lost = False
        self.packets = 0
        self.missing = 0
        self.late = 0

    def add(
        self, sequence: int, timestamp: int, marker: bool, data: bytes, at_us: int
    ) -> list[Frame]:
        """Take a packet (16 bits of sequence, 32 of time stamp); the frames that are whole now."""
        self.packets += 1
        number = self._unwrapped(sequence)
        if self._next is None:
            self._next = number
        if number < self._next or number in self._waiting:
            self.late += 1
            return []
        self._waiting[number] = _Part(self._time(timestamp), marker, data, at_us)
        frames = self._drain()
        while self._waiting and self._is_overdue(at_us):
            self._give_up()
            frames += self._drain()
        return frames

    def ticks(self, timestamp: int) -> int:
        """32 bits of time stamp on the line of the frames, without moving it."""
        return self._tick + _signed(timestamp - self._tick, 32)

    def _unwrapped(self, sequence: int) -> int:
        if self._next is None:
            self._highest = sequence
            return sequence
        away = _signed(sequence - self._highest, 16)
        if abs(away) > _RESTART:
            self._waiting.clear()
            self._break()
            self._highest = self._next = ((self._highest >> 16) + 2 << 16) + sequence
            return self._highest
        number = self._highest + away
        self._highest = max(self._highest, number)
        return number

    def _time(self, timestamp: int) -> int:
        if not self.packets - 1:
            self._tick = timestamp
        self._tick = self.ticks(timestamp)
        return self._tick

    def _is_overdue(self, now_us: int) -> bool:
        oldest = self._waiting[min(self._waiting)]
        too_many = len(self._waiting) > _MOST_WAITING
        waited_us = now_us - oldest.arrival_us
        return too_many or not 0 <= waited_us < self._patience_us  # below 0 a clock was set back

    def _give_up(self) -> None:
        first = min(self._waiting)
        self.missing += first - (self._next or 0)
        self._next = first
        self._break()

    def _break(self) -> None:
        self._parts, self._size = [], 0
        self._at_start, self._lost = False, True

    def _drain(self) -> list[Frame]:
        frames: list[Frame] = []
        while self._next is not None and (part := self._waiting.pop(self._next, None)):
            self._next += 1
            frames += self._take(part)
        return frames

    def _take(self, part: _Part) -> list[Frame]:
        if self._starts is None:
            return [self._frame([part])] if part.data else []
        frames = []
        if self._parts and part.timestamp != self._parts[-1].timestamp:  # it had no marker
            frames.append(self._frame(self._parts))
            self._parts, self._size = [], 0
        if not part.data:  # padding
            return frames
        if not self._parts and not self._at_start and not self._starts(part.data):
            self._at_start = part.marker
            return frames
        self._at_start = True
        self._parts.append(part)
        self._size += len(part.data)
        if part.marker:
            frames.append(self._frame(self._parts))
            self._parts, self._size = [], 0
        elif self._size > _MAX_FRAME_BYTES:
            self._break()
        return frames

    def _frame(self, parts: list[_Part]) -> Frame:
        lost, self._lost = self._lost, False
        data = b"".join(part.data for part in parts)
        return Frame(parts[0].timestamp, data, parts[-1].arrival_us, lost)


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
