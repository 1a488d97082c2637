"""The sending side of a kit, without input or output: time goes in as an argument.

One exchange serves all bearers. A bearer has lines, each a connection of its own:

    line_up / line_down         a line is there, or gone with all that was under way on it
    stalled / recovered         a bearer is not heard of, while another one is; it is again
    arrived(line, number)       TCP brought the line's chunks up to that number to the broker
    received(frame, now_us)     what the centre said, by whichever bearer -> outcomes
    next(line, state, now_us)   the chunk for that line to send now, if any
    asks(now_us)                questions to put now, by any bearer that hears the centre
    due_us                      when to ask for those though nothing happened

A chunk is under way from when it is sent until the centre's ranges cover it. When its line dies
or its bearer stalls it is in doubt: the centre is asked, and what it does not hold goes again; an
urgent one goes again at once, if there is another bearer. What is not in doubt flows meanwhile.
Where answers stay away although TCP has delivered, the kit asks too. Bytes that the centre has
acknowledged are sent again only if the centre itself says that it has them no more.
"""

from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.wire import MAX_ASKS, Ack, Ask, Welcome
from fieldlink.edge.bearer.answers import Answers, Custody, Outcome, Refused
from fieldlink.edge.bearer.book import Book
from fieldlink.edge.bearer.doubts import Doubts
from fieldlink.edge.bearer.flight import Sent
from fieldlink.edge.planner import BearerState, Candidate, ChunkOrder, Planner, SpoolState

__all__ = ["Custody", "Exchange", "Outcome", "Refused", "SendChunk"]

_MAX_FLIGHTS = 2048
_MAX_UNSURE = 4 * MAX_ASKS


@dataclass(frozen=True, slots=True)
class SendChunk:
    """Read these bytes and send them; `manifest` says whether the packed manifest goes along.

    `number` counts the chunks of the line; `first` marks the bundle's first by this bearer.
    """

    order: ChunkOrder
    manifest: bool
    first: bool
    number: int


@dataclass(slots=True)
class _Line:
    """A connection; `pending` are its chunks that TCP has not delivered yet."""

    bearer: str
    numbered: int = 0
    pending: deque[Sent] = field(default_factory=deque)


class Exchange:
    """The kit's sender over the shared `spool` state; `name` makes 32 bytes never used before."""

    def __init__(self, spool: SpoolState, planner: Planner, name: Callable[[], bytes]) -> None:
        self._planner = planner
        self._book = Book(spool)
        self._doubts = Doubts(self._book, name)
        self._answers = Answers(self._book, self._doubts)
        self._lines: dict[int, _Line] = {}
        self._stalled: set[str] = set()

    # --- lines -----------------------------------------------------------------------------

    def line_up(self, line: int, bearer: str) -> None:
        """`line`, a number never used before, is a connection of `bearer`."""
        self._lines[line] = _Line(bearer)

    def line_down(self, line: int, now_us: int) -> None:
        """The line is gone: what was under way on it is in doubt."""
        gone = self._lines.pop(line, None)
        if gone is None:
            return
        for flight in self._book.flights.values():
            flight.told.discard(line)
        self._doubts.doubt(lambda sent: sent.line == line, now_us, other=self._other(gone.bearer))
        self._known_rtts()

    def stalled(self, bearer: str, now_us: int) -> None:
        """The bearer is not heard of: its chunks are in doubt."""
        self._stalled.add(bearer)
        other = self._other(bearer)
        self._doubts.doubt(lambda sent: sent.bearer == bearer, now_us, other=other)
        self._known_rtts()

    def recovered(self, bearer: str) -> None:
        """The bearer is heard again; TCP brings what its lines still carry."""
        self._stalled.discard(bearer)
        for flight in self._book.flights.values():
            for sent in flight.chunks:
                if sent.bearer == bearer and sent.line in self._lines:
                    sent.doubt_us = None

    def arrived(self, line: int, number: int, now_us: int) -> None:
        """TCP has delivered the line's chunks up to `number`."""
        at = self._lines.get(line)
        while at is not None and at.pending and at.pending[0].number <= number:
            at.pending.popleft().arrived_us = now_us

    def unheard(self) -> None:
        """For a while nobody listened to the centre: ask about all that it may have answered."""
        self._doubts.unheard()

    def _other(self, bearer: str) -> bool:
        return any(line.bearer not in {bearer, *self._stalled} for line in self._lines.values())

    def _known_rtts(self) -> None:
        up = {line.bearer for line in self._lines.values()} - self._stalled
        self._doubts.rtt_us = {b: rtt for b, rtt in self._doubts.rtt_us.items() if b in up}

    # --- what to send ----------------------------------------------------------------------

    def next(
        self, line: int, state: BearerState, now_us: int, utc_us: int | None = None
    ) -> SendChunk | None:
        """The chunk for `line` to send now; it counts as sent. Deadlines are by the kit's clock,
        which is at `utc_us` (None: it is `now_us`).
        """
        if line not in self._lines or self._answers.paused(now_us):
            return None
        if state.rtt_s is not None:
            self._doubts.rtt_us[state.name] = round(state.rtt_s * 1e6)
        spool, flights = self._book.spool, self._book.flights
        utc_us = now_us if utc_us is None else utc_us
        while (order := self._planner.next_chunk(spool, state, utc_us)) is not None:
            if order.candidate.doubtful:
                self._ask_about_earlier_run(order.candidate, now_us)
            elif len(flights) < _MAX_FLIGHTS or _may_always(order.candidate, flights):
                return self._send(line, order, now_us)
            else:
                break
        return None

    def asks(self, now_us: int) -> list[Ask]:
        """The questions to put now; a line that hears the centre is up."""
        if self._answers.paused(now_us):
            return []
        self._doubts.look(now_us)
        return self._doubts.asks(now_us)

    @property
    def due_us(self) -> int | None:
        """When `asks` has something to do by itself; None when only an event can change that."""
        if not self._book.flights:
            return None
        return max(self._doubts.look_us, self._answers.paused_until_us)

    def _send(self, line: int, order: ChunkOrder, now_us: int) -> SendChunk:
        at = self._lines[line]
        at.numbered += 1
        end = order.offset + order.length
        sent = Sent(order.offset, end, line, at.numbered, at.bearer)
        at.pending.append(sent)
        flight = self._book.send(order.candidate, sent)
        flight.since_us = now_us
        manifest, first = line not in flight.told, at.bearer not in flight.bearers
        flight.told.add(line)
        flight.bearers.add(at.bearer)
        return SendChunk(order, manifest=manifest, first=first, number=at.numbered)

    def _ask_about_earlier_run(self, first: Candidate, now_us: int) -> None:
        """Ask what an earlier run of the agent may have sent, before sending any of it."""
        for candidate in self._unsure(first):
            self._book.ask_first(candidate, now_us, sent=True)

    def _unsure(self, first: Candidate) -> list[Candidate]:
        found = [first]
        for lane in self._book.spool.lanes:
            for candidate in lane:
                if len(found) >= _MAX_UNSURE or not candidate.doubtful:
                    break
                if candidate is not first:
                    found.append(candidate)
        return found

    # --- what the centre says --------------------------------------------------------------

    def received(self, frame: Ack | Welcome, now_us: int) -> list[Outcome]:
        """Take in what the centre said; what the spool has to be told."""
        return self._answers.received(frame, now_us)

    def gone(self, bundle: bytes) -> None:
        """The spool does not have `bundle` any more."""
        self._book.drop(bundle)

    @property
    def deaf(self) -> bool:
        """Whether the centre has answered none of many questions."""
        return self._doubts.deaf

    @property
    def flights(self) -> int:
        """How many bundles are on their way."""
        return len(self._book.flights)

    def in_flight_bytes(self, bearer: str) -> int:
        """Payload under way by `bearer`."""
        return self._book.in_flight_bytes[bearer]

    def delivered_bytes(self, bearer: str) -> int:
        """Payload that the centre acknowledged, of what went by `bearer`."""
        return self._book.delivered_bytes[bearer]

    @property
    def odd(self) -> dict[str, int]:
        """How often the centre said what a sound one does not: stale answers, ranges or custody
        of what was never sent, less than before, a clock that went back.
        """
        return dict(self._book.odd)


def _may_always(candidate: Candidate, flights: Container[bytes]) -> bool:
    """Whether it may go however many are on their way: one of those, or an alarm."""
    return candidate.bundle in flights or candidate.precedence is Precedence.FLASH
