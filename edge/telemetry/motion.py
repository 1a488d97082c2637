"""Positions that cannot follow each other, and values that have stopped. Pure.

A jump is what nothing travels: over 350 m/s from the last place that was believed. A device that
was really carried there is believed when a few of its fixes agree with each other.
"""

import math
from typing import NamedTuple

from fieldlink.codecs.telemetry import POSITION, VITALS, Flag, Value

__all__ = ["Frozen", "Motion", "Place", "metres", "without_fix"]

_METRES = 0.011_131_949  # of 1e-7 degree of a great circle, WGS-84 at the equator
_FASTEST_M_S = 350.0
_SLACK_M = 150.0
_BELIEVED = 3
_NO_FIX, _ZERO, _RANGE = int(Flag.NO_FIX), int(Flag.ZERO), int(Flag.RANGE)
_ALIVE_CM_S = 50

_LAT, _LON, _ALT, _HEADING, _SPEED, _ACCURACY, _, _FIX = range(len(POSITION.columns))
_MOTION = [column.name for column in VITALS.columns].index("motion")


class Place(NamedTuple):
    """Where a device was: UTC microseconds, 1e-7 degree."""

    time_us: int
    lat: int
    lon: int


def metres(one: Place, other: Place) -> float:
    """How far apart they are, within a percent up to some 100 km: enough to tell a jump."""
    north = (other.lat - one.lat) * _METRES
    turn = (other.lon - one.lon + 1_800_000_000) % 3_600_000_000 - 1_800_000_000
    middle = math.radians((one.lat + other.lat) * 0.5e-7)
    return math.hypot(north, turn * _METRES * math.cos(middle))


def without_fix(values: tuple[Value, ...], flags: int) -> tuple[tuple[Value, ...], int]:
    """A position's values with everything unknown that a receiver without a fix makes up."""
    lat, lon = values[_LAT], values[_LON]
    if values[_FIX] == 0:
        flags |= _NO_FIX
    if lat == 0 and lon == 0:
        flags |= _ZERO
    elif (lat is None) is not (lon is None):
        flags |= _RANGE
    if lat is not None and lon is not None and not flags & (_NO_FIX | _ZERO):
        return values, flags
    if lat is None and lon is None and not flags & _NO_FIX:
        return values, flags  # it may know its height all the same
    return (None, None, None, None, None, None, *values[_ACCURACY + 1 :]), flags


def _fits(one: Place, other: Place) -> bool:
    passed_s = max(abs(other.time_us - one.time_us) / 1e6, 1.0)
    return metres(one, other) <= _FASTEST_M_S * passed_s + _SLACK_M


class Motion:
    """Where a device was believed to be last."""

    __slots__ = ("_agreeing", "_suspect", "last")

    def __init__(self) -> None:
        self.last: Place | None = None
        self._suspect: Place | None = None
        self._agreeing = 0

    def jumps(self, place: Place) -> bool:
        """Whether `place` is not to be believed after what came before it; it counts as come."""
        if self.last is None or _fits(self.last, place):
            self.last, self._suspect = place, None
            return False
        if self._suspect is None or not _fits(self._suspect, place):
            self._agreeing = 0
        self._suspect = place
        self._agreeing += 1
        if self._agreeing < _BELIEVED:
            return True
        self.last, self._suspect = place, None
        return False


class Frozen:
    """Whether a stream says the same again and again although it says that it is alive.

    A parked vehicle and a quiet patient are still; a receiver that reports a speed and one place,
    a sensor of motion that repeats itself to the last digit, and a device whose time has stopped
    are frozen.
    """

    __slots__ = ("_count", "_device_us", "_is_position", "_patience_us", "_since_us", "_stood_us",
                 "_stream", "_values")  # fmt: skip

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._is_position = stream == POSITION.stream
        self._patience_us = 10_000_000 if self._is_position else 60_000_000
        self._values: tuple[Value, ...] = ()
        self._device_us: int | None = None
        self._since_us, self._stood_us, self._count = 0, 0, 0

    def repeats(self, values: tuple[Value, ...], device_us: int | None, arrival_us: int) -> bool:
        """Whether `values` is one repetition too many."""
        shown = values[: _LON + 1] if self._is_position else values
        if shown != self._values or arrival_us < self._since_us:  # or the clock was set back
            self._values, self._device_us = shown, device_us
            self._since_us, self._stood_us, self._count = arrival_us, arrival_us, 1
            return False
        self._count += 1
        if device_us is None or device_us != self._device_us:
            self._device_us, self._stood_us = device_us, arrival_us
        elif self._count >= 5 and arrival_us - self._stood_us >= 5_000_000:
            return True
        if self._count < 10 or arrival_us - self._since_us < self._patience_us:
            return False
        return self._is_alive(values)

    def _is_alive(self, values: tuple[Value, ...]) -> bool:
        says = values[_SPEED] if self._is_position else None
        if self._is_position:
            return isinstance(says, int) and says >= _ALIVE_CM_S and values[_LAT] is not None
        moves = values[_MOTION] if self._stream == VITALS.stream else None
        return isinstance(moves, int) and moves > 0
