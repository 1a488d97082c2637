"""The bodies of the messages: decoding and encoding."""

import struct
from collections.abc import Callable
from typing import Any

from fieldlink.codecs.fault import CodecError

from .locations import Location, decode_location, encode_location
from .messages import (
    Answer,
    AskParameters,
    AskSomeParameters,
    Authentication,
    Batch,
    Heartbeat,
    Layout,
    LocationAnswer,
    LocationReport,
    Logout,
    Media,
    Message,
    Other,
    Parameter,
    Parameters,
    PassThrough,
    PlatformAnswer,
    Registration,
    RegistrationAnswer,
    Resend,
    SetParameters,
    TerminalAnswer,
    Text,
)

__all__ = ["decode_message", "encode_message"]

_WIDTHS = {Layout.V2011: (5, 8, 7), Layout.V2013: (5, 20, 7), Layout.V2019: (11, 30, 30)}
_IMEI_BYTES = 15


def decode_message(message: int, body: bytes, version: int | None = None) -> Message:
    """What the body of `message` says; `version` as in its header.

    Raises:
        CodecError: "truncated": it ends too early.
    """
    reader = _READERS.get(message)
    try:
        return reader(body, version is not None) if reader else Other(message, body)
    except (struct.error, IndexError) as error:
        raise CodecError(
            "truncated", f"0x{message:04x} has {len(body)} bytes, too few of them"
        ) from error


def encode_message(message: Message, version: int | None = None) -> tuple[int, bytes]:
    """The id and the body of `message`, for a terminal whose headers have `version`.

    Raises:
        CodecError: a field does not fit.
    """
    if isinstance(message, Other):
        return message.message, message.body
    try:
        return message.ID, _WRITERS[message.ID](message, version is not None)
    except (struct.error, ValueError, OverflowError) as error:
        raise CodecError("field", f"0x{message.ID:04x} has a field that does not fit") from error


# --- answers, registration ------------------------------------------------------------------


def _answer(kind: type[Answer]) -> Callable[[bytes, bool], Any]:
    return lambda body, _: kind(*struct.unpack_from(">HHB", body))


def _put_answer(answer: Answer, _: bool) -> bytes:
    return struct.pack(">HHB", answer.serial, answer.answered, answer.result)


def _registration(body: bytes, is_2019: bool) -> Registration:
    # 2011 and 2013 have the same header: only the length tells them apart. 2011 with a plate of
    # 12 bytes would be as long as 2013 without one; plates have at most 9.
    layout = Layout.V2019 if is_2019 else Layout.V2013
    if len(body) < 5 + sum(_WIDTHS[layout]):
        layout = Layout.V2013
    if len(body) < 5 + sum(_WIDTHS[layout]):
        layout = Layout.V2011
    maker, model, terminal = _WIDTHS[layout]
    form = f">HH{maker}s{model}s{terminal}sB"
    fields = (layout, *struct.unpack_from(form, body), body[struct.calcsize(form) :])
    return Registration(*fields)


def _put_registration(one: Registration, _: bool) -> bytes:
    fields = (one.maker, one.model, one.terminal)
    widths = _WIDTHS[one.layout]
    if any(len(field) > width for field, width in zip(fields, widths, strict=True)):
        raise CodecError("field", "maker, model or terminal id is too long for the layout")
    filled = b"".join(
        field.ljust(width, b"\0") for field, width in zip(fields, widths, strict=True)
    )
    head = struct.pack(">HH", one.province, one.city)
    return head + filled + bytes([one.plate_colour]) + one.plate


def _registered(body: bytes, _: bool) -> RegistrationAnswer:
    serial, result = struct.unpack_from(">HB", body)
    return RegistrationAnswer(serial, result, body[3:])


def _put_registered(one: RegistrationAnswer, _: bool) -> bytes:
    return struct.pack(">HB", one.serial, one.result) + one.code


def _authentication(body: bytes, is_2019: bool) -> Authentication:
    # Some terminals with the header of 2019 still send nothing but the code.
    if not is_2019 or not body or len(body) < 1 + body[0] + _IMEI_BYTES:
        return Authentication(body)
    code, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
    return Authentication(code, rest[:_IMEI_BYTES], rest[_IMEI_BYTES:])


def _put_authentication(one: Authentication, _: bool) -> bytes:
    if one.imei is None:
        return one.code
    return bytes([len(one.code)]) + one.code + one.imei.ljust(_IMEI_BYTES, b"\0") + one.software


# --- locations ------------------------------------------------------------------------------


def _located(body: bytes, _: bool) -> LocationAnswer:
    (serial,) = struct.unpack_from(">H", body)
    return LocationAnswer(serial, decode_location(body[2:]))


def _put_located(one: LocationAnswer, _: bool) -> bytes:
    return struct.pack(">H", one.serial) + encode_location(one.location)


def _batch(body: bytes, _: bool) -> Batch:
    count, kind = struct.unpack_from(">HB", body)
    items: list[Location | bytes] = []
    at = 3
    while len(items) < count and at + 2 <= len(body):
        end = at + 2 + int.from_bytes(body[at : at + 2], "big")
        if end > len(body):
            break
        items.append(_item(body[at + 2 : end]))
        at = end
    return Batch(kind, tuple(items), count - len(items), body[at:])


def _item(data: bytes) -> Location | bytes:
    try:
        return decode_location(data)
    except CodecError:
        return data


def _put_batch(one: Batch, _: bool) -> bytes:
    packed = struct.pack(">HB", len(one.items) + one.missing, one.kind)
    for item in one.items:
        data = item if isinstance(item, bytes) else encode_location(item)
        packed += struct.pack(">H", len(data)) + data
    return packed + one.tail


# --- parameters -----------------------------------------------------------------------------


def _items(body: bytes, at: int) -> tuple[Parameter, ...]:
    items = []
    for _ in range(body[at]):
        ident, size = struct.unpack_from(">IB", body, at + 1)
        data = body[at + 6 : at + 6 + size]
        if len(data) != size:
            raise CodecError("truncated", f"parameter 0x{ident:04x} says {size} bytes")
        items.append(Parameter(ident, data))
        at += 5 + size
    return tuple(items)


def _put_items(items: tuple[Parameter, ...]) -> bytes:
    packed = bytes([len(items)])
    for item in items:
        packed += struct.pack(">IB", item.ident, len(item.data)) + item.data
    return packed


def _parameters(body: bytes, _: bool) -> Parameters:
    (serial,) = struct.unpack_from(">H", body)
    return Parameters(serial, _items(body, 2))


def _asked(body: bytes, _: bool) -> AskSomeParameters:
    return AskSomeParameters(struct.unpack_from(f">{body[0]}I", body, 1))


def _put_asked(one: AskSomeParameters, _: bool) -> bytes:
    return bytes([len(one.idents)]) + struct.pack(f">{len(one.idents)}I", *one.idents)


# --- the rest -------------------------------------------------------------------------------


def _resend(body: bytes, is_2019: bool) -> Resend:
    # The count became a word in 2019.
    serial, count = struct.unpack_from(">HH" if is_2019 else ">HB", body)
    return Resend(serial, struct.unpack_from(f">{count}H", body, 4 if is_2019 else 3))


def _put_resend(one: Resend, is_2019: bool) -> bytes:
    count = len(one.parts)
    return struct.pack(f">H{'H' if is_2019 else 'B'}{count}H", one.serial, count, *one.parts)


def _text(body: bytes, is_2019: bool) -> Text:
    if is_2019:
        return Text(body[0], body[2:], body[1])
    return Text(body[0], body[1:])


def _put_text(one: Text, is_2019: bool) -> bytes:
    kind = bytes([1 if one.kind is None else one.kind]) if is_2019 else b""
    return bytes([one.flags]) + kind + one.text


def _media(body: bytes, _: bool) -> Media:
    fields = (*struct.unpack_from(">IBBBB", body), body[8:])
    return Media(*fields)


def _put_media(one: Media, _: bool) -> bytes:
    head = struct.pack(">IBBBB", one.ident, one.kind, one.form, one.event, one.channel)
    return head + one.data


_READERS: dict[int, Callable[[bytes, bool], Message]] = {
    TerminalAnswer.ID: _answer(TerminalAnswer),
    PlatformAnswer.ID: _answer(PlatformAnswer),
    Heartbeat.ID: lambda _body, _: Heartbeat(),
    Logout.ID: lambda _body, _: Logout(),
    Registration.ID: _registration,
    RegistrationAnswer.ID: _registered,
    Authentication.ID: _authentication,
    LocationReport.ID: lambda body, _: LocationReport(decode_location(body)),
    LocationAnswer.ID: _located,
    Batch.ID: _batch,
    Parameters.ID: _parameters,
    SetParameters.ID: lambda body, _: SetParameters(_items(body, 0)),
    AskParameters.ID: lambda _body, _: AskParameters(),
    AskSomeParameters.ID: _asked,
    Resend.ID: _resend,
    Text.ID: _text,
    Media.ID: _media,
    PassThrough.ID: lambda body, _: PassThrough(body[0], body[1:]),
}
_WRITERS: dict[int, Callable[[Any, bool], bytes]] = {
    TerminalAnswer.ID: _put_answer,
    PlatformAnswer.ID: _put_answer,
    Heartbeat.ID: lambda _one, _: b"",
    Logout.ID: lambda _one, _: b"",
    Registration.ID: _put_registration,
    RegistrationAnswer.ID: _put_registered,
    Authentication.ID: _put_authentication,
    LocationReport.ID: lambda one, _: encode_location(one.location),
    LocationAnswer.ID: _put_located,
    Batch.ID: _put_batch,
    Parameters.ID: lambda one, _: struct.pack(">H", one.serial) + _put_items(one.items),
    SetParameters.ID: lambda one, _: _put_items(one.items),
    AskParameters.ID: lambda _one, _: b"",
    AskSomeParameters.ID: _put_asked,
    Resend.ID: _put_resend,
    Text.ID: _put_text,
    Media.ID: _put_media,
    PassThrough.ID: lambda one, _: bytes([one.kind]) + one.data,
}
