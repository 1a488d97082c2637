"""A bearer's session and a model of the centre under a virtual clock, joined by bad weather."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Layer, Precedence, Ranges
from fieldlink.codecs.wire import Ack, AckItem, Ask, Verdict
from fieldlink.edge.bearer.pace import Pace
from fieldlink.edge.bearer.session import Custody, SendAsk, SendChunk, Session
from fieldlink.edge.planner import Candidate, SpoolState, WindowPlanner

__all__ = ["RUN", "Centre", "World", "model_candidate"]

RUN = b"run-0001"


def model_candidate(number: int, size: int, precedence: int) -> Candidate:
    """A bundle of `size` bytes, by number."""
    return Candidate(
        bundle=number.to_bytes(32, "big"),
        precedence=Precedence(precedence),
        layer=Layer.PROXY,
        device="ball",
        stream="video",
        sequence=number,
        start_us=number,
        end_us=number,
        deadline_us=None,
        size=size,
    )


@dataclass
class Centre:
    """What the protocol asks of a centre, in a few lines: ranges, custody, answers."""

    run: bytes = RUN
    known: set[bytes] = field(default_factory=set)
    held: dict[bytes, Ranges] = field(default_factory=dict)
    custody: list[bytes] = field(default_factory=list)
    received_bytes: int = 0

    def chunk(self, chunk: SendChunk, now_us: int) -> Ack:
        order = chunk.order
        bundle = order.candidate.bundle
        if chunk.manifest:
            self.known.add(bundle)
        if bundle not in self.known:
            return Ack((AckItem(bundle, Verdict.HAVE, now_us),))
        held = self.held.setdefault(bundle, Ranges())
        held.add(order.offset, order.offset + order.length)
        self.received_bytes += order.length
        if held.complete(order.candidate.size) and bundle not in self.custody:
            self.custody.append(bundle)
        return self.ask(Ask((bundle,)), now_us)

    def ask(self, ask: Ask, now_us: int) -> Ack:
        return Ack(tuple(self._item(bundle, now_us) for bundle in ask.bundles))

    def _item(self, bundle: bytes, now_us: int) -> AckItem:
        if bundle in self.custody:
            return AckItem(bundle, Verdict.CUSTODY, now_us)
        return AckItem(bundle, Verdict.HAVE, now_us, Ranges(self.held.get(bundle, Ranges())))


class World:
    """A session and a centre under a virtual clock, joined by a path with weather."""

    def __init__(self, seed: int, loss: float, rtt_us: int, rate_bps: float = 1e6) -> None:
        self.random = random.Random(seed)
        self.loss, self.rtt_us, self.rate_bps = loss, rtt_us, rate_bps
        self.jitter = 0.3
        self.now_us = 1_000_000
        self.spool = SpoolState()
        self.pace = Pace(64_000, 8_000_000)
        self.session = Session("main", self.spool, WindowPlanner(), self.pace)
        self.centre = Centre()
        self.confirmed: list[bytes] = []
        self.acknowledged: dict[bytes, Ranges] = {}
        self.chunks: list[SendChunk] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._free_us = 0
        self._link = 0

    def later(self, delay_us: int, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now_us + delay_us, self._count, what))

    def connect(self) -> None:
        self._link += 1
        self._free_us = self.now_us
        self.session.connected(self.now_us)

    def cut(self, down_us: int) -> None:
        self.session.disconnected()
        self._link += 1
        self.later(down_us, self.connect)

    def pump(self) -> None:
        for item in self.session.poll(self.now_us):
            if isinstance(item, SendChunk):
                self._check(item)
                self.chunks.append(item)
            self._up(item)

    def run(self, until: Callable[[], bool], limit_s: float = 100_000) -> None:
        end_us = self.now_us + round(limit_s * 1e6)
        while not until():
            self.pump()
            due_us = self.session.due_us
            times = [event[0] for event in self._events[:1]]
            times += [max(due_us, self.now_us + 1)] if due_us is not None else []
            assert times, "nobody has anything left to do, and it is not done"
            self.now_us = max(self.now_us, min(times))
            assert self.now_us < end_us, "this takes too long"
            while self._events and self._events[0][0] <= self.now_us:
                heapq.heappop(self._events)[2]()

    def _check(self, chunk: SendChunk) -> None:
        order = chunk.order
        held = self.acknowledged.get(order.candidate.bundle, Ranges())
        span = Ranges([(order.offset, order.offset + order.length)])
        for start, end in held:
            for s, e in span:
                assert end <= s or e <= start, "bytes go again that the centre acknowledged"

    def _up(self, item: SendChunk | SendAsk) -> None:
        size = item.order.length + 200 if isinstance(item, SendChunk) else 100
        self._free_us = max(self._free_us, self.now_us) + round(size * 8e6 / self.rate_bps)
        link = self._link
        lost = self.random.random() < self.loss

        def arrives() -> None:
            if link != self._link or lost:
                return
            if isinstance(item, SendChunk):
                self._down(self.centre.chunk(item, self.now_us), link)
            else:
                self._down(self.centre.ask(item.ask, self.now_us), link)

        self.later(self._free_us - self.now_us + self.rtt_us // 2, arrives)

    def _down(self, ack: Ack, link: int) -> None:
        for _ in range(1 + (self.random.random() < self.loss)):  # sometimes doubled
            if self.random.random() < self.loss:
                continue
            jitter = self.random.randrange(self.rtt_us) if self.random.random() < self.jitter else 0
            self.later(self.rtt_us // 2 + jitter, lambda: self._hear(ack, link))

    def _hear(self, ack: Ack, link: int) -> None:
        if link != self._link:
            return
        for item in ack.items:
            held = self.acknowledged.setdefault(item.bundle, Ranges())
            for span in item.ranges:
                held.add(*span)
        for outcome in self.session.received(ack, self.now_us):
            assert isinstance(outcome, Custody)
            self.confirmed.append(outcome.bundle)
