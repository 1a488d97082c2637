"""TAK protocol, version 1: events as protobuf, which ATAK multicasts unless told otherwise.

Read only: every TAK product still takes XML. Field numbers as of atakmap's takmessage.proto,
cotevent.proto and detail.proto, whose rules for <detail> are followed: what stands in `xmlDetail`
counts before the typed field of the same element.
"""

import struct
from collections.abc import Iterator
from typing import TypeAlias

from fieldlink.codecs.fault import CodecError

from .event import MAX_EVENT_BYTES, Details, Event, make_event
from .xml import empty_details, read_details

__all__ = ["decode_tak_message", "varint"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_FIELDS = 1000
_TAK_EVENT = 2
_DETAIL = 15
_TEXTS = {1: "type", 5: "uid", 9: "how"}
_TIMES = {6: "time", 7: "start", 8: "stale"}
_NUMBERS = {10: "lat", 11: "lon", 12: "hae", 13: "ce", 14: "le"}
_MAX_MS = 2**52

Value: TypeAlias = int | bytes


def decode_tak_message(data: bytes) -> Event | None:
    """The event of a TakMessage; None when it holds none, as one that only negotiates does.

    Raises:
        CodecError: it is no protobuf, or a field is out of bounds.
    """
    if len(data) > MAX_EVENT_BYTES:
        raise CodecError("size", f"an event of {len(data)} bytes; {MAX_EVENT_BYTES} is the most")
    event = None
    for number, value in _fields(data):
        if number == _TAK_EVENT:
            event = _bytes(value)
    return None if event is None else _event(event)


def _event(data: bytes) -> Event:
    base: dict[str, str] = {}
    point: dict[str, str] = {}
    times: dict[str, int] = {}
    detail = b""
    for number, value in _fields(data):
        if number in _TEXTS:
            base[_TEXTS[number]] = _utf8(value)
        elif number in _TIMES:
            if not isinstance(value, int) or value > _MAX_MS:
                raise CodecError("field", "a time of an event is no time")
            times[_TIMES[number]] = value * 1000
        elif number in _NUMBERS:
            point[_NUMBERS[number]] = repr(_double(value))
        elif number == _DETAIL:
            detail = _bytes(value)
    # A number that is 0 is not sent at all.
    point = {name: point.get(name, "0") for name in _NUMBERS.values()}
    at = times.get("time", 0)
    three = at, times.get("start", at), times.get("stale", at)
    return make_event(base, three, point, _details(detail))


def _details(data: bytes) -> Details:
    typed: dict[int, bytes] = {number: _bytes(value) for number, value in _fields(data)}
    details = empty_details()
    if typed.get(1):
        read_details(b"<detail>" + typed[1] + b"</detail>", details)
    for number, target, names in (
        (2, details.contact, {1: "endpoint", 2: "callsign"}),
        (3, details.group, {1: "name", 2: "role"}),
        (6, details.takv, {1: "device", 2: "platform", 3: "os", 4: "version"}),
    ):
        if number in typed and not target:
            target |= {names[n]: _utf8(v) for n, v in _fields(typed[number]) if n in names}
    if 5 in typed and not details.status:
        levels = [v for n, v in _fields(typed[5]) if n == 1 and isinstance(v, int)]
        # 0 is what is not sent: it cannot be told from unknown.
        details.status |= {"battery": str(levels[-1])} if levels else {}
    if 7 in typed and not details.track:
        names = {1: "speed", 2: "course"}
        moving = {names[n]: repr(_double(v)) for n, v in _fields(typed[7]) if n in names}
        details.track |= {"speed": "0", "course": "0", **moving}
    return details


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Each field of a message: its number, and its value as an integer or as bytes."""
    at = 0
    for _ in range(_MAX_FIELDS):
        if at >= len(data):
            return
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = varint(data, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if size < 0 or at + size > len(data):
            raise CodecError("protobuf", "a field that ends beyond its message")
        yield number, data[at : at + size]
        at += size
    raise CodecError("protobuf", f"a message of over {_MAX_FIELDS} fields")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends.

    Raises:
        CodecError: it does not end, or has more than 64 bits.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise CodecError("protobuf", "a number that does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value & (2**64 - 1), at
    raise CodecError("protobuf", "a number of more than ten bytes")


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise CodecError("protobuf", "a number where a message belongs")
    return value


def _utf8(value: Value) -> str:
    try:
        return _bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CodecError("protobuf", "a text that is no UTF-8") from error


def _double(value: Value) -> float:
    if not isinstance(value, bytes) or len(value) != 8:
        raise CodecError("protobuf", "no double where one belongs")
    return float(struct.unpack("<d", value)[0])
