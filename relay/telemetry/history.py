"""The samples of a stream in a span of time: stored and not yet stored, each once, in order.

Blocks are read one by one in the order of their begin and melted together, so that a month costs
no more memory than an hour; what is not wanted is dropped on the way.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from fieldlink.codecs.telemetry import Column, Sample, Schema
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.telemetry.buffer import Buffer
from fieldlink.relay.telemetry.gaps import Gap, Gaps
from fieldlink.relay.telemetry.packing import readable
from fieldlink.relay.telemetry.rendering import number

__all__ = ["MAX_SAMPLES_READ", "Found", "History", "Query", "Row"]

MAX_SAMPLES_READ = 3_000_000
"""So many samples are looked at for one answer; what comes after is `truncated`."""

Row = list[int | float | str | None]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: samples of [from_us, to_us), of `columns` (all if empty), at most one in
    `every_us` (0: all of them), at most `limit`.
    """

    kit: str
    device: str
    stream: str
    from_us: int
    to_us: int
    columns: tuple[str, ...] = ()
    every_us: int = 0
    limit: int = 10_000


@dataclass(slots=True)
class Found:
    """The answer: rows of time, epoch, sequence, marks and a value for each of `columns`; those of
    one epoch by their sequence, whatever a clock made of their times. What was `truncated` goes on
    at `next_us`.
    """

    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    truncated: bool = False
    next_us: int | None = None


class History:
    """Reads samples; any thread. Without a buffer only what is stored."""

    def __init__(self, catalogue: Catalogue, buffer: Buffer | None = None) -> None:
        self._catalogue = catalogue
        self._buffer = buffer

    def find(self, query: Query, now_us: int) -> Found:
        """The answer to `query`.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        found, gaps = Found(), Gaps(query.from_us, min(query.to_us, now_us))
        places: dict[str, int] = {}
        bucket: int | None = None
        for count, (epoch, schema, sample) in enumerate(self.samples(query)):
            if count >= MAX_SAMPLES_READ:
                found.truncated, found.next_us = True, sample.time_us
                break
            at = sample.time_us // query.every_us if query.every_us else None
            wanted = at is None or at != bucket
            if wanted and len(found.rows) >= query.limit:
                found.truncated, found.next_us = True, sample.time_us
                break
            gaps.take(epoch, sample)
            if wanted:
                bucket = at
                row = _row(epoch, schema, sample, query.columns, places, found.columns)
                found.rows.append(row)
        width = len(found.columns) + 4
        for row in found.rows:
            row.extend([None] * (width - len(row)))
        found.rows = _by_sequence(found.rows)
        found.gaps = gaps.found(whole=not found.truncated)
        return found

    def samples(self, query: Query) -> Iterator[tuple[int, Schema, Sample]]:
        """Every sample of the span, with its epoch and schema, by time."""
        melt = _Melt(query.from_us, query.to_us)
        for epoch, schema, samples in self._fresh(query):
            melt.put(epoch, schema, samples)
        names = (query.kit, query.device, query.stream)
        for epoch, row in self._catalogue.stream_blocks(*names, query.from_us, query.to_us):
            yield from melt.take(row.from_us)
            block = readable(row)
            if block is not None:
                melt.put(epoch, block.schema, block.samples)
        yield from melt.take(query.to_us)

    def thinned(self, query: Query, most: int | None = None) -> list[tuple[Schema, Sample]]:
        """The first sample of each `every_us`, by time: what lies between is passed over, so that
        this is quicker than `find`, and says nothing of gaps. Once blocks of `most` samples were
        read, it is enough.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        first: dict[int, tuple[Schema, Sample]] = {}
        for _, schema, samples in self._fresh(query):
            _thin(first, schema, samples, query)
        names = (query.kit, query.device, query.stream)
        for _, row in self._catalogue.stream_blocks(*names, query.from_us, query.to_us):
            if most is not None:
                if most <= 0:
                    break
                most -= row.count
            block = readable(row)
            if block is not None:
                _thin(first, block.schema, block.samples, query)
        return [first[at] for at in sorted(first)]

    def _fresh(self, query: Query) -> list[tuple[int, Schema, list[Sample]]]:
        # Before the catalogue: what is stored meanwhile is found twice, not missed.
        if self._buffer is None:
            return []
        return self._buffer.fresh(query.kit, query.device, query.stream)


def _thin(
    first: dict[int, tuple[Schema, Sample]],
    schema: Schema,
    samples: Sequence[Sample],
    query: Query,
) -> None:
    ordered = sorted(samples, key=_time)  # they are, but for clocks that were set
    place = bisect_left(ordered, query.from_us, key=_time)
    while place < len(ordered) and ordered[place].time_us < query.to_us:
        sample = ordered[place]
        at = sample.time_us // query.every_us
        if at not in first or sample.time_us < first[at][1].time_us:
            first[at] = (schema, sample)
        place = bisect_left(ordered, (at + 1) * query.every_us, place + 1, key=_time)


def _time(sample: Sample) -> int:
    return sample.time_us


def _by_sequence(rows: list[Row]) -> list[Row]:
    """`rows` by time, but those of one epoch in the order in which they were numbered."""
    of_epoch: dict[object, list[Row]] = {}
    for row in rows:
        of_epoch.setdefault(row[1], []).append(row)
    numbered = {epoch: iter(sorted(some, key=_sequence)) for epoch, some in of_epoch.items()}
    return [next(numbered[row[1]]) for row in rows]


def _sequence(row: Row) -> int:
    number_ = row[2]
    assert isinstance(number_, int)  # noqa: S101  # `_row` puts it there
    return number_


class _Melt:
    """Samples of blocks that overlap, given back by time, each identity once."""

    def __init__(self, from_us: int, to_us: int) -> None:
        self._from_us, self._to_us = from_us, to_us
        self._heap: list[tuple[int, int, int, int, Schema, Sample]] = []
        self._order = 0
        self._at_us = -1
        # The same identity has the same time: those of one time are enough to know.
        self._given: set[tuple[int, int]] = set()

    def put(self, epoch: int, schema: Schema, samples: Iterable[Sample]) -> None:
        """Take samples; of one identity the first that was put counts."""
        for sample in samples:
            if self._from_us <= sample.time_us < self._to_us:
                self._order += 1
                named = (sample.time_us, epoch, sample.sequence, self._order)
                heapq.heappush(self._heap, (*named, schema, sample))

    def take(self, before_us: int) -> Iterator[tuple[int, Schema, Sample]]:
        """Give back everything before `before_us`."""
        heap = self._heap
        while heap and heap[0][0] < before_us:
            at_us, epoch, sequence, _, schema, sample = heapq.heappop(heap)
            if at_us != self._at_us:
                self._at_us, self._given = at_us, set()
            if (epoch, sequence) not in self._given:
                self._given.add((epoch, sequence))
                yield epoch, schema, sample


def _row(
    epoch: int,
    schema: Schema,
    sample: Sample,
    wanted: tuple[str, ...],
    places: dict[str, int],
    columns: list[Column],
) -> Row:
    row: Row = [sample.time_us, epoch, sample.sequence, sample.flags]
    row += [None] * len(columns)
    for column, value in zip(schema.columns, sample.values, strict=True):
        if wanted and column.name not in wanted:
            continue
        place = places.get(column.name)
        if place is None:
            place = places[column.name] = len(columns) + 4
            columns.append(column)
            row.append(None)
        row[place] = number(value, 0 if column.is_text else column.scale)
    return row
