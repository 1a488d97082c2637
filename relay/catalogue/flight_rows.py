"""Flights as the catalogue has them, and what a piece or an index makes of one. Pure.

In whatever order they come, the same pieces and indexes make the same flight: what is under a name
first stays, as they are read in the order of their filing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fieldlink.codecs.bundle import FlightReport

__all__ = [
    "FlightKey",
    "FoundIndex",
    "FoundPiece",
    "Measured",
    "StoredFlight",
    "StoredPiece",
    "with_index",
    "with_piece",
]

FlightKey = tuple[str, str, str]
"""Kit, device, flight."""

_OVER = frozenset({"armed", "disarmed", "imported", "lost"})


@dataclass(frozen=True, slots=True)
class StoredFlight:
    """A recording: a flight when `armed`, else the time between two. `ended` is why it is over
    (empty: it goes on, or nobody knows yet). `*_here` is what is in the archive, `*_known` what its
    index says there is. `gaps` are the first ones ([from_us, to_us, why]), `video` the streams with
    video in that time ([device, stream, from_us, to_us]).
    """

    kit: str
    device: str
    flight: str
    system: int
    armed: bool
    start_us: int
    end_us: int
    ended: str = ""
    frames_here: int = 0
    bytes_here: int = 0
    pieces_here: int = 0
    frames_known: int | None = None
    bytes_known: int | None = None
    pieces_known: int | None = None
    index_id: bytes | None = None
    index_hash: bytes | None = None
    index_end_us: int | None = None
    conflicts: int = 0
    gaps: Sequence[Sequence[Any]] = ()
    gaps_more: int = 0
    video: Sequence[Sequence[Any]] = ()
    max_height: float | None = None
    distance_m: float | None = None
    exercise: bool = False
    stale: int = 1

    @property
    def key(self) -> FlightKey:
        """What names it."""
        return self.kit, self.device, self.flight


@dataclass(frozen=True, slots=True)
class Measured:
    """What is found out about a flight beside what its pieces and its index say."""

    gaps: Sequence[Sequence[Any]]
    gaps_more: int
    video: Sequence[Sequence[Any]]
    max_height: float | None
    distance_m: float | None
    exercise: bool


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """A piece of a recording, and the bundle that has it."""

    kit: str
    device: str
    flight: str
    piece: int
    bundle_id: bytes
    content_hash: bytes
    start_us: int
    end_us: int
    frames: int
    size: int

    @property
    def key(self) -> FlightKey:
        """The flight that it is of."""
        return self.kit, self.device, self.flight


@dataclass(frozen=True, slots=True)
class FoundPiece:
    """A piece that was filed, with what it says of its recording; `closed` is why it ended."""

    piece: StoredPiece
    system: int
    armed: bool
    closed: str

    @property
    def key(self) -> FlightKey:
        """The flight that it is of."""
        return self.piece.key


@dataclass(frozen=True, slots=True)
class FoundIndex:
    """An index that was filed, of a flight of `kit`."""

    kit: str
    bundle_id: bytes
    content_hash: bytes
    report: FlightReport

    @property
    def key(self) -> FlightKey:
        """The flight that it is of."""
        return self.kit, self.report.device, self.report.flight


def with_piece(before: StoredFlight | None, found: FoundPiece) -> StoredFlight:
    """The flight with one piece more."""
    piece = found.piece
    flight = before or StoredFlight(
        *piece.key, found.system, found.armed, piece.start_us, piece.end_us
    )
    over = found.closed in _OVER
    changes: dict[str, Any] = {}
    if flight.index_id is None and over:  # its last piece: there are no more than its number says
        changes = {"ended": found.closed, "pieces_known": piece.piece + 1}
    return replace(
        flight,
        start_us=min(flight.start_us, piece.start_us),
        end_us=max(flight.end_us, piece.end_us),
        frames_here=flight.frames_here + piece.frames,
        bytes_here=flight.bytes_here + piece.size,
        pieces_here=flight.pieces_here + 1,
        stale=flight.stale + 1,
        **changes,
    )


def with_index(before: StoredFlight | None, found: FoundIndex) -> StoredFlight:
    """The flight by its index; one that does not say more than the one before changes nothing but
    `conflicts`.
    """
    said = found.report
    flight = before or StoredFlight(*found.key, said.system, said.armed, said.start_us, said.end_us)
    if flight.index_id is not None:
        if found.content_hash == flight.index_hash:
            return flight
        if not _goes_on_from(flight, said):
            return replace(flight, conflicts=flight.conflicts + 1)
    return replace(
        flight,
        system=said.system,
        armed=said.armed,
        start_us=min(flight.start_us, said.start_us),
        end_us=max(flight.end_us, said.end_us),
        ended=said.ended,
        frames_known=said.frames,
        bytes_known=said.size,
        pieces_known=len(said.pieces),
        index_id=found.bundle_id,
        index_hash=found.content_hash,
        index_end_us=said.end_us,
        stale=flight.stale + 1,
    )


def _goes_on_from(flight: StoredFlight, said: FlightReport) -> bool:
    """Whether an index follows the one that is known: of a flight that went on meanwhile."""
    return not flight.ended and (flight.index_end_us or 0) <= said.end_us
