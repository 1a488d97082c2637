"""All that is known of one flight: its index read back, its pieces, every gap."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fieldlink.codecs.bundle import FlightReport, decode_flight
from fieldlink.codecs.fault import ArchiveError, CodecError
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import Catalogue, StoredFlight
from fieldlink.relay.flights.measuring import GapRow, gaps_of

__all__ = ["Detail", "detail_of", "index_of", "said_gaps"]

MOST_PIECES = 10_000

PieceRow = tuple[int, int, int, int, int, bool]
"""Number, start_us, end_us, frames, bytes, whether it is here."""


@dataclass(frozen=True, slots=True)
class Detail:
    """What belongs to `flight` beside its row; `pieces_more` pieces are not named."""

    flight: StoredFlight
    messages: Mapping[str, int]
    pieces: Sequence[PieceRow]
    pieces_more: int
    gaps: Sequence[GapRow]


def detail_of(catalogue: Catalogue, archive: Archive, flight: StoredFlight) -> Detail:
    """What is known of `flight`.

    Raises:
        ArchiveError: the catalogue does not work.
    """
    report = None
    with contextlib.suppress(OSError):  # what is in the catalogue is shown all the same
        report = index_of(catalogue, archive, flight)
    pieces: dict[int, PieceRow] = {}
    for named in report.pieces if report is not None else ():
        span = (named.start_us, named.end_us)
        pieces[named.number] = (named.number, *span, named.frames, named.size, False)
    for held, _path in catalogue.flight_pieces(flight.key):
        span = (held.start_us, held.end_us)
        pieces[held.piece] = (held.piece, *span, held.frames, held.size, True)
    ordered = [pieces[number] for number in sorted(pieces)]
    return Detail(
        flight,
        report.messages if report is not None else {},
        ordered[:MOST_PIECES],
        max(0, len(ordered) - MOST_PIECES),
        gaps_of(catalogue, flight, said_gaps(report)),
    )


def index_of(catalogue: Catalogue, archive: Archive, flight: StoredFlight) -> FlightReport | None:
    """The index of `flight`; None when it has not come, or its file is gone or damaged since.

    Raises:
        OSError: the disk does not work.
    """
    filed = None if flight.index_id is None else catalogue.bundle(flight.index_id)
    if filed is None:
        return None
    try:
        return decode_flight(archive.locate(filed.path).read_bytes())
    except (FileNotFoundError, ArchiveError, CodecError):
        return None  # `fieldlink relay catalogue verify` says so; what was taken of it stays


def said_gaps(report: FlightReport | None) -> list[GapRow]:
    """The gaps that an index names."""
    return [] if report is None else [(g.start_us, g.end_us, g.reason) for g in report.gaps]
