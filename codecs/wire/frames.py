"""The frames on the topics.

A frame is six bytes, a header and, in a chunk, the payload:

    0      0xF1
    1      version, 1
    2..5   length of the header, unsigned 32-bit big-endian
    6..    header: a msgpack array whose first field is the frame's kind
    ...    payload to the end of the message (chunks only; empty otherwise)

Readers ignore fields appended to an array by a later version.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

from fieldlink.codecs.bundle import MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, Ranges
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack

from .orders import Orders, orders_fields, take_orders

MAGIC = 0xF1
VERSION = 1
MAX_CHUNK_BYTES = 512 * 1024
MAX_HEADER_BYTES = 64 * 1024
MAX_FRAME_BYTES = 6 + MAX_HEADER_BYTES + MAX_CHUNK_BYTES
MAX_ASKS = 256
MAX_ACKS = 256
MAX_ACK_SPANS = 64
DIGEST_BYTES = 16
_PREFIX = struct.Struct(">BBI")
_ID = 32


class Kind(IntEnum):
    """The first field of a header."""

    CHUNK = 1
    ASK = 2
    HELLO = 3
    STATE = 4
    ACK = 5
    WELCOME = 6
    ORDERS = 7


class Verdict(IntEnum):
    """What the centre says of a bundle."""

    HAVE = 0
    CUSTODY = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some bytes of a bundle: `payload` at `offset` of `size` in all.

    `digest` covers the payload (`chunk_digest`), so that damage is found chunk by chunk.
    `manifest` is the packed manifest; the sender puts it into the first chunk it sends of a
    bundle in each session. `sent_us` and `bearer` go into the bundle's journey.
    """

    bundle: bytes
    offset: int
    size: int
    digest: bytes
    bearer: str
    sent_us: int
    manifest: bytes | None
    payload: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Ask:
    """The kit asks what the centre holds of these bundles; answered by an `Ack`."""

    bundles: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """A kit on a bearer: its software, the spool it sends from, its clock, its devices.

    `devices` maps a device's name to its kind (design vocabulary: soldier, drone, ball, ...).
    """

    software: str
    spool: bytes
    now_us: int
    bearer: str
    devices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """How a kit is, every few seconds: `report` is a map of plain values for people and pages."""

    now_us: int
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AckItem:
    """The centre's word on one bundle: the ranges it holds, custody, or why it is refused.

    `at_us` is the centre's clock. HAVE with no ranges means that nothing is held.
    """

    bundle: bytes
    verdict: Verdict
    at_us: int
    ranges: Ranges = field(default_factory=Ranges)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ack:
    """The centre's answers for up to 256 bundles."""

    items: tuple[AckItem, ...]


@dataclass(frozen=True, slots=True)
class Welcome:
    """The centre's greeting: its run (random at each start), its clock, its name."""

    run: bytes
    now_us: int
    centre: str


Frame: TypeAlias = Chunk | Ask | Hello | State | Ack | Welcome | Orders


def chunk_digest(payload: bytes | memoryview) -> bytes:
    """BLAKE2b-128 of a chunk's payload."""
    return hashlib.blake2b(payload, digest_size=DIGEST_BYTES).digest()


def encode_frame(frame: Frame) -> bytes:
    """The bytes of `frame`.

    Raises:
        CodecError: it would be larger than a receiver accepts.
    """
    header, payload = _header(frame)
    packed = pack(header)
    if len(packed) > MAX_HEADER_BYTES or len(payload) > MAX_CHUNK_BYTES:
        raise CodecError("size", f"a frame of {len(packed)} + {len(payload)} bytes is too large")
    return b"".join((_PREFIX.pack(MAGIC, VERSION, len(packed)), packed, payload))


def _header(frame: Frame) -> tuple[list[Any], bytes | memoryview]:
    match frame:
        case Chunk(bundle, offset, size, digest, bearer, sent_us, manifest, payload):
            fields = [bundle, offset, size, digest, bearer, sent_us, manifest]
            return [Kind.CHUNK.value, *fields], payload
        case Ask(bundles):
            return [Kind.ASK.value, list(bundles)], b""
        case Hello(software, spool, now_us, bearer, devices):
            return [Kind.HELLO.value, software, spool, now_us, bearer, dict(devices)], b""
        case State(now_us, report):
            return [Kind.STATE.value, now_us, dict(report)], b""
        case Ack(items):
            return [Kind.ACK.value, [_ack_fields(item) for item in items]], b""
        case Welcome(run, now_us, centre):
            return [Kind.WELCOME.value, run, now_us, centre], b""
        case Orders():
            return [Kind.ORDERS.value, *orders_fields(frame)], b""


def _ack_fields(item: AckItem) -> list[Any]:
    # The first spans are enough: the sender fills from the front and asks again.
    flat = [edge for span in tuple(item.ranges)[:MAX_ACK_SPANS] for edge in span]
    return [item.bundle, item.verdict.value, item.at_us, flat, item.reason[:200]]


def decode_frame(data: bytes | bytearray | memoryview) -> Frame:
    """The frame in one MQTT message, every field checked; a chunk's digest is not (see Chunk).

    Raises:
        CodecError: not a frame, of another version, over a bound, or a field of the wrong type.
    """
    view = memoryview(data)
    if len(view) < _PREFIX.size:
        raise CodecError("truncated", f"a frame of {len(view)} bytes has no header")
    magic, version, length = _PREFIX.unpack_from(view)
    if magic != MAGIC:
        raise CodecError("magic", f"a frame begins with 0x{magic:02x}, not 0xf1")
    if version != VERSION:
        raise CodecError("version", f"frame version {version}; this end speaks 1, update it")
    if length > MAX_HEADER_BYTES or length > len(view) - _PREFIX.size:
        raise CodecError("truncated", f"a header of {length} bytes in a frame of {len(view)}")
    body = _PREFIX.size + length
    value = unpack(view[_PREFIX.size : body], "frame", max_bytes=MAX_HEADER_BYTES)
    return _frame(Fields(value, "frame"), view[body:])


def _frame(fields: Fields, payload: memoryview) -> Frame:
    kind = fields.member(Kind)
    if kind is Kind.CHUNK:
        return _chunk(fields, payload)
    if len(payload):
        raise CodecError("trailing", f"{len(payload)} bytes behind a frame that carries none")
    match kind:
        case Kind.ASK:
            return Ask(tuple(_id(item) for item in fields.array(MAX_ASKS)))
        case Kind.HELLO:
            return Hello(
                software=fields.text(64),
                spool=fields.binary(8, 8),
                now_us=fields.integer(),
                bearer=fields.text(32),
                devices=_devices(fields.mapping(256)),
            )
        case Kind.STATE:
            return State(fields.integer(), _report(fields.mapping(64)))
        case Kind.ACK:
            return Ack(tuple(_ack_item(item) for item in fields.array(MAX_ACKS)))
        case Kind.WELCOME:
            return Welcome(fields.binary(8, 8), fields.integer(), fields.text(64))
        case Kind.ORDERS:
            return take_orders(fields)


def _chunk(fields: Fields, payload: memoryview) -> Chunk:
    chunk = Chunk(
        bundle=fields.binary(_ID, _ID),
        offset=fields.integer(0, MAX_BUNDLE_BYTES),
        size=fields.integer(0, MAX_BUNDLE_BYTES),
        digest=fields.binary(DIGEST_BYTES, DIGEST_BYTES),
        bearer=fields.text(32),
        sent_us=fields.integer(),
        manifest=fields.optional_binary(1, MAX_MANIFEST_BYTES),
        payload=payload,
    )
    if len(payload) > MAX_CHUNK_BYTES:
        raise CodecError("size", f"a chunk of {len(payload)} bytes; {MAX_CHUNK_BYTES} is the most")
    if chunk.offset + len(payload) > chunk.size:
        end = chunk.offset + len(payload)
        raise CodecError("range", f"a chunk ends at {end} of a bundle of {chunk.size} bytes")
    if not len(payload) and chunk.size:
        raise CodecError("range", "a chunk carries no bytes of a bundle that has some")
    return chunk


def _id(item: Any) -> bytes:
    if not isinstance(item, bytes) or len(item) != _ID:
        raise CodecError("field", f"{repr(item)[:60]} is not a bundle's id of 32 bytes")
    return item


def _devices(raw: dict[str, Any]) -> dict[str, str]:
    for name, kind in raw.items():
        if not isinstance(kind, str) or not kind.isprintable() or len(kind) > 32:
            raise CodecError("field", f"device {name[:32]!r} has no kind")
    return raw


def _report(raw: dict[str, Any]) -> dict[str, Any]:
    # A report goes on as JSON, which has no bytes.
    waiting: list[Any] = list(raw.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, bytes):
            raise CodecError("field", "a state's report holds bytes, not plain values")
        if isinstance(value, dict | tuple):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return raw


def _ack_item(item: Any) -> AckItem:
    fields = Fields(item, "answer")
    bundle = fields.binary(_ID, _ID)
    verdict = fields.member(Verdict)
    at_us = fields.integer()
    edges = fields.array(2 * MAX_ACK_SPANS)
    if len(edges) % 2 or not all(type(edge) is int for edge in edges):
        raise CodecError("range", "an answer's ranges are not pairs of integers")
    spans = zip(edges[::2], edges[1::2], strict=True)
    return AckItem(bundle, verdict, at_us, Ranges(spans), fields.text(200))
