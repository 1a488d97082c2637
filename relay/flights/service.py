"""Flights as one part of the centre: the task that takes them in and keeps their figures."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from fieldlink.codecs.bundle import TLOG_STREAM
from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import (
    Catalogue,
    CatalogueCorruptError,
    FlightKey,
    StoredFlight,
)
from fieldlink.relay.feed import Feed
from fieldlink.relay.flights.detail import index_of, said_gaps
from fieldlink.relay.flights.ingest import Ingest
from fieldlink.relay.flights.measuring import measured
from fieldlink.relay.flights.row import flight_row
from fieldlink.relay.telemetry.history import History
from fieldlink.relay.telemetry.pace import Pace

__all__ = ["Flights"]

_IDLE_S = 1.0
_AGAIN_S = 1.0
_TELL_S = 2.0
# Measuring reads all of a flight's telemetry: of one that goes on not more often than this, and of
# a long one, or of what was recorded on the ground, seldom: it is a few thousandths of the time.
_MEASURE_S, _MEASURE_IDLE_S, _MEASURE_SHARE = 10.0, 60.0, 1 / 360
_SAMPLES_S = 5.0
_MEASURES = 4
_MOST_PACED = 1_000

Note = Callable[[str, str | None, str], None]


class Flights:
    """Takes flights in with `run` (or `step`, one round of it); who asks reads the catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        archive: Archive,
        feed: Feed,
        history: History,
        *,
        clock: Callable[[], int],
        note: Note = lambda kind, kit, text: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue, self._archive, self._feed = catalogue, archive, feed
        self._history, self._clock, self._monotonic = history, clock, monotonic
        self._note = note
        self._ingest = Ingest(catalogue, archive, note)
        self._untold: dict[FlightKey, StoredFlight] = {}
        self._told_s: dict[FlightKey, float] = {}
        self._rest_s: dict[FlightKey, float] = {}  # until when its figures stay as they are
        self._samples = Pace(_SAMPLES_S, monotonic)
        self._behind = False
        self._turn = threading.Lock()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def refused(self) -> int:
        """How many bundles said that they were of a flight, and were not."""
        return self._ingest.refused

    async def run(self, beat: Callable[[], None]) -> None:
        """Take in until cancelled. A disk that does not work is waited for.

        Raises:
            CatalogueCorruptError: the catalogue is damaged; a restart makes it again.
        """
        self._loop = asyncio.get_running_loop()
        self._feed.listen(self._heard)
        try:
            while True:
                self._wake.clear()
                wait_s = await asyncio.to_thread(self._step_anyway)
                beat()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
        finally:
            self._feed.unlisten(self._heard)

    def step(self) -> bool:
        """One round: a page of bundles, figures of a few flights, news. Returns whether there is
        more to do at once.

        Raises:
            OSError, ArchiveError: a disk does not work; nothing is lost by it.
        """
        with self._turn:
            changed, more = self._ingest.read()
            if self._behind or self._samples.may():
                self._behind = self._ingest.read_samples()
            more = more or self._behind
            self._untold.update((flight.key, flight) for flight in changed)
            if not more:  # what is read later may change them again
                more = self._measure()
            self._tell()
        return more

    def settle(self) -> None:
        """Take in everything that is filed, measure and tell it, without rest; for tests and for
        programs that fill an archive.
        """
        with self._turn:
            self._rest_s.clear()
            self._told_s.clear()
            self._samples = Pace(0.0, self._monotonic)
        while self.step():
            pass
        self._samples = Pace(_SAMPLES_S, self._monotonic)

    def _measure(self) -> bool:
        """Find out about a few flights of which something new has come; whether there are more."""
        now_s = self._monotonic()
        self._rest_s = {key: until_s for key, until_s in self._rest_s.items() if until_s > now_s}
        found = self._catalogue.stale_flights(_MEASURES, self._rest_s)
        for flight in found:
            said = said_gaps(index_of(self._catalogue, self._archive, flight))
            figures = measured(self._catalogue, self._history, flight, said, self._clock())
            after = self._catalogue.put_measured(flight, figures)
            self._rest_s[flight.key] = now_s + _rest_s(flight)
            if flight_row(after) != flight_row(flight) or flight.key in self._untold:
                self._untold[flight.key] = after
        return len(found) == _MEASURES

    def _tell(self) -> None:
        """News of flights, of each at most every two seconds, while anybody follows."""
        now_s = self._monotonic()
        self._told_s = {k: s for k, s in self._told_s.items() if now_s - s < _TELL_S}
        if not self._feed.followers or len(self._untold) > _MOST_PACED:
            self._untold = {}
        for key in [key for key in self._untold if key not in self._told_s]:
            self._told_s[key] = now_s
            self._feed.publish("flight", flight_row(self._untold.pop(key)))

    def _step_anyway(self) -> float:
        """A round; how long to wait before the next."""
        try:
            more = self.step()
        except CatalogueCorruptError:
            raise
        except (ArchiveError, OSError) as error:
            self._note("disk", None, f"flights wait for the centre's disk: {error}")
            return _AGAIN_S
        # A moment for others: nobody waits for the figures of old flights.
        return 0.02 if more else _IDLE_S

    def _heard(self, kind: str, data: Mapping[str, Any]) -> None:
        loop = self._loop
        if kind == "bundle" and data.get("stream") == TLOG_STREAM and loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._wake.set)


def _rest_s(flight: StoredFlight) -> float:
    """How long the figures of a flight stay as they are, whatever comes."""
    least_s = _MEASURE_S if flight.armed else _MEASURE_IDLE_S
    return max(least_s, (flight.end_us - flight.start_us) / 1e6 * _MEASURE_SHARE)
