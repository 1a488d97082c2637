"""Named values of a JSON map, each within its bounds.

`Reader` is strict where the structure counts (who, which stream, what result): the first thing that
does not fit is a CodecError that names its key. With `odd` it is lenient, for properties that
aircraft send by the hundred and new firmware adds to: what does not fit is unknown, and named.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fieldlink.codecs.fault import CodecError

__all__ = ["MAX_BYTES", "Item", "Reader", "parse_json", "put_items", "shown", "take_items"]

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 16  # live_capacity needs 11
_MAX_KEYS = 400
_MAX_TEXT = 256
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Item:
    """One value: the attribute it becomes, where it is ("battery.capacity_percent"), and its
    bounds, both included; text has its longest length as `high`.
    """

    name: str
    key: str
    low: float
    high: float
    kind: type = float


def parse_json(data: bytes) -> dict[str, Any]:
    """The map in `data`.

    Raises:
        CodecError: too long, not one JSON map in UTF-8, too deep, or a number that is none.
    """
    if len(data) > MAX_BYTES:
        raise CodecError("size", f"{len(data)} bytes in one message, at most {MAX_BYTES} are read")
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise CodecError("json", "not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise CodecError("json", f"not one JSON value ({str(error)[:80]})") from error
    if not isinstance(value, dict):
        raise CodecError("json", "the message is not a map")
    _check(value, _MAX_DEPTH)
    return value


def _refuse_constant(text: str) -> Any:
    raise CodecError("number", f"{text} is not a number")


def _check(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise CodecError("depth", f"nested deeper than {_MAX_DEPTH}")
    if isinstance(value, dict) and len(value) > _MAX_KEYS:
        raise CodecError("size", f"{len(value)} keys in one map, at most {_MAX_KEYS} are read")
    for item in value.values() if isinstance(value, dict) else value:
        _check(item, left - 1)


def shown(value: Any) -> str:
    """`value` for a message about it: short, on one line."""
    if isinstance(value, dict | list):
        return "{...}" if isinstance(value, dict) else "[...]"
    if isinstance(value, int) and abs(value) > 2**70:
        return "a huge number"
    text = repr(value[:60] if isinstance(value, str) else value)[:64]
    return "".join(one if one.isprintable() else "?" for one in text)


class Reader:
    """The values of `data`; `where` is its place in the message ("data.sub_devices[0].")."""

    __slots__ = ("_data", "odd", "where")

    def __init__(self, data: Any, where: str = "", odd: list[str] | None = None) -> None:
        self.where, self.odd = where, odd
        if not isinstance(data, dict):
            self._fault(where.rstrip(".") or "data", data, "is not a map")
            data = {}
        self._data: Mapping[str, Any] = data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def has(self, key: str) -> bool:
        """Whether `key` is there and not null."""
        return self._data.get(key) is not None

    def number(self, key: str, low: float, high: float) -> float | None:
        """A number, also as text; None if it is not there."""
        value = self._data.get(key)
        if value is None:
            return None
        made = _number(value)
        if made is None:
            self._fault(self.where + key, value, "is not a number")
            return None
        if not low <= made <= high:
            self._fault(self.where + key, value, f"is not from {low:g} to {high:g}")
            return None
        return made

    def integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number, also as text or as 3.0; None if it is not there."""
        made = self.number(key, low, high)
        if made is None or isinstance(made, int):
            return made
        if not made.is_integer():
            self._fault(self.where + key, made, "is not a whole number")
            return None
        return int(made)

    def flag(self, key: str) -> bool | None:
        """Yes or no, also as 1 and 0; None if it is not there."""
        value = self._data.get(key)
        if value is None or isinstance(value, bool):
            return value
        made = self.integer(key, 0, 1)
        return None if made is None else bool(made)

    def text(self, key: str, most: int = _MAX_TEXT) -> str | None:
        """A printable text of at most `most` characters; None if it is not there."""
        value = self._data.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > most or not value.isprintable():
            self._fault(
                self.where + key, value, f"is not a printable text of at most {most} characters"
            )
            return None
        return value

    def needed(self, key: str, value: _T | None) -> _T:
        """`value`, which was read as `key`.

        Raises:
            CodecError: it is None.
        """
        if value is None:
            raise CodecError("field", f"{self.where}{key}: missing")
        return value

    def inner(self, key: str) -> "Reader":
        """The map at `key`; an empty one if it is not there."""
        value = self._data.get(key)
        return Reader({} if value is None else value, f"{self.where}{key}.", self.odd)

    def each(self, key: str, most: int) -> list["Reader"]:
        """The maps in the list at `key`; none if it is not there."""
        value = self._data.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            self._fault(self.where + key, value, f"is not a list of at most {most}")
            return []
        return [
            Reader(item, f"{self.where}{key}[{at}].", self.odd) for at, item in enumerate(value)
        ]

    def texts(self, key: str, most: int, length: int) -> tuple[str, ...]:
        """The texts in the list at `key`; none if it is not there."""
        value = self._data.get(key)
        if value is None:
            return ()
        if (
            not isinstance(value, list)
            or len(value) > most
            or any(not isinstance(one, str) or len(one) > length for one in value)
        ):
            self._fault(self.where + key, value, f"is not a list of at most {most} texts")
            return ()
        return tuple(value)

    def _fault(self, key: str, value: Any, rule: str) -> None:
        shown_key = "".join(one if one.isprintable() else "?" for one in key[:80])
        if self.odd is None:
            raise CodecError("field", f"{shown_key} = {shown(value)} {rule}")
        if len(self.odd) < 16:
            self.odd.append(f"{shown_key} = {shown(value)} {rule}")


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return None


def take_items(reader: Reader, items: Sequence[Item]) -> dict[str, Any]:
    """The values of `items` by their names."""
    found: dict[str, Any] = {}
    for item in items:
        inner, key = reader, item.key
        while "." in key:
            head, _, key = key.partition(".")
            inner = inner.inner(head)
        if item.kind is str:
            found[item.name] = inner.text(key, int(item.high))
        elif item.kind is int:
            found[item.name] = inner.integer(key, int(item.low), int(item.high))
        else:
            found[item.name] = inner.number(key, item.low, item.high)
    return found


def put_items(get: Callable[[str], Any], items: Sequence[Item]) -> dict[str, Any]:
    """The map that `take_items` reads; what is None is left out."""
    made: dict[str, Any] = {}
    for item in items:
        value = get(item.name)
        if value is None:
            continue
        place, key = made, item.key
        while "." in key:
            head, _, key = key.partition(".")
            place = place.setdefault(head, {})
        place[key] = value
    return made
