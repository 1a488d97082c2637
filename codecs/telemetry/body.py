"""The samples of one block as columns: time, sequence, flags, error of the time, and the values.

What blocks of one sheaf have in common (a time, values near which theirs are) is stated once, as
`Reference`, and the first value of a column is its distance from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fieldlink.codecs.fault import CodecError

from .columns import Column, Schema
from .cursor import Cursor, put_varint, put_zigzag
from .integers import MAX_VALUE, get_integers, put_integers
from .presence import get_presence, put_presence
from .samples import MAX_SAMPLES, Block, Detail, Sample
from .texts import get_texts, put_texts

__all__ = ["OWN_COLUMNS", "Body", "Reference", "get_body", "put_body"]

OWN_COLUMNS = 4
"""Time, sequence, flags and error: the columns of every block."""
_SINGLE, _OFFSET, _DETAIL, _UNKNOWN, _CONTIGUOUS, _QUIET = 1, 2, 2, 16, 32, 64
_MAX_HEAD = 128


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the columns of a block begin: `error_us` is that of a block that says none of its own,
    `values` are those of the schema's columns (0 for text).
    """

    time_us: int = 0
    error_us: int | None = None
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """What a body says."""

    samples: tuple[Sample, ...]
    offset_us: int | None
    detail: Detail


def put_body(out: bytearray, block: Block, reference: Reference) -> None:
    """Append the samples of `block`.

    Raises:
        CodecError: a value is none that the schema has, or out of bounds.
    """
    columns, head = _laid_out(block, reference)
    unknown = sum(1 << place for place, (values, _, _) in enumerate(columns) if None in values)
    if unknown & _never_unknown(head):
        raise CodecError("field", "a sample without a time, a sequence number or flags")
    out.append(head | (_UNKNOWN if unknown else 0))
    if len(block.samples) > 1:
        put_varint(out, len(block.samples))
    if block.offset_us is not None:
        if abs(block.offset_us) > MAX_VALUE:
            raise CodecError("field", f"a clock that is {block.offset_us} us off")
        put_zigzag(out, block.offset_us)
    if unknown:
        out += unknown.to_bytes((len(columns) + 7) // 8, "little")
    for place, laid in enumerate(columns):
        _put_column(out, laid, bool(unknown >> place & 1), beat=place == 0)


_Laid = tuple[Sequence[Any], int, Column | None]


def _laid_out(block: Block, reference: Reference) -> tuple[list[_Laid], int]:
    """The columns of `block` in their order, each with where it begins; and the head's byte."""
    times, sequences, rows, marks, errors = zip(*block.samples, strict=True)
    flags = [mark if mark is None else int(mark) for mark in marks]  # a Flag is an int, almost
    count, width = len(times), len(block.schema.columns)
    if set(map(len, rows)) != {width}:
        raise CodecError("field", f"a sample of {block.schema.stream} has {width} values")
    head = (count == 1) | (_OFFSET * (block.offset_us is not None)) | (block.detail << _DETAIL)
    if count > 1 and sequences == tuple(range(sequences[0], sequences[0] + count)):
        head |= _CONTIGUOUS
        sequences = sequences[:1]
    columns: list[_Laid] = [(times, reference.time_us, None), (sequences, 0, None)]
    if flags.count(0) == count and errors.count(reference.error_us) == count:
        head |= _QUIET
    else:
        columns += [(flags, 0, None), (errors, reference.error_us or 0, None)]
    starts = reference.values or (0,) * width
    columns += zip(zip(*rows, strict=True), starts, block.schema.columns, strict=True)
    return columns, head


def _put_column(out: bytearray, laid: _Laid, unknown: bool, *, beat: bool) -> None:
    values, start, column = laid
    if unknown:
        if len(values) > 1:
            put_presence(out, values)
        values = [value for value in values if value is not None]
        if not values:
            return
    text = column is not None and column.is_text
    if set(map(type, values)) != {str if text else int}:
        kind = "text" if text else "an integer"
        raise CodecError("field", f"a value of {_name(column)} is neither {kind} nor unknown")
    if text:
        put_texts(out, values)
        return
    if max(values) > MAX_VALUE or min(values) < (0 if column is None else -MAX_VALUE):
        raise CodecError("field", f"a value of {_name(column)} is beyond what a block holds")
    put_integers(out, values, start, beat=beat)


def _name(column: Column | None) -> str:
    return column.name if column else "time, sequence, flags or error"


def get_body(cursor: Cursor, schema: Schema, reference: Reference) -> Body:
    """The samples that `put_body` wrote, which go to the end of the cursor's bytes.

    Raises:
        CodecError: they are not that, or more than the cursor may spend.
    """
    head = cursor.byte()
    if head >= _MAX_HEAD or (head & _SINGLE and head & _CONTIGUOUS):
        raise CodecError("coding", f"a body of kind {head}; this end does not know it")
    count = 1 if head & _SINGLE else cursor.count(2, MAX_SAMPLES, "samples")
    width = len(schema.columns)
    cursor.spend(count * (width + OWN_COLUMNS))
    offset_us = cursor.zigzag() if head & _OFFSET else None
    own = 2 if head & _QUIET else OWN_COLUMNS
    unknown = _get_unknown(cursor, head, own + width) if head & _UNKNOWN else 0
    times = _positive(get_integers(cursor, count, reference.time_us))
    sequences = _get_sequences(cursor, count, bool(head & _CONTIGUOUS))
    flags: Sequence[int] = (0,) * count
    errors: Sequence[int | None] = (reference.error_us,) * count
    if not head & _QUIET:
        flags = _positive(get_integers(cursor, count, 0))
        errors = _get_column(cursor, count, reference.error_us or 0, None, unknown >> 3 & 1)
        _positive([error for error in errors if error is not None] or (0,))
    starts = reference.values or (0,) * width
    columns = [
        _get_column(cursor, count, start, column, unknown >> place & 1)
        for place, (start, column) in enumerate(zip(starts, schema.columns, strict=True), own)
    ]
    cursor.end()
    samples = map(Sample, times, sequences, zip(*columns, strict=True), flags, errors)
    return Body(tuple(samples), offset_us, Detail(head >> _DETAIL & 3))


def _never_unknown(head: int) -> int:
    """The bits of the columns that are always known: time, sequence, and flags, even if 0."""
    return 0b011 if head & _QUIET else 0b111


def _get_unknown(cursor: Cursor, head: int, width: int) -> int:
    """Bit by bit, which columns have samples without a value."""
    unknown = int.from_bytes(cursor.take((width + 7) // 8), "little")
    if unknown & _never_unknown(head) or unknown >> width:
        raise CodecError("field", "unknown where nothing can be unknown")
    return unknown


def _get_sequences(cursor: Cursor, count: int, contiguous: bool) -> Sequence[int]:
    if not contiguous:
        return _positive(get_integers(cursor, count, 0))
    first = get_integers(cursor, 1, 0)[0]
    if first + count - 1 > MAX_VALUE:
        raise CodecError("field", "sequence numbers beyond what a block holds")
    return _positive(range(first, first + count))


def _positive(values: Sequence[int]) -> Sequence[int]:
    if min(values) < 0:
        raise CodecError("field", "a time, a sequence number, flags or an error below 0")
    return values


def _get_column(
    cursor: Cursor, count: int, start: int, column: Column | None, unknown: int
) -> Sequence[Any]:
    text = column is not None and column.is_text
    if not unknown:
        return get_texts(cursor, count) if text else get_integers(cursor, count, start)
    there = get_presence(cursor, count) if count > 1 else [False]
    known = sum(there)
    if not known:
        return [None] * count
    values = iter(get_texts(cursor, known) if text else get_integers(cursor, known, start))
    return [next(values) if one else None for one in there]
