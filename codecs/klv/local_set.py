"""One set of MISB ST 0601, whole: its bytes to values and back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .ber import KlvError, put_length, put_tag, read_length, read_tag
from .items import ITEMS, Tag
from .values import Value

__all__ = ["KEY", "LATEST_VERSION", "MAX_SET_BYTES", "LocalSet", "checksum", "decode", "encode"]

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")
"""The universal label of the UAS Datalink Local Set (ST 0601, 6.1)."""

MAX_SET_BYTES = 65_536
MAX_ITEMS = 1_000
LATEST_VERSION = 19
"""Of ST 0601: what is written is the same in all since 8."""

_CHECKSUM = bytes((Tag.CHECKSUM, 2))


@dataclass(frozen=True, slots=True)
class LocalSet:
    """`values` by tag, in the units of `items`. `blank` are the items that were there and say
    "out of range" or nothing; `unknown` are those of tags that are not understood, as they came,
    and `misfits` those whose bytes do not fit their tag.
    """

    values: Mapping[int, Value]
    blank: frozenset[int] = frozenset()
    unknown: Mapping[int, bytes] = field(default_factory=dict)
    misfits: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def time_us(self) -> int | None:
        """When it was taken, by the aircraft's clock: microseconds of the MISP time system."""
        found = self.values.get(Tag.TIME)
        return found if isinstance(found, int) and found else None

    def number(self, tag: Tag) -> float | None:
        """The value of a numeric item."""
        found = self.values.get(tag)
        return float(found) if isinstance(found, int | float) else None

    def text(self, tag: Tag) -> str | None:
        """The value of an item of text."""
        found = self.values.get(tag)
        return found if isinstance(found, str) else None


def checksum(data: bytes) -> int:
    """The running 16-bit sum of ST 0601 (8.1), of all that is before the checksum itself."""
    return (sum(data[::2]) * 256 + sum(data[1::2])) & 0xFFFF


def decode(data: bytes, *, verified: bool = True) -> LocalSet:
    """The set that `data` is, from its key to its checksum and no further; with `verified` false
    whatever its checksum is.

    Raises:
        KlvError: it is none, is damaged, or its checksum is wrong or missing.
    """
    if len(data) > MAX_SET_BYTES:
        raise KlvError("size", f"a set of more than {MAX_SET_BYTES} bytes", MAX_SET_BYTES)
    if data[: len(KEY)] != KEY:
        raise KlvError("key", "no key of a UAS Datalink Local Set", 0)
    length, body = read_length(data, len(KEY), len(data))
    if body + length != len(data):
        raise KlvError("length", f"it says {length} bytes and has {len(data) - body}", len(KEY))
    if verified:
        _verify(data, body)
    values: dict[int, Value] = {}
    blank, unknown, misfits = set[int](), dict[int, bytes](), dict[int, bytes]()
    for tag, _, raw in items_of(data, body):
        item = ITEMS.get(tag)
        if item is None:
            unknown[tag] = raw
            continue
        try:
            value = item.form.read(raw) if raw else None
        except ValueError:  # UnicodeDecodeError is one
            misfits[tag] = raw
            continue
        if value is None:
            blank.add(tag)
        else:
            values[tag] = value
    return LocalSet(values, frozenset(blank), unknown, misfits)


def items_of(data: bytes, at: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Tag, place and bytes of each item from `at` to the end of `data`.

    Raises:
        KlvError: there are too many, or one is damaged.
    """
    end = len(data)
    for _ in range(MAX_ITEMS):
        if at >= end:
            return
        tag, place = read_tag(data, at, end)
        length, body = read_length(data, place, end)
        if body + length > end:
            raise KlvError("truncated", f"item {tag} of {length} bytes is longer than its set", at)
        yield tag, at, data[body : body + length]
        at = body + length
    if at < end:
        raise KlvError("size", f"more than {MAX_ITEMS} items", at)


def _verify(data: bytes, body: int) -> None:
    """The checksum is the last item (ST 0601, 6.3.1)."""
    at = len(data) - 4
    if at < body or data[at : at + 2] != _CHECKSUM:
        raise KlvError("checksum", "no checksum is the last item", max(at, body))
    said, found = int.from_bytes(data[at + 2 :]), checksum(data[:-2])
    if said != found:
        raise KlvError("checksum", f"the checksum is {said:04x} and should be {found:04x}", at)


def encode(values: Mapping[int, Value], more: Mapping[int, bytes] | None = None) -> bytes:
    """The set of `values`, and of `more` items as their bytes. Time first, checksum last.

    Raises:
        KlvError: a value is none that its item can have, a tag is not understood, or it is too
            large.
    """
    body = bytearray()
    raws = dict(more or {})
    for tag in sorted({*values, *raws} - {Tag.CHECKSUM}, key=lambda tag: (tag != Tag.TIME, tag)):
        raw = raws[tag] if tag in raws else _raw(tag, values[tag])
        body += put_tag(tag) + put_length(len(raw)) + raw
    head = KEY + put_length(len(body) + 4)
    if len(head) + len(body) + 4 > MAX_SET_BYTES:
        raise KlvError("size", f"a set of more than {MAX_SET_BYTES} bytes", MAX_SET_BYTES)
    whole = head + body + _CHECKSUM
    return whole + checksum(whole).to_bytes(2)


def _raw(tag: int, value: Value) -> bytes:
    item = ITEMS.get(tag)
    if item is None:
        raise KlvError("tag", f"item {tag} is not understood; give its bytes", 0)
    try:
        return item.form.write(value)
    except ValueError as error:
        raise KlvError("range", f"item {tag}, {item.words}: {error}", 0) from error
