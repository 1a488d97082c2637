"""What people ask of kits, and the number of each kit's orders."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.wire import MAX_WANTS, WANT_ID_BYTES, Purpose
from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.records import Filing, StoredWant
from fieldlink.relay.catalogue.tables import ORDERS, WANTS

__all__ = ["TooManyWantsError", "Wants", "add_marks"]

_FIELDS = tuple(StoredWant.__dataclass_fields__)
_MOST_LISTED = 1000


class TooManyWantsError(ArchiveError):
    """A kit is asked for as much as its orders can hold."""


class Wants(Part):
    """The part of the catalogue that knows what is asked of kits."""

    def add_want(self, want: StoredWant) -> StoredWant:
        """Record `want` behind what its kit was asked before.

        Raises:
            TooManyWantsError: its kit has as many open ones as its orders can hold.
        """
        w = WANTS.c
        with self._write() as connection:
            mine = sa.select(sa.func.count()).where(w.kit == want.kit, *_open())
            if want.open and (connection.scalar(mine) or 0) >= MAX_WANTS:
                raise TooManyWantsError(
                    f"{want.kit} has {MAX_WANTS} open requests already; cancel one first "
                    "(`fieldlink relay wants` lists them)"
                )
            last = connection.scalar(sa.select(sa.func.max(w.position)).where(w.kit == want.kit))
            values = {name: getattr(want, name) for name in _FIELDS}
            values.update(purpose=want.purpose.value, position=(last or 0) + 1)
            connection.execute(sa.insert(WANTS).values(**values))
            return _found(connection, want.ident)

    def wants(
        self, *, kit: str | None = None, since_us: int | None = None, open_only: bool = False
    ) -> list[StoredWant]:
        """What was asked, the most urgent of each kit first: all that is open, and of what has
        ended the newest 1,000.

        `since_us` leaves out what was cancelled or fulfilled before then.
        """
        w = WANTS.c
        query = sa.select(WANTS)
        query = query if kit is None else query.where(w.kit == kit)
        ended = sa.func.coalesce(w.cancelled_us, w.fulfilled_us)
        old = query.where(ended.is_not(None) if since_us is None else ended >= since_us)
        with self._read() as connection:
            rows = list(connection.execute(query.where(*_open())))
            if not open_only:
                newest = old.order_by(w.number.desc()).limit(_MOST_LISTED)
                rows += connection.execute(newest)
        return sorted(map(_want, rows), key=lambda want: (want.kit, want.position, want.ident))

    def want(self, ident: bytes) -> StoredWant | None:
        """The one of that id; None when there is none."""
        with self._read() as connection:
            row = connection.execute(sa.select(WANTS).where(WANTS.c.ident == ident)).first()
        return None if row is None else _want(row)

    def cancel_want(self, ident: bytes, now_us: int) -> StoredWant:
        """Take a request back; one that has ended stays as it is.

        Raises:
            ArchiveError: there is none of that id.
        """
        with self._write() as connection:
            if _found(connection, ident).open:
                where = WANTS.c.ident == ident
                connection.execute(sa.update(WANTS).where(where).values(cancelled_us=now_us))
            return _found(connection, ident)

    def put_want_first(self, ident: bytes) -> StoredWant:
        """Make a request its kit's most urgent.

        Raises:
            ArchiveError: there is none of that id, or it has ended.
        """
        w = WANTS.c
        with self._write() as connection:
            want = _found(connection, ident)
            if not want.open:
                raise ArchiveError(f"request {ident.hex()} has ended; ask again")
            first = connection.scalar(sa.select(sa.func.min(w.position)).where(w.kit == want.kit))
            change = sa.update(WANTS).where(w.ident == ident)
            connection.execute(change.values(position=(first or 0) - 1))
            return _found(connection, ident)

    def fulfil_wants(self, idents: Mapping[bytes, int]) -> None:
        """Record since when requests are fulfilled."""
        if not idents:
            return
        with self._write() as connection:
            for ident, at_us in idents.items():
                mine = sa.update(WANTS).where(WANTS.c.ident == ident, *_open())
                connection.execute(mine.values(fulfilled_us=at_us))

    def orders_revision(self, kit: str, digest: bytes, now_us: int) -> int:
        """The number of `kit`'s orders that hash to `digest`: another number for other orders.

        Numbers only grow, also when the catalogue was lost and made again.
        """
        o = ORDERS.c
        mine = sa.select(o.revision, o.digest).where(o.kit == kit)
        with self._read() as connection:
            row = connection.execute(mine).first()
        if row is not None and row.digest == digest:
            return int(row.revision)
        with self._write() as connection:
            row = connection.execute(mine).first()
            if row is not None and row.digest == digest:
                return int(row.revision)
            revision = max(now_us // 1_000_000, (row.revision if row else 0) + 1)
            values = {"revision": revision, "digest": digest}
            change = sa.update(ORDERS).where(o.kit == kit).values(**values)
            if not connection.execute(change).rowcount:
                connection.execute(sa.insert(ORDERS).values(kit=kit, **values))
            return revision


def add_marks(connection: Connection, filings: Iterable[Filing]) -> None:
    """Record the bookmarks that were set on kits: they keep those themselves, and are not told."""
    for filing in filings:
        mark, ident = filing.mark, filing.bundle_id[:WANT_ID_BYTES]
        if mark is None:
            continue
        taken = sa.select(WANTS.c.number).where(WANTS.c.ident == ident)
        if connection.scalar(taken) is not None:
            continue
        m, at_us = filing.manifest, filing.journey.custody_us
        names = {"kit": m.kit, "device": mark.device, "stream": mark.stream, "layer": ""}
        times = {
            "from_us": mark.start_us,
            "to_us": mark.end_us,
            "created_us": min(m.recorded_us, at_us),
        }
        said = {"who": m.kit, "note": mark.note, "purpose": Purpose.KEEP.value}
        values = {"ident": ident, **names, **times, **said, "position": 0, "fulfilled_us": at_us}
        connection.execute(sa.insert(WANTS).values(**values))


def _open() -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return WANTS.c.cancelled_us.is_(None), WANTS.c.fulfilled_us.is_(None)


def _found(connection: Connection, ident: bytes) -> StoredWant:
    row = connection.execute(sa.select(WANTS).where(WANTS.c.ident == ident)).first()
    if row is None:
        raise ArchiveError(f"there is no request {ident.hex()}; `fieldlink relay wants` lists them")
    return _want(row)


def _want(row: Row[Any]) -> StoredWant:
    values = {name: getattr(row, name) for name in _FIELDS}
    return StoredWant(**{**values, "purpose": Purpose(row.purpose)})
