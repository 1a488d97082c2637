"""The device's time against the kit's: UTC = device time + offset, from what arrives when.

A packet cannot arrive before it was taken, so the smallest difference of arrival and device time
seen lately is the best estimate of the offset; delay only ever adds to it. The device's own idea
of the date is never used.
"""

from collections import deque
from itertools import pairwise

__all__ = ["ArrivalClock", "SetWatch"]

_JUMP_US = 3_000_000
_SET_US = 10_000_000
_BUCKET_US = 10_000_000
_BUCKETS = 6


class ArrivalClock:
    """Maps device time to UTC; all times are microseconds.

    The offset is the least of the last minute, so a device clock that drifts is followed.
    """

    def __init__(self) -> None:
        self._buckets: deque[tuple[int, int]] = deque(maxlen=_BUCKETS)
        self._last: dict[str, tuple[int, int]] = {}
        self.jumps = 0

    def observe(self, track: str, device_us: int, arrival_us: int) -> bool:
        """Learn from a packet; True if the device's clock jumped just before it.

        A jump is more than 3 s backward, or forward beyond what passed on the kit's clock.
        """
        last = self._last.get(track)
        jumped = last is not None and self._is_jump(last, device_us, arrival_us)
        if jumped:
            self.jumps += 1
            self._buckets.clear()
            self._last.clear()
        self._last[track] = (device_us, arrival_us)
        self._learn(arrival_us - device_us, arrival_us)
        return jumped

    @staticmethod
    def _is_jump(last: tuple[int, int], device_us: int, arrival_us: int) -> bool:
        moved, passed = device_us - last[0], max(arrival_us - last[1], 0)
        return moved < -_JUMP_US or moved > passed + _JUMP_US

    def _learn(self, offset_us: int, arrival_us: int) -> None:
        slot = arrival_us // _BUCKET_US
        if self._buckets and self._buckets[-1][0] == slot:
            self._buckets[-1] = (slot, min(self._buckets[-1][1], offset_us))
        else:
            self._buckets.append((slot, offset_us))

    @property
    def is_known(self) -> bool:
        """Whether anything arrived since it began, or jumped."""
        return bool(self._buckets)

    @property
    def offset_us(self) -> int:
        """UTC minus device time; 0 before anything arrived."""
        return min((offset for _, offset in self._buckets), default=0)

    def utc_us(self, device_us: int) -> int:
        """The instant of the kit's clock that device time `device_us` stands for."""
        return device_us + self.offset_us

    @property
    def drift_us(self) -> int:
        """How far the estimates of the last minute lie apart: a bound on the error seen."""
        offsets = [offset for _, offset in self._buckets]
        return max((abs(b - a) for a, b in pairwise(offsets)), default=0)


class SetWatch:
    """Notices that the kit's own clock was set: against one that nobody sets it moved by more
    than ten seconds. What is smaller the arrivals of a minute even out.
    """

    def __init__(self) -> None:
        self._ahead_us: int | None = None

    def was_set(self, kit_us: int, steady_us: int) -> bool:
        """Whether it was, since the time before."""
        ahead_us = kit_us - steady_us
        before_us, self._ahead_us = self._ahead_us, ahead_us
        return before_us is not None and abs(ahead_us - before_us) > _SET_US
