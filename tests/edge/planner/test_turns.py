"""Fair shares between devices."""

import pytest

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.edge.planner import Group, Lane
from fieldlink.edge.planner.lanes import Turns


def _lane(turns: Turns, device: str) -> Lane:
    kind = Precedence.ROUTINE, device, "video", Layer.ORIGINAL
    return Lane((Group.ORIGINAL, 3, *kind), {}, turns)


def _served(turns: Turns, times: int, size: int = 100) -> str:
    """Whose turn it is, so many times."""
    order = ""
    for _ in range(times):
        device = next(turns.in_turn())[0].device
        turns.give(device, size)
        order += device
    return order


@pytest.fixture
def turns() -> Turns:
    """Two devices that wait, a and b."""
    made = Turns()
    for device in "ab":
        made.enter(_lane(made, device))
    return made


def test_devices_take_turns(turns: Turns) -> None:
    assert _served(turns, 6) == "ababab"


def test_turns_are_by_bytes(turns: Turns) -> None:
    turns.give("a", 500)
    assert _served(turns, 7) == "bbbbbab"


def test_a_device_that_waits_keeps_its_claim_when_another_goes_out_of_turn(turns: Turns) -> None:
    for _ in range(3):
        turns.give("a", 100)
    assert _served(turns, 5) == "bbbab"


def test_a_newcomer_starts_with_the_least_of_those_that_wait(turns: Turns) -> None:
    for _ in range(3):
        turns.give("a", 100)
    turns.enter(_lane(turns, "c"))
    assert _served(turns, 6) == "bcbcbc"


def test_a_device_that_comes_back_has_no_claim_to_the_time_it_was_away(turns: Turns) -> None:
    away = _lane(turns, "c")
    turns.enter(away)
    turns.leave(away)
    assert _served(turns, 40) == "ab" * 20
    turns.enter(away)
    assert _served(turns, 6) == "cabcab"


def test_a_device_that_comes_back_at_once_has_not_been_forgiven_what_it_took(turns: Turns) -> None:
    lane = _lane(turns, "c")
    turns.enter(lane)
    turns.give("c", 1_000)
    turns.leave(lane)
    turns.enter(lane)
    assert "c" not in _served(turns, 18)


def test_devices_that_are_gone_are_forgotten(turns: Turns) -> None:
    for number in range(3_000):
        lane = _lane(turns, f"d{number}")
        turns.enter(lane)
        turns.give(lane.device, 1)
        turns.leave(lane)
    assert len(turns._tags) < 1_100
