"""One block by itself, as bytes; and what blocks and sheaves say about schemas and devices."""

from fieldlink.codecs.fault import CodecError

from .body import Reference, get_body, put_body
from .columns import MAX_COLUMNS, SCHEMAS, Column, Schema
from .cursor import Cursor, put_text, put_varint
from .integers import MAX_VALUE
from .samples import Block

__all__ = [
    "MAX_CELLS",
    "VERSION",
    "check_version",
    "decode_block",
    "encode_block",
    "get_error",
    "get_schema",
    "most_cells",
    "put_error",
    "put_schema",
]

VERSION = 1
MAX_CELLS = 2**21
"""No block, and no sheaf decoded as a whole, has more values, a sample's own four included."""
_CELLS_ALWAYS = 2**18
_CELLS_A_BYTE = 2**12
_MAX_BLOCK_BYTES = 4 * 1024 * 1024
_MAX_NAME_BYTES = 32
_MAX_UNIT_BYTES = 64
_TEXT = 0x80
_SPELLED = 0
_KNOWN = {schema: number for number, schema in enumerate(SCHEMAS.values(), 1)}
_NUMBERS = {number: schema for schema, number in _KNOWN.items()}


def encode_block(block: Block) -> bytes:
    """`block` by itself. In a bundle it goes in a sheaf, which is shorter.

    Raises:
        CodecError: a value is out of bounds, or there are too many.
    """
    out = bytearray([VERSION])
    for name in (block.device, block.kind):
        put_text(out, name)
    put_schema(out, block.schema)
    put_varint(out, block.epoch)
    error_us = block.samples[0].error_us
    put_error(out, error_us)
    put_body(out, block, Reference(error_us=error_us))
    if len(out) > _MAX_BLOCK_BYTES:
        raise CodecError("size", f"a block of {len(out)} bytes; make smaller ones")
    return bytes(out)


def decode_block(data: bytes | memoryview) -> Block:
    """The block in `data`.

    Raises:
        CodecError: it is none, or a field is out of bounds.
    """
    if len(data) > _MAX_BLOCK_BYTES:
        raise CodecError("size", f"a block of {len(data)} bytes; there may be {_MAX_BLOCK_BYTES}")
    cursor = Cursor(bytes(data), MAX_CELLS)
    check_version(cursor, "block")
    device, kind = cursor.text(_MAX_NAME_BYTES), cursor.text(_MAX_NAME_BYTES)
    schema = get_schema(cursor)
    epoch = cursor.varint()
    body = get_body(cursor, schema, Reference(error_us=get_error(cursor)))
    return Block(device, kind, schema, epoch, body.samples, body.offset_us, body.detail)


def most_cells(size: int) -> int:
    """How many values a sheaf of `size` bytes may have. Two hours of a device that always says the
    same, once a second, are 86,400 in some fifty bytes; what goes on like that is in more sheaves.
    A hundred bytes that say two million are from an enemy, who would have them all made.
    """
    return min(MAX_CELLS, _CELLS_ALWAYS + _CELLS_A_BYTE * size)


def check_version(cursor: Cursor, what: str) -> None:
    """Take the version, the first byte.

    Raises:
        CodecError: it is another's.
    """
    if (version := cursor.byte()) != VERSION:
        raise CodecError(
            "version", f"{what} version {version}; this end speaks {VERSION}, update it"
        )


def put_schema(out: bytearray, schema: Schema) -> None:
    """Append `schema`: one number if every reader knows it, else 0 and its columns."""
    number = _KNOWN.get(schema, _SPELLED)
    put_varint(out, number)
    if number != _SPELLED:
        return
    put_text(out, schema.stream)
    put_varint(out, len(schema.columns))
    for column in schema.columns:
        put_text(out, column.name)
        put_text(out, column.unit)
        out.append(_TEXT * column.is_text + column.scale)


def get_schema(cursor: Cursor) -> Schema:
    """The schema that `put_schema` wrote.

    Raises:
        CodecError: it is none, or not known.
    """
    number = cursor.varint()
    if number != _SPELLED:
        if number not in _NUMBERS:
            raise CodecError("field", f"schema {number}, which this end does not know; update it")
        return _NUMBERS[number]
    stream = cursor.text(_MAX_NAME_BYTES)
    return Schema(
        stream,
        tuple(_column(cursor) for _ in range(cursor.count(1, MAX_COLUMNS, "columns"))),
    )


def _column(cursor: Cursor) -> Column:
    name, unit = cursor.text(_MAX_NAME_BYTES), cursor.text(_MAX_UNIT_BYTES)
    kind = cursor.byte()
    return Column(name, unit, kind % _TEXT, is_text=kind >= _TEXT)


def put_error(out: bytearray, error_us: int | None) -> None:
    """Append the error of times that blocks do not state each: 0 unknown, else one more.

    Raises:
        CodecError: it is no error.
    """
    if error_us is not None and (type(error_us) is not int or not 0 <= error_us <= MAX_VALUE):
        raise CodecError("field", f"an error of {error_us} us")
    put_varint(out, 0 if error_us is None else error_us + 1)


def get_error(cursor: Cursor) -> int | None:
    """What `put_error` wrote."""
    error = cursor.count(0, MAX_VALUE + 1, "us of error")
    return error - 1 if error else None
