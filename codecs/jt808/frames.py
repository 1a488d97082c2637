"""Frames: bytes in, frames and complaints out; frames in, bytes out.

    7E  header  body  check  7E       (JT/T 808-2019 4.4)

Between the delimiters 7E is written 7D 02 and 7D is written 7D 01; the check is the XOR of header
and body before that. Whatever stands between two delimiters is either a whole frame or counted as
malformed, so that garbage costs nothing but itself: two frames may share a delimiter, and after
a lost one the next begins a frame all the same.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import xor
from typing import NamedTuple, TypeAlias

from fieldlink.codecs.fault import CodecError

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_ESCAPED_BYTES",
    "Event",
    "Frame",
    "Framer",
    "Header",
    "Malformed",
    "Part",
    "decode_frame",
    "encode_frame",
    "split_frames",
]

MAX_BODY_BYTES = 1023  # ten bits
_HEADER_BYTES = 12
_HEADER_2019_BYTES = 17
_PART_BYTES = 4
MAX_ESCAPED_BYTES = 2 * (_HEADER_2019_BYTES + _PART_BYTES + MAX_BODY_BYTES + 1)
"""The longest that can stand between two delimiters: every byte escaped."""

_DELIMITER = b"\x7e"
_LENGTH = 0x03FF
_ENCRYPTION_SHIFT = 10
_SPLIT = 1 << 13
_VERSION = 1 << 14
_DIGITS = re.compile("[0-9a-f]+")
_PHONE_DIGITS = {False: 12, True: 20}


class Part(NamedTuple):
    """Which part of a split message this is: `number` from 1 to `total`."""

    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a frame says of itself.

    `phone` are the digits as sent: 12, or 20 since 2019, with zeros in front. There are terminals
    that send letters (a to f) in it; they are kept. `version` is the protocol version byte of the
    2019 edition; None is a header of 2011 or 2013, which look alike. `encryption` 0: none, 1: RSA.
    """

    message: int
    phone: str
    serial: int
    version: int | None = None
    part: Part | None = None
    encryption: int = 0

    def __post_init__(self) -> None:
        digits = _PHONE_DIGITS[self.version is not None]
        if len(self.phone) != digits or not _DIGITS.fullmatch(self.phone):
            raise CodecError("field", f"a phone number has {digits} digits in this edition")
        bounds = ((self.message, 16), (self.serial, 16), (self.version or 0, 8))
        if any(not 0 <= value < 1 << bits for value, bits in bounds):
            raise CodecError("field", f"a header's field is too large: {self}")

    @property
    def terminal(self) -> str:
        """The terminal's number without the zeros in front: the same in every edition."""
        return self.phone.lstrip("0") or "0"


@dataclass(frozen=True, slots=True)
class Frame:
    """A header and its body, as sent."""

    header: Header
    body: bytes


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that were no frame. `reason` is a short stable word: garbage, size, escape, short,
    checksum, length, part.
    """

    reason: str
    detail: str


Event: TypeAlias = Frame | Malformed


class Framer:
    """Takes what arrives in whatever pieces; gives what it means. Never raises for what a peer
    sent, never holds more than `MAX_ESCAPED_BYTES`.
    """

    def __init__(self) -> None:
        self._held = b""
        self._lost = 0  # of something too long, up to the next delimiter
        self._open = False  # a delimiter has been seen

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._held or self._lost)

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes."""
        first, *others = data.split(_DELIMITER)
        events: list[Event] = []
        self._keep(first)
        for piece in others:
            event = self._piece()
            if event is not None:
                events.append(event)
            self._open = True
            self._keep(piece)
        return events

    def end(self) -> Malformed | None:
        """The peer says no more: what it left unfinished."""
        left = len(self._held) + self._lost
        self._held, self._lost = b"", 0
        return Malformed("truncated", f"{left} bytes without an end") if left else None

    def _keep(self, piece: bytes) -> None:
        if self._lost or len(self._held) + len(piece) > MAX_ESCAPED_BYTES:
            self._lost += len(self._held) + len(piece)
            self._held = b""
        else:
            self._held += piece

    def _piece(self) -> Event | None:
        raw, lost = self._held, self._lost
        self._held, self._lost = b"", 0
        if lost:
            return Malformed("size", f"{lost} bytes without a delimiter")
        if not raw:
            return None
        if not self._open:
            return Malformed("garbage", f"{len(raw)} bytes before the first delimiter")
        try:
            return decode_frame(raw)
        except CodecError as error:
            return Malformed(error.reason, error.detail)


def decode_frame(raw: bytes) -> Frame:
    """The frame that stood between two delimiters as `raw`, escapes and all.

    Raises:
        CodecError: it is none; `reason` as in `Malformed`.
    """
    data = _unescape(raw)
    if len(data) < _HEADER_BYTES + 1:
        raise CodecError("short", f"{len(data)} bytes are less than a header and its check")
    if reduce(xor, data):
        right = reduce(xor, data[:-1])
        raise CodecError("checksum", f"0x{data[-1]:02x} where 0x{right:02x} would be right")
    message, attributes = struct.unpack_from(">HH", data)
    is_2019 = bool(attributes & _VERSION)
    start = _HEADER_2019_BYTES if is_2019 else _HEADER_BYTES
    body_at = start + (_PART_BYTES if attributes & _SPLIT else 0)
    body = data[body_at:-1]
    if len(data) <= body_at or len(body) != attributes & _LENGTH:
        said = attributes & _LENGTH
        raise CodecError("length", f"0x{message:04x} says {said} bytes and has {len(body)}")
    header = Header(
        message,
        (data[5:15] if is_2019 else data[4:10]).hex(),
        int.from_bytes(data[start - 2 : start], "big"),
        version=data[4] if is_2019 else None,
        part=_part(data[start:body_at]),
        encryption=attributes >> _ENCRYPTION_SHIFT & 7,
    )
    return Frame(header, body)


def _unescape(raw: bytes) -> bytes:
    # One pass: replacing the pairs one after the other would make 7E of 7D 01 02.
    first, *others = raw.split(b"\x7d")
    data = bytearray(first)
    for piece in others:
        if piece[:1] not in (b"\x01", b"\x02"):
            raise CodecError("escape", f"7d {piece[:1].hex() or 'and nothing'}")
        data.append(0x7C + piece[0])
        data += piece[1:]
    return bytes(data)


def _part(data: bytes) -> Part | None:
    if not data:
        return None
    part = Part(*struct.unpack(">HH", data))
    if not 1 <= part.number <= part.total:
        raise CodecError("part", f"part {part.number} of {part.total}")
    return part


def encode_frame(frame: Frame) -> bytes:
    """The bytes of `frame`, delimiters and all.

    Raises:
        CodecError: its body is longer than a frame holds.
    """
    header = frame.header
    if len(frame.body) > MAX_BODY_BYTES:
        raise CodecError("size", f"{len(frame.body)} bytes; split what is over {MAX_BODY_BYTES}")
    attributes = len(frame.body) | header.encryption << _ENCRYPTION_SHIFT
    attributes |= (_SPLIT if header.part else 0) | (0 if header.version is None else _VERSION)
    data = struct.pack(">HH", header.message, attributes)
    data += b"" if header.version is None else bytes([header.version])
    data += bytes.fromhex(header.phone) + struct.pack(">H", header.serial)
    data += struct.pack(">HH", *header.part) if header.part else b""
    data += frame.body
    data += bytes([reduce(xor, data)])
    escaped = data.replace(b"\x7d", b"\x7d\x01").replace(_DELIMITER, b"\x7d\x02")
    return _DELIMITER + escaped + _DELIMITER


def split_frames(header: Header, body: bytes, part_bytes: int = 1000) -> Iterator[Frame]:
    """`body` in as many frames as it needs, with serials from `header`'s on (JT/T 808 4.4.3)."""
    if len(body) <= part_bytes:
        yield Frame(header, body)
        return
    total = -(-len(body) // part_bytes)
    for number in range(1, total + 1):
        part = body[(number - 1) * part_bytes : number * part_bytes]
        serial = (header.serial + number - 1) % 65536
        yield Frame(replace(header, serial=serial, part=Part(total, number)), part)
