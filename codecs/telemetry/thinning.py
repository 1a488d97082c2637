"""Fewer samples of a series, for a link that cannot carry them all: chosen, never averaged.

What is left out is not lost: the full series follows, and the samples chosen here have its numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from fieldlink.codecs.geo import distance_m, turn_deg

from .columns import Schema
from .samples import Detail, Flag, Sample

__all__ = ["USUAL_AMOUNTS", "Thinning", "thin"]

USUAL_AMOUNTS: Mapping[str, float] = MappingProxyType(
    {
        "alt": 10.0,
        "speed": 2.0,
        "accuracy": 10.0,
        "satellites": 4.0,
        "heart_rate": 10.0,
        "spo2": 2.0,
        "respiration": 4.0,
        "motion": 2.0,
        "still_for": 15.0,
        "temperature": 1.0,
        "level": 2.0,
        "voltage": 0.2,
        "current": 1.0,
        "pressure": 10.0,
        "remaining": 60.0,
        "o2": 0.3,
        "co": 10.0,
        "co2": 300.0,
        "h2s": 2.0,
        "ch4": 2.0,
    }
)
"""How much is a change, for the columns of the fixed streams, in their units."""


@dataclass(frozen=True, slots=True)
class Thinning:
    """What is enough of a change, and how long nothing may be said.

    A position changes by `move_m` metres, a heading by `turn_degrees` (after a quarter of that way:
    who stands still has none), a column by its `amounts`, in its unit; one without an amount by
    `share` of what it was, so that a state changes with every step. Flags, and unknown or not, are
    changes too. `silence_us` is how long a series that does not change stays silent at CHANGE, and
    how far apart samples are at LAST.
    """

    every_us: int = 5_000_000
    move_m: float = 10.0
    turn_degrees: float = 20.0
    amounts: Mapping[str, float] = field(default_factory=lambda: USUAL_AMOUNTS)
    share: float = 0.05
    silence_us: int = 60_000_000


_USUAL = Thinning()


def thin(
    samples: Sequence[Sample],
    schema: Schema,
    detail: Detail,
    *,
    after: Sample | None = None,
    rule: Thinning = _USUAL,
) -> tuple[Sample, ...]:
    """Those of `samples` (one series, in the order of their times) that are kept at `detail`.

    `after` is the last one that was kept before them: a live series is thinned piece by piece.
    The first of a series is always kept, and so is every sample with which an alarm was raised.
    LAST keeps the newest, once it is `silence_us` after the one before.
    """
    if detail is Detail.FULL:
        return tuple(samples)
    kept = []
    last = after
    for place, sample in enumerate(samples):
        newest = detail is not Detail.LAST or place == len(samples) - 1
        if sample.flags & Flag.ALARM or (newest and _counts(last, sample, schema, detail, rule)):
            kept.append(sample)
            last = sample
    return tuple(kept)


def _counts(
    last: Sample | None, sample: Sample, schema: Schema, detail: Detail, rule: Thinning
) -> bool:
    if last is None:
        return True
    passed_us = abs(sample.time_us - last.time_us)  # a clock that was set back is no silence
    if detail is Detail.SECONDS_5:
        return passed_us >= rule.every_us
    if passed_us >= rule.silence_us or detail is not Detail.CHANGE:
        return passed_us >= rule.silence_us
    return _changed(last, sample, schema, rule)


def _changed(last: Sample, sample: Sample, schema: Schema, rule: Thinning) -> bool:
    if sample.flags != last.flags:
        return True
    before, after = dict[str, float](), dict[str, float]()
    for column, was, now in zip(schema.columns, last.values, sample.values, strict=True):
        if isinstance(was, int) and isinstance(now, int):
            before[column.name] = was / 10**column.scale
            after[column.name] = now / 10**column.scale
        elif was != now:  # text, or known and unknown
            return True
    moved_m = None
    if before.keys() >= {"lat", "lon"}:
        moved_m = distance_m(before["lat"], before["lon"], after["lat"], after["lon"])
        if moved_m >= rule.move_m:
            return True
    for name in before.keys() - {"lat", "lon"}:
        by = abs(after[name] - before[name])
        if name == "heading":
            if moved_m is not None and moved_m < rule.move_m / 4:
                continue
            by, enough = turn_deg(before[name], after[name]), rule.turn_degrees
        else:
            enough = rule.amounts.get(name, rule.share * abs(before[name]))
        if by > 0 and by >= enough:
            return True
    return False
