"""What is in doubt, whose answers stay away, and when to ask about it."""

from collections.abc import Callable

from fieldlink.codecs.wire import AckItem, Ask
from fieldlink.edge.bearer.book import Book
from fieldlink.edge.bearer.flight import Flight, Sent
from fieldlink.edge.bearer.questions import Questions

__all__ = ["Doubts"]

LOOK_US = 100_000
_MAX_PATIENCE_US = 60_000_000
_UNKNOWN_RTT_US = 300_000
_DEAF_ROUNDS = 6


class Doubts:
    """Asks about the flights in `book`; `rtt_us` are the round trips of the bearers in use."""

    def __init__(self, book: Book, name: Callable[[], bytes]) -> None:
        self.rtt_us: dict[str, int] = {}
        self.look_us = 0
        self._book = book
        self._questions = Questions(name)
        self._rounds = 0
        self._round_us = 0

    @property
    def deaf(self) -> bool:
        """Whether nothing was heard in six rounds of questions."""
        return self._rounds >= _DEAF_ROUNDS

    def heard(self) -> None:
        """The centre speaks."""
        self._rounds = 0

    def take(self, item: AckItem) -> bool:
        """Whether `item` only says that a question has been read."""
        return self._questions.take(item)

    def doubt(self, which: Callable[[Sent], bool], now_us: int, *, other: bool) -> None:
        """The chunks that `which` picks may be lost. With another bearer, urgent ones go again at
        once; about the others the centre is asked.
        """
        for flight in list(self._book.flights.values()):
            struck = [chunk for chunk in flight.chunks if chunk.doubt_us is None and which(chunk)]
            if struck and other and flight.urgent:
                self._book.again(flight, struck)
            elif struck:
                flight.asking = True
                for chunk in struck:
                    chunk.doubt_us = now_us

    def unheard(self) -> None:
        """For a while nobody listened to the centre: ask about all that it may have answered."""
        self._rounds = 0
        for flight in self._book.flights.values():
            if flight.question is not None or flight.owed_since_us() is not None:
                flight.asking, flight.question = True, None

    def restart(self, now_us: int) -> None:
        """Another run of the centre: it may have lost a tail, and answers no old question."""
        self._questions.clear()
        for flight in self._book.flights.values():
            flight.until_us = None
            flight.asking, flight.question = True, None
            flight.heard_us, flight.since_us, flight.rounds = -1, now_us, 0
            flight.told.clear()

    def look(self, now_us: int) -> None:
        """Ten times a second: which backoffs are over, and whose answers stay away?"""
        if self.look_us - LOOK_US <= now_us < self.look_us:
            return
        self.look_us = now_us + LOOK_US
        late = False
        for flight in list(self._book.flights.values()):
            if flight.until_us is not None:
                if not now_us < flight.until_us <= now_us + _MAX_PATIENCE_US:
                    self._book.end_backoff(flight)
            elif self._late(flight, now_us):
                flight.asking, flight.question = True, None
                flight.since_us, late = now_us, True
                flight.rounds += 1
        if late and not 0 <= now_us - self._round_us < self._once_us:
            self._round_us = now_us
            self._rounds += 1

    def asks(self, now_us: int) -> list[Ask]:
        """The questions to put now."""
        waiting = [flight for flight in self._book.flights.values() if flight.asking]
        if not waiting:
            return []
        made = []
        by_id = {flight.candidate.bundle: flight for flight in waiting}
        for ask, question in self._questions.put(by_id, now_us):
            for bundle in ask.bundles[1:]:
                by_id[bundle].question, by_id[bundle].asking = question, False
            made.append(ask)
        return made

    @property
    def _once_us(self) -> int:
        """How long no answer is no reason to worry."""
        return 1_000_000 + 4 * min(self.rtt_us.values(), default=_UNKNOWN_RTT_US)

    def _late(self, flight: Flight, now_us: int) -> bool:
        since_us, once_us = flight.owed_since_us(), self._once_us
        if flight.question is not None:
            since_us = flight.question.asked_us
            once_us = once_us * 2 // 3
        if since_us is None:
            return False
        patience_us = min(once_us << min(flight.rounds, 6), _MAX_PATIENCE_US)
        return not 0 <= now_us - since_us < patience_us  # time itself may be set back
