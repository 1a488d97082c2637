"""Samples as rows of the catalogue: a block packed in columns, which explains itself."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import lt
from typing import Any

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import (
    MERGED_SAMPLES,
    Block,
    Sample,
    Schema,
    decode_block,
    encode_block,
)
from fieldlink.relay.catalogue import SampleBlock, StoredSeries

__all__ = [
    "FULL_LEVEL",
    "FULL_SAMPLES",
    "in_order",
    "measures_of",
    "numbers_in",
    "packed_rows",
    "readable",
]

_log = logging.getLogger(__name__)

FULL_SAMPLES = MERGED_SAMPLES
"""A block of so many is merged no more: two hours at one a second."""

FULL_LEVEL = 9


def packed_rows(
    series: StoredSeries, schema: Schema, kind: str, samples: Sequence[Sample], level: int = 0
) -> Iterator[SampleBlock]:
    """`samples`, in the order of their numbers, as few rows as hold them: one holds FULL_SAMPLES,
    and fewer where they are long texts. What fills a row is merged no more.
    """
    for at in range(0, len(samples), FULL_SAMPLES):
        some = samples[at : at + FULL_SAMPLES]
        yield from _fitting(series, schema, kind, some, level if len(some) < FULL_SAMPLES else None)


def _fitting(
    series: StoredSeries, schema: Schema, kind: str, samples: Sequence[Sample], level: int | None
) -> Iterator[SampleBlock]:
    try:
        row = _packed(series, schema, kind, samples, FULL_LEVEL if level is None else level)
        if any(column.is_text for column in schema.columns):
            decode_block(row.data)  # long texts may be more than a reader takes
    except CodecError:
        if len(samples) == 1:
            raise
        half = len(samples) // 2
        yield from _fitting(series, schema, kind, samples[:half], None)
        yield from _fitting(series, schema, kind, samples[half:], None)
    else:
        yield row


def _packed(
    series: StoredSeries, schema: Schema, kind: str, samples: Sequence[Sample], level: int
) -> SampleBlock:
    block = Block(series.device, kind, schema, series.epoch, tuple(samples))
    times = [sample.time_us for sample in samples]
    return SampleBlock(
        series.id,
        level,
        samples[0].sequence,
        samples[-1].sequence,
        len(samples),
        min(times),
        max(times),
        encode_block(block),
    )


def readable(row: SampleBlock) -> Block | None:
    """The block in a row; None when it is damaged. A bit that fell over on the disk must not end
    the centre again and again: the bundles in the archive have these samples still.
    """
    try:
        return decode_block(row.data)
    except CodecError as error:
        _log.error(
            "samples %d to %d of series %d are damaged in the catalogue (%s): "
            "`fieldlink relay catalogue rebuild` makes them again from the archive",
            *(row.first_sequence, row.last_sequence, row.series, error),
        )
        return None


def numbers_in(row: SampleBlock) -> Iterator[tuple[int, int]]:
    """The spans [first, end) of the numbers in a row; without decoding when there is no hole."""
    if row.last_sequence - row.first_sequence + 1 == row.count:
        yield row.first_sequence, row.last_sequence + 1
        return
    block = readable(row)
    if block is None:
        return
    numbers = [sample.sequence for sample in block.samples]
    first = numbers[0]
    for number, following in pairwise([*numbers, None]):
        assert number is not None  # noqa: S101  # only the last has nothing behind it
        if following != number + 1:
            yield first, number + 1
            first = following or 0


def in_order(block: Block) -> Block:
    """`block` with its samples by number, each once: what it has to be, and may not be."""
    numbers = [sample.sequence for sample in block.samples]
    if all(map(lt, numbers, numbers[1:])):
        return block
    unique = {sample.sequence: sample for sample in reversed(block.samples)}
    return replace(block, samples=tuple(unique[number] for number in sorted(unique)))


def measures_of(schema: Schema) -> list[list[Any]]:
    """A schema's columns as the catalogue keeps them."""
    return [[c.name, c.unit, c.scale, c.is_text] for c in schema.columns]
