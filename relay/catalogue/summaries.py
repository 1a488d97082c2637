"""The summary of each stream's layer, kept in step with the bundles in the same transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fieldlink.relay.catalogue.records import Filing
from fieldlink.relay.catalogue.tables import BUNDLES, SUMMARIES

# Its kit says how long a bundle lasts; a lie must not overflow the sum of a million of them.
_LONGEST_US = 86_400_000_000
_KEY = ("incident", "kit", "device", "stream", "layer")


def add_to_summaries(connection: Connection, filings: Iterable[Filing]) -> None:
    """Count newly filed bundles into their summaries."""
    groups: dict[tuple[str, str, str, str, str], dict[str, Any]] = {}
    for filing in filings:
        manifest = filing.manifest
        layer = manifest.layer.value
        key = (filing.incident, manifest.kit, manifest.device, manifest.stream, layer)
        one = _one(filing)
        groups[key] = _merged(groups[key], one) if key in groups else one
    for key, values in groups.items():
        _upsert(connection, key, values)


def rebuild_summaries(connection: Connection, incidents: Sequence[str]) -> None:
    """Count everything of `incidents` anew from the bundles."""
    connection.execute(sa.delete(SUMMARIES).where(SUMMARIES.c.incident.in_(incidents)))
    b = BUNDLES.c
    key = (b.incident, b.kit, b.device, b.stream, b.layer)
    lasts = b.end_us - b.start_us
    grouped = (
        sa.select(
            *key,
            sa.func.count().label("bundles"),
            sa.func.sum(b.size).label("size"),
            sa.func.sum(sa.case((lasts > _LONGEST_US, _LONGEST_US), else_=lasts)).label(
                "duration_us"
            ),
            sa.func.min(b.start_us).label("first_start_us"),
            sa.func.max(b.end_us).label("last_end_us"),
            sa.func.min(b.custody_us).label("first_custody_us"),
            sa.func.max(b.custody_us).label("last_custody_us"),
            sa.func.max(b.start_us).label("latest_start_us"),
        )
        .where(b.incident.in_(incidents))
        .group_by(*key)
    )
    for row in connection.execute(grouped).mappings().all():
        latest = sa.select(b.bundle_id).where(
            *(b[name] == row[name] for name in _KEY), b.start_us == row["latest_start_us"]
        )
        bundle = connection.scalar(latest.order_by(b.number.desc()).limit(1))
        # PostgreSQL sums to NUMERIC.
        values = {name: row[name] if name in _KEY else int(row[name]) for name in row}
        connection.execute(sa.insert(SUMMARIES).values(**values, latest_bundle=bundle))


def _one(filing: Filing) -> dict[str, Any]:
    manifest, custody_us = filing.manifest, filing.journey.custody_us
    return {
        "bundles": 1,
        "size": manifest.size,
        "duration_us": min(manifest.end_us - manifest.start_us, _LONGEST_US),
        "first_start_us": manifest.start_us,
        "last_end_us": manifest.end_us,
        "first_custody_us": custody_us,
        "last_custody_us": custody_us,
        "latest_start_us": manifest.start_us,
        "latest_bundle": filing.bundle_id,
    }


def _merged(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    newest = b if b["latest_start_us"] >= a["latest_start_us"] else a
    return {
        **{name: a[name] + b[name] for name in ("bundles", "size", "duration_us")},
        **{name: min(a[name], b[name]) for name in ("first_start_us", "first_custody_us")},
        **{name: max(a[name], b[name]) for name in ("last_end_us", "last_custody_us")},
        **{name: newest[name] for name in ("latest_start_us", "latest_bundle")},
    }


def _upsert(connection: Connection, key: tuple[str, ...], values: dict[str, Any]) -> None:
    names = dict(zip(_KEY, key, strict=True))
    where = [SUMMARIES.c[name] == value for name, value in names.items()]
    found = connection.execute(sa.select(SUMMARIES).where(*where)).mappings().first()
    if found is None:
        connection.execute(sa.insert(SUMMARIES).values(**names, **values))
    else:
        merged = _merged({name: found[name] for name in values}, values)
        connection.execute(sa.update(SUMMARIES).where(*where).values(**merged))
