"""What the kit's configuration says of a sensor: `[[sensor]]`, its values and their limits."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.settings import Duration, Settings
from fieldlink.codecs.telemetry import KIT_DEVICE, SCHEMAS, Column
from fieldlink.codecs.telemetry.columns import MAX_COLUMNS
from fieldlink.edge.sensors.address import Address, parse_address
from fieldlink.edge.sensors.pattern import MAX_STEPS, check_pattern, pattern_steps

__all__ = ["LimitSettings", "SensorSettings", "ValueSettings", "check_sensors"]

_LIMIT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,13}[a-z0-9])?")
_LEVELS = ("high", "low")
_RATES = ("rise", "fall", "change")


def _named(kind: str, text: str) -> str:
    try:
        return check_name(kind, text)
    except CodecError as error:
        raise ValueError(error.detail) from error


def _address(url: str) -> str:
    parse_address(url)
    return url


def _stream(text: str) -> str:
    if text in SCHEMAS:
        raise ValueError(f"{text} is a stream with columns of its own; choose another name")
    return _named("stream", text)


def _sensor(text: str) -> str:
    if text == KIT_DEVICE:
        raise ValueError(f"{text} is the kit itself; choose another name")
    return _named("sensor", text)


def _short(text: str) -> str:
    if not text.isprintable():
        raise ValueError("use printable characters")
    return text


Printable = Annotated[str, AfterValidator(_short)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class LimitSettings(Settings):
    """One limit of a value, an alarm while it is passed. In a file: `[[sensor.value.limit]]`."""

    name: str = Field(
        default="",
        description="Tells two limits of one kind apart: 1 to 15 of a-z, 0-9, _ and -.",
    )
    high: Finite | None = Field(default=None, description="Alarm at this value or above.")
    low: Finite | None = Field(default=None, description="Alarm at this value or below.")
    rise: Finite | None = Field(
        default=None, gt=0, description="Alarm when it rises so much in each `per`, or faster."
    )
    fall: Finite | None = Field(
        default=None, gt=0, description="Alarm when it falls so much in each `per`, or faster."
    )
    change: Finite | None = Field(
        default=None, gt=0, description="Alarm when it moves so much in each `per`, either way."
    )
    per: Literal["min", "h", "d"] = Field(
        default="h", description="What rise, fall and change are counted in: min, h or d."
    )
    window: Duration = Field(
        default=600.0,
        ge=1,
        le=7 * 86400,
        description="The span over which the change is measured, 1s to 7d.",
    )
    clear: Finite | None = Field(
        default=None,
        description="Over again at this value, on the good side of the limit; unset: the limit's.",
    )
    clear_after: Duration = Field(
        default=60.0,
        ge=0,
        le=86400,
        description="Over only after it was good for so long, up to 1d.",
    )
    confirm: int = Field(
        default=1, ge=1, le=100, description="So many readings in a row have to be past the limit."
    )
    text: Printable = Field(
        default="", max_length=80, description="Words of your own, put before the alarm's."
    )

    @property
    def which(self) -> str:
        """high, low, rise, fall or change."""
        return next(name for name in (*_LEVELS, *_RATES) if getattr(self, name) is not None)

    @property
    def at(self) -> float:
        """The limit: a value, or a rate in each `per`."""
        return float(getattr(self, self.which))

    @property
    def is_rate(self) -> bool:
        """Whether it limits how fast the value changes."""
        return self.which in _RATES

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        names = (*_LEVELS, *_RATES)
        if sum(getattr(self, name) is not None for name in names) != 1:
            raise ValueError(f"set exactly one of {', '.join(names)} in each limit")
        if self.name and not _LIMIT_NAME.fullmatch(self.name):
            raise ValueError("a limit's name is 1 to 15 of a-z, 0-9, _ and -")
        wrong = self.clear is not None and (
            self.clear < self.at if self.which == "low" else self.clear > self.at
        )
        if wrong or (self.is_rate and self.clear is not None and self.clear < 0):
            raise ValueError("clear has to be on the good side of the limit")
        return self


class ValueSettings(Settings):
    """One value of a sensor: raw * scale + offset. In a file: `[[sensor.value]]`."""

    name: str = Field(description="Its column: 1 to 32 of a-z, 0-9, _, . and -.")
    label: Printable = Field(
        default="", max_length=24, description='What it is called on site, as "水位".'
    )
    unit: str = Field(default="", description="Its unit, UCUM where that has it: m, mm, Cel, %.")
    scale: Finite = Field(default=1.0, description="The raw value is multiplied by this,")
    offset: Finite = Field(default=0.0, description="and this is added.")
    decimals: int = Field(default=2, ge=0, le=9, description="So many decimals are kept, 0 to 9.")
    address: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Modbus: the first register's or bit's address, from 0 (40001 in many manuals"
        " is holding 0).",
    )
    table: Literal["holding", "input", "coil", "discrete"] = Field(
        default="holding", description="Modbus: holding (03), input (04), coil (01) or discrete."
    )
    type: Literal["u16", "s16", "u32", "s32", "f32", "f64", "bool"] = Field(
        default="u16", description="Modbus: u16, s16, u32, s32, f32, f64 or bool."
    )
    words: Literal["big", "little"] = Field(
        default="big", description="Modbus: of several registers the high one is first (big), last."
    )
    bit: int = Field(
        default=0, ge=0, le=15, description="Modbus: which bit of a register a bool is, 0 lowest."
    )
    pattern: str = Field(
        default="", description="Text: a regular expression with one group, around the number."
    )
    missing: tuple[Finite, ...] = Field(
        default=(), max_length=8, description="Raw values that mean unknown: 0x7FFF, -999."
    )
    minimum: Finite | None = Field(default=None, description="Anything below is unknown.")
    maximum: Finite | None = Field(default=None, description="Anything above is unknown.")
    counter: Literal[0, 16, 32] = Field(
        default=0,
        description="16 or 32: the raw value counts up and begins again after so many bits; the"
        " value is what was counted in `window`, in each hour.",
    )
    window: Duration = Field(
        default=600.0, ge=10, le=86400, description="The span a counter is measured over, 10s to 1d"
    )
    gas: bool = Field(default=False, description="Its limits raise gas alarms, the most urgent.")
    limit: tuple[LimitSettings, ...] = Field(
        default=(), max_length=8, description="The limits that raise alarms, at most 8."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        try:
            Column(self.name, self.unit, self.decimals)
        except CodecError as error:
            raise ValueError(error.detail) from error
        if self.pattern:
            check_pattern(self.pattern)
        if (self.table in ("coil", "discrete")) != (self.type == "bool") and self.type != "bool":
            raise ValueError(f'a {self.table} is a bool; set type = "bool"')
        if self.address is not None and self.address + self.registers > 65536:
            raise ValueError("its registers end beyond 65535")
        names = [limit.name or limit.which for limit in self.limit]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two limits are called {twice[0]}; give each a name")
        return self

    @property
    def registers(self) -> int:
        """How many registers (or bits) it takes."""
        return {"u32": 2, "s32": 2, "f32": 2, "f64": 4}.get(self.type, 1)


class SensorSettings(Settings):
    """One station with its values. In a file: a `[[sensor]]` table."""

    name: Annotated[str, AfterValidator(_sensor)] = Field(
        description="The sensor's name: 1 to 32 of a-z, 0-9, _ and -."
    )
    kind: Literal["sensor"] = Field(default="sensor", description="Always sensor.")
    url: Annotated[str, AfterValidator(_address)] = Field(
        description="modbus-tcp://host:502/UNIT, modbus-rtu-tcp://host:port/UNIT,"
        " modbus-rtu:///dev/ttyUSB0?baud=9600&parity=N&unit=1, serial:///dev/ttyUSB0?baud=9600 or"
        " tcp://host:port (lines of text)."
    )
    stream: Annotated[str, AfterValidator(_stream)] = Field(
        default="sensor", description='What its readings are called, as "weather" or "water".'
    )
    period: Duration = Field(
        default=10.0, ge=0.2, le=86400, description="From one reading to the next, 200ms to 1d."
    )
    timeout: Duration = Field(
        default=1.0, ge=0.05, le=30, description="Modbus: an answer comes within this, up to 30s."
    )
    silence: int = Field(
        default=6, ge=0, le=10_000, description="Alarm after so many periods without; 0: never."
    )
    ask: str = Field(
        default="", max_length=64, description='Text: sent once a period to be answered: "?\\r\\n".'
    )
    encoding: Literal["utf-8", "gb18030"] = Field(
        default="utf-8", description="Text: utf-8 (or ASCII) or gb18030."
    )
    lat: Finite | None = Field(default=None, ge=-90, le=90, description="Where it stands, WGS-84.")
    lon: Finite | None = Field(default=None, ge=-180, le=180, description="Where it stands.")
    exercise: bool = Field(default=False, description="Its readings are those of an exercise.")
    value: tuple[ValueSettings, ...] = Field(
        min_length=1, max_length=MAX_COLUMNS, description="What it measures, 1 to 64 values."
    )

    @property
    def where(self) -> Address:
        """Its url, taken apart."""
        return parse_address(self.url)

    @property
    def silent_after_s(self) -> float | None:
        """After how long without a reading there is an alarm; None: never."""
        return self.silence * self.period if self.silence else None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [value.name for value in self.value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two values are called {twice[0]}; give each its own name")
        for value in self.value:
            if self.where.is_modbus and (value.address is None or value.pattern):
                raise ValueError(f"{value.name}: a Modbus value has an address and no pattern")
            if not self.where.is_modbus and (value.address is not None or not value.pattern):
                raise ValueError(f"{value.name}: a value in text has a pattern and no address")
        steps = sum(pattern_steps(value.pattern) for value in self.value if value.pattern)
        if steps > 4 * MAX_STEPS:
            raise ValueError("its patterns together could take too long; begin them with ^")
        for value in self.value:
            if value.counter and value.window < self.period:
                raise ValueError(f"{value.name}: its window is shorter than the period")
            if any(limit.is_rate and limit.window < 2 * self.period for limit in value.limit):
                raise ValueError(f"{value.name}: a rate needs a window of two periods or more")
        if (self.lat is None) != (self.lon is None):
            raise ValueError("give lat and lon, or neither")
        if any(value.scale == 0 for value in self.value):
            raise ValueError("a scale of 0 loses the value")
        return self


def check_sensors(sensors: Sequence[SensorSettings]) -> None:
    """Whether they can work side by side: a port has one owner, and one way to speak.

    Raises:
        ValueError: two want one port in different ways.
    """
    owners: dict[str, SensorSettings] = {}
    for sensor in sensors:
        place = sensor.where.place
        first = owners.setdefault(place, sensor)
        if first is sensor:
            continue
        if not sensor.where.is_modbus or not first.where.is_modbus:
            raise ValueError(f"{first.name} and {sensor.name} both want {place}; one can have it")
        if first.where.line != sensor.where.line:
            raise ValueError(
                f"{first.name} and {sensor.name} use {place} differently; give both urls the same"
                " kind, baud, parity, bits and stop"
            )
