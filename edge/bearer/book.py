"""The bundles on their way, and what is known of each; the spool's state follows it."""

from collections import Counter
from collections.abc import Iterable

from fieldlink.codecs.bundle import Ranges
from fieldlink.edge.bearer.flight import Flight, Sent
from fieldlink.edge.planner import Candidate, SpoolState

__all__ = ["Book"]

_FIRST_BACKOFF_US = 250_000
_MAX_BACKOFF_US = 60_000_000


class Book:
    """Flights by bundle, over the shared `spool` state.

    `in_flight_bytes` and `delivered_bytes` are payload by bearer: under way, and acknowledged by
    the centre. `odd` counts what a sound centre would not say.
    """

    def __init__(self, spool: SpoolState) -> None:
        self.spool = spool
        self.flights: dict[bytes, Flight] = {}
        self.in_flight_bytes: Counter[str] = Counter()
        self.delivered_bytes: Counter[str] = Counter()
        self.odd: Counter[str] = Counter()

    def send(self, candidate: Candidate, chunk: Sent) -> Flight:
        """`chunk` of `candidate` goes out."""
        flight = self.flights.setdefault(candidate.bundle, Flight(candidate))
        flight.chunks.append(chunk)
        flight.sent.add(chunk.start, chunk.end)
        self.in_flight_bytes[chunk.bearer] += chunk.end - chunk.start
        self.spool.cover(candidate, chunk.start, chunk.end)
        return flight

    def ask_first(self, candidate: Candidate, now_us: int, *, sent: bool) -> None:
        """Nothing of `candidate` goes before the centre has said what it holds of it; `sent`
        says whether any of it may have gone out before.
        """
        candidate.doubtful = False
        self.spool.hold(candidate)
        flight = Flight(candidate, asking=True, since_us=now_us)
        if sent:
            flight.sent.add(0, candidate.size)
        self.flights[candidate.bundle] = flight

    def delivered(self, flight: Flight, ranges: Ranges) -> None:
        """The centre holds `ranges` of it."""
        for span in ranges:
            if not flight.candidate.covered.covers(*span):  # it was to be sent again
                self.spool.cover(flight.candidate, *span)
        for chunk in flight.answered(ranges):
            self.delivered_bytes[chunk.bearer] += chunk.end - chunk.start
            self.in_flight_bytes[chunk.bearer] -= chunk.end - chunk.start

    def again(self, flight: Flight, lost: Iterable[Sent]) -> None:
        """These chunks did not get there: their bytes are to be sent."""
        for chunk in lost:
            flight.chunks.remove(chunk)
            self.in_flight_bytes[chunk.bearer] -= chunk.end - chunk.start
        self.spool.release(flight.candidate, flight.covered())
        if not flight.bearers and not flight.asking and not len(flight.held):
            del self.flights[flight.candidate.bundle]  # never sent by this run: it begins anew

    def start_over(self, flight: Flight, now_us: int) -> None:
        """Damaged on the way, or forgotten by the centre: again, after a growing pause."""
        if flight.until_us is not None:
            return
        self._forget_chunks(flight)
        self.spool.hold(flight.candidate)
        flight.question, flight.asking = None, False
        flight.told.clear()
        pause_us = min(_FIRST_BACKOFF_US << min(flight.backoffs, 10), _MAX_BACKOFF_US)
        flight.until_us = now_us + pause_us
        flight.backoffs += 1

    def end_backoff(self, flight: Flight) -> None:
        """The pause is over."""
        flight.until_us = None
        self.spool.release(flight.candidate, flight.held)

    def drop(self, bundle: bytes) -> None:
        """The bundle is in custody, refused for good or gone."""
        flight = self.flights.pop(bundle, None)
        if flight is not None:
            self._forget_chunks(flight)
        self.spool.discard(bundle)

    def _forget_chunks(self, flight: Flight) -> None:
        for chunk in flight.chunks:
            self.in_flight_bytes[chunk.bearer] -= chunk.end - chunk.start
        flight.chunks.clear()
