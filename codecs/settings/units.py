"""Values with units, as people write them: "10s", "64MB", "100kbit/s"."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

__all__ = [
    "Duration",
    "Rate",
    "Size",
    "format_duration",
    "format_like",
    "format_rate",
    "format_size",
]

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z/]+)")
_DURATIONS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_RATES = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}


def _parse(value: Any, units: dict[str, Any], example: str) -> float:
    # A bare number is refused: "10" of what?
    rule = f"write a number and a unit, like {example} (units: {', '.join(units)})"
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2] not in units:
        raise ValueError(rule)
    parsed = float(match[1]) * float(units[match[2]])
    if not math.isfinite(parsed):
        raise ValueError(f"too large a number; {rule}")
    return parsed


def _duration(value: Any) -> float:
    return _parse(value, _DURATIONS, '"10s"')


def _size(value: Any) -> int:
    return round(_parse(value, _SIZES, '"64MB"'))


def _rate(value: Any) -> int:
    return round(_parse(value, _RATES, '"100kbit/s"'))


def _largest(value: float, units: dict[str, Any]) -> str:
    for unit in sorted(units, key=lambda unit: -float(units[unit])):
        scaled = value / float(units[unit])
        if scaled >= 1 and round(scaled, 3) == scaled:
            return f"{_decimals(scaled)}{unit}"
    smallest = min(units, key=lambda unit: float(units[unit]))
    return f"{_decimals(value / float(units[smallest]))}{smallest}"


def _decimals(value: float) -> str:
    # Never an exponent: what is written here has to be readable as a setting again.
    return f"{value:.3f}".rstrip("0").rstrip(".")


def format_duration(seconds: float) -> str:
    """`seconds` as a person writes it: "10s"."""
    return _largest(seconds, _DURATIONS)


def format_size(size_bytes: float) -> str:
    """`size_bytes` as a person writes it: "64MB"."""
    return _largest(size_bytes, _SIZES)


def format_rate(rate_bps: float) -> str:
    """`rate_bps` as a person writes it: "100kbit/s"."""
    return _largest(rate_bps, _RATES)


def format_like(written: object, value: float) -> str:
    """`value` in units of the same kind as `written` ("10s"); a plain number if that has none."""
    match = _NUMBER.fullmatch(written.strip()) if isinstance(written, str) else None
    for units in (_DURATIONS, _SIZES, _RATES):
        if match is not None and match[2] in units:
            return _largest(value, units)
    return f"{value:g}" if isinstance(value, float) else str(value)


Duration = Annotated[float, BeforeValidator(_duration), PlainSerializer(format_duration)]
"""Seconds, written with a unit."""

Size = Annotated[int, BeforeValidator(_size), PlainSerializer(format_size)]
"""Bytes, written with a unit."""

Rate = Annotated[int, BeforeValidator(_rate), PlainSerializer(format_rate)]
"""Bits per second, written with a unit."""
