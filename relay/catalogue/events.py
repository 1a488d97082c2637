"""Events: what was refused, revoked, lost and found; and the signs of life of a running relay."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.records import Event, Service
from fieldlink.relay.catalogue.tables import EVENTS, SERVICES

MAX_EVENTS = 100_000
_PRUNE_EVERY = 1_000
_MAX_TEXT_CHARS = 500


class Events(Part):
    """The part of the catalogue that knows events."""

    def log_event(
        self, kind: str, kit: str | None, text: str, at_us: int, *, count: int = 1
    ) -> Event:
        """Record that `count` events of `kind` happened; the oldest past 100,000 are dropped.

        `kind` is a short stable word ("digest", "revoked"); `kit` None when no kit is concerned.
        """
        return self.log_events([Event(0, at_us, kind, kit, text, count)])[0]

    def log_events(self, events: Sequence[Event]) -> list[Event]:
        """Record `events` in one transaction; returns them with their numbers."""
        with self._write() as connection:
            return [log_in(connection, event) for event in events]

    def events(
        self,
        *,
        after: int | None = None,
        kit: str | None = None,
        kind: str | None = None,
        limit: int = 500,
    ) -> list[Event]:
        """The newest `limit` events, the oldest of them first; `after` a number: what followed."""
        e = EVENTS.c
        query = sa.select(EVENTS)
        query = query if after is None else query.where(e.number > after)
        query = query if kit is None else query.where(e.kit == kit)
        query = query if kind is None else query.where(e.kind == kind)
        with self._read() as connection:
            rows = connection.execute(query.order_by(e.number.desc()).limit(limit)).all()
        return [
            Event(row.number, row.at_us, row.kind, row.kit, row.text, row._mapping["count"])
            for row in reversed(rows)
        ]

    def beat(self, name: str, started_us: int, beat_us: int, report: Mapping[str, Any]) -> None:
        """Record that the service `name` lives, with what it has to say."""
        values = {"started_us": started_us, "beat_us": beat_us, "report": dict(report)}
        with self._write() as connection:
            update = sa.update(SERVICES).where(SERVICES.c.name == name)
            if not connection.execute(update.values(**values)).rowcount:
                connection.execute(sa.insert(SERVICES).values(name=name, **values))

    def service(self, name: str) -> Service | None:
        """The last sign of life of the service `name`; None when there never was one."""
        with self._read() as connection:
            row = connection.execute(sa.select(SERVICES).where(SERVICES.c.name == name)).first()
        return None if row is None else Service(row.name, row.started_us, row.beat_us, row.report)


def log_in(connection: Connection, event: Event) -> Event:
    """Record `event` in a transaction that does more; returns it with its number."""
    text = "".join(c if c.isprintable() else " " for c in event.text)[:_MAX_TEXT_CHARS]
    values = {
        "at_us": event.at_us,
        "kind": event.kind[:32],
        "kit": event.kit,
        "text": text,
        "count": event.count,
    }
    done = connection.execute(sa.insert(EVENTS).values(**values))
    assert done.inserted_primary_key is not None  # noqa: S101  # an insert of one row has it
    number: int = done.inserted_primary_key[0]
    if number % _PRUNE_EVERY == 0:
        connection.execute(sa.delete(EVENTS).where(EVENTS.c.number <= number - MAX_EVENTS))
    return Event(number, event.at_us, event.kind[:32], event.kit, text, event.count)
