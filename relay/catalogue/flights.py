"""Flights: recordings of aircraft, out of the bundles that were filed. One task writes them;
anybody reads.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from fieldlink.relay.catalogue.base import Part
from fieldlink.relay.catalogue.flight_rows import (
    FlightKey,
    FoundIndex,
    FoundPiece,
    Measured,
    StoredFlight,
    StoredPiece,
    with_index,
    with_piece,
)
from fieldlink.relay.catalogue.flight_tables import FLIGHT_PIECES, FLIGHTS
from fieldlink.relay.catalogue.samples import move_cursor
from fieldlink.relay.catalogue.tables import BUNDLES

__all__ = ["MAX_FLIGHTS", "FlightTable", "Touch"]

MAX_FLIGHTS = 20_000
"""Recordings of one kit."""

Touch = tuple[str, str, int, int]
"""Kit, device ("": any), from_us, to_us: something of that time has come."""

_FIELDS = tuple(StoredFlight.__dataclass_fields__)
_PIECE_FIELDS = tuple(StoredPiece.__dataclass_fields__)
_MOST_KEYS = 200
_AHEAD_US = 600_000_000


class FlightTable(Part):
    """The part of the catalogue that knows flights."""

    def take_flights(
        self,
        found: Sequence[FoundPiece | FoundIndex],
        touched: Collection[Touch],
        cursor: tuple[str, int],
    ) -> tuple[list[StoredFlight], list[tuple[str, str]]]:
        """Take pieces and indexes in the order of their filing, mark flights of which something
        else has come, and move the task's cursor, in one transaction. Returns the flights that
        changed, and what is odd: (kit, sentence).
        """
        odd: list[tuple[str, str]] = []
        with self._write() as connection:
            keys = {one.key for one in found}
            before = _flights(connection, keys)
            now, rooms = dict(before), _rooms(connection, {key[0] for key in keys - before.keys()})
            for one in found:
                kit, device, name = one.key
                if one.key not in now and rooms[kit] <= 0:
                    text = f"{kit} has {MAX_FLIGHTS} recordings of flights; left out: {name}"
                    odd.append((kit, f"{text} of {device}"))
                    continue
                rooms[kit] -= one.key not in now
                now[one.key] = _with(connection, now.get(one.key), one, odd)
            changed = [flight for key, flight in now.items() if flight != before.get(key)]
            for flight in changed:
                _put(connection, flight, new=flight.key not in before)
            _touch(connection, touched)
            move_cursor(connection, *cursor)
        return changed, odd

    def touch_flights(self, touched: Collection[Touch], cursor: tuple[str, int]) -> None:
        """Mark flights of which something else has come, and move the task's cursor."""
        with self._write() as connection:
            _touch(connection, touched)
            move_cursor(connection, *cursor)

    def put_measured(self, flight: StoredFlight, found: Measured) -> StoredFlight:
        """Record what was found out about `flight` as it was read; the flight as it is now."""
        values = {name: getattr(found, name) for name in Measured.__dataclass_fields__}
        mine = _named(flight.key)
        with self._write() as connection:
            connection.execute(sa.update(FLIGHTS).where(*mine).values(**values))
            # What came meanwhile is still to be looked at.
            same = (*mine, FLIGHTS.c.stale == flight.stale)
            connection.execute(sa.update(FLIGHTS).where(*same).values(stale=0))
            row = connection.execute(sa.select(FLIGHTS).where(*mine)).first()
        return flight if row is None else _flight(row)

    def stale_flights(self, limit: int, but: Collection[FlightKey] = ()) -> list[StoredFlight]:
        """Flights that are to be measured, the newest first; not those in `but`."""
        f = FLIGHTS.c
        query = sa.select(FLIGHTS).where(f.stale > 0).order_by(f.start_us.desc())
        with self._read() as connection:
            rows = connection.execute(query.limit(limit + len(but))).all()
        return [flight for flight in map(_flight, rows) if flight.key not in but][:limit]

    def flights(
        self,
        *,
        from_us: int | None = None,
        to_us: int | None = None,
        kit: str | None = None,
        device: str | None = None,
        armed: bool | None = None,
        limit: int = 500,
    ) -> list[StoredFlight]:
        """Flights that overlap [from_us, to_us), the newest first, at most `limit`."""
        f = FLIGHTS.c
        wanted = {"kit": kit, "device": device, "armed": armed}
        query = sa.select(FLIGHTS).where(*(f[k] == v for k, v in wanted.items() if v is not None))
        query = query if from_us is None else query.where(f.end_us >= from_us)
        query = query if to_us is None else query.where(f.start_us < to_us)
        order = (f.start_us.desc(), f.kit, f.device, f.flight)
        with self._read() as connection:
            return [_flight(row) for row in connection.execute(query.order_by(*order).limit(limit))]

    def flight(self, kit: str, device: str, flight: str) -> StoredFlight | None:
        """One flight; None when there is none."""
        with self._read() as connection:
            found = sa.select(FLIGHTS).where(*_named((kit, device, flight)))
            row = connection.execute(found).first()
        return None if row is None else _flight(row)

    def find_flights(
        self, start: str, *, kit: str | None = None, device: str | None = None, limit: int = 10
    ) -> list[StoredFlight]:
        """Recordings whose name begins with `start`, the newest first."""
        f = FLIGHTS.c
        wanted = {"kit": kit, "device": device}
        query = sa.select(FLIGHTS).where(
            f.flight.startswith(start, autoescape=True),
            *(f[k] == v for k, v in wanted.items() if v is not None),
        )
        with self._read() as connection:
            rows = connection.execute(query.order_by(f.start_us.desc()).limit(limit))
            return [_flight(row) for row in rows]

    def flight_pieces(self, key: FlightKey) -> list[tuple[StoredPiece, str]]:
        """The pieces of a flight in their order, each with its file's path in the archive."""
        p = FLIGHT_PIECES.c
        named = (p.kit == key[0], p.device == key[1], p.flight == key[2])
        query = (
            sa.select(*(p[name] for name in _PIECE_FIELDS), BUNDLES.c.path)
            .join_from(FLIGHT_PIECES, BUNDLES, BUNDLES.c.bundle_id == p.bundle_id)
            .where(*named)
            .order_by(p.piece)
        )
        with self._read() as connection:
            return [(StoredPiece(*row[:-1]), row[-1]) for row in connection.execute(query)]

    def next_flight_us(self, kit: str, device: str, after_us: int) -> int | None:
        """When the next recording of a device begins after `after_us`; None: there is none."""
        f = FLIGHTS.c
        later = (f.kit == kit, f.device == device, f.start_us > after_us)
        with self._read() as connection:
            found = connection.scalar(sa.select(sa.func.min(f.start_us)).where(*later))
        return None if found is None else int(found)

    def flight_devices(self, kit: str | None = None) -> set[tuple[str, str]]:
        """Every (kit, device) of which there is a flight; of `kit` if given."""
        f = FLIGHTS.c
        query = sa.select(f.kit, f.device).distinct()
        query = query if kit is None else query.where(f.kit == kit)
        with self._read() as connection:
            return {(row[0], row[1]) for row in connection.execute(query)}

    def flight_totals(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """By kit and state (idle, flying, ended): recordings, and pieces and bytes in custody."""
        f = FLIGHTS.c
        sums = (sa.func.count(), sa.func.sum(f.pieces_here), sa.func.sum(f.bytes_here))
        query = sa.select(f.kit, f.armed, f.ended, *sums).group_by(f.kit, f.armed, f.ended)
        with self._read() as connection:
            rows = connection.execute(query).all()
        totals: dict[tuple[str, str], tuple[int, int, int]] = {}
        for kit, armed, ended, *counts in rows:
            state = "idle" if not armed else "ended" if ended else "flying"
            before = totals.get((kit, state), (0, 0, 0))
            # PostgreSQL sums to NUMERIC.
            count, pieces, size = (
                was + int(more) for was, more in zip(before, counts, strict=True)
            )
            totals[kit, state] = count, pieces, size
        return totals


def _with(
    connection: Connection,
    before: StoredFlight | None,
    one: FoundPiece | FoundIndex,
    odd: list[tuple[str, str]],
) -> StoredFlight:
    kit, device, name = one.key
    if isinstance(one, FoundIndex):
        after = with_index(before, one)
        if before is not None and after.conflicts > before.conflicts:
            odd.append((kit, f"{device} has another index of {name}; the first counts"))
        return after
    piece = one.piece
    mine = (*_named(piece.key, FLIGHT_PIECES), FLIGHT_PIECES.c.piece == piece.piece)
    held = connection.execute(sa.select(FLIGHT_PIECES).where(*mine)).first()
    if held is None:
        row = {field: getattr(piece, field) for field in _PIECE_FIELDS}
        connection.execute(sa.insert(FLIGHT_PIECES).values(**row))
        return with_piece(before, one)
    assert before is not None  # noqa: S101  # a piece is never there without its flight
    if bytes(held.content_hash) == piece.content_hash:
        return before
    text = f"{device} sent piece {piece.piece} of {name} again with other content; the first counts"
    odd.append((kit, text))
    return replace(before, conflicts=before.conflicts + 1)


def _rooms(connection: Connection, kits: Collection[str]) -> Counter[str]:
    """How many more recordings each of these kits may have."""
    f = FLIGHTS.c
    count = sa.select(f.kit, sa.func.count()).where(f.kit.in_(list(kits))).group_by(f.kit)
    rooms = Counter(dict.fromkeys(kits, MAX_FLIGHTS))
    rooms.subtract({row[0]: row[1] for row in connection.execute(count)})
    return rooms


def _touch(connection: Connection, touched: Collection[Touch]) -> None:
    f = FLIGHTS.c
    for kit, device, from_us, to_us in touched:
        # A flight that goes on has had more than its last piece says.
        on = sa.and_(f.ended == "", f.end_us >= from_us - _AHEAD_US)
        overlap = (f.start_us <= to_us, sa.or_(f.end_us >= from_us, on))
        mine = (f.kit == kit, *((f.device == device,) if device else ()), *overlap)
        connection.execute(sa.update(FLIGHTS).where(*mine).values(stale=f.stale + 1))


def _flights(connection: Connection, keys: Collection[FlightKey]) -> dict[FlightKey, StoredFlight]:
    f, wanted = FLIGHTS.c, list(keys)
    found: dict[FlightKey, StoredFlight] = {}
    for at in range(0, len(wanted), _MOST_KEYS):
        some = sa.tuple_(f.kit, f.device, f.flight).in_(wanted[at : at + _MOST_KEYS])
        for flight in map(_flight, connection.execute(sa.select(FLIGHTS).where(some))):
            found[flight.key] = flight
    return found


def _put(connection: Connection, flight: StoredFlight, *, new: bool) -> None:
    row = {name: getattr(flight, name) for name in _FIELDS}
    if new:
        connection.execute(sa.insert(FLIGHTS).values(**row))
        return
    # What is measured is another's to write.
    values = {name: value for name, value in row.items() if name not in _MEASURED}
    connection.execute(sa.update(FLIGHTS).where(*_named(flight.key)).values(**values))


_MEASURED = frozenset(Measured.__dataclass_fields__)


def _named(key: FlightKey, table: sa.Table = FLIGHTS) -> tuple[sa.ColumnElement[bool], ...]:
    c = table.c
    return c.kit == key[0], c.device == key[1], c.flight == key[2]


def _flight(row: Row[Any]) -> StoredFlight:
    return StoredFlight(*(getattr(row, name) for name in _FIELDS))
