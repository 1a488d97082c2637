"""A kit's exchange and a model of the centre under a virtual clock, joined by bad weather.

A line is like a TCP connection: what goes in comes out once, in order, late. Behind it stands a
broker that may lose, double and reorder; a bearer may be cut, with all its lines, or stall.
"""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Layer, Precedence, Ranges
from fieldlink.codecs.wire import Ack, AckItem, Ask, Verdict
from fieldlink.edge.bearer.exchange import Custody, Exchange, SendChunk
from fieldlink.edge.planner import BearerState, Candidate, Role, SpoolState, WindowPlanner

__all__ = ["RUN", "Centre", "Path", "World", "model_candidate"]

RUN = b"run-0001"
_WINDOW_BYTES = 64_000
_CHUNK_BYTES = 16_000


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

    known: set[bytes] = field(default_factory=set)
    held: dict[bytes, Ranges] = field(default_factory=dict)
    custody: list[bytes] = field(default_factory=list)
    received_bytes: int = 0
    at_us: int = 0

    def chunk(self, chunk: SendChunk, now_us: int) -> Ack:
        order = chunk.order
        bundle = order.candidate.bundle
        if chunk.manifest:
            self.known.add(bundle)
        if bundle not in self.known:
            return self.ask(Ask((bundle,)), now_us)
        held = self.held.setdefault(bundle, Ranges())
        held.add(order.offset, order.offset + order.length)
        self.received_bytes += order.length
        if held.complete(order.candidate.size) and bundle not in self.custody:
            self.custody.append(bundle)
        return self.ask(Ask((bundle,)), now_us)

    def ask(self, ask: Ask, now_us: int) -> Ack:
        return Ack(tuple(self._item(bundle, now_us) for bundle in ask.bundles))

    def _item(self, bundle: bytes, now_us: int) -> AckItem:
        self.at_us = max(now_us, self.at_us + 1)
        if bundle in self.custody:
            return AckItem(bundle, Verdict.CUSTODY, self.at_us)
        return AckItem(bundle, Verdict.HAVE, self.at_us, Ranges(self.held.get(bundle, Ranges())))


@dataclass
class Path:
    """A bearer: its round trip and rate, and the lines that are up, `lines[0]` for control."""

    name: str
    rtt_us: int
    rate_bps: float = 1e6
    bulk: int = 2
    lines: list[int] = field(default_factory=list)
    stalled_until_us: int = 0
    free_us: int = 0
    latest_us: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sending:
    """A span that went out by a line at a time."""

    start: int
    end: int
    line: int
    at_us: int


class World:
    """An exchange and a centre under a virtual clock, joined by paths with weather; `loss` is of
    messages behind the broker, on their way up and down. `strict`: a byte may go again only if
    the line that carried it died or stalled.
    """

    def __init__(self, seed: int, loss: float, *paths: Path) -> None:
        self.random = random.Random(seed)
        self.loss = loss
        self.jitter = 0.3
        self.strict = False
        self.now_us = 1_000_000
        self.spool = SpoolState()
        self.paths = {path.name: path for path in paths or (Path("main", 100_000),)}
        self.exchange = Exchange(self.spool, WindowPlanner(), self._name)
        self.centre = Centre()
        self.confirmed: list[bytes] = []
        self.chunks: list[SendChunk] = []
        self.asked: list[Ask] = []
        self.ended_us: dict[int, int] = {}
        self._acknowledged: dict[bytes, Ranges] = {}
        self._sendings: dict[bytes, list[Sending]] = {}
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._names = 0

    def later(self, delay_us: int, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now_us + delay_us, self._count, what))

    def connect(self, name: str = "main") -> None:
        path = self.paths[name]
        if path.lines:
            return
        if not any(other.lines for other in self.paths.values()):
            self.exchange.unheard()
        path.free_us = self.now_us
        for _ in range(1 + path.bulk):
            self._count += 1
            path.lines.append(self._count)
            self.exchange.line_up(self._count, name)

    def cut(self, name: str = "main", down_us: int = 1_000_000) -> None:
        path = self.paths[name]
        for line in path.lines:
            self.ended_us[line] = self.now_us
            self.exchange.line_down(line, self.now_us)
        path.lines = []
        self.later(down_us, lambda: self.connect(name))

    def stall(self, name: str, for_us: int) -> None:
        path = self.paths[name]
        others = [p for p in self.paths.values() if p.lines and p.stalled_until_us <= self.now_us]
        if path in others and len(others) > 1:
            path.stalled_until_us = self.now_us + for_us
            self.ended_us.update(dict.fromkeys(path.lines, self.now_us))
            self.exchange.stalled(name, self.now_us)
            self.later(for_us, lambda: self.exchange.recovered(name))

    def pump(self) -> None:
        usable = [p for p in self.paths.values() if p.lines and self.now_us >= p.stalled_until_us]
        for ask in self.exchange.asks(self.now_us) if usable else []:
            self._ask(usable[0], ask)
        for path in usable:
            for line in path.lines:
                while chunk := self.exchange.next(line, self._state(path, line), self.now_us):
                    self._check(chunk, line)
                    self.chunks.append(chunk)
                    self._carry(path, line, chunk)

    def run(self, until: Callable[[], bool], limit_s: float = 100_000) -> None:
        end_us = self.now_us + round(limit_s * 1e6)
        while not until():
            self.pump()
            due_us = self.exchange.due_us if any(p.lines for p in self.paths.values()) else None
            times = [event[0] for event in self._events[:1]]
            times += [max(due_us, self.now_us + 1)] if due_us is not None else []
            assert times, "nobody has anything left to do, and it is not done"
            self.now_us = max(self.now_us, min(times))
            assert self.now_us < end_us, "this takes too long"
            while self._events and self._events[0][0] <= self.now_us:
                heapq.heappop(self._events)[2]()

    def _name(self) -> bytes:
        self._names += 1
        return b"?" + self._names.to_bytes(31, "big")

    def _state(self, path: Path, line: int) -> BearerState:
        return BearerState(
            name=path.name,
            chunk_bytes=_CHUNK_BYTES,
            room_bytes=_WINDOW_BYTES - self.exchange.in_flight_bytes(path.name),
            role=Role.URGENT if line == path.lines[0] else Role.BULK,
            rtt_s=path.rtt_us / 1e6,
        )

    def _check(self, chunk: SendChunk, line: int) -> None:
        """Nothing acknowledged goes again; if `strict`, nothing without need."""
        order = chunk.order
        start, end, bundle = order.offset, order.offset + order.length, order.candidate.bundle
        for held in self._acknowledged.get(bundle, Ranges()):
            assert _apart((start, end), held), "bytes go again that the centre acknowledged"
        earlier = self._sendings.setdefault(bundle, [])
        for sending in earlier:
            again = not _apart((start, end), (sending.start, sending.end))
            if again and self.strict:
                assert self.ended_us.get(sending.line, -1) >= sending.at_us, "sent twice"
        earlier.append(Sending(start, end, line, self.now_us))

    def _ask(self, path: Path, ask: Ask) -> None:
        self.asked.append(ask)
        self._up(path, path.lines[0], 100, lambda: self.centre.ask(ask, self.now_us))

    def _carry(self, path: Path, line: int, chunk: SendChunk) -> None:
        def acknowledged() -> None:
            if line in path.lines:
                self.exchange.arrived(line, chunk.number, self.now_us)

        size = chunk.order.length + 200
        at_us = self._up(path, line, size, lambda: self.centre.chunk(chunk, self.now_us))
        self.later(at_us - self.now_us + path.rtt_us // 2, acknowledged)

    def _up(self, path: Path, line: int, size: int, heard: Callable[[], Ack]) -> int:
        """Bring a message to the broker by `line`; when it gets there."""
        path.free_us = max(path.free_us, self.now_us) + round(size * 8e6 / path.rate_bps)
        late_us = path.rtt_us if self.random.random() < 0.1 else 0  # TCP had to repeat it
        at_us = path.free_us + path.rtt_us // 2 + late_us
        at_us = max(at_us, path.latest_us.get(line, 0), path.stalled_until_us)
        path.latest_us[line] = at_us
        lost = self.random.random() < self.loss
        survives = self.random.random() < 0.5  # when the line dies meanwhile

        def arrives() -> None:
            if (line in path.lines or survives) and not lost:
                self._down(heard())

        self.later(at_us - self.now_us, arrives)
        return at_us

    def _down(self, ack: Ack) -> None:
        for path in self.paths.values():
            for _ in range(1 + (self.random.random() < self.loss)):  # sometimes doubled
                if not path.lines or self.random.random() < self.loss:
                    continue
                late = self.random.random() < self.jitter
                late_us = self.random.randrange(path.rtt_us) if late else 0
                line = path.lines[0]
                wait_us = max(path.stalled_until_us - self.now_us, 0)
                self.later(
                    wait_us + path.rtt_us // 2 + late_us,
                    lambda path=path, line=line: self._hear(ack, path, line),  # type: ignore[misc]
                )

    def _hear(self, ack: Ack, path: Path, line: int) -> None:
        if line not in path.lines[:1]:
            return
        self.confirm(self.exchange.received(ack, self.now_us))
        for item in ack.items:
            held = self._acknowledged.setdefault(item.bundle, Ranges())
            for span in item.ranges:
                held.add(*span)

    def confirm(self, outcomes: Iterable[object]) -> None:
        for outcome in outcomes:
            assert isinstance(outcome, Custody)
            self.confirmed.append(outcome.bundle)


def _apart(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[1] <= other[0] or other[1] <= one[0] or one[0] == one[1]
