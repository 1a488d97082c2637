"""A flight's way as a track for other programs, out of its telemetry."""

from bisect import bisect_right
from collections.abc import Iterator

from fieldlink.codecs.tracks import Fix, Track, instant
from fieldlink.relay.catalogue import Catalogue, StoredFlight
from fieldlink.relay.export.gather import Asked, fixes_of, in_parts
from fieldlink.relay.flights.joining import HOLD_US
from fieldlink.relay.flights.measuring import flight_end_us, heights_of
from fieldlink.relay.telemetry.history import History

__all__ = ["flight_tracks"]


def flight_tracks(
    catalogue: Catalogue, history: History, flight: StoredFlight, now_us: int
) -> Iterator[Track]:
    """Every fix of `flight`, with its height above home; called DEVICE FLIGHT. A very long one is
    several tracks.

    Raises:
        ArchiveError: the catalogue does not work.
    """
    to_us = flight_end_us(catalogue, flight, now_us)
    asked = Asked(flight.start_us, to_us + 1, flight.kit, flight.device)
    state = flight.ended or ("goes on" if flight.armed else "not ended")
    about = f"{instant(flight.start_us)} to {instant(to_us)}, {state}"
    about += ", exercise 演练" if flight.exercise else ""
    heights = heights_of(history, flight, to_us)
    fixes = _with_heights(fixes_of(history, asked, flight.kit, flight.device), heights)
    for part in in_parts(fixes):
        name = f"{flight.device} {flight.flight}"
        yield Track(flight.kit, flight.device, "drone", part, name, about)


def _with_heights(fixes: Iterator[Fix], heights: list[tuple[int, float]]) -> Iterator[Fix]:
    times = [at_us for at_us, _ in heights]
    for fix in fixes:
        place = bisect_right(times, fix.time_us) - 1
        known = place >= 0 and fix.time_us - times[place] <= HOLD_US["flight"]
        yield fix._replace(height=heights[place][1]) if known else fix
