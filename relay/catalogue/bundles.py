"""Bundles, gaps and streams: what is in custody."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from fieldlink.codecs.bundle import UNSEEN_STREAMS, Gap, Layer, decode_manifest
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.records import (
    FiledBundle,
    FiledGap,
    Filing,
    Journey,
    LayerSummary,
    StreamSummary,
)
from fieldlink.relay.catalogue.spans import thin_level
from fieldlink.relay.catalogue.summaries import add_to_summaries
from fieldlink.relay.catalogue.tables import BUNDLES, GAPS, INCIDENTS, KITS, SUMMARIES
from fieldlink.relay.catalogue.wants import add_marks

_MAX_LIMIT = 10_000
_MOST_PARAMETERS = 500
_PICTURES = (Layer.STILL.value, Layer.PROXY.value, Layer.ORIGINAL.value)

Identity = tuple[str, bytes, int]
_SUMMARY_FIELDS = tuple(LayerSummary.__dataclass_fields__)


class Bundles(Part):
    """The part of the catalogue that knows bundles."""

    def file_bundles(self, filings: Sequence[Filing]) -> list[bytes]:
        """File all of `filings` in one durable transaction; returns the ids that were new.

        Filing a bundle again changes nothing.
        """
        unique = {filing.bundle_id: filing for filing in filings}
        with self._write() as connection:
            held = _held(connection, list(unique))
            new = [filing for filing in unique.values() if filing.bundle_id not in held]
            if new:
                connection.execute(sa.insert(BUNDLES), [_row(filing) for filing in new])
                add_to_summaries(connection, new)
            add_marks(connection, new)
            gaps = [_gap_row(filing, filing.gap) for filing in new if filing.gap is not None]
            if gaps:
                connection.execute(sa.insert(GAPS), gaps)
        return [filing.bundle_id for filing in new]

    def held(self, ids: Collection[bytes]) -> set[bytes]:
        """Which of the bundles `ids` are in custody."""
        with self._read() as connection:
            return _held(connection, list(ids))

    def paths_taken(self, paths: Collection[str]) -> set[str]:
        """Which of `paths` belong to a bundle in custody."""
        with self._read() as connection:
            found = sa.select(BUNDLES.c.path).where(BUNDLES.c.path.in_(list(paths)))
            return set(connection.scalars(found))

    def claimed(self, identities: Collection[Identity]) -> dict[Identity, set[bytes]]:
        """The bundles filed under each of `identities` (kit, spool, sequence); two are an alarm."""
        b = BUNDLES.c
        mine = sa.tuple_(b.kit, b.spool, b.sequence).in_(list(identities))
        claims: dict[Identity, set[bytes]] = {}
        with self._read() as connection:
            for row in connection.execute(
                sa.select(b.kit, b.spool, b.sequence, b.bundle_id).where(mine)
            ):
                claims.setdefault((row[0], row[1], row[2]), set()).add(row[3])
        return claims

    def bundle(self, bundle_id: bytes) -> FiledBundle | None:
        """The bundle of that id with its whole journey; None when it is not in custody."""
        found = sa.select(BUNDLES).where(BUNDLES.c.bundle_id == bundle_id)
        with self._read() as connection:
            row = connection.execute(found).first()
        return None if row is None else filed_bundle(row)

    def bundles(
        self,
        *,
        incident: str | None = None,
        kit: str | None = None,
        device: str | None = None,
        stream: str | None = None,
        layer: str | None = None,
        from_us: int | None = None,
        to_us: int | None = None,
        limit: int = 500,
        after: int | None = None,
        newest_first: bool = False,
    ) -> list[FiledBundle]:
        """Bundles that overlap [from_us, to_us), in the order of their start.

        At most `limit` (10,000); `after` is the `number` of the last one already seen.
        """
        b = BUNDLES.c
        wanted = {"incident": incident, "kit": kit, "device": device, "stream": stream}
        names = {**wanted, "layer": layer}
        query = sa.select(BUNDLES).where(*(b[k] == v for k, v in names.items() if v is not None))
        query = query if from_us is None else query.where(b.end_us >= from_us)
        query = query if to_us is None else query.where(b.start_us < to_us)
        order = (b.start_us.desc(), b.number.desc()) if newest_first else (b.start_us, b.number)
        with self._read() as connection:
            if after is not None:
                query = query.where(_beyond(connection, after, newest_first=newest_first))
            page = query.order_by(*order).limit(min(limit, _MAX_LIMIT))
            return [filed_bundle(row) for row in connection.execute(page)]

    def streams(self, incident: str) -> list[StreamSummary]:
        """Every stream of `incident` as a wall shows it, in the order of kit, device, stream."""
        s = SUMMARIES.c
        layers = sa.select(SUMMARIES).where(s.incident == incident)
        with self._read() as connection:
            rows = connection.execute(layers.order_by(s.kit, s.device, s.stream, s.layer)).all()
            start = sa.select(INCIDENTS.c.start_us).where(INCIDENTS.c.id == incident)
            start_us = connection.scalar(start)
            kinds = {row.kit: row.devices for row in connection.execute(sa.select(KITS))}
        streams: dict[tuple[str, str, str], dict[str, LayerSummary]] = {}
        for row in rows:
            layer = LayerSummary(*(getattr(row, name) for name in _SUMMARY_FIELDS))
            streams.setdefault((row.kit, row.device, row.stream), {})[row.layer] = layer
        return [
            _stream(key, kinds.get(key[0], {}).get(key[1], ""), layers, start_us)
            for key, layers in streams.items()
        ]

    def gaps(
        self,
        *,
        incident: str | None = None,
        kit: str | None = None,
        device: str | None = None,
        stream: str | None = None,
        from_us: int | None = None,
        to_us: int | None = None,
        limit: int = 1000,
    ) -> list[FiledGap]:
        """The newest `limit` gaps that overlap [from_us, to_us), in the order of their start."""
        g = GAPS.c
        wanted = {"incident": incident, "kit": kit, "device": device, "stream": stream}
        query = sa.select(GAPS).where(*(g[k] == v for k, v in wanted.items() if v is not None))
        query = query if from_us is None else query.where(g.end_us >= from_us)
        query = query if to_us is None else query.where(g.start_us < to_us)
        newest = query.order_by(g.start_us.desc(), g.number.desc()).limit(min(limit, _MAX_LIMIT))
        with self._read() as connection:
            return [_gap(row) for row in reversed(connection.execute(newest).all())]

    def in_filing_order(self, after: int = 0, limit: int = 1000) -> list[FiledBundle]:
        """The next bundles after `number`, for going through all of them."""
        query = sa.select(BUNDLES).where(BUNDLES.c.number > after).order_by(BUNDLES.c.number)
        with self._read() as connection:
            return [filed_bundle(row) for row in connection.execute(query.limit(limit))]


def _held(connection: Connection, ids: Sequence[bytes]) -> set[bytes]:
    held: set[bytes] = set()
    for at in range(0, len(ids), _MOST_PARAMETERS):
        some = ids[at : at + _MOST_PARAMETERS]
        found = sa.select(BUNDLES.c.bundle_id).where(BUNDLES.c.bundle_id.in_(some))
        held.update(connection.scalars(found))
    return held


def _beyond(connection: Connection, number: int, *, newest_first: bool) -> sa.ColumnElement[bool]:
    b = BUNDLES.c
    start_us = connection.scalar(sa.select(b.start_us).where(b.number == number))
    here = sa.tuple_(b.start_us, b.number)
    last = sa.tuple_(sa.literal(start_us or 0), sa.literal(number))
    return here < last if newest_first else here > last


def _row(filing: Filing) -> dict[str, Any]:
    m, journey = filing.manifest, filing.journey
    return {
        "bundle_id": filing.bundle_id,
        "incident": filing.incident,
        "kit": m.kit,
        "spool": m.spool,
        "sequence": m.sequence,
        "device": m.device,
        "stream": m.stream,
        "layer": m.layer.value,
        "start_us": m.start_us,
        "end_us": m.end_us,
        "size": m.size,
        "manifest": filing.encoded,
        "path": filing.path,
        "captured_us": journey.captured_us,
        "first_sent_us": journey.first_sent_us,
        "first_received_us": journey.first_received_us,
        "last_received_us": journey.last_received_us,
        "custody_us": journey.custody_us,
        "bearers": ",".join(journey.bearers)[:400],
        "thin": thin_level(m.meta.get("thin")),
    }


def _gap_row(filing: Filing, gap: Gap) -> dict[str, Any]:
    return {
        "bundle_id": filing.bundle_id,
        "incident": filing.incident,
        "kit": filing.manifest.kit,
        "device": gap.device,
        "stream": gap.stream,
        "layer": gap.layer,
        "start_us": gap.start_us,
        "end_us": gap.end_us,
        "reason": gap.reason,
    }


def filed_bundle(row: Row[Any]) -> FiledBundle:
    """A row of the bundles as a record."""
    journey = Journey(
        captured_us=row.captured_us,
        custody_us=row.custody_us,
        first_sent_us=row.first_sent_us,
        first_received_us=row.first_received_us,
        last_received_us=row.last_received_us,
        bearers=tuple(row.bearers.split(",")) if row.bearers else (),
    )
    manifest = decode_manifest(row.manifest)
    return FiledBundle(row.number, row.bundle_id, row.incident, manifest, row.path, journey)


def _gap(row: Row[Any]) -> FiledGap:
    gap = Gap(row.device, row.stream, row.start_us, row.end_us, row.reason, row.layer)
    return FiledGap(row.number, row.bundle_id, row.incident, row.kit, gap)


def _stream(
    key: tuple[str, str, str], kind: str, layers: dict[str, LayerSummary], start_us: int | None
) -> StreamSummary:
    pictures = [layers[name].first_custody_us for name in _PICTURES if name in layers]
    # Audio alone is no picture: a stream without stills or video has none, nor has a recording.
    first_us = min(pictures) if pictures and key[2] not in {"audio", *UNSEEN_STREAMS} else None
    delay_us = None if first_us is None or start_us is None else first_us - start_us
    return StreamSummary(key[0], key[1], kind, key[2], first_us, delay_us, layers)
