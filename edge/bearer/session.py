"""The sending side of a bearer, without input or output: time goes in as an argument.

    connected / disconnected    the link came up, or went
    received(frame, now_us)     what the centre said -> outcomes for the spool
    poll(now_us)                what to send now (chunks to read and send, questions to ask)
    due_us                      when to poll again though nothing happened

A chunk is under way from when it is sent until the centre's ranges cover it. Answers may be
lost, doubled, late or out of order: one that is up to a minute older than another (the centre's
clock) is stale, one that is older still says that this clock was set back; custody is believed
whenever it comes. If answers stay away the kit asks, and resends
only what an answer to the question does not cover. Bytes that the centre has acknowledged are
sent again only if the centre itself says that it has them no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.wire import MAX_ASKS, Ack, AckItem, Ask, Verdict, Welcome
from fieldlink.edge.bearer.flight import ASK_NOW, Flight, Sent
from fieldlink.edge.bearer.pace import Pace
from fieldlink.edge.planner import BearerState, Candidate, ChunkOrder, Planner, SpoolState

__all__ = ["Custody", "Outcome", "Refused", "SendAsk", "SendChunk", "Session", "ToSend"]

_MAX_PATIENCE_US = 60_000_000
_MAX_BACKOFF_US = 60_000_000
_SLOW_US = 30_000_000
_LOOK_US = 100_000
_STALE_US = 60_000_000
_DEAF_QUESTIONS = 6
_MAX_FLIGHTS = 2048
_FOR_GOOD = frozenset({"manifest", "identity", "size"})
_MAX_DOUBTS = 4 * MAX_ASKS


@dataclass(frozen=True, slots=True)
class SendChunk:
    """Read these bytes and send them; `manifest` says whether the packed manifest goes along.

    `first` marks the first chunk of the bundle in this session.
    """

    order: ChunkOrder
    manifest: bool
    first: bool


@dataclass(frozen=True, slots=True)
class SendAsk:
    """Ask what the centre holds of these bundles."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class Custody:
    """The centre answers for `bundle` from now on."""

    bundle: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The centre will never take `bundle`."""

    bundle: bytes
    reason: str


ToSend: TypeAlias = SendChunk | SendAsk
Outcome: TypeAlias = Custody | Refused


class Session:
    """One bearer's sender over the shared `spool` state."""

    def __init__(self, name: str, spool: SpoolState, planner: Planner, pace: Pace) -> None:
        self.pace = pace
        self.deaf = False
        self._name = name
        self._spool = spool
        self._planner = planner
        self._flights: dict[bytes, Flight] = {}
        self.in_flight_bytes = 0
        self._up = False
        self._run: bytes | None = None
        self._paused_until_us = 0
        self._look_us = 0
        self._questions = 0

    @property
    def state(self) -> BearerState:
        """The bearer as measured."""
        return BearerState(
            name=self._name,
            chunk_bytes=self.pace.chunk_bytes,
            room_bytes=self.pace.window_bytes - self.in_flight_bytes,
            rate_bps=self.pace.rate_bps,
            rtt_s=self.pace.rtt_us / 1e6 if self.pace.rtt_us is not None else None,
        )

    def connected(self, now_us: int) -> None:
        """The link is up: nothing is known of what is under way, so ask before sending it."""
        self._up = True
        self._run = None
        self._restart(now_us)

    def disconnected(self) -> None:
        """The link is down; nothing is to be sent."""
        self._up = False

    def received(self, frame: Ack | Welcome, now_us: int) -> list[Outcome]:
        """Take in what the centre said; what the spool has to be told."""
        self._questions = 0
        if isinstance(frame, Welcome):
            if self._run is not None and frame.run != self._run:
                self._restart(now_us)  # another run of the centre: it may have lost a tail
            self._run = frame.run
            return []
        outcomes = [self._answer(item, now_us) for item in frame.items]
        return [outcome for outcome in outcomes if outcome is not None]

    def poll(self, now_us: int) -> Iterator[ToSend]:
        """What to send now; each item counts as sent when it is yielded."""
        if not self._up or now_us < self._paused_until_us:
            return
        self._look(now_us)
        yield from self._questions_to_ask(now_us)
        while (order := self._next_chunk(now_us)) is not None:
            if order.candidate.doubtful:
                yield from self._ask_doubtful(order.candidate, now_us)
            elif len(self._flights) < _MAX_FLIGHTS or order.candidate.bundle in self._flights:
                yield self._send(order, now_us)
            else:
                return

    def _next_chunk(self, now_us: int) -> ChunkOrder | None:
        state = self.state
        # An alarm does not wait for a backlog's answers: FLASH may use half a window more.
        if state.room_bytes <= -(self.pace.window_bytes // 2):
            return None
        return self._planner.next_chunk(self._spool, state, now_us)

    @property
    def due_us(self) -> int | None:
        """When `poll` has something to do by itself; None when only an event can change that."""
        if not self._up or not self._flights:
            return None
        return max(self._look_us, self._paused_until_us)

    def gone(self, bundle: bytes) -> None:
        """The spool does not have `bundle` any more."""
        self._drop(bundle)

    def _restart(self, now_us: int) -> None:
        self.deaf = False
        self._questions = 0
        self._look_us = now_us
        self.in_flight_bytes = 0
        for flight in self._flights.values():
            self._spool.hold(flight.candidate)
            flight.restart(now_us)

    def _look(self, now_us: int) -> None:
        """Ten times a second: which backoffs are over, and whose answers stay away?"""
        if now_us < self._look_us:
            return
        self._look_us = now_us + _LOOK_US
        asked = False
        for flight in self._flights.values():
            if flight.until_us is not None:
                self._end_backoff(flight, now_us)
            elif flight.waiting and now_us - flight.since_us >= self._patience_us(flight):
                flight.asked_us, flight.since_us, asked = ASK_NOW, now_us, True
                flight.questions += 1
        self._questions += asked
        self.deaf = self._questions >= _DEAF_QUESTIONS

    def _patience_us(self, flight: Flight) -> int:
        once_us = self.pace.patience_us
        return min(once_us << min(flight.questions, 6), max(_MAX_PATIENCE_US, once_us))

    def _questions_to_ask(self, now_us: int) -> Iterator[SendAsk]:
        open_ = [flight for flight in self._flights.values() if flight.asked_us == ASK_NOW]
        for at in range(0, len(open_), MAX_ASKS):
            part = open_[at : at + MAX_ASKS]
            for flight in part:
                flight.asked_us = now_us
            yield SendAsk(Ask(tuple(flight.candidate.bundle for flight in part)))

    def _ask_doubtful(self, first: Candidate, now_us: int) -> Iterator[SendAsk]:
        """Ask about what an earlier run of the agent may have sent, before sending any of it."""
        for candidate in self._doubtful(first):
            candidate.doubtful = False
            self._spool.hold(candidate)
            self._flights[candidate.bundle] = Flight(candidate, asked_us=ASK_NOW)
        yield from self._questions_to_ask(now_us)

    def _doubtful(self, first: Candidate) -> list[Candidate]:
        found = [first]
        for lane in self._spool.lanes:
            for candidate in lane:
                if len(found) >= _MAX_DOUBTS or not candidate.doubtful:
                    break
                if candidate is not first:
                    found.append(candidate)
        return found

    def _send(self, order: ChunkOrder, now_us: int) -> SendChunk:
        candidate = order.candidate
        flight = self._flights.setdefault(candidate.bundle, Flight(candidate))
        chunk = Sent(order.offset, order.offset + order.length, now_us, self.pace.delivered_bytes)
        flight.chunks.append(chunk)
        flight.since_us = now_us
        self.in_flight_bytes += order.length
        self._spool.cover(candidate, chunk.start, chunk.end)
        manifest, flight.told = not flight.told, True
        first, flight.sent_once = not flight.sent_once, True
        return SendChunk(order, manifest=manifest, first=first)

    def _answer(self, item: AckItem, now_us: int) -> Outcome | None:
        if item.verdict is Verdict.CUSTODY:
            return self._custody(item.bundle, now_us)
        flight = self._flights.get(item.bundle)
        if flight is None or 0 < flight.heard_us - item.at_us <= _STALE_US:
            return None
        if item.verdict is Verdict.REFUSED:
            return self._refused(flight, item.reason, now_us)
        self._have(flight, item, now_us)
        return None

    def _custody(self, bundle: bytes, now_us: int) -> Outcome | None:
        flight = self._flights.get(bundle)
        if flight is not None:
            self._delivered(flight, Ranges([(0, flight.candidate.size)]), now_us)
        if self._spool.get(bundle) is None:
            return None  # told before, or not ours
        self._drop(bundle)
        return Custody(bundle)

    def _drop(self, bundle: bytes) -> None:
        flight = self._flights.pop(bundle, None)
        if flight is not None:
            self._forget_chunks(flight)
        self._spool.discard(bundle)

    def _have(self, flight: Flight, item: AckItem, now_us: int) -> None:
        old = flight.held
        newer = item.at_us != flight.heard_us  # an older one got here: the clock stepped back
        ranges = _within(item.ranges, flight.candidate.size)
        shrunk = newer and not all(ranges.covers(*span) for span in old)
        news = self._delivered(flight, ranges, now_us)
        flight.heard_us, flight.since_us, flight.questions = item.at_us, now_us, 0
        flight.held = ranges if newer else _union(old, ranges)
        if shrunk:
            self._start_over(flight, now_us)
        elif newer and flight.asked_us not in (None, ASK_NOW) and not (news and flight.chunks):
            # It answers the question. One with news may have been under way when that was asked;
            # then, if something is still missing, the next question settles it.
            self._forget_chunks(flight)
            flight.asked_us = None
            flight.told = flight.told and len(flight.held) > 0
            self._spool.release(flight.candidate, flight.covered())
            self._end_if_idle(flight)

    def _end_if_idle(self, flight: Flight) -> None:
        # Nothing was ever sent of it in this session: sending begins with the manifest.
        if not flight.chunks and not len(flight.held) and not flight.backoffs:
            del self._flights[flight.candidate.bundle]

    def _delivered(self, flight: Flight, ranges: Ranges, now_us: int) -> bool:
        done = flight.answered(ranges)
        for chunk in done:
            size = chunk.end - chunk.start
            self.in_flight_bytes -= size
            # An answer that had to be asked for says nothing of the path (Karn).
            plain = flight.asked_us is None and flight.questions == 0
            self.pace.delivered(size, chunk.delivered_before, chunk.sent_us, now_us, plain)
        return bool(done)

    def _forget_chunks(self, flight: Flight) -> None:
        self.in_flight_bytes -= sum(chunk.end - chunk.start for chunk in flight.chunks)
        flight.chunks.clear()

    def _refused(self, flight: Flight, reason: str, now_us: int) -> Outcome | None:
        word = reason.split(":", 1)[0].strip()
        if word in _FOR_GOOD:
            self._drop(flight.candidate.bundle)
            return Refused(flight.candidate.bundle, reason)
        if word in {"revoked", "busy"}:
            self._paused_until_us = now_us + _SLOW_US
        self._start_over(flight, now_us)
        return None

    def _start_over(self, flight: Flight, now_us: int) -> None:
        """Damaged on the way, or forgotten by the centre: again, after a growing pause."""
        if flight.until_us is not None:
            return
        self._forget_chunks(flight)
        self._spool.hold(flight.candidate)
        flight.asked_us, flight.told = None, False
        flight.until_us = now_us + min(250_000 << min(flight.backoffs, 10), _MAX_BACKOFF_US)
        flight.backoffs += 1

    def _end_backoff(self, flight: Flight, now_us: int) -> None:
        if flight.until_us is not None and flight.until_us <= now_us:
            flight.until_us = None
            self._spool.release(flight.candidate, flight.held)


def _within(ranges: Ranges, size: int) -> Ranges:
    return Ranges((start, min(end, size)) for start, end in ranges if start < size)


def _union(one: Ranges, other: Ranges) -> Ranges:
    both = Ranges(one)
    for span in other:
        both.add(*span)
    return both
