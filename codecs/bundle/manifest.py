"""What a bundle is: where it comes from, what span it covers, how much it matters, its hash.

A manifest is a msgpack array in the order of `Manifest`'s fields, behind a version number. The
same manifest always packs to the same bytes, so a bundle's id is the BLAKE2b-256 (RFC 7693) of
its packed manifest, and the manifest holds the BLAKE2b-256 of the content: whoever checks the
one has checked the other.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TypeAlias

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack

from .names import check_name

MANIFEST_VERSION = 1
MAX_MANIFEST_BYTES = 4096
MAX_BUNDLE_BYTES = 256 * 1024 * 1024
HASH_BYTES = 32
SPOOL_ID_BYTES = 8
_MAX_MEDIA_TYPE = 128
_MAX_META = 32
_MAX_META_TEXT = 512

MetaValue: TypeAlias = str | int | bool | None


class Layer(StrEnum):
    """How much of a stream a bundle carries."""

    REPORT = "report"
    STILL = "still"
    PROXY = "proxy"
    ORIGINAL = "original"


class Precedence(IntEnum):
    """ACP 127 precedence; the lower number goes first."""

    FLASH = 0
    IMMEDIATE = 1
    PRIORITY = 2
    ROUTINE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a recorder says of a bundle before the spool numbers it.

    Times are UTC microseconds of the kit's clock; `clock_error_us` is that clock's known error,
    None when unknown. `deadline_us` None means no deadline. `media_type` is a MIME type with
    its codecs parameter where a player needs one. `meta` holds what a viewer wants before the
    content is opened (width, height, frames, ...).
    """

    device: str
    stream: str
    layer: Layer
    precedence: Precedence
    start_us: int
    end_us: int
    recorded_us: int
    deadline_us: int | None = None
    clock_error_us: int | None = None
    media_type: str
    meta: Mapping[str, MetaValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("device", self.device)
        check_name("stream", self.stream)
        if not 0 <= self.start_us <= self.end_us:
            raise CodecError("span", f"{self.start_us}..{self.end_us} us is not a span of time")
        if len(self.media_type) > _MAX_MEDIA_TYPE or not self.media_type.isprintable():
            raise CodecError("field", f"{self.media_type[:60]!r} is not a media type")
        _check_meta(self.meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Draft):
    """A bundle as it stays for ever: a draft, who numbered it, and what its content hashes to.

    `sequence` counts up by one in each spool; `spool` (8 bytes, random) tells two spools of one
    kit apart, so that a kit that lost its disk never reuses an identity.
    """

    kit: str
    spool: bytes
    sequence: int
    size: int
    content_hash: bytes

    def __post_init__(self) -> None:
        Draft.__post_init__(self)
        check_name("kit", self.kit)
        if not 0 <= self.size <= MAX_BUNDLE_BYTES:
            raise CodecError("size", f"a bundle of {self.size} bytes; {MAX_BUNDLE_BYTES} is most")
        if len(self.spool) != SPOOL_ID_BYTES or len(self.content_hash) != HASH_BYTES:
            raise CodecError("field", "a spool id has 8 bytes and a content hash 32")


def encode_manifest(manifest: Manifest) -> bytes:
    """The one packed form of `manifest`.

    Raises:
        CodecError: it packs to more than 4,096 bytes.
    """
    m = manifest
    packed = pack(
        [
            MANIFEST_VERSION,
            m.kit,
            m.spool,
            m.sequence,
            m.device,
            m.stream,
            m.layer.value,
            m.precedence.value,
            m.start_us,
            m.end_us,
            m.recorded_us,
            m.deadline_us,
            m.clock_error_us,
            m.media_type,
            m.size,
            m.content_hash,
            {key: m.meta[key] for key in sorted(m.meta)},
        ]
    )
    if len(packed) > MAX_MANIFEST_BYTES:
        raise CodecError("size", f"a manifest of {len(packed)} bytes; {MAX_MANIFEST_BYTES} is most")
    return packed


def decode_manifest(data: bytes | memoryview) -> Manifest:
    """The manifest in `data`, every field checked.

    Raises:
        CodecError: not a manifest, of another version, or a field out of bounds.
    """
    fields = Fields(unpack(data, "manifest", max_bytes=MAX_MANIFEST_BYTES), "manifest")
    version = fields.integer(0, 255)
    if version != MANIFEST_VERSION:
        raise CodecError("version", f"manifest version {version}; this end speaks 1, update it")
    return Manifest(
        kit=fields.text(32),
        spool=fields.binary(SPOOL_ID_BYTES, SPOOL_ID_BYTES),
        sequence=fields.integer(),
        device=fields.text(32),
        stream=fields.text(32),
        layer=fields.member(Layer),
        precedence=fields.member(Precedence),
        start_us=fields.integer(),
        end_us=fields.integer(),
        recorded_us=fields.integer(),
        deadline_us=fields.optional_integer(),
        clock_error_us=fields.optional_integer(),
        media_type=fields.text(_MAX_MEDIA_TYPE),
        size=fields.integer(0, MAX_BUNDLE_BYTES),
        content_hash=fields.binary(HASH_BYTES, HASH_BYTES),
        meta=fields.mapping(_MAX_META),
    )


def _check_meta(meta: Mapping[str, MetaValue]) -> None:
    # Checked where a bundle is made as well: the centre would refuse it when nothing can be done.
    if len(meta) > _MAX_META:
        raise CodecError("field", f"meta has {len(meta)} entries; {_MAX_META} is the most")
    for key, value in meta.items():
        good = value is None or isinstance(value, bool | int | str)
        if isinstance(value, str):
            good = len(value) <= _MAX_META_TEXT and value.isprintable()
        elif isinstance(value, int):
            good = -(2**63) <= value < 2**63
        if not good or not key.isprintable():
            shown = repr(value)[:60]
            raise CodecError("field", f"meta {key!r} is {shown}, not short text or an integer")


def bundle_id(encoded: bytes | memoryview) -> bytes:
    """The 32-byte id of the bundle whose packed manifest is `encoded`."""
    return hashlib.blake2b(encoded, digest_size=HASH_BYTES).digest()


def content_hash(data: bytes | memoryview) -> bytes:
    """The 32-byte hash of a bundle's content."""
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()
