"""The last moments of one stream, and what was between two of them. Pure; no lock."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Moment", "Track", "between"]

_MOST = 120
_LEAST_STEP_US = 180_000  # 5 Hz is enough: a gimbal holds still meanwhile
_BACK_US = 5_000_000  # a time so far back is one of a clock that was set
_ROUND = frozenset(("lon", "heading", "yaw", "roll"))
_COMPASS = frozenset(("heading", "yaw"))
_FLIPPED_DEG = 90.0


class Moment(NamedTuple):
    """What was said at one instant, by name; `error_us` is how far that time may be off."""

    time_us: int
    values: Mapping[str, float]
    error_us: int | None = None


@dataclass(slots=True)
class Track:
    """Moments in order of time; the newest `_MOST`, some twenty seconds of five a second."""

    moments: list[Moment] = field(default_factory=list)

    def add(self, moment: Moment) -> None:
        """Remember it, wherever it belongs; of those that come faster than 5 a second some."""
        held = self.moments
        if held and moment.time_us < held[-1].time_us - _BACK_US:
            held.clear()
        place = bisect_left(held, moment.time_us, key=lambda one: one.time_us)
        if place < len(held) and held[place].time_us == moment.time_us:
            held[place] = moment
        elif place == len(held) > 1 and moment.time_us - held[-2].time_us < _LEAST_STEP_US:
            held[-1] = moment  # a hundred a second must not push everything else out
        else:
            held.insert(place, moment)
        if len(held) > _MOST:
            del held[0]

    def at(self, at_us: int, oldest_us: int) -> Moment | None:
        """What held at `at_us`: between two moments in proportion, else the nearest; None: there is
        none within `oldest_us`. Its error has the distance to the nearest in it.
        """
        held = self.moments
        place = bisect_left(held, at_us, key=lambda one: one.time_us)
        before = held[place - 1] if place else None
        after = held[place] if place < len(held) else None
        near = [one for one in (before, after) if one and abs(one.time_us - at_us) <= oldest_us]
        if not near:
            return None
        nearest = min(near, key=lambda one: abs(one.time_us - at_us))
        away_us = abs(nearest.time_us - at_us)
        error_us = None if nearest.error_us is None else nearest.error_us + away_us
        if len(near) < 2:
            return Moment(at_us, nearest.values, error_us)
        return Moment(at_us, between(near[0], near[1], at_us, nearest.values), error_us)


def between(
    before: Moment, after: Moment, at_us: int, nearest: Mapping[str, float]
) -> dict[str, float]:
    """`nearest` with each value that both say in proportion to the time; angles go the short way.

    Straight down, what a gimbal calls yaw and roll may both turn by 180 from one moment to the
    next while it hardly moves: then nothing is between.
    """
    part = (at_us - before.time_us) / (after.time_us - before.time_us)
    found = dict(nearest)
    rolled = _step("roll", before.values.get("roll", 0.0), after.values.get("roll", 0.0))
    if abs(rolled) > _FLIPPED_DEG:
        return found
    for name in nearest.keys() & before.values.keys() & after.values.keys():
        start = before.values[name]
        value = start + part * _step(name, start, after.values[name])
        found[name] = _wrapped(name, value)
    return found


def _step(name: str, start: float, end: float) -> float:
    return (end - start + 180.0) % 360.0 - 180.0 if name in _ROUND else end - start


def _wrapped(name: str, value: float) -> float:
    if name in _COMPASS:
        return value % 360.0
    return (value + 180.0) % 360.0 - 180.0 if name in _ROUND else value
