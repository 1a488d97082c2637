"""Which values can be true, and what they are in the integers of a schema. Pure.

What is outside is unknown, not clipped: a heart rate of 0 is a band without contact, and the
largest number of a field says that there was none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fieldlink.codecs.telemetry import Column, Flag, Schema, Value, clean_text

__all__ = ["RANGES", "Yardstick", "is_place", "printable"]

_MAX_TEXT = 1024  # characters
_RANGE = int(Flag.RANGE)
_MOST = 2**53  # what a JSON number carries exactly

RANGES: Mapping[tuple[str, str], tuple[float, float]] = {
    ("position", "lat"): (-90, 90),
    ("position", "lon"): (-180, 180),
    ("position", "alt"): (-1_000, 60_000),
    ("position", "heading"): (0, 360),
    ("position", "speed"): (0, 350),
    ("position", "accuracy"): (0, 100_000),
    ("position", "satellites"): (0, 200),
    ("position", "fix"): (0, 9),
    ("vitals", "heart_rate"): (10, 300),
    ("vitals", "spo2"): (10, 100),
    ("vitals", "temperature"): (5, 60),  # on the skin, in the cold
    ("vitals", "respiration"): (1, 120),
    ("vitals", "motion"): (0, 2_000),
    ("vitals", "still_for"): (0, 2_678_400),
    ("vitals", "posture"): (0, 3),
    ("battery", "level"): (0, 100),
    ("battery", "voltage"): (0, 1_000),
    ("battery", "current"): (-2_000, 2_000),
    ("battery", "temperature"): (-60, 150),
    ("battery", "charging"): (0, 1),
    ("air", "pressure"): (0, 500),
    ("air", "remaining"): (0, 86_400),
    ("air", "o2"): (0, 100),
    ("air", "co"): (0, 100_000),
    ("air", "co2"): (0, 1_000_000),
    ("air", "h2s"): (0, 100_000),
    ("air", "ch4"): (0, 500),
    ("air", "temperature"): (-60, 1_500),
}
"""Stream and column to what is possible, in the column's unit, both ends included."""


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    factor: int
    low: float
    high: float
    is_text: bool


class Yardstick:
    """Turns values in natural units into those of `schema`; made once for a series."""

    __slots__ = ("_measures", "names", "schema")

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.names = frozenset(column.name for column in schema.columns)
        self._measures = tuple(_measure(schema.stream, column) for column in schema.columns)

    def scaled(
        self, values: Mapping[str, float | int | str | None]
    ) -> tuple[tuple[Value, ...], int]:
        """`values` in the order of the schema, and RANGE if one had to be taken for unknown."""
        flags = 0
        scaled: list[Value] = []
        for measure in self._measures:
            value = values.get(measure.name)
            if value is None:
                scaled.append(None)
            elif measure.is_text:
                scaled.append(clean_text(str(value)[:_MAX_TEXT]))
            # Not a number is in no range.
            elif isinstance(value, int | float) and measure.low <= value <= measure.high:
                scaled.append(round(value * measure.factor))
            else:
                scaled.append(None)
                flags = _RANGE
        return tuple(scaled), flags


def _measure(stream: str, column: Column) -> _Measure:
    factor = 10**column.scale
    bound = _MOST / factor
    low, high = RANGES.get((stream, column.name), (-bound, bound))
    return _Measure(column.name, factor, low, high, column.is_text)


def printable(text: str, most: int) -> str:
    """`text` on one line, at most so many characters, without what cannot be shown."""
    shown = "".join(char if char.isprintable() else " " for char in text[: most * 2])
    return shown.strip()[:most]


def is_place(lat: float | None, lon: float | None) -> bool:
    """Whether these are a place on the Earth that a receiver with a fix can give."""
    if lat is None or lon is None or not (math.isfinite(lat) and math.isfinite(lon)):
        return False
    return abs(lat) <= 90 and abs(lon) <= 180 and not (lat == 0 and lon == 0)
