"""Alarms: raised and cleared on site, acknowledged and cleared at the centre.

What comes from a site may come in any order and any number of times: a row is the same at the
end. Every change is an event, in the same transaction.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.telemetry import Alarm, Phase
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.events import log_in
from fieldlink.relay.catalogue.records import Event
from fieldlink.relay.catalogue.samples import move_cursor
from fieldlink.relay.catalogue.tables import ALARMS, CURSORS

__all__ = ["MAX_ALARMS", "AlarmChange", "Alarms", "Describe", "StoredAlarm"]

MAX_ALARMS = 5_000
"""Of one kit: the oldest that are over make room; when none is over, the oldest that is no call for
help gives way to one that is, and others are refused.
"""

_REVISION = "alarm-revision"

_MAX_NOTE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlarm:
    """An alarm of a kit's device. `raised_us` None: only its end has come yet. `cleared_us` is
    when it ended, by `cleared_by` at the centre, or on site when that is empty;
    `site_cleared_us` when it ended on site. `lat` and `lon` are in 1e-7 degree.
    """

    kit: str
    ident: bytes
    device: str
    device_kind: str
    kind: str
    precedence: Precedence
    raised_us: int | None
    site_cleared_us: int | None
    arrived_us: int
    cleared_us: int | None = None
    cleared_by: str = ""
    acknowledged_us: int | None = None
    acknowledged_by: str = ""
    note: str = ""
    subject: str = ""
    value: str = ""
    bound: str = ""
    unit: str = ""
    text: str = ""
    lat: int | None = None
    lon: int | None = None
    flags: int = 0
    revision: int = 0

    @property
    def state(self) -> str:
        """active, acknowledged or cleared."""
        if self.cleared_us is not None:
            return "cleared"
        return "active" if self.acknowledged_us is None else "acknowledged"


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm as it is now, and the event of its change; None: nothing changed."""

    alarm: StoredAlarm
    event: Event | None


Describe = Callable[[StoredAlarm, str], str]
"""The words for an event: what "raised", "ended", "acknowledged" or "cleared" means of an alarm."""

_FIELDS = tuple(StoredAlarm.__dataclass_fields__)
_TOLD = ("subject", "value", "unit", "text", "lat", "lon", "flags", "device", "device_kind")


class Alarms(Part):
    """The part of the catalogue that knows alarms."""

    def hear_alarms(
        self,
        heard: Sequence[tuple[str, Alarm, int]],
        describe: Describe,
        *,
        now_us: int,
        cursor: tuple[str, int],
    ) -> tuple[list[AlarmChange], list[str]]:
        """Take alarms (kit, alarm, when it arrived) and move the task's cursor, in one
        transaction. Returns what changed, and the kits of those that were refused.
        """
        changes, refused = [], []
        with self._write() as connection:
            for kit, alarm, arrived_us in heard:
                before = _find(connection, kit, alarm.ident)
                if before is None and not _room(connection, kit, alarm.precedence):
                    refused.append(kit)
                    continue
                after, words = _heard(before, kit, alarm, arrived_us)
                if words:
                    changes.append(_put(connection, before, after, words, describe, now_us))
            move_cursor(connection, *cursor)
        return changes, refused

    def acknowledge_alarm(
        self, kit: str, ident: bytes, *, who: str, note: str, now_us: int, describe: Describe
    ) -> AlarmChange:
        """Record that `who` has seen an alarm, which may have ended on site; whoever was first
        stays.

        Raises:
            ArchiveError: there is no such alarm.
        """
        with self._write() as connection:
            before = _known(connection, kit, ident)
            if before.acknowledged_us is not None or before.cleared_by:
                return AlarmChange(before, None)
            said = {"acknowledged_us": now_us, "acknowledged_by": who[:64]}
            return _put(
                connection, before, _noted(before, said, note), "acknowledged", describe, now_us
            )

    def clear_alarm(
        self, kit: str, ident: bytes, *, who: str, note: str, now_us: int, describe: Describe
    ) -> AlarmChange:
        """Record that `who` ended an alarm at the centre; one that has ended stays as it is.

        Raises:
            ArchiveError: there is no such alarm.
        """
        with self._write() as connection:
            before = _known(connection, kit, ident)
            if before.cleared_us is not None:
                return AlarmChange(before, None)
            said = {"cleared_us": now_us, "cleared_by": who[:64]}
            return _put(connection, before, _noted(before, said, note), "cleared", describe, now_us)

    def alarms(self, *, active_only: bool = False, limit: int = 1000) -> list[StoredAlarm]:
        """The newest `limit` alarms by arrival, the newest first; with `active_only` those that
        are not cleared, and calls for help that ended on site before anybody here had seen them.
        First are those that nobody has seen, of these the gravest: where they are too many, others
        are left out.
        """
        a = ALARMS.c
        query = sa.select(ALARMS)
        order = [a.arrived_us.desc(), a.kit, a.ident]
        if active_only:
            missed = sa.and_(
                a.cleared_by == "",
                a.acknowledged_us.is_(None),
                a.precedence == Precedence.FLASH.value,
            )
            query = query.where(sa.or_(a.cleared_us.is_(None), missed))
            seen = sa.case((a.acknowledged_us.is_(None), 0), else_=1)
            order = [seen.asc(), a.precedence.asc(), *order]
        with self._read() as connection:
            return [_alarm(row) for row in connection.execute(query.order_by(*order).limit(limit))]

    def alarms_in(
        self, kit: str, device: str, from_us: int, to_us: int, limit: int
    ) -> list[StoredAlarm]:
        """The first `limit` alarms of a device that went on in [from_us, to_us) on site, by when
        they were raised.
        """
        a = ALARMS.c
        begun = sa.func.coalesce(a.raised_us, a.site_cleared_us)
        over = sa.func.coalesce(a.site_cleared_us, a.cleared_us)
        going = (begun < to_us, sa.or_(over.is_(None), over >= from_us))
        query = sa.select(ALARMS).where(a.kit == kit, a.device == device, *going)
        with self._read() as connection:
            rows = connection.execute(query.order_by(begun, a.ident).limit(limit))
            return [_alarm(row) for row in rows]

    def alarm(self, kit: str, ident: bytes) -> StoredAlarm | None:
        """The alarm of that id; None when there is none."""
        with self._read() as connection:
            return _find(connection, kit, ident)

    def find_alarms(self, start: str) -> list[StoredAlarm]:
        """Alarms whose id, in hexadecimal, begins with `start`; at most ten."""
        low = bytes.fromhex(start.ljust(16, "0"))
        high = bytes.fromhex(start.ljust(16, "f"))
        query = sa.select(ALARMS).where(ALARMS.c.ident.between(low, high)).limit(10)
        with self._read() as connection:
            return [_alarm(row) for row in connection.execute(query)]

    def alarms_after(self, revision: int, limit: int = 1000) -> list[StoredAlarm]:
        """The alarms that changed after `revision`, in that order."""
        a = ALARMS.c
        query = sa.select(ALARMS).where(a.revision > revision).order_by(a.revision).limit(limit)
        with self._read() as connection:
            return [_alarm(row) for row in connection.execute(query)]

    def alarm_revision(self) -> int:
        """The revision of the last change; 0 before any."""
        with self._read() as connection:
            return _revision(connection)

    def active_alarms(self) -> Counter[tuple[str, str]]:
        """How many alarms of each device (kit, device) are not cleared."""
        a = ALARMS.c
        query = sa.select(a.kit, a.device, sa.func.count()).where(a.cleared_us.is_(None))
        with self._read() as connection:
            found = connection.execute(query.group_by(a.kit, a.device))
            return Counter({(row[0], row[1]): row[2] for row in found})


def _heard(
    before: StoredAlarm | None, kit: str, alarm: Alarm, arrived_us: int
) -> tuple[StoredAlarm, str]:
    """The alarm after `alarm` was heard, and what that was; "" when it was known."""
    raised = alarm.phase is Phase.RAISED
    if before is None:
        before = StoredAlarm(
            kit=kit,
            ident=alarm.ident,
            **{name: getattr(alarm, name) for name in _TOLD},
            bound=alarm.limit,
            kind=alarm.kind.value,
            precedence=alarm.precedence,
            raised_us=None,
            site_cleared_us=None,
            arrived_us=arrived_us,
        )
    known = before.raised_us if raised else before.site_cleared_us
    if known is not None:
        return before, ""
    values = {name: getattr(before, name) for name in _FIELDS}
    if raised:  # what its end said of it gives way
        values.update({name: getattr(alarm, name) for name in _TOLD}, bound=alarm.limit)
        return StoredAlarm(**{**values, "raised_us": alarm.at_us}), "raised"
    values["site_cleared_us"] = alarm.at_us
    if before.cleared_us is None:
        values["cleared_us"] = alarm.at_us
    return StoredAlarm(**values), "ended"


def _noted(before: StoredAlarm, said: dict[str, Any], note: str) -> StoredAlarm:
    values = {name: getattr(before, name) for name in _FIELDS}
    plain = "".join(c if c.isprintable() else " " for c in note).strip()[:_MAX_NOTE]
    return StoredAlarm(**{**values, **said, "note": plain or before.note})


def _put(
    connection: Connection,
    before: StoredAlarm | None,
    after: StoredAlarm,
    words: str,
    describe: Describe,
    now_us: int,
) -> AlarmChange:
    revision = _revision(connection) + 1
    move_cursor(connection, _REVISION, revision)
    values = {name: getattr(after, name) for name in _FIELDS}
    values["revision"] = revision
    stored = StoredAlarm(**values)
    row = {**values, "precedence": after.precedence.value}
    if before is None:
        connection.execute(sa.insert(ALARMS).values(**row))
    else:
        mine = (ALARMS.c.kit == after.kit, ALARMS.c.ident == after.ident)
        connection.execute(sa.update(ALARMS).where(*mine).values(**row))
    event = log_in(connection, Event(0, now_us, "alarm", after.kit, describe(stored, words)))
    return AlarmChange(stored, event)


def _revision(connection: Connection) -> int:
    """The last one given. It is kept beside the alarms: the one that has it may have made room."""
    kept = connection.scalar(sa.select(CURSORS.c.number).where(CURSORS.c.name == _REVISION))
    return max(kept or 0, connection.scalar(sa.select(sa.func.max(ALARMS.c.revision))) or 0)


def _room(connection: Connection, kit: str, precedence: Precedence) -> bool:
    """Whether a kit may have another alarm; one of less weight makes room."""
    a = ALARMS.c
    count = connection.scalar(sa.select(sa.func.count()).where(a.kit == kit)) or 0
    if count < MAX_ALARMS:
        return True
    less: sa.ColumnElement[bool] = a.cleared_us.is_not(None)
    if precedence is Precedence.FLASH:
        less |= a.precedence > precedence.value
    over_first = sa.case((a.cleared_us.is_not(None), 0), else_=1)
    mine = sa.select(a.ident).where(a.kit == kit, less)
    oldest = connection.scalar(mine.order_by(over_first, a.arrived_us).limit(1))
    if oldest is None:
        return False
    connection.execute(sa.delete(ALARMS).where(a.kit == kit, a.ident == oldest))
    return True


def _find(connection: Connection, kit: str, ident: bytes) -> StoredAlarm | None:
    mine = (ALARMS.c.kit == kit, ALARMS.c.ident == ident)
    row = connection.execute(sa.select(ALARMS).where(*mine)).first()
    return None if row is None else _alarm(row)


def _known(connection: Connection, kit: str, ident: bytes) -> StoredAlarm:
    found = _find(connection, kit, ident)
    if found is None:
        raise ArchiveError(f"{kit} has no alarm {ident.hex()}; `fieldlink relay alarms` lists them")
    return found


def _alarm(row: Row[Any]) -> StoredAlarm:
    values = {name: getattr(row, name) for name in _FIELDS}
    return StoredAlarm(**{**values, "precedence": Precedence(row.precedence)})
