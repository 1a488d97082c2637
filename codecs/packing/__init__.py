"""Reading msgpack from outside: bounded in size and depth, no extension types, typed fields.

Everything that Fieldlink writes is an array whose fields have a fixed order; a reader takes
each by type and refuses what does not fit, so that hostile bytes become one `CodecError`.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import msgpack

from fieldlink.codecs.fault import CodecError

__all__ = ["Fields", "pack", "unpack"]

_E = TypeVar("_E")
_MAX_DEPTH = 8


def pack(value: Any) -> bytes:
    """`value` as msgpack; ints, str, bytes, bool, None, lists and str-keyed maps only."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(data: bytes | memoryview, what: str, *, max_bytes: int) -> Any:
    """The one msgpack value in `data`.

    Raises:
        CodecError: too long, not msgpack, trailing bytes, too deep, an extension type, a number
            that is none (NaN, infinity), or a map with a key twice or one that is not text.
    """
    if len(data) > max_bytes:
        raise CodecError("size", f"a {what} of {len(data)} bytes is over the {max_bytes} allowed")
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            use_list=False,
            strict_map_key=True,
            ext_hook=_refuse_extension,
            object_pairs_hook=_unique_keys,
        )
    except CodecError:
        raise
    except (ValueError, RecursionError, TypeError) as error:
        # msgpack's own errors are all ValueErrors; TypeError is an unhashable map key.
        raise CodecError("msgpack", f"a {what} is not one msgpack value ({error})") from error
    _check(value, what, _MAX_DEPTH)
    return value


def _refuse_extension(code: int, _data: bytes) -> Any:
    raise CodecError("msgpack", f"extension type {code} is not part of the protocol")


def _unique_keys(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    # Two readers of one key given twice could take different values for the truth.
    keys = dict(pairs)
    if len(keys) != len(pairs) or not all(isinstance(key, str) for key in keys):
        raise CodecError("msgpack", "a map has a key twice, or one that is not text")
    return keys


def _check(value: Any, what: str, left: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise CodecError("msgpack", f"a {what} holds {value}, which is not a number")
    if not isinstance(value, tuple | dict):
        # msgpack makes timestamps of extension type -1 without asking the hook.
        if isinstance(value, msgpack.Timestamp):
            _refuse_extension(-1, b"")
        return
    if left == 0:
        raise CodecError("depth", f"a {what} is nested deeper than {_MAX_DEPTH}")
    for item in value.values() if isinstance(value, dict) else value:
        _check(item, what, left - 1)


class Fields:
    """The fields of one packed array, taken in order, each checked as it is taken.

    Later versions may append fields: those that are not taken are ignored.
    """

    def __init__(self, value: Any, what: str) -> None:
        if not isinstance(value, tuple):
            raise CodecError("shape", f"a {what} is {type(value).__name__}, not an array")
        self._values = value
        self._what = what
        self._at = 0

    def _take(self) -> Any:
        if self._at >= len(self._values):
            raise CodecError("shape", f"a {self._what} ends after {len(self._values)} fields")
        self._at += 1
        return self._values[self._at - 1]

    def _wrong(self, value: Any, rule: str) -> CodecError:
        shown = repr(value)[:60]
        return CodecError("field", f"field {self._at} of a {self._what} is {shown}, not {rule}")

    def integer(self, low: int = 0, high: int = 2**63 - 1) -> int:
        """The next field, an integer of at least `low` and at most `high`."""
        value = self._take()
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(value, f"an integer from {low} to {high}")
        return value

    def optional_integer(self, low: int = 0, high: int = 2**63 - 1) -> int | None:
        """The next field, an integer or nothing: unknown is not zero."""
        if self._at < len(self._values) and self._values[self._at] is None:
            self._at += 1
            return None
        return self.integer(low, high)

    def text(self, max_chars: int) -> str:
        """The next field, text of at most `max_chars` characters without control characters."""
        value = self._take()
        if not isinstance(value, str) or len(value) > max_chars or not value.isprintable():
            raise self._wrong(value, f"printable text of at most {max_chars} characters")
        return value

    def binary(self, low: int, high: int) -> bytes:
        """The next field, `low` to `high` bytes."""
        value = self._take()
        if not isinstance(value, bytes) or not low <= len(value) <= high:
            raise self._wrong(value, f"{low} to {high} bytes")
        return value

    def optional_binary(self, low: int, high: int) -> bytes | None:
        """The next field, bytes or nothing."""
        if self._at < len(self._values) and self._values[self._at] is None:
            self._at += 1
            return None
        return self.binary(low, high)

    def member(self, kind: Callable[[Any], _E]) -> _E:
        """The next field as a member of the enumeration `kind`."""
        value = self._take()
        rule = f"a {getattr(kind, '__name__', 'member')}"
        if type(value) not in (int, str):  # True and 1.0 would pass for 1
            raise self._wrong(value, rule)
        try:
            return kind(value)
        except ValueError as error:
            raise self._wrong(value, rule) from error

    def array(self, max_items: int) -> tuple[Any, ...]:
        """The next field, an array of at most `max_items`."""
        value = self._take()
        if not isinstance(value, tuple) or len(value) > max_items:
            raise self._wrong(value, f"an array of at most {max_items} items")
        return value

    def mapping(self, max_items: int) -> dict[str, Any]:
        """The next field, a map of at most `max_items` text keys."""
        value = self._take()
        good = isinstance(value, dict) and len(value) <= max_items
        if not good or not all(isinstance(key, str) and key.isprintable() for key in value):
            raise self._wrong(value, f"a map of at most {max_items} text keys")
        return dict(value)
