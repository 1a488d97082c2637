"""The additional information after a location (JT/T 808-2019 table 27): id, length, value.

What is not known here, or has not the length that the standard gives it, stays bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from fieldlink.codecs.fault import CodecError

__all__ = ["Area", "Crossing", "Extra", "Passage", "Reading", "encode_extra"]

MAX_EXTRA_BYTES = 255


class Area(NamedTuple):
    """Where a speed limit was broken (0x11): `kind` 0 anywhere, 1 circle, 2 rectangle,
    3 polygon, 4 route section; its id unless anywhere.
    """

    kind: int
    ident: int | None


class Crossing(NamedTuple):
    """An area or a route was entered (`direction` 0) or left (1) (0x12)."""

    kind: int
    ident: int
    direction: int


class Passage(NamedTuple):
    """A route section took `seconds`: too short (`result` 0) or too long (1) (0x13)."""

    ident: int
    seconds: int
    result: int


Reading: TypeAlias = float | int | tuple[int | None, ...] | Area | Crossing | Passage


@dataclass(frozen=True, slots=True)
class Extra:
    """One additional information as sent."""

    ident: int
    data: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.ident <= 255 or len(self.data) > MAX_EXTRA_BYTES:
            raise CodecError("field", f"no additional information: {self.ident}, {len(self.data)}")

    @property
    def name(self) -> str:
        """What it is: mileage (km), fuel (L), speed (km/h, the recorder's), event, tyres (Pa),
        cabin (Cel), overspeed, crossing, passage, signals, io, analog (two), strength,
        satellites; or its id.
        """
        form = _FORMS.get(self.ident)
        return form.name if form else f"0x{self.ident:02x}"

    @property
    def reading(self) -> Reading | None:
        """Its value in the unit above; None: it is not known here."""
        form = _FORMS.get(self.ident)
        if form is None or len(self.data) not in form.sizes:
            return None
        return form.read(self.data)


def encode_extra(ident: int, reading: Reading) -> Extra:
    """The additional information `ident` that reads as `reading`.

    Raises:
        CodecError: there is no such one, or it does not say that.
    """
    form = _FORMS.get(ident)
    try:
        data = form.write(reading) if form else b""
    except (OverflowError, TypeError, ValueError) as error:
        raise CodecError("field", f"0x{ident:02x} cannot say {reading!r}") from error
    if form is None or len(data) not in form.sizes:
        raise CodecError("field", f"0x{ident:02x} cannot say {reading!r}")
    return Extra(ident, data)


class _Form(NamedTuple):
    name: str
    sizes: tuple[int, ...]
    read: Callable[[bytes], Reading]
    write: Callable[..., bytes]


def _whole(name: str, size: int) -> _Form:
    return _Form(name, (size,), _number, lambda value: value.to_bytes(size, "big"))


def _tenths(name: str, size: int) -> _Form:
    return _Form(
        name,
        (size,),
        lambda data: _number(data) / 10,
        lambda value: round(value * 10).to_bytes(size, "big"),
    )


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _read_cabin(data: bytes) -> int:
    # The highest bit says "below zero", the others how far.
    value = _number(data)
    return -(value & 0x7FFF) if value & 0x8000 else value


def _write_cabin(value: int) -> bytes:
    return (0x8000 | -value if value < 0 else value).to_bytes(2, "big")


def _read_tyres(data: bytes) -> tuple[int | None, ...]:
    return tuple(None if one == 0xFF else one for one in data)


def _write_tyres(value: tuple[int | None, ...]) -> bytes:
    return bytes(0xFF if one is None else one for one in value)


def _write_area(value: Area) -> bytes:
    ident = b"" if value.ident is None else value.ident.to_bytes(4, "big")
    return value.kind.to_bytes(1, "big") + ident


_FORMS = {
    0x01: _tenths("mileage", 4),
    0x02: _tenths("fuel", 2),
    0x03: _tenths("speed", 2),
    0x04: _whole("event", 2),
    0x05: _Form("tyres", (30,), _read_tyres, _write_tyres),
    0x06: _Form("cabin", (2,), _read_cabin, _write_cabin),
    0x11: _Form(
        "overspeed",
        (1, 5),
        lambda data: Area(data[0], _number(data[1:]) if len(data) > 1 else None),
        _write_area,
    ),
    0x12: _Form(
        "crossing",
        (6,),
        lambda data: Crossing(data[0], _number(data[1:5]), data[5]),
        lambda value: bytes([value[0]]) + value[1].to_bytes(4, "big") + bytes([value[2]]),
    ),
    0x13: _Form(
        "passage",
        (7,),
        lambda data: Passage(_number(data[:4]), _number(data[4:6]), data[6]),
        lambda value: value[0].to_bytes(4, "big") + value[1].to_bytes(2, "big") + bytes([value[2]]),
    ),
    0x25: _whole("signals", 4),
    0x2A: _whole("io", 2),
    0x2B: _Form(  # bits 0 to 15 are AD0, 16 to 31 are AD1
        "analog",
        (4,),
        lambda data: (_number(data[2:]), _number(data[:2])),
        lambda value: value[1].to_bytes(2, "big") + value[0].to_bytes(2, "big"),
    ),
    0x30: _whole("strength", 1),
    0x31: _whole("satellites", 1),
}
