"""What a writer is given: tracks and tables out of the centre's history, read as it is written.

They are read page by page, because whoever fetches a file may be slow or go away: no page is held
open in the database while its samples are written.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import cast

from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.telemetry import POSITION, Column, Sample, Schema
from fieldlink.codecs.tracks import Fix, Track
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.export.rows import Line, Table
from fieldlink.relay.telemetry.history import History, Query
from fieldlink.relay.telemetry.rendering import number

__all__ = ["Asked", "fixes_of", "gather_table", "gather_tracks", "in_parts"]

_MOST_SERIES = 100_000
_PAGE = 20_000
_MOST_FIXES = 50_000  # in one track: half a day at one a second, some 15 MB
_FIX = ("lat", "lon", "alt", "heading", "speed")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which kit and device (None: all), and of [`from_us`, `to_us`)."""

    from_us: int
    to_us: int
    kit: str | None = None
    device: str | None = None

    def query(self, kit: str, device: str, stream: str) -> Query:
        """The question to the history for one device's stream."""
        return Query(kit, device, stream, self.from_us, self.to_us)


def gather_tracks(catalogue: Catalogue, history: History, asked: Asked) -> Iterator[Track]:
    """The track of every device that has one; a long one in several, because a writer holds one of
    them at a time.
    """
    for (kit, device), kind in _devices(catalogue, asked, POSITION.stream).items():
        for part in in_parts(fixes_of(history, asked, kit, device)):
            yield Track(kit, device, kind, part)


def fixes_of(history: History, asked: Asked, kit: str, device: str) -> Iterator[Fix]:
    """Every fix of one device, by time."""
    return _fixes(history, asked.query(kit, device, POSITION.stream))


def in_parts(fixes: Iterator[Fix]) -> Iterator[Iterator[Fix]]:
    """`fixes` as several tracks when they are many, because a writer holds one of them at a time.
    Each is to be read before the next.
    """
    while (first := next(fixes, None)) is not None:
        yield chain((first,), islice(fixes, _MOST_FIXES - 1))


def gather_table(catalogue: Catalogue, history: History, asked: Asked, stream: str) -> Table:
    """Every sample of `stream`, device by device.

    Raises:
        ArchiveError: nothing of that name has ever come.
    """
    devices = _devices(catalogue, asked, stream)
    columns = _columns(catalogue, asked, stream)
    if not columns:
        raise ArchiveError(
            f"there is no stream {stream} of such a device; `fieldlink relay devices` lists them"
        )
    return Table(stream, columns, _lines(history, asked, stream, list(devices), columns))


def _devices(catalogue: Catalogue, asked: Asked, stream: str) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for series in catalogue.find_series(
        kit=asked.kit, device=asked.device, stream=stream, limit=_MOST_SERIES
    ):
        found.setdefault((series.kit, series.device), series.kind)
    return dict(sorted(found.items()))


def _columns(catalogue: Catalogue, asked: Asked, stream: str) -> tuple[Column, ...]:
    """The columns of all devices; one that is text for some device is text for all."""
    found: dict[str, Column] = {}
    for series in catalogue.find_series(
        kit=asked.kit, device=asked.device, stream=stream, limit=_MOST_SERIES
    ):
        for name, unit, scale, is_text in series.measures:
            known = found.get(name)
            if known is not None:
                scale, is_text = max(scale, known.scale), is_text or known.is_text
            found[name] = Column(name, unit, scale, is_text)
    return tuple(found.values())


def _fixes(history: History, query: Query) -> Iterator[Fix]:
    for _, schema, sample in _samples(history, query):
        values = _named(schema, sample)
        lat, lon, alt, heading, speed = (_real(values.get(name)) for name in _FIX)
        if lat is not None and lon is not None:
            yield Fix(sample.time_us, lat, lon, alt, heading, speed)


def _lines(
    history: History,
    asked: Asked,
    stream: str,
    devices: Sequence[tuple[str, str]],
    columns: Sequence[Column],
) -> Iterator[Line]:
    for kit, device in devices:
        for epoch, schema, sample in _samples(history, asked.query(kit, device, stream)):
            values = _named(schema, sample)
            row = [_fitting(values.get(column.name), column) for column in columns]
            fixed = (sample.time_us, kit, device, epoch, sample.sequence)
            yield Line(*fixed, sample.flags, sample.error_us, row)


def _samples(history: History, query: Query) -> Iterator[tuple[int, Schema, Sample]]:
    """Every sample of `query` by time."""
    given: set[tuple[int, int]] = set()  # those of the last instant, which the next page repeats
    at_us = query.from_us
    while True:
        found = cast(
            "Generator[tuple[int, Schema, Sample], None, None]",
            history.samples(replace(query, from_us=at_us)),
        )
        with closing(found):
            page = list(islice(found, _PAGE + len(given)))
        fresh = [each for each in page if (each[0], each[2].sequence) not in given]
        yield from fresh
        if len(page) < _PAGE or not fresh:
            return
        last_us = page[-1][2].time_us
        given = {(epoch, one.sequence) for epoch, _, one in page if one.time_us == last_us}
        at_us = last_us


def _named(schema: Schema, sample: Sample) -> dict[str, int | float | str | None]:
    return {
        column.name: number(value, column.scale)
        for column, value in zip(schema.columns, sample.values, strict=True)
    }


def _fitting(value: float | str | None, column: Column) -> int | float | str | None:
    # A device may have changed its mind about what a column is.
    if value is None or isinstance(value, str) == column.is_text:
        return value
    return str(value) if column.is_text else None


def _real(value: float | str | None) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)
