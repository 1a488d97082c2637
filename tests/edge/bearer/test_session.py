"""The sending session against a model centre over a path that loses, doubles and reorders."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.bundle import Precedence, Ranges
from fieldlink.codecs.wire import Ack, AckItem, Ask, Verdict, Welcome
from fieldlink.edge.bearer.pace import Pace
from fieldlink.edge.bearer.session import Custody, Refused, SendAsk, SendChunk, Session
from fieldlink.edge.planner import Candidate, PrecedencePlanner, SpoolState

_SIZES = (0, 1, 900, 20_000, 70_000, 150_000)
_RUN = b"run-0001"


def _candidate(manifest_of: Callable[..., Any], number: int, size: int, prec: int) -> Candidate:
    bundle, manifest, _, _ = manifest_of(number, size, Precedence(prec))
    return Candidate.of(bundle, manifest)


@dataclass
class Centre:
    """What the protocol asks of a centre, in a few lines: ranges, custody, answers."""

    run: bytes = _RUN
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
        self.session = Session("main", self.spool, PrecedencePlanner(), self.pace)
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


@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.05, 0.3]),
    rtt_us=st.sampled_from([1_000, 80_000, 600_000]),
    bundles=st.lists(
        st.tuples(st.sampled_from(_SIZES), st.integers(0, 3)), min_size=1, max_size=25
    ),
    cuts=st.lists(st.tuples(st.integers(1, 8_000_000), st.integers(1, 3_000_000)), max_size=4),
)
def test_every_bundle_comes_into_custody_once_and_no_acknowledged_byte_goes_twice(
    seed: int,
    loss: float,
    rtt_us: int,
    bundles: list[tuple[int, int]],
    cuts: list[tuple[int, int]],
) -> None:
    world = World(seed, loss, rtt_us)
    expected = set()
    for number, (size, precedence) in enumerate(bundles):
        candidate = _model_candidate(number, size, precedence)
        expected.add(candidate.bundle)
        delay_us = world.random.randrange(2_000_000)
        world.later(delay_us, lambda candidate=candidate: world.spool.add(candidate))
    world.connect()
    for at_us, down_us in cuts:
        world.later(at_us, lambda down_us=down_us: world.cut(down_us))
    world.run(lambda: len(world.confirmed) == len(expected))
    assert sorted(world.confirmed) == sorted(expected)
    assert len(world.spool) == 0
    assert world.session.state.in_flight_bytes == 0


def _model_candidate(number: int, size: int, precedence: int) -> Candidate:
    from fieldlink.codecs.bundle import Layer

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


def _sending(size: int = 100_000, **weather: Any) -> tuple[World, Candidate]:
    world = World(1, weather.get("loss", 0.0), weather.get("rtt_us", 100_000))
    candidate = _model_candidate(1, size, 3)
    world.spool.add(candidate)
    world.connect()
    return world, candidate


def test_without_losses_every_byte_goes_exactly_once() -> None:
    world = World(1, 0.0, 600_000)
    for number in range(40):
        world.spool.add(_model_candidate(number, 70_000, 3))
    world.connect()
    world.run(lambda: len(world.confirmed) == 40)
    assert world.centre.received_bytes == 40 * 70_000


def test_the_window_grows_to_fill_the_link_and_stops_near_what_it_holds() -> None:
    world = World(1, 0.0, 600_000, rate_bps=8e6)
    world.jitter = 0.0
    for number in range(200):
        world.spool.add(_model_candidate(number, 150_000, 3))
    world.connect()
    began_us = world.now_us
    world.run(lambda: len(world.confirmed) == 200)
    used = 200 * 150_000 * 8e6 / (world.now_us - began_us) / 8e6
    held_bytes = 8e6 / 8 * 0.6
    assert used > 0.8
    assert 0.7 * held_bytes < world.pace.window_bytes < 2 * held_bytes


def test_a_higher_precedence_goes_before_the_rest_of_a_bundle_under_way() -> None:
    world, _ = _sending(size=1_000_000, rtt_us=600_000)
    world.pump()
    world.spool.add(_model_candidate(2, 500, 0))
    world.pump()
    assert world.chunks[-1].order.candidate.sequence == 2


def test_the_first_chunk_of_a_session_carries_the_manifest_and_only_that_one() -> None:
    world, candidate = _sending(size=60_000)
    world.run(lambda: bool(world.confirmed))
    assert [chunk.manifest for chunk in world.chunks] == [True] + [False] * (len(world.chunks) - 1)
    assert candidate.bundle in world.centre.custody


def test_after_a_break_nothing_goes_before_the_centre_said_what_it_has() -> None:
    world, candidate = _sending(size=60_000)
    world.pump()
    world.session.disconnected()
    world.session.connected(world.now_us)
    items = list(world.session.poll(world.now_us))
    assert items == [SendAsk(Ask((candidate.bundle,)))]
    answer = AckItem(candidate.bundle, Verdict.HAVE, 5, Ranges([(0, 32_000)]))
    world.session.received(Ack((answer,)), world.now_us)
    again = list(world.session.poll(world.now_us))
    assert isinstance(again[0], SendChunk)
    assert again[0].order.offset == 32_000
    assert again[0].manifest


def test_another_run_of_the_centre_is_asked_about_everything_under_way() -> None:
    world, candidate = _sending(size=60_000)
    world.session.received(Welcome(_RUN, 1, "centre"), world.now_us)
    world.pump()
    world.session.received(Welcome(_RUN, 2, "centre"), world.now_us)
    assert list(world.session.poll(world.now_us)) == []
    world.session.received(Welcome(b"run-0002", 3, "centre"), world.now_us)
    assert list(world.session.poll(world.now_us)) == [SendAsk(Ask((candidate.bundle,)))]


def test_what_an_earlier_run_of_the_agent_may_have_sent_is_asked_about_first() -> None:
    world, candidate = _sending(size=5_000)
    candidate.doubtful = True
    assert list(world.session.poll(world.now_us)) == [SendAsk(Ask((candidate.bundle,)))]
    custody = AckItem(candidate.bundle, Verdict.CUSTODY, 5)
    assert world.session.received(Ack((custody,)), world.now_us) == [Custody(candidate.bundle)]
    assert world.session.received(Ack((custody,)), world.now_us) == []


def test_a_stale_answer_does_not_make_acknowledged_bytes_go_again() -> None:
    world, candidate = _sending(size=60_000)
    world.pump()
    fresh = AckItem(candidate.bundle, Verdict.HAVE, 20, Ranges([(0, 60_000)]))
    stale = AckItem(candidate.bundle, Verdict.HAVE, 10, Ranges([(0, 16_000)]))
    world.session.received(Ack((fresh,)), world.now_us)
    world.session.received(Ack((stale,)), world.now_us)
    assert list(world.session.poll(world.now_us)) == []


def test_a_centre_that_forgets_gets_it_again_after_a_pause_that_grows() -> None:
    world, candidate = _sending(size=16_000)
    pauses = []
    sent_us = _until_sent(world)
    for turn in range(3):
        full = AckItem(candidate.bundle, Verdict.HAVE, 10 * turn + 1, Ranges([(0, 16_000)]))
        empty = AckItem(candidate.bundle, Verdict.HAVE, 10 * turn + 2)
        world.session.received(Ack((full, empty)), sent_us)
        again_us = _until_sent(world)
        pauses.append(again_us - sent_us)
        sent_us = again_us
    assert pauses == sorted(pauses)
    assert pauses[0] >= 250_000
    assert pauses[2] >= 2 * pauses[0]


def _until_sent(world: World) -> int:
    for _ in range(100_000):
        if any(isinstance(item, SendChunk) for item in world.session.poll(world.now_us)):
            return world.now_us
        world.now_us += 10_000
    pytest.fail("nothing was sent")


@pytest.mark.parametrize("word", ["manifest", "identity", "size"])
def test_what_the_centre_will_never_take_is_given_up_with_its_reason(word: str) -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    refusal = AckItem(candidate.bundle, Verdict.REFUSED, 5, reason=f"{word}: not this one")
    outcomes = world.session.received(Ack((refusal,)), world.now_us)
    assert outcomes == [Refused(candidate.bundle, f"{word}: not this one")]
    assert len(world.spool) == 0
    assert world.session.state.in_flight_bytes == 0


@pytest.mark.parametrize("word", ["revoked", "busy"])
def test_a_centre_that_takes_nothing_now_is_left_alone_for_a_while(word: str) -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    began_us = world.now_us
    refusal = AckItem(candidate.bundle, Verdict.REFUSED, 5, reason=word)
    assert world.session.received(Ack((refusal,)), world.now_us) == []
    assert _until_sent(world) - began_us >= 30_000_000
    assert len(world.spool) == 1


def test_a_damaged_chunk_goes_again() -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    refusal = AckItem(candidate.bundle, Verdict.REFUSED, 5, reason="digest: damaged on the way")
    world.session.received(Ack((refusal,)), world.now_us)
    _until_sent(world)
    assert len(world.spool) == 1


def test_answers_about_bundles_that_nobody_knows_change_nothing() -> None:
    world, _ = _sending(size=5_000)
    world.pump()
    before = world.session.state
    unknown = bytes(31) + b"x"
    for verdict in Verdict:
        item = AckItem(unknown, verdict, 5, Ranges([(0, 10)]), "manifest")
        assert world.session.received(Ack((item,)), world.now_us) == []
    assert world.session.state == before


def test_a_centre_that_never_answers_is_asked_less_and_less_and_then_called_deaf() -> None:
    world, _ = _sending(size=5_000)
    asked = []
    while not world.session.deaf:
        asks = [i for i in world.session.poll(world.now_us) if isinstance(i, SendAsk)]
        asked += [world.now_us] * len(asks)
        world.now_us += 50_000
        assert world.now_us < 10_000_000_000
    waits = [b - a for a, b in pairwise(asked)]
    assert len(asked) >= 5
    assert waits == sorted(waits)
