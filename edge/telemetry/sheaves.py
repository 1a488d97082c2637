"""Sheaves as bundles of the spool."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import (
    KIT_DEVICE,
    SHEAF_MEDIA_TYPE,
    SHEAF_STREAM,
    Block,
    encode_sheaf,
)

__all__ = ["CELLS", "PACKED", "THIN", "cells_of", "sheaf_bundle", "sheaf_bundles"]

THIN = "thin"
"""In a bundle's meta: how much is left out of it (Detail). All of it follows in full."""

PACKED = "packed"
"""In a bundle's meta: how often it was made of smaller ones."""


CELLS = "cells"
"""In a bundle's meta: how many values a packed one holds."""


def cells_of(blocks: Sequence[Block]) -> int:
    """How many values these are, what every sample has besides its own included."""
    return sum(len(block.samples) * (len(block.schema.columns) + 4) for block in blocks)


def sheaf_bundle(
    blocks: Sequence[Block],
    *,
    precedence: Precedence,
    now_us: int,
    error_us: int | None,
    meta: dict[str, int] | None = None,
) -> tuple[Draft, bytes]:
    """`blocks`, one or more, as a report of the kit.

    Raises:
        CodecError: they are more than a sheaf holds.
    """
    times = [sample.time_us for block in blocks for sample in block.samples]
    draft = Draft(
        device=KIT_DEVICE,
        stream=SHEAF_STREAM,
        layer=Layer.REPORT,
        precedence=precedence,
        start_us=min(times),
        end_us=max(times),
        recorded_us=now_us,
        clock_error_us=error_us,
        media_type=SHEAF_MEDIA_TYPE,
        meta=meta or {},
    )
    return draft, encode_sheaf(blocks)


def sheaf_bundles(
    blocks: Sequence[Block],
    *,
    precedence: Precedence,
    now_us: int,
    error_us: int | None,
    meta: dict[str, int] | None = None,
) -> Iterator[tuple[Draft, bytes]]:
    """`blocks` in as many sheaves as they need: long texts fill one sooner than numbers."""
    said = None if meta is None else {**meta, CELLS: cells_of(blocks)}
    try:
        yield sheaf_bundle(
            blocks, precedence=precedence, now_us=now_us, error_us=error_us, meta=said
        )
    except CodecError as error:
        if error.reason != "size":
            raise
        for half in _halves(blocks):
            yield from sheaf_bundles(
                half, precedence=precedence, now_us=now_us, error_us=error_us, meta=meta
            )


def _halves(blocks: Sequence[Block]) -> tuple[Sequence[Block], Sequence[Block]]:
    if len(blocks) > 1:
        middle = len(blocks) // 2
        return blocks[:middle], blocks[middle:]
    (block,) = blocks
    middle = len(block.samples) // 2
    first, second = block.samples[:middle], block.samples[middle:]
    return (replace(block, samples=first),), (replace(block, samples=second),)
