"""Samples on their way into the catalogue: each identity once, gathered by series.

Nothing here is durable, and nothing has to be: the bundles are in the archive, and the cursor
moves only when the blocks made from them are stored. After a crash they are read again.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.telemetry import Block, Sample, Schema
from fieldlink.relay.catalogue import Catalogue, SampleBlock, StoredSeries
from fieldlink.relay.telemetry.packing import measures_of, numbers_in, packed_rows

__all__ = ["MAX_SERIES", "Buffer", "Series", "rows_of"]

MAX_SERIES = 10_000
"""Of one device; each run of its agent begins one in each stream."""

_MOST_KNOWN = 50_000
_MOST_HOLES = 4_096


@dataclass(slots=True)
class Series:
    """A series as it is being written: `held` are the numbers that the catalogue or this buffer
    has, `fresh` samples to be stored, in parts that agree on their columns.
    """

    stored: StoredSeries
    new: bool
    held: Ranges = field(default_factory=Ranges)
    levels: Counter[int] = field(default_factory=Counter)
    fresh: list[tuple[Schema, str, dict[int, Sample]]] = field(default_factory=list)

    def take(self, block: Block) -> int:
        """Take the samples of `block` that are new; how many those are."""
        first, last = block.samples[0].sequence, block.samples[-1].sequence
        dense = last - first + 1 == len(block.samples)
        if dense and self.held.covers(first, last + 1):
            return 0
        home = self._home(block)
        before = len(home)
        if dense and first >= self.held.end:
            home.update((sample.sequence, sample) for sample in block.samples)
            self.held.add(first, last + 1)
        else:
            for sample in block.samples:
                number = sample.sequence
                if not self.held.covers(number, number + 1):
                    home[number] = sample
                    self.held.add(number, number + 1)
        if len(self.held) > _MOST_HOLES:  # older ones may be stored twice, and are read once
            self.held = Ranges(list(self.held)[-_MOST_HOLES // 2 :])
        return len(home) - before

    def _home(self, block: Block) -> dict[int, Sample]:
        if self.fresh:
            schema, kind, home = self.fresh[-1]
            if (schema is block.schema or schema == block.schema) and kind == block.kind:
                return home
        home = {}
        self.fresh.append((block.schema, block.kind, home))
        return home


class Buffer:
    """Takes blocks with `take`, gives what is to be stored with `waiting`. One thread writes;
    `fresh` may be asked by any.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str, int], Series] = OrderedDict()
        self._touched: dict[int, Series] = {}
        self._next_id = catalogue.last_series() + 1
        self._counts: Counter[tuple[str, str]] = Counter(catalogue.series_counts())
        self.samples = 0

    @property
    def touched(self) -> int:
        """How many series have samples to be stored."""
        return len(self._touched)

    def learn(self, kit: str, blocks: Sequence[Block]) -> None:
        """Read from the catalogue what it has of the series of `blocks` that are not known yet.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        wanted = {(kit, b.device, b.schema.stream, b.epoch) for b in blocks}
        keys = wanted - self._known.keys()
        for key in wanted - keys:
            self._known.move_to_end(key)  # what is about to be used is not what is forgotten
        if not keys:
            return
        found = {one.id: Series(one, new=False) for one in self._catalogue.series_of([*keys])}
        for row in self._catalogue.blocks_of([*found]):
            series = found[row.series]
            series.levels[row.level] += 1
            for first, end in numbers_in(row):
                series.held.add(first, end)
        for series in found.values():
            self._known[series.stored.key] = series
        self._forget(max(_MOST_KNOWN, len(wanted)))

    def take(self, kit: str, block: Block, arrived_us: int) -> int | None:
        """Take a block whose series was learnt; how many of its samples are new, None when its
        device has too many series.
        """
        key = (kit, block.device, block.schema.stream, block.epoch)
        series = self._known.get(key)
        if series is None:
            if self._counts[key[:2]] >= MAX_SERIES:
                return None
            measures = measures_of(block.schema)
            stored = StoredSeries(self._next_id, *key, block.kind, measures, arrived_us)
            series = self._known[key] = Series(stored, new=True)
            self._next_id += 1
            self._counts[key[:2]] += 1
        else:
            self._known.move_to_end(key)
        with self._lock:
            count = series.take(block)
            if count or series.new:
                self._touched[series.stored.id] = series
        self.samples += count
        return count

    def waiting(self) -> list[Series]:
        """The series that have something to be stored."""
        return list(self._touched.values())

    def stored(self, done: Sequence[Series]) -> None:
        """What `rows_of` gave of these is durable."""
        with self._lock:
            for series in done:
                del self._touched[series.stored.id]
                self.samples -= sum(len(samples) for _, _, samples in series.fresh)
                series.new = False
                series.levels[0] += len(series.fresh)
                series.fresh = []
        self._forget(_MOST_KNOWN)

    def fresh(self, kit: str, device: str, stream: str) -> list[tuple[int, Schema, list[Sample]]]:
        """Samples of a stream that are not stored yet, with their epoch and schema."""
        with self._lock:
            return [
                (series.stored.epoch, schema, list(samples.values()))
                for series in self._touched.values()
                if series.stored.key[:3] == (kit, device, stream)
                for schema, _kind, samples in series.fresh
            ]

    def _forget(self, most: int) -> None:
        """Keep what is known within bounds; what is forgotten is learnt again."""
        while len(self._known) > most:
            key, series = self._known.popitem(last=False)
            if series.stored.id in self._touched:
                self._known[key] = series
                return


def rows_of(some: Sequence[Series]) -> tuple[list[StoredSeries], list[SampleBlock]]:
    """What of these is to be stored: new series, and blocks."""
    new = [series.stored for series in some if series.new]
    return new, [row for series in some for row in _rows(series)]


def _rows(series: Series) -> Iterator[SampleBlock]:
    for schema, kind, samples in series.fresh:
        if samples:
            stored = series.stored
            yield from packed_rows(stored, schema, kind, sorted(samples.values(), key=_number))


def _number(sample: Sample) -> int:
    return sample.sequence
