"""The front of a sheaf: what its blocks have in common, and which block is where.

Names stand once, each without what it shares with the one before; numbers stand in columns like
those of samples, so that a block of one device among two hundred costs about two bytes here.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from fieldlink.codecs.fault import CodecError

from .block import get_error, get_schema, put_error, put_schema
from .body import Reference
from .columns import Schema
from .cursor import Cursor, put_text, put_varint, put_zigzag
from .integers import MAX_VALUE, get_integers, put_integers
from .samples import Block

__all__ = ["MAX_BLOCKS", "Directory", "Row", "get_directory", "put_directory", "survey"]

MAX_BLOCKS = 4096
_MAX_SCHEMAS = 256
_MAX_NAME_BYTES = 32
_T = TypeVar("_T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Row:
    """One block: the places of its device, schema and epoch in the directory."""

    device: int
    schema: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Directory:
    """What the blocks of a sheaf have in common. A device is its name and its kind; each schema
    has a reference.
    """

    time_us: int
    error_us: int | None
    devices: tuple[tuple[str, str], ...]
    schemas: tuple[Schema, ...]
    references: tuple[Reference, ...]
    epochs: tuple[int, ...]
    rows: tuple[Row, ...]


def survey(blocks: Sequence[Block]) -> Directory:
    """The directory of a sheaf of `blocks`."""
    time_us = _middle(block.samples[0].time_us for block in blocks)
    error_us = Counter(block.samples[0].error_us for block in blocks).most_common(1)[0][0]
    devices = _places((block.device, block.kind) for block in blocks)
    # A schema's hash is that of all its columns; most blocks share the very same object.
    schemas = _places({id(block.schema): block.schema for block in blocks}.values())
    by_id = {id(block.schema): schemas[block.schema] for block in blocks}
    epochs = _places(block.epoch for block in blocks)
    rows = tuple(
        Row(devices[block.device, block.kind], by_id[id(block.schema)], epochs[block.epoch])
        for block in blocks
    )
    references = tuple(
        Reference(time_us, error_us, _values(schema, [b for b in blocks if b.schema == schema]))
        for schema in schemas
    )
    return Directory(
        time_us, error_us, tuple(devices), tuple(schemas), references, tuple(epochs), rows
    )


def _places(values: Iterable[_T]) -> dict[_T, int]:
    """Each different value with its place, in order of first appearance."""
    found: dict[_T, int] = {}
    for value in values:
        found.setdefault(value, len(found))
    return found


def _values(schema: Schema, blocks: Sequence[Block]) -> tuple[int, ...]:
    """Values that those of `blocks` are not far from; none for a block alone."""
    if len(blocks) < 2:
        return ()
    firsts = [block.samples[0].values for block in blocks]
    return tuple(
        0 if column.is_text else _middle(row[place] for row in firsts if place < len(row))
        for place, column in enumerate(schema.columns)
    )


def _middle(values: Iterable[object]) -> int:
    whole = sorted(value for value in values if type(value) is int)
    return whole[len(whole) // 2] if whole else 0


def put_directory(out: bytearray, directory: Directory, lengths: Sequence[int]) -> None:
    """Append `directory`, with the length in bytes of each block's body.

    Raises:
        CodecError: there are too many blocks.
    """
    if len(directory.rows) > MAX_BLOCKS or len(directory.schemas) > _MAX_SCHEMAS:
        raise CodecError("size", f"a sheaf of {len(directory.rows)} blocks; bind fewer together")
    put_varint(out, directory.time_us)
    put_error(out, directory.error_us)
    put_varint(out, len(directory.schemas))
    for schema, reference in zip(directory.schemas, directory.references, strict=True):
        put_schema(out, schema)
        out.append(1 if reference.values else 0)
        for value in reference.values:
            put_zigzag(out, value)
    put_varint(out, len(directory.epochs))
    for epoch in directory.epochs:
        put_varint(out, epoch)
    _put_devices(out, directory.devices)
    put_varint(out, len(directory.rows))
    rows = directory.rows
    steps = [
        row.device - before
        for before, row in zip([-1, *(r.device for r in rows)], rows, strict=False)
    ]
    for column in (steps, [row.schema for row in rows], [row.epoch for row in rows], lengths):
        put_integers(out, column, 0)


def _put_devices(out: bytearray, devices: Sequence[tuple[str, str]]) -> None:
    kinds = _places(kind for _, kind in devices)
    put_varint(out, len(kinds))
    for kind in kinds:
        put_text(out, kind)
    put_varint(out, len(devices))
    before = ""
    for name, _ in devices:
        shared = 0
        while shared < min(len(before), len(name)) and before[shared] == name[shared]:
            shared += 1
        out.append(shared)
        put_text(out, name[shared:])
        before = name
    put_integers(out, [kinds[kind] for _, kind in devices], 0)


def get_directory(cursor: Cursor) -> tuple[Directory, list[int]]:
    """A directory, and the length of each block's body.

    Raises:
        CodecError: it is none, or a field is out of bounds.
    """
    time_us = cursor.count(0, MAX_VALUE, "us since 1970")
    error_us = get_error(cursor)
    schemas, references = [], []
    for _ in range(cursor.count(1, _MAX_SCHEMAS, "schemas")):
        schemas.append(schema := get_schema(cursor))
        values = (
            [cursor.zigzag() for _ in schema.columns] if cursor.count(0, 1, "references") else ()
        )
        references.append(Reference(time_us, error_us, tuple(values)))
    epochs = [cursor.varint() for _ in range(cursor.count(1, MAX_BLOCKS, "epochs"))]
    devices = _get_devices(cursor)
    count = cursor.count(1, MAX_BLOCKS, "blocks")
    steps, of_schema, of_epoch, lengths = (get_integers(cursor, count, 0) for _ in range(4))
    places = [place - 1 for place in accumulate(steps)]
    for found, there in ((places, devices), (of_schema, schemas), (of_epoch, epochs)):
        if min(found) < 0 or max(found) >= len(there):
            raise CodecError("range", "a block of a device, schema or epoch that is not there")
    if min(lengths) < 1 or sum(lengths) != len(cursor.data) - cursor.at:
        raise CodecError("size", "blocks whose lengths are not those of what follows")
    rows = tuple(map(Row, places, of_schema, of_epoch))
    directory = Directory(
        time_us, error_us, devices, tuple(schemas), tuple(references), tuple(epochs), rows
    )
    return directory, lengths


def _get_devices(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    kinds = [cursor.text(_MAX_NAME_BYTES) for _ in range(cursor.count(1, MAX_BLOCKS, "kinds"))]
    names = [""]
    for _ in range(cursor.count(1, MAX_BLOCKS, "devices")):
        shared = cursor.count(0, len(names[-1]), "characters of the name before")
        names.append(names[-1][:shared] + cursor.text(_MAX_NAME_BYTES - shared))
    of_kind = get_integers(cursor, len(names) - 1, 0)
    if min(of_kind) < 0 or max(of_kind) >= len(kinds):
        raise CodecError("range", "a kind of device that is not there")
    return tuple((name, kinds[kind]) for name, kind in zip(names[1:], of_kind, strict=True))
