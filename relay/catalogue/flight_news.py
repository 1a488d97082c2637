"""What the task that follows flights reads of the rest of the catalogue."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from fieldlink.codecs.bundle import TLOG_STREAM, UNSEEN_STREAMS, Layer
from fieldlink.codecs.telemetry import SHEAF_STREAM
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.bundles import filed_bundle
from fieldlink.relay.catalogue.flights import Touch
from fieldlink.relay.catalogue.records import FiledBundle
from fieldlink.relay.catalogue.tables import BUNDLES, SUMMARIES

__all__ = ["FlightNews", "Seen"]

_DAY_US = 86_400_000_000
_MOST_VIDEO, _MOST_FULL = 16, 200
_VIDEO = (Layer.PROXY.value, Layer.ORIGINAL.value)


class Seen(NamedTuple):
    """A bundle that was filed: whose, and of when."""

    kit: str
    device: str
    stream: str
    layer: str
    start_us: int
    end_us: int


class FlightNews(Part):
    """The part of the catalogue that tells what has come of aircraft."""

    def filed_after(
        self, number: int, limit: int
    ) -> tuple[list[Seen], list[FiledBundle], int, bool]:
        """The next bundles filed after bundle `number`, at most `limit`: all of them in short,
        those of recordings of flights in full; the number of the last; whether there is more.
        """
        b = BUNDLES.c
        short = (b.number, b.kit, b.device, b.stream, b.layer, b.start_us, b.end_us)
        query = sa.select(*short).where(b.number > number).order_by(b.number).limit(limit)
        with self._read() as connection:
            rows = connection.execute(query).all()
            numbers = [row[0] for row in rows if row[3] == TLOG_STREAM]
            # They are stored together, and custody waits for the catalogue's lock meanwhile.
            more = len(rows) == limit or len(numbers) > _MOST_FULL
            if len(numbers) > _MOST_FULL:
                numbers = numbers[:_MOST_FULL]
                rows = [row for row in rows if row[0] <= numbers[-1]]
            some = sa.select(BUNDLES).where(b.number.in_(numbers)).order_by(b.number)
            full = [filed_bundle(row) for row in connection.execute(some)]
        upto = rows[-1][0] if rows else number
        return [Seen(*row[1:]) for row in rows], full, upto, more

    def measured_after(self, number: int, upto: int, limit: int) -> tuple[list[Touch], int]:
        """Of which times samples were filed after bundle `number` and up to `upto`: of each kit
        one span, of any device (""); and up to which bundle that is.
        """
        b = BUNDLES.c
        wanted = (b.number > number, b.number <= upto, b.stream == SHEAF_STREAM)
        query = sa.select(b.number, b.kit, b.start_us, b.end_us).where(*wanted)
        with self._read() as connection:
            rows = connection.execute(query.order_by(b.number).limit(limit)).all()
        spans: dict[str, tuple[int, int]] = {}
        for _, kit, start_us, end_us in rows:
            first_us, last_us = spans.get(kit, (start_us, end_us))
            spans[kit] = min(first_us, start_us), max(last_us, end_us)
        found = [(kit, "", *span) for kit, span in spans.items()]
        return found, rows[-1][0] if len(rows) == limit else max(number, upto)

    def kit_devices(self, kit: str) -> set[str]:
        """Every device of which `kit` ever sent a bundle."""
        s = SUMMARIES.c
        with self._read() as connection:
            return set(connection.scalars(sa.select(s.device).where(s.kit == kit).distinct()))

    def video_in(
        self, kit: str, devices: Sequence[str], from_us: int, to_us: int
    ) -> list[tuple[str, str, int, int]]:
        """The streams of `devices` with video in [from_us, to_us]: device, stream, and from when to
        when there is some, within that span.
        """
        b = BUNDLES.c
        query = (
            sa.select(b.device, b.stream, sa.func.min(b.start_us), sa.func.max(b.end_us))
            .where(
                b.kit == kit,
                b.device.in_(list(devices)[:_MOST_VIDEO]),
                b.layer.in_(_VIDEO),
                b.stream.not_in(("audio", *sorted(UNSEEN_STREAMS))),
                # No video lasts longer than a day: so far back, no further, is looked.
                b.start_us.between(max(0, from_us - _DAY_US), to_us),
                b.end_us >= from_us,
            )
            .group_by(b.device, b.stream)
            .order_by(b.device, b.stream)
            .limit(_MOST_VIDEO)
        )
        with self._read() as connection:
            return [
                (row[0], row[1], max(row[2], from_us), min(row[3], to_us))
                for row in connection.execute(query)
            ]
