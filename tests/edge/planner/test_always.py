"""What holds for any spool and any bearer: never idle, never below what matters more, fair."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fieldlab.badlink.scenario import Change, Conditions, Scenario, even_link
from fieldlab.pending import LINE, S_US, drain, original, piece, proxy, still
from fieldlab.virtual import Alarms, Camera, Pipe, Tariff
from fieldlab.virtual.world import World
from fieldlink.codecs.bundle import Layer, Precedence, Ranges
from fieldlink.codecs.wire import Purpose, Want
from fieldlink.edge.planner import (
    BearerState,
    Candidate,
    ChunkOrder,
    Rank,
    Role,
    SpoolState,
    WindowPlanner,
)

FLASH, IMMEDIATE, PRIORITY, ROUTINE = Precedence
_YEARS_US = 10 * 365 * 86_400 * S_US
_NOW_US = 20_000_000 * S_US
_LIES = [None, float("nan"), float("inf"), -1e6, 0.0, 1e300, 9_600.0, 1e6]


def standing(spool: SpoolState, one: Candidate) -> float:
    """The class of `one` by the words of the design, looked up nowhere else."""
    if one.precedence is FLASH:
        return 0
    if one.precedence is IMMEDIATE and one.layer is not Layer.STILL:
        return 1
    if one.layer is Layer.REPORT:
        return 3.5 if one.precedence is ROUTINE else 2
    wanted = one.want is not None or one.rank is Rank.WANTED
    plain = not wanted and one.rank is Rank.NORMAL
    if one.layer is Layer.STILL and plain and spool.is_fresh(one) and _newest_of_lane(spool, one):
        return 3
    if wanted:
        return 8 if one.layer is Layer.ORIGINAL else 4
    if one.rank is Rank.COVER:
        return 5
    if one.rank is Rank.LATER:
        return 9
    return 10 if one.layer is Layer.ORIGINAL else 6


def _newest_of_lane(spool: SpoolState, one: Candidate) -> bool:
    return any(one is lane.newest or one is lane.newest_begun for lane in spool.lanes)


def may(spool: SpoolState, line: BearerState, one: Candidate) -> bool:
    """Whether `line` may carry `one` now."""
    place = standing(spool, one)
    urgent = place <= 1
    if line.admits is None or (line.room_bytes <= 0 and place > 0):
        return False
    if line.role is not Role.ALL and urgent is not (line.role is Role.URGENT):
        return False
    precedence = one.precedence
    if one.layer is Layer.STILL and precedence is IMMEDIATE:
        first = place == 3 and spool.shown_us(one.device) is None
        precedence = IMMEDIATE if first else PRIORITY
    return precedence <= line.admits


lines = st.builds(
    BearerState,
    name=st.just("any"),
    chunk_bytes=st.integers(-5, 100_000),
    room_bytes=st.sampled_from([-1, 0, 1, 100_000]),
    role=st.sampled_from(Role),
    admits=st.none() | st.sampled_from(Precedence),
    rate_bps=st.sampled_from(_LIES),
    rtt_s=st.none() | st.floats(0, 2),
)
times = st.integers(-9_000, 100).map(lambda at_s: at_s + _NOW_US // S_US)
pieces = st.builds(
    piece,
    layer=st.sampled_from(Layer),
    precedence=st.sampled_from(Precedence),
    at_s=times,
    device=st.sampled_from(["a", "b", "c"]),
    stream=st.sampled_from(["video", "thermal"]),
    size=st.sampled_from([0, 1, 900, 20_000, 70_000]),
    long_s=st.sampled_from([0, 4, 10]),
    due=st.booleans(),
    rank=st.sampled_from(Rank),
)


class Anything(RuleBasedStateMachine):
    """A spool to which anything happens, in any order; a planner asked by any line at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.spool = SpoolState()
        self.known: list[Candidate] = []
        self.held: set[bytes] = set()
        self.now_us = _NOW_US

    @rule(candidate=pieces)
    def add(self, candidate: Candidate) -> None:
        self.spool.add(candidate)
        self.known.append(candidate)

    @rule(line=lines)
    def send(self, line: BearerState) -> None:
        waiting = [one for one in self.known if one.next_span() is not None]
        waiting = [one for one in waiting if one.bundle not in self.held]
        able = [one for one in waiting if may(self.spool, line, one)]
        order = WindowPlanner().next_chunk(self.spool, line, self.now_us)
        assert (order is None) is (not able)
        if order is None:
            return
        assert order.candidate in able
        assert standing(self.spool, order.candidate) == min(
            standing(self.spool, one) for one in able
        )
        assert not order.candidate.covered.covers(order.offset, order.offset + 1)
        end = order.offset + order.length
        assert order.length > 0 or order.candidate.size == 0
        assert end <= order.candidate.size
        self.spool.cover(order.candidate, order.offset, end)

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        if self.known:
            one = data.draw(st.sampled_from(self.known))
            self.spool.discard(one.bundle)
            self.known.remove(one)
            self.held.discard(one.bundle)

    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        if self.known:
            one = data.draw(st.sampled_from(self.known))
            half = Ranges([(0, one.size // 2)]) if data.draw(st.booleans()) else Ranges()
            self.spool.release(one, half)
            self.held.discard(one.bundle)

    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        if self.known:
            one = data.draw(st.sampled_from(self.known))
            self.spool.hold(one)
            self.held.add(one.bundle)

    @rule(data=st.data(), rank=st.sampled_from(Rank))
    def rank(self, data: st.DataObject, rank: Rank) -> None:
        if self.known:
            self.spool.set_rank(data.draw(st.sampled_from(self.known)).bundle, rank)

    @rule(
        spans=st.lists(st.tuples(times, st.integers(0, 5_000), st.sampled_from(Purpose)),
                       max_size=3),
        device=st.sampled_from(["", "a", "b"]),
        layer=st.sampled_from(["", *Layer]),
    )  # fmt: skip
    def follow(self, spans: list[tuple[int, int, Purpose]], device: str, layer: str) -> None:
        wants = [
            Want(bytes(8), purpose, device, "", layer, at_s * S_US, (at_s + long_s) * S_US)
            for at_s, long_s, purpose in spans
        ]
        self.spool.follow(wants)

    @rule(jump_us=st.sampled_from([S_US, 600 * S_US, _YEARS_US, -_YEARS_US]))
    def jump(self, jump_us: int) -> None:
        self.now_us = max(self.now_us + jump_us, 0)

    @rule(left_s=st.none() | st.integers(-100, 7_200), rate_bps=st.sampled_from(_LIES))
    def window(self, left_s: int | None, rate_bps: float | None) -> None:
        start_us = None if left_s is None else 0
        self.spool.window(start_us, self.now_us + (left_s or 0) * S_US)
        self.spool.pace(rate_bps)

    @invariant()
    def counts_what_waits(self) -> None:
        lanes = list(self.spool.lanes)
        waiting = [one for lane in lanes for one in lane]
        assert sorted(one.bundle for one in waiting) == sorted(
            one.bundle
            for one in self.known
            if one.next_span() is not None and one.bundle not in self.held
        )
        assert self.spool.waiting == len(waiting)
        assert self.spool.left_bytes == sum(one.left_bytes for one in waiting)
        for lane in lanes:
            assert lane.left_bytes == sum(one.left_bytes for one in lane)
            assert [lane.oldest, lane.newest] == [lane.at(0), lane.at(-1)]


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("make", [proxy, original])
@given(
    sizes=st.lists(
        st.lists(st.integers(1, 200_000), min_size=5, max_size=30), min_size=2, max_size=4
    )
)
def test_no_device_is_ahead_of_another_that_waits_by_more_than_a_bundle_of_each(
    make: Callable[..., Candidate], sizes: Sequence[Sequence[int]]
) -> None:
    spool = SpoolState()
    left: dict[str, int] = {}
    for name, own in zip("abcd", sizes, strict=False):
        for at_s, size in enumerate(own):
            spool.add(make(at_s * 10, device=name, size=size))
        left[name] = len(own)
    largest = {name: max(own) + 250 for name, own in zip("abcd", sizes, strict=False)}
    served = dict.fromkeys(left, 0)
    for one in drain(spool, replace(LINE, chunk_bytes=10**6), now_us=1_000 * S_US):
        served[one.device] += one.size + 250
        left[one.device] -= 1
        waiting = [name for name in left if left[name]]
        for name in waiting:
            for other in waiting:
                assert served[name] - served[other] <= largest[name] + largest[other]


def _link(number: int, rate_bps: int, rtt_ms: int, cuts: Sequence[tuple[int, int]]) -> Scenario:
    link = even_link(f"l{number}", rate_bps, rtt_ms)
    changes: list[Change] = []
    at_s = 0
    for up_s, away_s in cuts:
        at_s += up_s
        gone: Conditions = replace(link.to_centre, up=False)
        changes.append(Change(at_us=at_s * S_US, link=link.name, to_centre=gone, to_kit=gone))
        at_s += away_s
        changes.append(
            Change(at_us=at_s * S_US, link=link.name, to_centre=link.to_centre, to_kit=link.to_kit)
        )
    return Scenario(title="any", links=(link,), changes=tuple(changes))


scenarios = st.lists(
    st.builds(
        _link,
        number=st.just(0),
        rate_bps=st.sampled_from([9_600, 128_000, 2_000_000]),
        rtt_ms=st.sampled_from([20, 600]),
        cuts=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=3),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=20, deadline=None)
@given(
    drawn=scenarios,
    budgets=st.lists(st.none() | st.sampled_from([20_000, 500_000, 5_000_000]), min_size=3,
                     max_size=3),
    prices=st.lists(st.integers(0, 2), min_size=3, max_size=3),
)  # fmt: skip
def test_over_any_links_nothing_is_sent_twice_while_they_hold_and_no_budget_is_exceeded(
    drawn: list[Scenario], budgets: list[int | None], prices: list[int]
) -> None:
    links, changes = [], []
    for number, one in enumerate(drawn):
        name = f"l{number}"
        links.append(replace(one.links[0], name=name))
        changes += [replace(change, link=name) for change in one.changes]
    scenario = Scenario(
        title="any", links=tuple(links), changes=tuple(sorted(changes, key=lambda c: c.at_us))
    )
    tariffs = {
        link.name: Tariff(price=price, budget_bytes=budget, reserve=0.1)
        for link, price, budget in zip(links, prices, budgets, strict=False)
    }

    def look(world: World, pipe: Pipe, order: ChunkOrder) -> None:
        assert pipe.up(world.now_us)
        assert not order.candidate.covered.covers(order.offset, order.offset + 1)

    cameras = [Camera(name="cam-1"), Camera(name="cam-2", proxy_bps=30_000)]
    world = World(scenario, [*cameras, Alarms(every_s=10)], tariffs=tariffs, look=look)
    world.window(0, 120 * S_US)
    run = world.go(120 * S_US)
    for name, tariff in tariffs.items():
        if tariff.budget_bytes is not None:
            assert run.used_bytes[name] <= tariff.budget_bytes * 1.02
    arrived = [a.candidate.bundle for a in run.arrivals]
    assert len(arrived) == len(set(arrived))


@pytest.mark.parametrize("ahead_s", [3_600, 10 * 365 * 86_400])
def test_a_clock_that_was_ahead_for_a_while_does_not_hide_newer_pictures(ahead_s: int) -> None:
    spool = SpoolState()
    spool.add(still(1_000 + ahead_s))
    spool.add(proxy(1_000 + ahead_s))
    drain(spool, now_us=(1_005 + ahead_s) * S_US)
    new = [still(1_000), proxy(1_004), proxy(1_008), proxy(1_012)]
    for one in new:
        spool.add(one)
    sent = drain(spool, now_us=1_020 * S_US)
    assert [new.index(one) for one in sent] == [0, 3, 1, 2]


def test_a_clock_that_jumped_ten_years_ahead_makes_everything_late_and_nothing_stuck() -> None:
    spool = SpoolState()
    old = [still(1_000), *[proxy(1_000 + 4 * n) for n in range(5)], original(1_000)]
    for one in old:
        spool.add(one)
    spool.pace(1e6)
    now_s = 1_000 + 10 * 365 * 86_400
    new = proxy(now_s)
    spool.add(new)
    sent = drain(spool, now_us=(now_s + 5) * S_US)
    assert len(sent) == len(old) + 1
    assert sent.index(new) <= 1
