"""The loop: what is recorded, sent, answered and forecast, in order of virtual time."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fieldlab.badlink.scenario import Scenario
from fieldlab.virtual.devices import Recording, recordings
from fieldlab.virtual.pipe import Pipe, pipes_of
from fieldlink.codecs.bundle import Ranges
from fieldlink.edge.planner import (
    Candidate,
    ChunkOrder,
    Planner,
    SpoolState,
    Track,
    WindowPlanner,
)
from fieldlink.edge.planner.budget import BearerFacts, admitted, longest_chunk_bytes
from fieldlink.edge.planner.capacity import Capacity
from fieldlink.edge.planner.forecast import Forecast, forecast
from fieldlink.edge.planner.production import Production

__all__ = ["Arrival", "Run", "Tariff", "World", "simulate"]

_SAMPLE_US = 1_000_000
_BEHIND_US = 30_000_000


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a bearer costs: its place in the price order, its budget (bytes in all), the reserve."""

    price: float = 0.0
    budget_bytes: int | None = None
    reserve: float = 0.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A bundle that the centre has whole, and when that was (us)."""

    at_us: int
    candidate: Candidate


@dataclass(slots=True)
class Run:
    """What came of it. `complete_us` is when a track was last found to have caught up: nothing
    that is older than half a minute waits; None while it is behind.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    forecasts: list[Forecast] = field(default_factory=list)
    caught_up: dict[Track, list[tuple[int, int | None]]] = field(default_factory=dict)
    used_bytes: dict[str, int] = field(default_factory=dict)
    waiting_bytes: int = 0
    ended_us: int = 0

    def complete_after(self, track: Track, at_us: int) -> int | None:
        """When `track` had caught up, at `at_us` or later; None when it never did."""
        behind = True
        for from_us, to_us in self.caught_up.get(track, []):
            if to_us is None or to_us >= at_us:
                behind = False
                return max(from_us, at_us)
        return None if behind else at_us


class World:
    """One run of `scenario` with `devices`; `look` is called with every order before it goes."""

    def __init__(
        self,
        scenario: Scenario,
        devices: Sequence[Recording],
        *,
        planner: Planner | None = None,
        tariffs: Mapping[str, Tariff] | None = None,
        look: Callable[["World", Pipe, ChunkOrder], None] | None = None,
    ) -> None:
        self.now_us = 0
        self.spool = SpoolState()
        self.capacity = Capacity()
        self.production = Production()
        self.run = Run()
        self.pipes = pipes_of(scenario)
        self._planner = planner or WindowPlanner()
        self._tariffs = tariffs or {}
        self._look = look
        self._devices = devices
        self._held: dict[bytes, Ranges] = {}
        self._under_way: dict[str, list[tuple[Candidate, int, int]]] = {}
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._due_us: int | None = None

    def window(self, start_us: int, due_us: int) -> None:
        """An incident is open."""
        self._due_us = due_us
        self.spool.window(start_us, due_us)

    def later(self, at_us: int, what: Callable[[], None]) -> None:
        """Do `what` at `at_us`."""
        self._count += 1
        heapq.heappush(self._events, (at_us, self._count, what))

    def go(self, end_us: int, forecast_every_us: int | None = 60_000_000) -> Run:
        """Run until `end_us`."""
        self._next_recorded(recordings(self._devices, end_us))
        self._every(_SAMPLE_US, end_us, self._sample)
        if forecast_every_us:
            self._every(forecast_every_us, end_us, self._forecast)
        for pipe in self.pipes:
            for spell in pipe.spells:
                self.later(pipe.ready_us(spell), lambda: None)
                if spell.rate_bps <= 0:
                    self.later(spell.at_us, partial(self._break, pipe))
        while self._events and self._events[0][0] <= end_us:
            self.now_us = self._events[0][0]
            while self._events and self._events[0][0] <= self.now_us:
                heapq.heappop(self._events)[2]()
            self._pump()
        self.run.ended_us, self.run.waiting_bytes = end_us, self.spool.left_bytes
        self.run.used_bytes = {pipe.name: pipe.used_bytes for pipe in self.pipes}
        return self.run

    def _next_recorded(self, coming: Iterator[tuple[int, Candidate]]) -> None:
        if (item := next(coming, None)) is None:
            return
        at_us, candidate = item

        def record() -> None:
            self.spool.add(candidate)
            self.production.recorded(candidate, self.now_us)
            self._next_recorded(coming)

        self.later(at_us, record)

    def _every(self, step_us: int, end_us: int, what: Callable[[], None]) -> None:
        def again() -> None:
            what()
            if self.now_us + step_us <= end_us:
                self.later(self.now_us + step_us, again)

        self.later(step_us, again)

    def _sample(self) -> None:
        for pipe in self.pipes:
            up, path_bps = pipe.up(self.now_us), pipe.spell(self.now_us).rate_bps
            busy = self.spool.left_bytes * 8 > path_bps
            self.capacity.sample(
                pipe.name, self.now_us, pipe.delivered_bytes, up, busy=busy, path_bps=path_bps
            )
        self.spool.pace(self.capacity.carried().expected_bps)
        for track in {*self.spool.tracks(), *self.run.caught_up}:
            self._mark(track)

    def _mark(self, track: Track) -> None:
        oldest = next(self.spool.track(track), None)
        spans = self.run.caught_up.setdefault(track, [])
        ready = oldest is None or oldest.end_us >= self.now_us - _BEHIND_US
        if ready and (not spans or spans[-1][1] is not None):
            spans.append((self.now_us, None))
        elif not ready and spans and spans[-1][1] is None:
            spans[-1] = spans[-1][0], self.now_us

    def _forecast(self) -> None:
        rates = self.production.rates(self.now_us)
        found = forecast(self.spool, self.capacity, rates, self.now_us, self._due_us)
        self.run.forecasts.append(found)

    def _pump(self) -> None:
        facts = self._facts()
        allowed = admitted(facts, suffices=True)
        busy = True
        while busy:
            busy = False
            for pipe, fact in zip(self.pipes, facts, strict=True):
                if not fact.up:
                    continue
                longest = longest_chunk_bytes(fact)
                state = pipe.state(self.now_us, allowed[pipe.name], longest)
                order = self._planner.next_chunk(self.spool, state, self.now_us)
                if order is not None:
                    self._send(pipe, order)
                    busy = True
            if busy and self._tariffs:
                facts = self._facts()
                allowed = admitted(facts, suffices=True)

    def _facts(self) -> list[BearerFacts]:
        return [
            BearerFacts(
                name=pipe.name,
                up=pipe.up(self.now_us),
                price=tariff.price,
                used_bytes=pipe.used_bytes,
                budget_bytes=tariff.budget_bytes,
                reserve=tariff.reserve,
            )
            for pipe in self.pipes
            for tariff in [self._tariffs.get(pipe.name, Tariff())]
        ]

    def _send(self, pipe: Pipe, order: ChunkOrder) -> None:
        if self._look is not None:
            self._look(self, pipe, order)
        candidate, start, end = order.candidate, order.offset, order.offset + order.length
        self.spool.cover(candidate, start, end)
        answered_us = pipe.hand(order.length, self.now_us)
        chunk = candidate, start, end
        self._under_way.setdefault(pipe.name, []).append(chunk)
        if answered_us is not None:
            self.later(answered_us, partial(self._answer, pipe, pipe.connection, chunk))

    def _answer(self, pipe: Pipe, connection: int, chunk: tuple[Candidate, int, int]) -> None:
        if connection != pipe.connection:
            return
        candidate, start, end = chunk
        pipe.answered(end - start)
        self._under_way[pipe.name].remove(chunk)
        held = self._held.setdefault(candidate.bundle, Ranges())
        held.add(start, end)
        if held.complete(candidate.size):
            del self._held[candidate.bundle]
            self.spool.discard(candidate.bundle)
            self.run.arrivals.append(Arrival(self.now_us, candidate))

    def _break(self, pipe: Pipe) -> None:
        pipe.broke(self.now_us)
        lost = {chunk[0].bundle: chunk[0] for chunk in self._under_way.pop(pipe.name, [])}
        for bundle, candidate in lost.items():
            covered = Ranges(self._held.get(bundle, Ranges()))
            for chunks in self._under_way.values():
                for one, start, end in chunks:
                    if one is candidate:
                        covered.add(start, end)
            self.spool.release(candidate, covered)


def simulate(
    scenario: Scenario,
    devices: Sequence[Recording],
    *,
    seconds: float = 7_200.0,
    planner: Planner | None = None,
    tariffs: Mapping[str, Tariff] | None = None,
) -> Run:
    """`seconds` of an incident that is open from the start and due at its end."""
    world = World(scenario, devices, planner=planner, tariffs=tariffs)
    end_us = round(seconds * 1e6)
    world.window(0, end_us)
    return world.go(end_us)
