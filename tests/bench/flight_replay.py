"""A flight of two hours as its replay, and the list of 500 flights out of 5,000: from the question
to the bytes of the answer.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fieldlab.figure import Figure
from fieldlab.fleet import Shelf
from fieldlab.flights import SECOND_US, Craft, named
from fieldlink.codecs.bundle import FlightPiece, FlightReport
from fieldlink.relay.catalogue import FoundIndex, Measured
from fieldlink.relay.flights.replay import replay_of
from fieldlink.relay.flights.row import flight_row

_T0_US = 1_790_000_000_000_000
_FLIGHTS, _LISTED = 5_000, 500
_LENGTH_S = 7_200
_ROUNDS = 9


def measure() -> Sequence[Figure]:
    """Seconds, the median of each."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        shelf = Shelf(Path(folder), now_us=_T0_US + 10 * _LENGTH_S * SECOND_US)
        name = Craft(shelf, "kit-x", now_us=_T0_US).fly(_LENGTH_S)
        shelf.settle()
        flight = shelf.catalogue.flight("kit-x", "m300-1", name)
        assert flight is not None

        def replay() -> int:
            found = replay_of(shelf.catalogue, shelf.telemetry.history, flight, [], shelf.now_us)
            return len(found["rows"]) if json.dumps(found).encode() else 0

        _fill(shelf)

        def listed() -> int:
            rows = [flight_row(each) for each in shelf.catalogue.flights(limit=_LISTED)]
            return len(rows) if json.dumps(rows).encode() else 0

        found = [
            _timed("flight_replay", replay, _LENGTH_S, 1.0),
            _timed("flight_replay_list", listed, _LISTED, 0.05),
        ]
        shelf.close()
    return found


def _timed(name: str, ask: Callable[[], int], count: int, limit: float) -> Figure:
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        assert ask() == count
        times.append(time.perf_counter() - started)
    return Figure(name=name, value=statistics.median(times), unit="s", limit=limit, better="less")


def _fill(shelf: Shelf) -> None:
    found = []
    for number in range(_FLIGHTS):
        start_us = _T0_US - number * 1_000 * SECOND_US
        end_us, key = start_us + 900 * SECOND_US, number.to_bytes(32, "big")
        report = FlightReport(
            f"m300-{number % 3}",
            1,
            named(start_us),
            True,
            start_us,
            end_us,
            "disarmed",
            {"HEARTBEAT": 900},
            tuple(FlightPiece(piece, start_us, end_us, 900, 50_000) for piece in range(15)),
            (),
            0,
        )
        found.append(FoundIndex(f"kit-{number % 20}", key, key, report))
    shelf.catalogue.take_flights(found, [], ("bench", 1))
    for flight in shelf.catalogue.stale_flights(_LISTED):
        span = [flight.start_us, flight.end_us]
        gaps = [[*span, "link: nothing was heard of it"]] * 3
        video = [[flight.device, "video", *span]]
        shelf.catalogue.put_measured(flight, Measured(gaps, 0, video, 55.5, 1234.5, False))
