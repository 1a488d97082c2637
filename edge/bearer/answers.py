"""What the centre says, and what follows from it.

Answers may be lost, doubled, late or out of order, and come once by each bearer. One that is up
to a minute older than another (by the centre's clock) is stale; one that is older still says
that this clock was set back. Custody of what was sent is believed whenever it comes.
"""

from dataclasses import dataclass

from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.wire import Ack, AckItem, Verdict, Welcome
from fieldlink.edge.bearer.book import Book
from fieldlink.edge.bearer.doubts import Doubts
from fieldlink.edge.bearer.flight import Flight

__all__ = ["Answers", "Custody", "Outcome", "Refused"]

_SLOW_US = 30_000_000
_STALE_US = 60_000_000
_FOR_GOOD = frozenset({"manifest", "identity", "size"})


@dataclass(frozen=True, slots=True)
class Custody:
    """The centre answers for `bundle` from now on."""

    bundle: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The centre will never take `bundle`."""

    bundle: bytes
    reason: str


Outcome = Custody | Refused


class Answers:
    """Takes in the centre's frames; the flights are in `book`, the questions in `doubts`."""

    def __init__(self, book: Book, doubts: Doubts) -> None:
        self._book = book
        self._doubts = doubts
        self._run: bytes | None = None
        self._paused_until_us: int | None = None

    def paused(self, now_us: int) -> bool:
        """Whether the centre takes nothing at present."""
        until_us = self._paused_until_us
        if until_us is not None and not now_us < until_us <= now_us + _SLOW_US:
            self._paused_until_us = None  # over; or time itself was set back
        return self._paused_until_us is not None

    @property
    def paused_until_us(self) -> int:
        """When that may be over."""
        return self._paused_until_us or 0

    def received(self, frame: Ack | Welcome, now_us: int) -> list[Outcome]:
        """Take in what the centre said; what the spool has to be told."""
        self._doubts.heard()
        if isinstance(frame, Welcome):
            if self._run is not None and frame.run != self._run:
                self._doubts.restart(now_us)
            self._run = frame.run
            return []
        outcomes = (
            None if self._doubts.take(item) else self._answer(item, now_us) for item in frame.items
        )
        return [outcome for outcome in outcomes if outcome is not None]

    def _answer(self, item: AckItem, now_us: int) -> Outcome | None:
        flight = self._book.flights.get(item.bundle)
        if flight is None:
            return self._unexpected(item, now_us)
        if item.verdict is Verdict.CUSTODY:
            self._book.delivered(flight, Ranges([(0, flight.candidate.size)]))
            self._book.drop(item.bundle)
            return Custody(item.bundle)
        if 0 < flight.heard_us - item.at_us <= _STALE_US:
            self._book.odd["stale"] += 1
        elif item.verdict is Verdict.REFUSED:
            return self._refused(flight, item.reason, now_us)
        else:
            self._have(flight, item, now_us)
        return None

    def _unexpected(self, item: AckItem, now_us: int) -> Outcome | None:
        """An answer about what was never sent means nothing, unless the centre claims to have it
        all: then it is asked, and believed when it says so again.
        """
        candidate = self._book.spool.get(item.bundle)
        if candidate is None:
            return None  # told before, or none of ours
        custody = item.verdict is Verdict.CUSTODY
        if custody and candidate.doubtful:  # an earlier run of the agent sent it
            self._book.drop(item.bundle)
            return Custody(item.bundle)
        if not candidate.doubtful:
            self._book.odd["never-sent"] += 1
            if custody:
                self._book.ask_first(candidate, now_us, sent=False)
        return None

    def _have(self, flight: Flight, item: AckItem, now_us: int) -> None:
        old = flight.held
        if item.at_us < flight.heard_us:
            self._book.odd["clock-back"] += 1
        newer = item.at_us != flight.heard_us
        ranges = _common(item.ranges, flight.sent)
        if ranges is not item.ranges:
            self._book.odd["never-sent"] += 1
        shrunk = newer and not all(ranges.covers(*span) for span in old)
        self._book.delivered(flight, ranges)
        flight.heard_us, flight.since_us, flight.rounds = item.at_us, now_us, 0
        flight.held = ranges if newer else _union(old, ranges)
        question = flight.question
        if shrunk:
            self._book.odd["forgot"] += 1
            self._book.start_over(flight, now_us)
        elif question is not None and question.answered_by(item):
            flight.question = None
            if not len(flight.held):
                flight.told.clear()  # it may lack the manifest
            lost = [chunk for chunk in flight.chunks if chunk.judged_by(question.asked_us)]
            self._book.again(flight, lost)

    def _refused(self, flight: Flight, reason: str, now_us: int) -> Outcome | None:
        word = reason.split(":", 1)[0].strip()
        if word in _FOR_GOOD:
            self._book.drop(flight.candidate.bundle)
            return Refused(flight.candidate.bundle, reason)
        if word in {"revoked", "busy"}:
            self._paused_until_us = now_us + _SLOW_US
        self._book.start_over(flight, now_us)
        return None


def _common(ranges: Ranges, sent: Ranges) -> Ranges:
    """What is in both; `ranges` itself when all of it was sent."""
    if all(sent.covers(*span) for span in ranges):
        return ranges
    pairs = ((max(a, c), min(b, d)) for a, b in ranges for c, d in sent)
    return Ranges(span for span in pairs if span[0] < span[1])


def _union(one: Ranges, other: Ranges) -> Ranges:
    both = Ranges(one)
    for span in other:
        both.add(*span)
    return both
