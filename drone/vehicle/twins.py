"""Two aircraft with one system number: as far as MAVLink goes they are one, and which of them obeys
a command is chance. They are told apart by when each was switched on.
"""

from collections import deque
from dataclasses import dataclass, field

from fieldlink.codecs.mavlink import Frame, id_of
from fieldlink.drone.vehicle.reading import fields_of
from fieldlink.drone.vehicle.said import Key

__all__ = ["Twins"]

_MESSAGES = frozenset(id_of(name) for name in ("ATTITUDE", "GLOBAL_POSITION_INT"))
_APART_MS = 10_000  # less is what a link holds back
_CHANGES = 4  # a new start is one, a link that stalls and catches up two
_WITHIN_US = 20_000_000
_SAID_US = 60_000_000
_MOST = 128


@dataclass(slots=True)
class _Clock:
    began_ms: int
    changes: deque[int] = field(default_factory=lambda: deque(maxlen=_CHANGES))
    seen_us: int | None = None


class Twins:
    """Only what comes by quick links is to be given: what lies about for long looks like another's.
    `now_us` is a clock that only goes forward. Two that were switched on within 10 s of each other
    are not found.
    """

    def __init__(self) -> None:
        self._clocks: dict[Key, _Clock] = {}

    def take(self, frame: Frame, now_us: int) -> None:
        """A frame of an aircraft came."""
        if frame.msgid not in _MESSAGES:
            return
        boot_ms = (fields_of(frame) or {}).get("time_boot_ms", 0)
        if not boot_ms:  # it has no such clock
            return
        key, began_ms = (frame.sysid, frame.compid), now_us // 1000 - boot_ms
        clock = self._clocks.get(key)
        if clock is None:
            if len(self._clocks) < _MOST:
                self._clocks[key] = _Clock(began_ms)
            return
        if abs(began_ms - clock.began_ms) > _APART_MS:
            clock.changes.append(now_us)
            if len(clock.changes) == _CHANGES and now_us - clock.changes[0] <= _WITHIN_US:
                clock.seen_us = now_us
        clock.began_ms = began_ms

    def seen(self, vehicle: Key, now_us: int) -> bool:
        """Whether two spoke as this vehicle lately."""
        clock = self._clocks.get(vehicle)
        at_us = clock.seen_us if clock is not None else None
        return at_us is not None and now_us - at_us < _SAID_US
