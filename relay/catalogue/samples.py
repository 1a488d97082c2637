"""Samples of telemetry: series, blocks of samples, the latest states, and cursors over bundles.

One task writes them; anybody reads.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.bundles import filed_bundle
from fieldlink.relay.catalogue.records import FiledBundle
from fieldlink.relay.catalogue.tables import BUNDLES, CURSORS, LATEST, SAMPLE_BLOCKS, SERIES

__all__ = ["SampleBlock", "Samples", "SeriesKey", "StoredSeries"]

SeriesKey = tuple[str, str, str, int]
"""Kit, device, stream, epoch."""

Device = tuple[str, str]
_MOST_KEYS = 200
_PAGE = 64


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """A series: `measures` has [name, unit, scale, is text] of each column when it was first
    seen, `kind` is the device's then.
    """

    id: int
    kit: str
    device: str
    stream: str
    epoch: int
    kind: str
    measures: Sequence[Sequence[Any]]
    arrived_us: int

    @property
    def key(self) -> SeriesKey:
        """What names it for ever."""
        return self.kit, self.device, self.stream, self.epoch


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """`count` samples of a series in `data`, of [`from_us`, `to_us`], numbered from
    `first_sequence` to `last_sequence` with or without holes. `number` 0: not stored yet.
    """

    series: int
    level: int
    first_sequence: int
    last_sequence: int
    count: int
    from_us: int
    to_us: int
    data: bytes
    number: int = 0


_BLOCK_FIELDS = tuple(SampleBlock.__dataclass_fields__)
_SERIES_FIELDS = tuple(StoredSeries.__dataclass_fields__)


class Samples(Part):
    """The part of the catalogue that knows telemetry."""

    def reports_after(
        self, number: int, limit: int, *, stream: str | None = None
    ) -> tuple[list[FiledBundle], int]:
        """The next report bundles filed after bundle `number` (of `stream`), at most `limit`, and
        the number up to which there is no other.
        """
        b = BUNDLES.c
        # Bundles get their numbers and become visible in one order: one thread files them.
        with self._read() as connection:
            newest = connection.scalar(sa.select(sa.func.max(b.number))) or 0
            query = sa.select(BUNDLES).where(b.number > number, b.layer == Layer.REPORT.value)
            query = query if stream is None else query.where(b.stream == stream)
            rows = connection.execute(query.order_by(b.number).limit(limit)).all()
        found = [filed_bundle(row) for row in rows]
        return found, found[-1].number if len(found) == limit else max(newest, number)

    def cursor(self, name: str) -> int:
        """How far the task `name` has come; 0: nowhere yet."""
        with self._read() as connection:
            found = connection.scalar(sa.select(CURSORS.c.number).where(CURSORS.c.name == name))
        return int(found or 0)

    def put_cursor(self, name: str, number: int) -> None:
        """Record that the task `name` has done everything up to bundle `number`."""
        with self._write() as connection:
            move_cursor(connection, name, number)

    def store_samples(
        self,
        series: Sequence[StoredSeries],
        blocks: Sequence[SampleBlock],
        *,
        latest: Mapping[Device, bytes],
        known: Collection[Device],
        cursor: tuple[str, int] | None,
    ) -> None:
        """Store new series, blocks, the states of devices (of which `known` have one already)
        and the task's cursor, in one transaction.
        """
        with self._write() as connection:
            if series:
                rows = [{name: getattr(one, name) for name in _SERIES_FIELDS} for one in series]
                connection.execute(sa.insert(SERIES), rows)
            if blocks:
                connection.execute(sa.insert(SAMPLE_BLOCKS), [_block_row(one) for one in blocks])
            _put_latest(connection, latest, known)
            if cursor is not None:
                move_cursor(connection, *cursor)

    def merge_blocks(self, old: Sequence[int], new: Sequence[SampleBlock]) -> None:
        """Put `new` in the place of the blocks numbered `old`."""
        with self._write() as connection:
            for at in range(0, len(old), _MOST_KEYS):
                some = SAMPLE_BLOCKS.c.number.in_(old[at : at + _MOST_KEYS])
                connection.execute(sa.delete(SAMPLE_BLOCKS).where(some))
            if new:
                connection.execute(sa.insert(SAMPLE_BLOCKS), [_block_row(one) for one in new])

    def last_series(self) -> int:
        """The greatest id of a series; 0 without any."""
        with self._read() as connection:
            return int(connection.scalar(sa.select(sa.func.max(SERIES.c.id))) or 0)

    def series_counts(self) -> dict[Device, int]:
        """How many series each device has."""
        s = SERIES.c
        query = sa.select(s.kit, s.device, sa.func.count()).group_by(s.kit, s.device)
        with self._read() as connection:
            return {(row[0], row[1]): row[2] for row in connection.execute(query)}

    def series_of(self, keys: Sequence[SeriesKey]) -> list[StoredSeries]:
        """Those of `keys` that are stored."""
        s = SERIES.c
        found: list[StoredSeries] = []
        with self._read() as connection:
            for at in range(0, len(keys), _MOST_KEYS):
                some = sa.tuple_(s.kit, s.device, s.stream, s.epoch).in_(keys[at : at + _MOST_KEYS])
                found += map(_series, connection.execute(sa.select(SERIES).where(some)))
        return found

    def find_series(
        self,
        *,
        kit: str | None = None,
        device: str | None = None,
        stream: str | None = None,
        limit: int = 10_000,
    ) -> list[StoredSeries]:
        """Series by names, at most `limit`: those that began last, the newest first."""
        s = SERIES.c
        wanted = {"kit": kit, "device": device, "stream": stream}
        query = sa.select(SERIES).where(*(s[k] == v for k, v in wanted.items() if v is not None))
        with self._read() as connection:
            rows = connection.execute(query.order_by(s.id.desc()).limit(limit)).all()
        return [_series(row) for row in rows]

    def blocks_of(self, series: Sequence[int]) -> Iterator[SampleBlock]:
        """Every block of these series."""
        c = SAMPLE_BLOCKS.c
        columns = [c[name] for name in _BLOCK_FIELDS]
        for at in range(0, len(series), _MOST_KEYS):
            some = c.series.in_(series[at : at + _MOST_KEYS])
            with self._read() as connection:
                paged = connection.execution_options(yield_per=_PAGE)
                for row in paged.execute(sa.select(*columns).where(some)):
                    yield SampleBlock(*row)

    def stream_blocks(
        self, kit: str, device: str, stream: str, from_us: int, to_us: int
    ) -> Iterator[tuple[int, SampleBlock]]:
        """Every block of a stream that overlaps [from_us, to_us), with its epoch, in order of its
        begin.
        """
        c, s = SAMPLE_BLOCKS.c, SERIES.c
        columns = [c[name] for name in _BLOCK_FIELDS]
        query = (
            sa.select(s.epoch, *columns)
            .join_from(SERIES, SAMPLE_BLOCKS, c.series == s.id)
            .where(s.kit == kit, s.device == device, s.stream == stream)
            .where(c.to_us >= from_us, c.from_us < to_us)
            .order_by(c.from_us, c.number)
        )
        with self._read() as connection:
            for row in connection.execution_options(yield_per=_PAGE).execute(query):
                yield row[0], SampleBlock(*row[1:])

    def blocks_at(self, levels: Mapping[int, int]) -> list[SampleBlock]:
        """The blocks of some series, each at its level, the oldest first."""
        c = SAMPLE_BLOCKS.c
        columns = [c[name] for name in _BLOCK_FIELDS]
        found: list[SampleBlock] = []
        for level in set(levels.values()):
            some = [series for series, its in levels.items() if its == level]
            query = sa.select(*columns).where(c.series.in_(some), c.level == level)
            with self._read() as connection:
                rows = connection.execute(query.order_by(c.number))
                found += [SampleBlock(*row) for row in rows]
        return found

    def latest_states(self) -> dict[Device, bytes]:
        """The stored state of every device."""
        with self._read() as connection:
            rows = connection.execute(sa.select(LATEST)).all()
        return {(row.kit, row.device): bytes(row.state) for row in rows}


def move_cursor(connection: Connection, name: str, number: int) -> None:
    """Put a cursor."""
    update = sa.update(CURSORS).where(CURSORS.c.name == name).values(number=number)
    if not connection.execute(update).rowcount:
        connection.execute(sa.insert(CURSORS).values(name=name, number=number))


def _put_latest(
    connection: Connection, latest: Mapping[Device, bytes], known: Collection[Device]
) -> None:
    old = [{"k": k, "d": d, "s": s} for (k, d), s in latest.items() if (k, d) in known]
    new = [
        {"kit": k, "device": d, "state": s} for (k, d), s in latest.items() if (k, d) not in known
    ]
    if old:
        mine = (LATEST.c.kit == sa.bindparam("k"), LATEST.c.device == sa.bindparam("d"))
        change = sa.update(LATEST).where(*mine).values(state=sa.bindparam("s"))
        connection.execute(change, old)
    if new:
        connection.execute(sa.insert(LATEST), new)


def _block_row(block: SampleBlock) -> dict[str, Any]:
    return {name: getattr(block, name) for name in _BLOCK_FIELDS if name != "number"}


def _series(row: Row[Any]) -> StoredSeries:
    return StoredSeries(*(getattr(row, name) for name in _SERIES_FIELDS))
