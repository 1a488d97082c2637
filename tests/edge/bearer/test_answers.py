"""What the exchange makes of answers: stale ones, lies, refusals, and clocks that jump."""

import pytest

from fieldlab.lossy import World, model_candidate
from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.wire import Ack, AckItem, Ask, Verdict
from fieldlink.edge.bearer.exchange import Custody, Refused
from fieldlink.edge.planner import BearerState, Candidate, Role

_YEARS_US = 10 * 365 * 86_400_000_000


def _sending(size: int = 100_000, precedence: int = 3) -> tuple[World, Candidate]:
    world = World(1, 0.0)
    candidate = model_candidate(1, size, precedence)
    world.spool.add(candidate)
    world.connect()
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


def test_a_stale_answer_is_counted_and_does_not_make_acknowledged_bytes_go_again() -> None:
    world, candidate = _sending(size=60_000)
    world.pump()
    before = len(world.chunks)
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, 20, Ranges([(0, 60_000)])))
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, 10, Ranges([(0, 16_000)])))
    world.pump()
    assert len(world.chunks) == before
    assert world.exchange.odd == {"stale": 1}


def test_a_centre_that_forgets_gets_it_again_after_a_pause_that_grows() -> None:
    world, candidate = _sending(size=16_000)
    pauses = []
    sent_us = _until_sent(world)
    for turn in range(3):
        full = AckItem(candidate.bundle, Verdict.HAVE, 10 * turn + 1, Ranges([(0, 16_000)]))
        _answer(world, full, AckItem(candidate.bundle, Verdict.HAVE, 10 * turn + 2))
        again_us = _until_sent(world)
        pauses.append(again_us - sent_us)
        sent_us = again_us
    assert pauses == sorted(pauses)
    assert pauses[0] >= 250_000
    assert pauses[2] >= 2 * pauses[0]
    assert world.exchange.odd == {"forgot": 3}


@pytest.mark.parametrize("word", ["manifest", "identity", "size"])
def test_what_the_centre_will_never_take_is_given_up_with_its_reason(word: str) -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    refusal = AckItem(candidate.bundle, Verdict.REFUSED, 5, reason=f"{word}: not this one")
    outcomes = world.exchange.received(Ack((refusal,)), world.now_us)
    assert outcomes == [Refused(candidate.bundle, f"{word}: not this one")]
    assert len(world.spool) == 0
    assert world.exchange.in_flight_bytes("main") == 0


@pytest.mark.parametrize("word", ["revoked", "busy"])
def test_a_centre_that_takes_nothing_now_is_left_alone_for_a_while(word: str) -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    began_us = world.now_us
    refusal = AckItem(candidate.bundle, Verdict.REFUSED, 5, reason=word)
    assert world.exchange.received(Ack((refusal,)), world.now_us) == []
    assert _until_sent(world) - began_us >= 30_000_000
    assert len(world.spool) == 1


def test_a_damaged_chunk_goes_again() -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    _answer(world, AckItem(candidate.bundle, Verdict.REFUSED, 5, reason="digest: damaged"))
    _until_sent(world)
    assert len(world.spool) == 1


def test_answers_about_bundles_that_nobody_knows_change_nothing() -> None:
    world, _ = _sending(size=5_000)
    world.pump()
    before = world.exchange.in_flight_bytes("main")
    for verdict in Verdict:
        item = AckItem(bytes(31) + b"x", verdict, 5, Ranges([(0, 10)]), "manifest")
        assert world.exchange.received(Ack((item,)), world.now_us) == []
    assert world.exchange.in_flight_bytes("main") == before
    assert world.exchange.odd == {}


def test_custody_of_what_was_never_sent_is_counted_asked_about_and_then_believed() -> None:
    world = World(1, 0.0)
    candidate = model_candidate(1, 5_000, 3)
    world.spool.add(candidate)
    world.connect()
    custody = AckItem(candidate.bundle, Verdict.CUSTODY, 5)
    assert world.exchange.received(Ack((custody,)), world.now_us) == []
    assert world.exchange.odd == {"never-sent": 1}
    assert _asked(world).bundles[1:] == (candidate.bundle,)
    assert world.exchange.received(Ack((custody,)), world.now_us) == [Custody(candidate.bundle)]


def test_custody_of_what_was_never_sent_that_is_taken_back_changes_nothing() -> None:
    world = World(1, 0.0)
    candidate = model_candidate(1, 5_000, 3)
    world.spool.add(candidate)
    world.connect()
    _answer(world, AckItem(candidate.bundle, Verdict.CUSTODY, 5))
    _reply(world, _asked(world), 6)
    world.run(lambda: bool(world.confirmed))
    assert world.centre.received_bytes == 5_000


def test_ranges_that_were_never_sent_are_counted_and_not_believed() -> None:
    world, candidate = _sending(size=100_000)
    state = BearerState("main", chunk_bytes=16_000, room_bytes=1, role=Role.BULK)
    assert world.exchange.next(world.paths["main"].lines[1], state, world.now_us) is not None
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, 5, Ranges([(0, 100_000)])))
    assert world.exchange.odd == {"never-sent": 1}
    again = world.exchange.next(world.paths["main"].lines[1], state, world.now_us)
    assert again is not None
    assert again.order.offset == 16_000


@pytest.mark.parametrize("jump_us", [_YEARS_US, -_YEARS_US])
@pytest.mark.parametrize("busy", [False, True])
def test_time_that_jumps_ten_years_stops_nothing(jump_us: int, busy: bool) -> None:
    world, candidate = _sending(size=5_000)
    world.now_us = 2 * _YEARS_US
    world.pump()
    if busy:
        _answer(world, AckItem(candidate.bundle, Verdict.REFUSED, 5, reason="busy"))
    else:
        world.exchange.arrived(world.paths["main"].lines[1], 1, world.now_us)
        assert not world.exchange.asks(world.now_us)
    world.now_us += jump_us
    before = len(world.chunks)
    for _ in range(400):
        world.now_us += 100_000
        world.pump()
    assert len(world.chunks) > before if busy else world.asked


@pytest.mark.parametrize("step_h", [1, 87_600])
def test_a_centre_whose_clock_steps_back_is_believed_again_and_that_is_counted(
    step_h: int,
) -> None:
    world, candidate = _sending(size=60_000)
    set_us = 10**6 * 3_600_000_000
    world.pump()
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, set_us, Ranges([(0, 16_000)])))
    back_us = set_us - step_h * 3_600_000_000
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, back_us, Ranges([(0, 32_000)])))
    assert world.exchange.odd == {"clock-back": 1}
    # From then on the new time counts: an answer a little older than it is late, not new.
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, back_us - 1_000_000))
    assert world.exchange.odd == {"clock-back": 1, "stale": 1}
    assert candidate.covered.covers(0, 32_000)


def test_a_centre_that_answers_no_question_is_found_deaf_and_one_word_ends_that() -> None:
    world, candidate = _sending(size=5_000)
    world.pump()
    world.exchange.arrived(world.paths["main"].lines[1], 1, world.now_us)
    for _ in range(3_000):
        world.now_us += 100_000
        world.exchange.asks(world.now_us)
    assert world.exchange.deaf
    _answer(world, AckItem(candidate.bundle, Verdict.HAVE, 5))
    assert not world.exchange.deaf
