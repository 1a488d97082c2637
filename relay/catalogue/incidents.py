"""Incidents: opening, closing, and which one a bundle belongs to."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.records import STANDING, Incident
from fieldlink.relay.catalogue.summaries import rebuild_summaries
from fieldlink.relay.catalogue.tables import BUNDLES, GAPS, INCIDENTS

WINDOW_US = 7_200_000_000
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_MAX_NAME_CHARS = 200


def incident_for(incidents: Sequence[Incident], captured_us: int) -> Incident:
    """The newest of `incidents` whose span holds `captured_us`; the standing one if none does."""
    spanning = [i for i in incidents if i.id != STANDING and i.spans(captured_us)]
    if spanning:
        return max(spanning, key=lambda incident: (incident.start_us, incident.id))
    return next(incident for incident in incidents if incident.id == STANDING)


class Incidents(Part):
    """The part of the catalogue that knows incidents."""

    def ensure_standing(self, now_us: int) -> None:
        """Make the standing incident if it is not there."""
        with self._write() as connection:
            if _find(connection, STANDING) is None:
                values = {"id": STANDING, "name": "Standing 常备", "start_us": now_us}
                connection.execute(sa.insert(INCIDENTS).values(**values))

    def incidents(self) -> list[Incident]:
        """All incidents, the newest first, the standing one last."""
        with self._read() as connection:
            found = [_incident(row) for row in connection.execute(sa.select(INCIDENTS))]
        return sorted(found, key=lambda i: (i.id == STANDING, -i.start_us, i.id))

    def incident(self, incident_id: str) -> Incident | None:
        """The incident of that id; None when there is none."""
        with self._read() as connection:
            return _find(connection, incident_id)

    def open_incident(
        self, name: str, start_us: int, window_us: int | None = WINDOW_US, *, slug: str = ""
    ) -> Incident:
        """Open an incident that began at `start_us`.

        What the standing incident holds from its span is counted to it from now on; the files
        stay where they are. `slug` is its id; made from the name when empty.

        Raises:
            ArchiveError: the name, the id or the window cannot be used, or the id is taken.
        """
        _check_name(name, window_us)
        with self._write() as connection:
            chosen = _check_slug(connection, slug) if slug else _free_slug(connection, name)
            incident = Incident(chosen, name, start_us, window_us)
            values = {"name": name, "start_us": start_us, "window_us": window_us}
            connection.execute(sa.insert(INCIDENTS).values(id=chosen, **values))
            for table in (BUNDLES, GAPS):
                connection.execute(
                    sa.update(table)
                    .where(table.c.incident == STANDING, table.c.start_us >= start_us)
                    .values(incident=chosen)
                )
            rebuild_summaries(connection, (STANDING, chosen))
        return incident

    def close_incident(self, incident_id: str, now_us: int) -> Incident:
        """Close an incident: what is captured from now on belongs to another.

        Raises:
            ArchiveError: there is no such incident, or it is closed, or it is the standing one.
        """
        with self._write() as connection:
            incident = _find(connection, incident_id)
            if incident is None or incident_id == STANDING or incident.closed_us is not None:
                raise ArchiveError(
                    f"there is no open incident {incident_id!r} to close; "
                    "`fieldlink relay incident list` shows them"
                )
            closed_us = max(now_us, incident.start_us)
            where = INCIDENTS.c.id == incident_id
            connection.execute(sa.update(INCIDENTS).where(where).values(closed_us=closed_us))
            found = _find(connection, incident_id)
        assert found is not None  # noqa: S101  # updated a line above
        return found


def _find(connection: Connection, incident_id: str) -> Incident | None:
    row = connection.execute(sa.select(INCIDENTS).where(INCIDENTS.c.id == incident_id)).first()
    return None if row is None else _incident(row)


def _incident(row: Row[Any]) -> Incident:
    return Incident(row.id, row.name, row.start_us, row.window_us, row.closed_us)


def _check_name(name: str, window_us: int | None) -> None:
    if not name.strip() or len(name) > _MAX_NAME_CHARS or not name.isprintable():
        raise ArchiveError(
            f"an incident's name is 1 to {_MAX_NAME_CHARS} printable characters; give it another"
        )
    if window_us is not None and not 0 < window_us <= 30 * 86_400_000_000:
        raise ArchiveError("an incident's window is more than nothing and at most 30 days")


def _check_slug(connection: Connection, slug: str) -> str:
    if not _ID.fullmatch(slug):
        raise ArchiveError(
            f"{slug[:80]!r} cannot be an incident's id; use 1 to 64 of a-z, 0-9 and -"
        )
    if _find(connection, slug) is not None:
        raise ArchiveError(f"there is an incident {slug!r} already; give another id")
    return slug


def _free_slug(connection: Connection, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "incident"
    slug, count = base, 1
    while _find(connection, slug) is not None:
        count += 1
        slug = f"{base}-{count}"
    return slug
