"""What a stream of telemetry measures: columns of integers with a declared resolution, or text.

A value is the integer n for n * 10**-scale of its unit: floats with fixed decimals are integers
first. None is a value of its own: no fix, no reading. Unknown is not zero.
"""

import re
from dataclasses import dataclass

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError

__all__ = [
    "AIR",
    "BATTERY",
    "MAX_COLUMNS",
    "MAX_SCALE",
    "POSITION",
    "SCHEMAS",
    "TEXT",
    "VITALS",
    "Column",
    "Schema",
]

MAX_COLUMNS = 64
MAX_SCALE = 9
_MAX_UNIT_CHARS = 16
_COLUMN = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity: its name (a-z, 0-9, _ . -; at most 32), its unit (UCUM where UCUM has it,
    empty for a count or a state) and its resolution, 10**-`scale` of the unit. With `is_text` its
    values are text and unit and scale mean nothing.
    """

    name: str
    unit: str = ""
    scale: int = 0
    is_text: bool = False

    def __post_init__(self) -> None:
        if not _COLUMN.fullmatch(self.name):
            rule = "1 to 32 of a-z, 0-9, _, . and -, beginning and ending with a letter or digit"
            raise CodecError("name", f"{self.name[:60]!r} cannot be the name of a column; {rule}")
        if len(self.unit) > _MAX_UNIT_CHARS or not self.unit.isprintable():
            raise CodecError("field", f"{self.unit[:60]!r} is no unit of at most 16 characters")
        if not 0 <= self.scale <= MAX_SCALE:
            raise CodecError("field", f"a column has 0 to {MAX_SCALE} decimals, not {self.scale}")


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of the stream called `stream`, in the order of a sample's values."""

    stream: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        check_name("stream", self.stream)
        names = {column.name for column in self.columns}
        if len(names) != len(self.columns) or not 1 <= len(names) <= MAX_COLUMNS:
            raise CodecError("field", f"a stream has 1 to {MAX_COLUMNS} columns, each named once")


POSITION = Schema(
    "position",
    (
        Column("lat", "deg", 7),  # WGS-84 (CGCS2000 is the same at this resolution), north +
        Column("lon", "deg", 7),  # east +
        Column("alt", "m", 2),  # above mean sea level
        Column("heading", "deg", 1),  # course over ground, 0 north, clockwise
        Column("speed", "m/s", 2),  # over ground
        Column("accuracy", "m", 1),  # horizontal, 68 %
        Column("satellites"),
        Column("fix"),  # GGA quality (NMEA 0183): 0 none, 1 GNSS, 2 differential, 4 RTK, 5 float
    ),
)
VITALS = Schema(
    "vitals",
    (
        Column("heart_rate", "/min"),
        Column("spo2", "%", 1),
        Column("temperature", "Cel", 2),
        Column("respiration", "/min"),
        Column("motion", "m/s2", 2),  # acceleration without gravity, root mean square
        Column("still_for", "s"),  # how long nothing moved
        Column("posture"),  # 0 upright, 1 bent, 2 lying, 3 falling
    ),
)
BATTERY = Schema(
    "battery",
    (
        Column("level", "%", 1),
        Column("voltage", "V", 3),
        Column("current", "A", 3),  # + charges
        Column("temperature", "Cel", 1),
        Column("charging"),  # 0, 1
    ),
)
AIR = Schema(
    "air",
    (
        Column("pressure", "bar", 1),  # in the cylinder of the breathing apparatus
        Column("remaining", "s"),
        Column("o2", "%", 2),
        Column("co", "[ppm]", 1),
        Column("co2", "[ppm]"),
        Column("h2s", "[ppm]", 1),
        Column("ch4", "%{LEL}", 1),
        Column("temperature", "Cel", 1),
    ),
)
TEXT = Schema("text", (Column("text", is_text=True), Column("from", is_text=True)))

SCHEMAS = {schema.stream: schema for schema in (POSITION, VITALS, BATTERY, AIR, TEXT)}
"""The streams whose columns are fixed; a stream of another name brings its own."""
