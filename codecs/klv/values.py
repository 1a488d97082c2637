"""How the items of a local set write a value: MISB ST 0601's maps of a range onto all integers of
so many bytes, and the floating point of ST 1201 (IMAPB).

`read` gives None for what the standard reserves: out of range, unknown.
"""

from dataclasses import dataclass
from math import ceil, floor, isfinite, log2
from typing import Protocol

__all__ = ["Form", "Imap", "Linear", "Nested", "Symmetric", "Text", "Value", "Whole"]

Value = int | float | str | bytes

_MAX_TEXT_BYTES = 127


class Form(Protocol):
    """Bytes to a value and back. Both raise ValueError, which says what does not fit."""

    def read(self, raw: bytes) -> Value | None:
        """The value, None where it is reserved."""

    def write(self, value: Value) -> bytes:
        """Its bytes."""


@dataclass(frozen=True, slots=True)
class Linear:
    """From `low` to `high` onto 0 to 2^n - 1 of `size` bytes."""

    size: int
    low: float
    high: float

    def read(self, raw: bytes) -> float | None:
        """Every number is a value."""
        _sized(raw, self.size)
        share: float = int.from_bytes(raw) / (256**self.size - 1)
        return self.low + share * (self.high - self.low)

    def write(self, value: Value) -> bytes:
        """The nearest number."""
        at = _within(value, self.low, self.high) - self.low
        return _round(at * (256**self.size - 1) / (self.high - self.low)).to_bytes(self.size)


@dataclass(frozen=True, slots=True)
class Symmetric:
    """From -`limit` to `limit` onto -(2^(n-1) - 1) to 2^(n-1) - 1; -2^(n-1) is "out of range"."""

    size: int
    limit: float

    def read(self, raw: bytes) -> float | None:
        """None: out of range."""
        _sized(raw, self.size)
        number = int.from_bytes(raw, signed=True)
        most = 2 ** (8 * self.size - 1) - 1
        return None if number < -most else number * self.limit / most

    def write(self, value: Value) -> bytes:
        """The nearest number."""
        most = 2 ** (8 * self.size - 1) - 1
        at = _within(value, -self.limit, self.limit)
        return _round(at * most / self.limit).to_bytes(self.size, signed=True)


@dataclass(frozen=True, slots=True)
class Imap:
    """IMAPB of ST 1201 (8.1) from `low` to `high`, written in `size` bytes, read in 2 to 8."""

    size: int
    low: float
    high: float

    def _scale(self, size: int) -> tuple[float, float]:
        range_bits = ceil(log2(self.high - self.low))
        scale = 2.0 ** (8 * size - 1 - range_bits)
        if not self.low < 0 < self.high:
            return scale, 0.0
        return scale, scale * self.low - floor(scale * self.low)

    def read(self, raw: bytes) -> float | None:
        """None: one of the special values (infinite, no number, ...), whose first bit is set."""
        if not 2 <= len(raw) <= 8:
            raise ValueError(f"{len(raw)} bytes, not 2 to 8")
        number, top = int.from_bytes(raw), 1 << 8 * len(raw) - 1
        if number > top:
            return None
        scale, zero = self._scale(len(raw))
        value = (number - zero) / scale + self.low
        return value if value <= self.high else None

    def write(self, value: Value) -> bytes:
        """The number just below, as the standard has it."""
        scale, zero = self._scale(self.size)
        at = _within(value, self.low, self.high) - self.low
        return floor(scale * at + zero).to_bytes(self.size)


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer without a sign, of `size` bytes."""

    size: int

    def read(self, raw: bytes) -> int | None:
        """Every number is a value."""
        _sized(raw, self.size)
        return int.from_bytes(raw)

    def write(self, value: Value) -> bytes:
        """As it is."""
        if not isinstance(value, int):
            raise ValueError(f"{value!r} is no integer")
        return int(_within(value, 0, 256**self.size - 1)).to_bytes(self.size)


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 of at most 127 bytes; what is longer is cut where a character ends."""

    def read(self, raw: bytes) -> str | None:
        """None: of no bytes, or of zeros alone."""
        if len(raw) > _MAX_TEXT_BYTES:
            raise ValueError(f"{len(raw)} bytes of text, more than {_MAX_TEXT_BYTES}")
        return raw.decode("utf-8").rstrip("\0") or None

    def write(self, value: Value) -> bytes:
        """As it is."""
        if not isinstance(value, str) or not value:
            raise ValueError(f"{value!r} is no text")
        cut = value.encode("utf-8", "replace")[:_MAX_TEXT_BYTES]
        return cut.decode("utf-8", "ignore").encode()


@dataclass(frozen=True, slots=True)
class Nested:
    """A set in the set, as its bytes."""

    def read(self, raw: bytes) -> bytes | None:
        """Whoever wants to know decodes it."""
        return raw

    def write(self, value: Value) -> bytes:
        """As it is."""
        if not isinstance(value, bytes):
            raise ValueError(f"{value!r} is no bytes")
        return value


def _sized(raw: bytes, size: int) -> None:
    if len(raw) != size:
        raise ValueError(f"{len(raw)} bytes, not {size}")


def _within(value: Value, low: float, high: float) -> float:
    if not isinstance(value, int | float) or not isfinite(value) or not low <= value <= high:
        raise ValueError(f"{value!r} is not from {low:g} to {high:g}")
    return value


def _round(at: float) -> int:
    return floor(at + 0.5)
