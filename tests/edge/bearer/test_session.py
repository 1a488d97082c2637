"""The sending session against a model centre over a path that loses, doubles and reorders."""

from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.lossy import RUN, World, model_candidate
from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.wire import Ack, AckItem, Ask, Verdict, Welcome
from fieldlink.edge.bearer.session import Custody, Refused, SendAsk, SendChunk
from fieldlink.edge.planner import Candidate

_SIZES = (0, 1, 900, 20_000, 70_000, 150_000)


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
        candidate = model_candidate(number, size, precedence)
        expected.add(candidate.bundle)
        delay_us = world.random.randrange(2_000_000)
        world.later(delay_us, partial(world.spool.add, candidate))
    world.connect()
    for at_us, down_us in cuts:
        world.later(at_us, partial(world.cut, down_us))
    world.run(lambda: len(world.confirmed) == len(expected))
    assert sorted(world.confirmed) == sorted(expected)
    assert len(world.spool) == 0
    assert world.session.in_flight_bytes == 0


def _sending(size: int = 100_000, **weather: Any) -> tuple[World, Candidate]:
    world = World(1, weather.get("loss", 0.0), weather.get("rtt_us", 100_000))
    candidate = model_candidate(1, size, 3)
    world.spool.add(candidate)
    world.connect()
    return world, candidate


def test_without_losses_every_byte_goes_exactly_once() -> None:
    world = World(1, 0.0, 600_000)
    for number in range(40):
        world.spool.add(model_candidate(number, 70_000, 3))
    world.connect()
    world.run(lambda: len(world.confirmed) == 40)
    assert world.centre.received_bytes == 40 * 70_000


def test_the_window_grows_to_fill_the_link_and_stops_near_what_it_holds() -> None:
    world = World(1, 0.0, 600_000, rate_bps=8e6)
    world.jitter = 0.0
    for number in range(200):
        world.spool.add(model_candidate(number, 150_000, 3))
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
    world.spool.add(model_candidate(2, 500, 0))
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
    world.session.received(Welcome(RUN, 1, "centre"), world.now_us)
    world.pump()
    world.session.received(Welcome(RUN, 2, "centre"), world.now_us)
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
    assert world.session.in_flight_bytes == 0


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


@pytest.mark.parametrize("step_h", [1, 30])
def test_a_centre_whose_clock_is_set_back_by_hours_is_still_heard(step_h: int) -> None:
    world, candidate = _sending(size=60_000, loss=1.0)
    world.pump()
    set_us = 100 * 3_600_000_000
    first = AckItem(candidate.bundle, Verdict.HAVE, set_us, Ranges([(0, 16_000)]))
    world.session.received(Ack((first,)), world.now_us)
    asked: list[SendAsk] = []
    while not asked:
        world.now_us += 1_000_000
        asked = [i for i in world.session.poll(world.now_us) if isinstance(i, SendAsk)]
    back_us = set_us - step_h * 3_600_000_000
    answer = AckItem(candidate.bundle, Verdict.HAVE, back_us, Ranges([(0, 16_000)]))
    world.session.received(Ack((answer,)), world.now_us)
    again = [i for i in world.session.poll(world.now_us) if isinstance(i, SendChunk)]
    assert again[0].order.offset == 16_000
    # From then on the new time counts: an answer a little older than it is late, not new.
    late = AckItem(candidate.bundle, Verdict.HAVE, back_us - 1_000_000, Ranges([]))
    world.session.received(Ack((late,)), world.now_us)
    assert world.session.poll(world.now_us) is not None
    assert candidate.covered.covers(0, 16_000)
