"""Spans of bundles without their manifests: quick to read for a whole incident."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.records import Arrivals, SpanRow
from fieldlink.relay.catalogue.tables import BUNDLES, SUMMARIES

__all__ = ["Spans", "thin_level"]

_PAGE = 20_000
_MOST_THIN = 100
_FIELDS = tuple(SpanRow.__dataclass_fields__)


def thin_level(said: object) -> int | None:
    """How much a proxy was thinned by its manifest's word, at most 100; None: not at all."""
    if not isinstance(said, int) or isinstance(said, bool) or said < 1:
        return None
    return min(said, _MOST_THIN)


class Spans(Part):
    """The part of the catalogue that tells what spans are held."""

    def spans_in(self, incident: str) -> Iterator[SpanRow]:
        """The spans of every bundle of `incident`, in no order."""
        columns = [BUNDLES.c[name] for name in _FIELDS]
        query = sa.select(*columns).where(BUNDLES.c.incident == incident)
        with self._read() as connection:
            found = connection.execution_options(yield_per=_PAGE).execute(query)
            for row in found:
                yield SpanRow(*row)

    def spans_after(self, incident: str, number: int) -> Iterator[SpanRow]:
        """The spans of every bundle of `incident` filed after bundle `number`, in that order."""
        b = BUNDLES.c
        columns = [b[name] for name in _FIELDS]
        while True:
            # The primary key leads to the new ones; by incident all of it would be sorted.
            query = sa.select(*columns, b.incident).where(b.number > number).order_by(b.number)
            with self._read() as connection:
                page = connection.execute(query.limit(_PAGE)).all()
            yield from (SpanRow(*row[:-1]) for row in page if row[-1] == incident)
            if len(page) < _PAGE:
                return
            number = page[-1][0]

    def spans_of(
        self, kit: str, device: str, stream: str, layer: str, from_us: int, to_us: int
    ) -> list[SpanRow]:
        """What overlaps [from_us, to_us) of a layer of a stream, in order of start."""
        b = BUNDLES.c
        names = {"kit": kit, "device": device, "stream": stream, "layer": layer}
        query = sa.select(*(b[name] for name in _FIELDS)).where(
            *(b[name] == value for name, value in names.items()),
            b.end_us > from_us,
            b.start_us < to_us,
        )
        with self._read() as connection:
            rows = connection.execute(query.order_by(b.start_us, b.number).limit(_PAGE)).all()
        return [SpanRow(*row) for row in rows]

    def pictured(self, kit: str, device: str, from_us: int, to_us: int) -> set[tuple[str, str]]:
        """Every (device, stream) of a kit that has a picture in [from_us, to_us); an empty
        `device` is any.
        """
        b = BUNDLES.c
        query = sa.select(b.device, b.stream).where(
            b.kit == kit,
            # Any device: said so that SQLite takes the index that leads on to spans.
            b.device == device if device else b.device > "",
            b.layer != Layer.REPORT.value,
            b.end_us > from_us,
            b.start_us < to_us,
        )
        with self._read() as connection:
            return {(row[0], row[1]) for row in connection.execute(query.distinct())}

    def last_number(self) -> int:
        """The number of the bundle that was filed last; 0 before any was."""
        with self._read() as connection:
            return int(connection.scalar(sa.select(sa.func.max(BUNDLES.c.number))) or 0)

    def bundle_count(self, incident: str) -> int:
        """How many bundles `incident` has."""
        s = SUMMARIES.c
        with self._read() as connection:
            count = sa.select(sa.func.sum(s.bundles)).where(s.incident == incident)
            return int(connection.scalar(count) or 0)

    def arrivals(self, since_us: int, until_us: int = 2**63 - 1) -> Mapping[str, Arrivals]:
        """What came into custody from `since_us` to `until_us`, kit by kit."""
        b = BUNDLES.c
        # Grouped by an expression: an index on kits would make SQLite read all of them.
        kit = sa.func.coalesce(b.kit, "")
        query = (
            sa.select(
                kit,
                sa.func.sum(b.size),
                sa.func.min(b.custody_us),
                sa.func.max(b.custody_us),
            )
            .where(b.custody_us.between(since_us, until_us))
            .group_by(kit)
        )
        with self._read() as connection:
            rows = connection.execute(query).all()
        return {name: Arrivals(int(size), first, last) for name, size, first, last in rows}

    def known_streams(self, kit: str) -> set[tuple[str, str]]:
        """Every (device, stream) of which `kit` ever sent anything."""
        s = SUMMARIES.c
        with self._read() as connection:
            found = connection.execute(sa.select(s.device, s.stream).where(s.kit == kit).distinct())
            return {(row[0], row[1]) for row in found}
