"""A sheaf: blocks of many devices bound together, the content of one report bundle."""

from collections.abc import Iterator, Sequence
from typing import Any

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack

from .columns import MAX_COLUMNS, MAX_SCALE, SCHEMAS, Column, Schema
from .samples import MAX_SAMPLES, Block, Detail, Sample

__all__ = [
    "KIT_DEVICE",
    "MAX_SHEAF_BYTES",
    "SHEAF_MEDIA_TYPE",
    "SHEAF_STREAM",
    "decode_sheaf",
    "encode_sheaf",
]

SHEAF_MEDIA_TYPE = "application/vnd.fieldlink.telemetry"
SHEAF_STREAM = "telemetry"
KIT_DEVICE = "kit"
"""The kit itself as a device: its own position, and the sheaves of everything around it."""

MAX_SHEAF_BYTES = 4 * 1024 * 1024
_MAX_BLOCKS = 4096
_VERSION = 0


def encode_sheaf(blocks: Sequence[Block]) -> bytes:
    """`blocks` as the content of one bundle.

    Raises:
        CodecError: they are more than a sheaf holds.
    """
    packed = pack([_VERSION, [list(_packed(block)) for block in blocks]])
    if len(packed) > MAX_SHEAF_BYTES or len(blocks) > _MAX_BLOCKS:
        raise CodecError("size", f"a sheaf of {len(packed)} bytes; bind fewer blocks together")
    return packed


def decode_sheaf(data: bytes | memoryview) -> tuple[Block, ...]:
    """The blocks in a bundle's content.

    Raises:
        CodecError: it is no sheaf, or a field is out of bounds.
    """
    fields = Fields(unpack(data, "sheaf", max_bytes=MAX_SHEAF_BYTES), "sheaf")
    if (version := fields.integer(0, 255)) != _VERSION:
        raise CodecError("version", f"sheaf version {version}; this end speaks 0, update it")
    return tuple(_block(one) for one in fields.array(_MAX_BLOCKS))


def _packed(block: Block) -> Iterator[Any]:
    schema = block.schema
    yield from (block.device, block.kind, schema.stream)
    known = SCHEMAS.get(schema.stream) == schema
    yield None if known else [[c.name, c.unit, c.scale, c.is_text] for c in schema.columns]
    yield from (block.epoch, block.offset_us, block.detail.value)
    yield [[s.time_us, s.sequence, list(s.values), s.flags, s.error_us] for s in block.samples]


def _block(value: Any) -> Block:
    fields = Fields(value, "block")
    device, kind, stream = fields.text(32), fields.text(32), fields.text(32)
    columns = value[3]
    fields.optional_integer() if columns is None else fields.array(MAX_COLUMNS)
    schema = SCHEMAS.get(stream) if columns is None else Schema(stream, _columns(columns))
    if schema is None:
        raise CodecError("field", f"a block of {stream} does not say what its columns are")
    return Block(
        device,
        kind,
        schema,
        fields.integer(),
        offset_us=fields.optional_integer(-(2**63)),
        detail=fields.member(Detail),
        samples=tuple(_sample(one, schema) for one in fields.array(MAX_SAMPLES)),
    )


def _columns(values: Any) -> tuple[Column, ...]:
    found = []
    for value in values:
        fields = Fields(value, "column")
        name, unit, scale = fields.text(32), fields.text(16), fields.integer(0, MAX_SCALE)
        found.append(Column(name, unit, scale, bool(value[3])))
    return tuple(found)


def _sample(value: Any, schema: Schema) -> Sample:
    fields = Fields(value, "sample")
    time_us, sequence = fields.integer(), fields.integer()
    values = fields.array(MAX_COLUMNS)
    if len(values) != len(schema.columns):
        raise CodecError("field", f"a sample of {schema.stream} has {len(values)} values")
    return Sample(time_us, sequence, values, fields.integer(), fields.optional_integer())
