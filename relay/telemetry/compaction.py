"""Merging small blocks of a series into large ones, in the background.

Every store adds a small block to each series. When a level of a series has a dozen of them they
become one of the next level, until a block has 7,200 samples: a sample is written again four
times at most, and a day of one a second is a dozen rows.
"""

from collections.abc import Iterable, Mapping, Sequence

from fieldlink.codecs.telemetry import Block, Sample, Schema
from fieldlink.relay.catalogue import Catalogue, SampleBlock
from fieldlink.relay.telemetry.buffer import Series
from fieldlink.relay.telemetry.packing import FULL_LEVEL, packed_rows, readable

__all__ = ["MERGED", "Compactor"]

MERGED = 12
"""So many blocks of one level become one."""


class Compactor:
    """Knows which series have something to merge, and merges a few at a time; used by the thread
    that stores.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._due: dict[int, Series] = {}

    @property
    def waiting(self) -> int:
        """How many series wait."""
        return len(self._due)

    def look(self, stored: Iterable[Series]) -> None:
        """These series were stored just now."""
        for series in stored:
            if _level_of(series) is not None:
                self._due[series.stored.id] = series

    def work(self, most: int) -> int:
        """Merge blocks of up to `most` series, in one transaction; of how many it was.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        chosen: dict[int, tuple[Series, int]] = {}
        for ident, series in list(self._due.items()):
            level = _level_of(series)
            if level is None:
                del self._due[ident]
            elif len(chosen) < most:
                chosen[ident] = (series, level)
            else:
                break
        if chosen:
            self._merge(chosen)
        return len(chosen)

    def _merge(self, chosen: Mapping[int, tuple[Series, int]]) -> None:
        old: list[int] = []
        found: dict[int, list[Block]] = {}
        for row in self._catalogue.blocks_at({k: level for k, (_, level) in chosen.items()}):
            block = readable(row)
            if block is not None:  # what is damaged stays as it is
                old.append(row.number)
                found.setdefault(row.series, []).append(block)
        new = {
            ident: merged_blocks(chosen[ident][0], mine, chosen[ident][1])
            for ident, mine in found.items()
        }
        self._catalogue.merge_blocks(old, [row for mine in new.values() for row in mine])
        for ident, (series, level) in chosen.items():
            series.levels[level] = 0
            for row in new.get(ident, ()):
                series.levels[row.level] += 1


def merged_blocks(series: Series, blocks: Sequence[Block], level: int) -> list[SampleBlock]:
    """The samples of `blocks`, each once, the one that was stored first; in as few rows as hold
    them. Columns that changed on the way begin another row.
    """
    parts: list[tuple[Schema, str, dict[int, Sample]]] = []
    seen: set[int] = set()
    for block in blocks:
        if not parts or parts[-1][0] != block.schema or parts[-1][1] != block.kind:
            parts.append((block.schema, block.kind, {}))
        home = parts[-1][2]
        for sample in block.samples:
            if sample.sequence not in seen:
                seen.add(sample.sequence)
                home[sample.sequence] = sample
    merged: list[SampleBlock] = []
    for schema, kind, samples in parts:
        ordered = [samples[number] for number in sorted(samples)]
        merged += packed_rows(series.stored, schema, kind, ordered, level + 1)
    return merged


def _level_of(series: Series) -> int | None:
    """The lowest level of a series that is due; None: none is."""
    due = [n for n, count in series.levels.items() if count >= MERGED and n < FULL_LEVEL]
    return min(due, default=None)
