"""Many small blocks into few large ones: what waits is packed again before it goes."""

from collections.abc import Iterable

from .columns import Schema
from .samples import Block, Detail, Sample

__all__ = ["MERGED_SAMPLES", "merge"]

MERGED_SAMPLES = 7_200
"""Two hours of one sample a second."""

_Series = tuple[str, str, Schema, int]


def merge(blocks: Iterable[Block], *, most: int = MERGED_SAMPLES) -> tuple[Block, ...]:
    """`blocks` with those of the same series (device, kind, columns, epoch) and detail joined, in
    the order in which series first appear: samples by sequence, each number once, at most `most`
    in a block. A number that a fuller block has is left out of the thinner ones: it is the same
    sample. The clock's offset is that of the newest block of the series that has one.
    """
    found: dict[_Series, dict[Detail, list[Block]]] = {}
    for block in blocks:
        series = (block.device, block.kind, block.schema, block.epoch)
        found.setdefault(series, {}).setdefault(block.detail, []).append(block)
    merged: list[Block] = []
    for series, by_detail in found.items():
        seen: set[int] = set()
        for detail in sorted(by_detail):
            merged += _joined(series, detail, by_detail[detail], seen, most)
    return tuple(merged)


def _joined(
    series: _Series, detail: Detail, blocks: list[Block], seen: set[int], most: int
) -> Iterable[Block]:
    numbered: dict[int, Sample] = {}
    for block in blocks:
        for sample in block.samples:
            if sample.sequence not in seen:
                numbered.setdefault(sample.sequence, sample)
    seen.update(numbered)
    samples = [numbered[number] for number in sorted(numbered)]
    offsets = [
        (block.samples[-1].time_us, block.offset_us)
        for block in blocks
        if block.offset_us is not None
    ]
    offset_us = max(offsets)[1] if offsets else None
    device, kind, schema, epoch = series
    for start in range(0, len(samples), most):
        part = tuple(samples[start : start + most])
        yield Block(device, kind, schema, epoch, part, offset_us, detail)
