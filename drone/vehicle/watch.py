"""Alarms of one vehicle: each begins at once, and ends when it was good for long enough.

What is on is remembered here; what is unknown changes nothing. The first time that something is
known to be good it is said to end, in case it was going on when the kit was started anew.
"""

from dataclasses import dataclass

from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.drone.vehicle.said import Key, Warned

__all__ = ["HOLD_US", "Watch"]

HOLD_US = 5_000_000
"""So long it has to be good."""

_MAX_GOING = 64


@dataclass(slots=True)
class _Condition:
    on: bool = False
    good_us: int | None = None  # since when
    bad_us: int = 0  # last
    fades_us: int | None = None  # over when not said again for so long
    settled: bool = False  # known to be good, once


class Watch:
    """Conditions by kind and subject; bounded, the one that is off and oldest makes room."""

    def __init__(self, vehicle: Key) -> None:
        self._vehicle = vehicle
        self._all: dict[tuple[AlarmKind, str], _Condition] = {}

    @property
    def going(self) -> list[tuple[AlarmKind, str]]:
        """What is on."""
        return [key for key, one in self._all.items() if one.on]

    def resume(
        self, kind: AlarmKind, subject: str, now_us: int, fades_us: int | None = None
    ) -> None:
        """It was going on when the kit was started anew, and nobody needs to be told."""
        found = self._find(kind, subject)
        if found is not None:
            found.on = found.settled = True
            found.bad_us, found.fades_us = now_us, fades_us

    def bad(
        self,
        kind: AlarmKind,
        subject: str,
        now_us: int,
        *,
        value: str = "",
        limit: str = "",
        unit: str = "",
        text: str = "",
        fades_us: int | None = None,
    ) -> list[Warned]:
        """It is bad now."""
        found = self._find(kind, subject)
        if found is None:
            return []
        found.bad_us, found.good_us, found.fades_us = now_us, None, fades_us
        if found.on:
            return []
        found.on = found.settled = True
        return [Warned(self._vehicle, kind, True, subject, value, limit, unit, text)]

    def good(self, kind: AlarmKind, subject: str, now_us: int, hold_us: int = HOLD_US) -> list[
        Warned
    ]:  # fmt: skip
        """It is good now; over once it was for `hold_us`."""
        found = self._find(kind, subject)
        if found is None:
            return []
        if found.good_us is None:
            found.good_us = now_us
        if now_us - found.good_us < hold_us or (found.settled and not found.on):
            return []
        return [self._end(kind, subject, found)]

    def end(self, kind: AlarmKind, subject: str) -> list[Warned]:
        """It is over, as was said in so many words."""
        found = self._all.get((kind, subject))
        return [self._end(kind, subject, found)] if found is not None and found.on else []

    def tick(self, now_us: int) -> list[Warned]:
        """End what was not said again."""
        faded = [
            (key, one)
            for key, one in self._all.items()
            if one.on and one.fades_us is not None and now_us - one.bad_us > one.fades_us
        ]
        return [self._end(*key, one) for key, one in faded]

    def _end(self, kind: AlarmKind, subject: str, found: _Condition) -> Warned:
        found.on, found.good_us, found.settled = False, None, True
        return Warned(self._vehicle, kind, False, subject)

    def _find(self, kind: AlarmKind, subject: str) -> _Condition | None:
        key = kind, subject
        found = self._all.get(key)
        if found is None:
            if len(self._all) >= _MAX_GOING:
                over = next((key for key, one in self._all.items() if not one.on), None)
                if over is None:
                    return None
                del self._all[over]
            found = self._all[key] = _Condition()
        return found
