"""A sheaf: blocks of many devices bound together, the content of one report bundle.

What the blocks have in common stands once, in front; behind it the directory, and then the blocks'
bodies, each of which can be read without the others. All of it may be one zstd frame.
"""

from collections.abc import Iterator, Sequence

from fieldlink.codecs.fault import CodecError

from .block import MAX_CELLS, VERSION, check_version, most_cells
from .body import OWN_COLUMNS, get_body, put_body
from .cursor import Cursor
from .directory import Directory, get_directory, put_directory, survey
from .samples import Block
from .squeeze import squeeze, stated_size, unsqueeze

__all__ = [
    "KIT_DEVICE",
    "MAX_SHEAF_BYTES",
    "SHEAF_MEDIA_TYPE",
    "SHEAF_STREAM",
    "decode_sheaf",
    "encode_sheaf",
    "iter_sheaf",
]

SHEAF_MEDIA_TYPE = "application/vnd.fieldlink.telemetry"
SHEAF_STREAM = "telemetry"
KIT_DEVICE = "kit"
"""The kit itself as a device: its own position, and the sheaves of everything around it."""

MAX_SHEAF_BYTES = 4 * 1024 * 1024
"""Of a sheaf, and of what a squeezed one becomes."""
_PLAIN, _ZSTD = 0, 1
_WORTH_BYTES = range(128, 256 * 1024)
"""Of what lengths a sheaf is worth squeezing: a large one is made of bits without a pattern."""


def encode_sheaf(blocks: Sequence[Block]) -> bytes:
    """`blocks` as the content of one bundle, in their order.

    Raises:
        CodecError: they are more than a sheaf holds, or a value is out of bounds.
    """
    cells = sum(len(block.samples) * (len(block.schema.columns) + OWN_COLUMNS) for block in blocks)
    if cells > MAX_CELLS:
        raise CodecError("size", f"a sheaf of {cells} values; bind fewer blocks together")
    content = _content(blocks) if blocks else b""
    if len(content) + 2 > MAX_SHEAF_BYTES:
        raise CodecError("size", f"a sheaf of {len(content)} bytes; bind fewer blocks together")
    packing = _PLAIN
    if len(content) in _WORTH_BYTES:
        frame = squeeze(content)
        if len(frame) < len(content):
            packing, content = _ZSTD, frame
    if 2 * cells > most_cells(len(content) + 2):  # half, since text counts to a reader as well
        raise CodecError("size", f"a sheaf of {cells} values, almost all the same; bind fewer")
    return bytes((VERSION, packing)) + content


def _content(blocks: Sequence[Block]) -> bytes:
    directory = survey(blocks)
    bodies = []
    for row, block in zip(directory.rows, blocks, strict=True):
        body = bytearray()
        put_body(body, block, directory.references[row.schema])
        bodies.append(body)
    out = bytearray()
    put_directory(out, directory, [len(body) for body in bodies])
    return bytes(out) + b"".join(bodies)


def decode_sheaf(data: bytes | memoryview) -> tuple[Block, ...]:
    """The blocks in a bundle's content.

    Raises:
        CodecError: it is no sheaf, or a field is out of bounds.
    """
    directory, bodies = _opened(data)
    left = most_cells(len(data))
    blocks = []
    for place, body in enumerate(bodies):
        cursor = Cursor(body, left)
        blocks.append(_block(directory, place, cursor))
        left = cursor.left
    return tuple(blocks)


def iter_sheaf(data: bytes | memoryview, device: str | None = None) -> Iterator[Block]:
    """The blocks in a bundle's content, one after the other, so that only one need be in memory;
    with `device` only its blocks: the others are not even looked at.

    Raises:
        CodecError: it is no sheaf, or a field is out of bounds.
    """
    directory, bodies = _opened(data)
    for place, body in enumerate(bodies):
        if device is None or directory.devices[directory.rows[place].device][0] == device:
            yield _block(directory, place, Cursor(body, most_cells(len(data))))


def _opened(data: bytes | memoryview) -> tuple[Directory, list[bytes]]:
    """The directory, and the bytes of each block's body."""
    if len(data) > MAX_SHEAF_BYTES:
        raise CodecError("size", f"a sheaf of {len(data)} bytes; there may be {MAX_SHEAF_BYTES}")
    cursor = Cursor(bytes(data), MAX_CELLS)
    check_version(cursor, "sheaf")
    packing = cursor.byte()
    if packing == _ZSTD:
        frame = cursor.take(len(data) - 2)
        cursor = Cursor(unsqueeze(frame, stated_size(frame, MAX_SHEAF_BYTES)), MAX_CELLS)
    elif packing != _PLAIN:
        raise CodecError("coding", f"a sheaf packed in way {packing}; this end does not know it")
    elif len(data) == 2:
        return Directory(0, None, (), (), (), (), ()), []
    directory, lengths = get_directory(cursor)
    return directory, [cursor.take(length) for length in lengths]


def _block(directory: Directory, place: int, cursor: Cursor) -> Block:
    row = directory.rows[place]
    device, kind = directory.devices[row.device]
    schema = directory.schemas[row.schema]
    body = get_body(cursor, schema, directory.references[row.schema])
    epoch = directory.epochs[row.epoch]
    return Block(device, kind, schema, epoch, body.samples, body.offset_us, body.detail)
