"""The exchange against a model centre over paths that lose, double, reorder, stall and are cut."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.lossy import RUN, Path, World, model_candidate
from fieldlink.codecs.bundle import Precedence, Ranges
from fieldlink.codecs.wire import Ack, AckItem, Ask, Verdict, Welcome
from fieldlink.edge.bearer.exchange import Custody
from fieldlink.edge.planner import BearerState, Candidate, Role

_SIZES = (0, 1, 900, 20_000, 70_000, 150_000)
_YEARS_US = 10 * 365 * 86_400_000_000
_WEATHER = st.lists(
    st.tuples(
        st.sampled_from(["cut", "stall"]),
        st.integers(0, 1),
        st.integers(1, 8_000_000),
        st.integers(1, 3_000_000),
    ),
    max_size=6,
)


@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.0, 0.05, 0.3]),
    rtts_us=st.lists(st.sampled_from([1_000, 80_000, 600_000]), min_size=1, max_size=2),
    bundles=st.lists(
        st.tuples(st.sampled_from(_SIZES), st.integers(0, 3)), min_size=1, max_size=25
    ),
    weather=_WEATHER,
)
def test_every_bundle_comes_into_custody_once_and_no_byte_goes_twice_without_need(
    seed: int,
    loss: float,
    rtts_us: list[int],
    bundles: list[tuple[int, int]],
    weather: list[tuple[str, int, int, int]],
) -> None:
    names = ["satellite", "radio"][: len(rtts_us)]
    world = World(
        seed, loss, *(Path(name, rtt_us) for name, rtt_us in zip(names, rtts_us, strict=True))
    )
    world.strict = not loss
    for number, (size, precedence) in enumerate(bundles):
        candidate = model_candidate(number, size, precedence)
        world.later(world.random.randrange(2_000_000), partial(world.spool.add, candidate))
    for name in names:
        world.connect(name)
    for what, which, at_us, for_us in weather:
        change = world.cut if what == "cut" else world.stall
        world.later(at_us, partial(change, names[which % len(names)], for_us))
    world.run(lambda: len(world.confirmed) == len(bundles))
    assert len(set(world.confirmed)) == len(bundles)
    assert len(world.spool) == 0
    assert world.exchange.flights == 0
    assert all(world.exchange.in_flight_bytes(name) == 0 for name in names)


def _sending(size: int = 100_000, precedence: int = 3) -> tuple[World, Candidate]:
    world = World(1, 0.0)
    candidate = model_candidate(1, size, precedence)
    world.spool.add(candidate)
    world.connect()
    return world, candidate


def _two(size: int, precedence: int = 3) -> tuple[World, Candidate]:
    """A bundle goes out by the first of two bearers, a satellite; then a radio comes up too."""
    world = World(1, 0.0, Path("satellite", 600_000), Path("radio", 80_000))
    candidate = model_candidate(1, size, precedence)
    world.spool.add(candidate)
    world.connect("satellite")
    world.pump()
    world.connect("radio")
    return world, candidate


def _answer(world: World, *items: AckItem) -> None:
    world.confirm(world.exchange.received(Ack(items), world.now_us))


def _reply(world: World, ask: Ask, at_us: int, *spans: tuple[int, int]) -> None:
    """What the centre says to `ask`: that it holds `spans` of each bundle."""
    have = [AckItem(ask.bundles[0], Verdict.HAVE, at_us)]
    for number, bundle in enumerate(ask.bundles[1:], 1):
        have.append(AckItem(bundle, Verdict.HAVE, at_us + number, Ranges(spans)))
    _answer(world, *have)


def _asked(world: World, wait_us: int = 0) -> Ask:
    """The next question, which comes within `wait_us`."""
    end_us = world.now_us + wait_us
    while not (asks := world.exchange.asks(world.now_us)):
        world.now_us += 10_000
        assert world.now_us <= end_us, "no question"
    return asks[0]


def _until_sent(world: World) -> int:
    before = len(world.chunks)
    for _ in range(100_000):
        world.pump()
        if len(world.chunks) > before:
            return world.now_us
        world.now_us += 10_000
    pytest.fail("nothing was sent")


def test_without_losses_every_byte_goes_exactly_once() -> None:
    world = World(1, 0.0, Path("main", 600_000))
    world.strict = True
    for number in range(40):
        world.spool.add(model_candidate(number, 70_000, 3))
    world.connect()
    world.run(lambda: len(world.confirmed) == 40)
    assert world.centre.received_bytes == 40 * 70_000


def test_what_is_urgent_has_a_line_of_its_own_and_overtakes() -> None:
    world, _ = _sending(size=1_000_000)
    world.pump()
    world.spool.add(model_candidate(2, 500, 0))
    world.pump()
    assert world.chunks[-1].order.candidate.sequence == 2


def test_the_first_chunk_of_a_bundle_on_each_line_carries_the_manifest() -> None:
    world, _ = _sending(size=1_000_000)
    carried: dict[int, list[bool]] = {}
    for turn in range(6):
        line = world.paths["main"].lines[1 + turn % 2]
        state = BearerState("main", chunk_bytes=16_000, room_bytes=1, role=Role.BULK)
        chunk = world.exchange.next(line, state, world.now_us)
        assert chunk is not None
        carried.setdefault(line, []).append(chunk.manifest)
        assert chunk.first == (turn == 0)
    assert list(carried.values()) == [[True, False, False]] * 2


def test_after_a_break_what_was_under_way_is_asked_about_and_the_rest_flows_at_once() -> None:
    world, candidate = _sending(size=60_000)
    world.pump()
    fresh = model_candidate(2, 5_000, 3)
    world.cut(down_us=1_000_000)
    world.spool.add(fresh)
    world.connect()
    before = len(world.chunks)
    world.pump()
    assert [ask.bundles[1:] for ask in world.asked] == [(candidate.bundle,)]
    assert [chunk.order.candidate for chunk in world.chunks[before:]] == [fresh]
    _reply(world, world.asked[0], 5, (0, 32_000))
    world.pump()
    again = world.chunks[before + 1]
    assert (again.order.offset, again.manifest) == (32_000, True)


def test_an_answer_that_was_under_way_already_does_not_pass_for_the_reply() -> None:
    world, candidate = _sending(size=60_000)
    world.pump()
    world.cut()
    world.connect()
    ask, before = _asked(world), len(world.chunks)
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, 4, Ranges([(0, 16_000)])))
    world.pump()
    assert len(world.chunks) == before
    _reply(world, ask, 5, (0, 48_000))
    world.pump()
    assert [chunk.order.offset for chunk in world.chunks[before:]] == [48_000]


def test_chunks_of_a_dead_bearer_are_asked_about_over_the_other_and_only_the_rest_goes() -> None:
    world, candidate = _two(size=40_000)
    world.cut("satellite", down_us=60_000_000)
    ask = _asked(world)
    assert ask.bundles[1:] == (candidate.bundle,)
    before = len(world.chunks)
    _reply(world, ask, 5, (16_000, 32_000))
    world.pump()
    again = [(chunk.order.offset, chunk.order.length) for chunk in world.chunks[before:]]
    assert again == [(0, 16_000), (32_000, 8_000)]


@pytest.mark.parametrize("precedence", [0, 1])
def test_an_urgent_chunk_of_a_stalled_bearer_goes_by_the_other_at_once(precedence: int) -> None:
    world, candidate = _two(size=500, precedence=precedence)
    assert len(world.chunks) == 1
    world.stall("satellite", 5_000_000)
    world.pump()
    assert len(world.chunks) == 2
    assert world.chunks[1].order.candidate is candidate
    assert world.chunks[1].manifest


def test_a_bearer_that_recovers_before_the_reply_sends_nothing_again() -> None:
    world, _ = _two(size=40_000)
    world.stall("satellite", 5_000_000)
    ask, before = _asked(world), len(world.chunks)
    world.exchange.recovered("satellite")
    _reply(world, ask, 5)
    world.paths["satellite"].stalled_until_us = 0
    world.pump()
    assert len(world.chunks) == before


def test_what_tcp_has_not_delivered_yet_is_neither_asked_about_nor_sent_again() -> None:
    world, _ = _sending(size=10_000)
    world.pump()
    for _ in range(100):
        world.now_us += 500_000
        assert not world.exchange.asks(world.now_us)


def test_what_tcp_delivered_and_the_centre_does_not_answer_is_asked_about() -> None:
    world, _ = _sending(size=10_000)
    world.pump()
    world.exchange.arrived(world.paths["main"].lines[1], 1, world.now_us)
    ask = _asked(world, wait_us=2_000_000)
    _reply(world, ask, 5)
    world.pump()
    assert [chunk.order.offset for chunk in world.chunks] == [0, 0]


def test_another_run_of_the_centre_is_asked_about_everything_under_way() -> None:
    world, candidate = _sending(size=60_000)
    world.exchange.received(Welcome(RUN, 1, "centre"), world.now_us)
    world.pump()
    world.exchange.received(Welcome(RUN, 2, "centre"), world.now_us)
    assert not world.exchange.asks(world.now_us)
    world.exchange.received(Welcome(b"run-0002", 3, "centre"), world.now_us)
    assert _asked(world).bundles[1:] == (candidate.bundle,)


def test_what_an_earlier_run_of_the_agent_may_have_sent_is_asked_about_first() -> None:
    world, candidate = _sending(size=5_000)
    candidate.doubtful = True
    world.pump()
    world.pump()
    assert not world.chunks
    assert [ask.bundles[1:] for ask in world.asked] == [(candidate.bundle,)]
    custody = AckItem(candidate.bundle, Verdict.CUSTODY, 5)
    assert world.exchange.received(Ack((custody,)), world.now_us) == [Custody(candidate.bundle)]
    assert world.exchange.received(Ack((custody,)), world.now_us) == []


def test_when_nobody_listened_all_that_may_have_been_answered_is_asked_about() -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    world.exchange.arrived(world.paths["main"].lines[1], 1, world.now_us)
    world.exchange.unheard()
    assert _asked(world).bundles[1:] == (candidate.bundle,)


def test_an_alarm_goes_however_many_others_wait_for_the_centres_answer() -> None:
    world = World(1, 0.0)
    world.connect()
    line = 10**6
    world.exchange.line_up(line, "satellite")
    state = BearerState("satellite", 8_000, 10**9)
    for number in range(3_000):
        world.spool.add(model_candidate(number, 10, 2))
    while world.exchange.next(line, state, 1) is not None:
        pass
    assert 0 < world.exchange.flights < 3_000
    world.spool.add(model_candidate(5_000, 10, 0))
    sent = world.exchange.next(line, state, 1)
    assert sent is not None
    assert sent.order.candidate.precedence is Precedence.FLASH
