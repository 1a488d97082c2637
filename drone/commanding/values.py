"""Parameters as aircraft send them: every value in four bytes that are called a float.

ArduPilot converts each value to a float (C cast); PX4 puts its bytes there as they are (bytewise).
Which it is, is said by AUTOPILOT_VERSION. Source: MAVLink developer guide, Parameter Protocol,
Parameter Encoding.
"""

import math
from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

__all__ = ["REAL32", "Parameter", "decode_value", "encoded_bytewise"]

REAL32 = 9
_ARDUPILOT, _PX4 = 3, 12
_CAPABILITY_BYTEWISE, _CAPABILITY_CAST = 16, 131_072
_FLOAT = Struct("<f")
# MAV_PARAM_TYPE -> how its bytes are read, of the four that there are.
_BYTEWISE = {1: "<B", 2: "<b", 3: "<H", 4: "<h", 5: "<I", 6: "<i", 9: "<f"}
_BITS = {1: (8, False), 2: (8, True), 3: (16, False), 4: (16, True), 5: (32, False), 6: (32, True)}


class Parameter(NamedTuple):
    """`type` is MAV_PARAM_TYPE; `number` its place in the aircraft's list."""

    name: str
    value: float
    type: int
    number: int


def encoded_bytewise(
    capabilities: int | None, autopilot: int | None, values: Iterable[tuple[bytes, int]] = ()
) -> bool:
    """How an aircraft encodes: by its MAV_PROTOCOL_CAPABILITY, else by its MAV_AUTOPILOT, else by
    its `values` (bytes and type): whole numbers as floats are whole, and their bytes as floats are
    next to nothing.
    """
    if capabilities is not None and capabilities & (_CAPABILITY_BYTEWISE | _CAPABILITY_CAST):
        return bool(capabilities & _CAPABILITY_BYTEWISE)
    if autopilot in (_ARDUPILOT, _PX4):
        return autopilot == _PX4
    whole = [_FLOAT.unpack(raw)[0] for raw, type_ in values if type_ in _BITS]
    return not all(value.is_integer() for value in whole)


def decode_value(raw: bytes, type_: int, bytewise: bool) -> float:
    """The value in the four bytes `raw`: an int for whole-numbered types, else a float.

    Raises:
        ValueError: it is none of its type.
    """
    if bytewise:
        form = _BYTEWISE.get(type_)
        if form is None:
            raise ValueError(f"type {type_} does not fit into a PARAM_VALUE")
        value: float = Struct(form).unpack_from(raw)[0]
        return _short(value) if type_ == REAL32 else value
    (value,) = _FLOAT.unpack(raw)
    bits = _BITS.get(type_)
    if bits is None:
        return _short(value)
    if not math.isfinite(value):
        raise ValueError(f"{value} is no whole number")
    size, signed = bits
    low, high = (-(1 << size - 1), (1 << size - 1) - 1) if signed else (0, (1 << size) - 1)
    # A float of 2**32 is the nearest to the largest of 32 bits.
    return min(max(round(value), low), high)


def _short(value: float) -> float:
    """The shortest decimal that is the same in 32 bits: 0.1, and not 0.10000000149011612."""
    if not math.isfinite(value):
        return value
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if _FLOAT.pack(short) == _FLOAT.pack(value):
            return short
    return float(f"{value:.9g}")
