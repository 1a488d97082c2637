"""Fair shares between devices."""

import pytest

from fieldlab.pending import S_US, drain, original, proxy, report, still
from fieldlink.codecs.bundle import IMPORTED, Layer, Manifest, Precedence
from fieldlink.edge.planner import Candidate, Group, Lane, SpoolState
from fieldlink.edge.planner.lanes import Turns

NOW_US = 1_000 * S_US


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


def test_what_was_imported_goes_behind_all_that_happens_now_but_its_originals() -> None:
    def brought(of: Candidate, number: int) -> Candidate:
        manifest = Manifest(
            kit="kit-1", spool=b"spool-01", sequence=number, device="new", stream=of.stream,
            layer=of.layer, precedence=Precedence.ROUTINE, start_us=of.start_us, end_us=of.end_us,
            recorded_us=NOW_US, media_type="image/avif", size=of.size, content_hash=bytes(32),
            meta={IMPORTED: "abcdef01"},
        )  # fmt: skip
        return Candidate.of(bytes([number]) * 32, manifest)

    spool = SpoolState()
    samples, picture = brought(report(5), 1), brought(still(6), 2)
    whole = brought(original(7), 3)
    live = [proxy(900 + at_s, device="a") for at_s in range(5)]
    for one in (samples, picture, whole, *live, original(1, device="a")):
        spool.add(one)
    went = drain(spool, now_us=NOW_US)
    assert set(went[:5]) == set(live)
    assert {one.bundle for one in went[5:7]} == {samples.bundle, picture.bundle}
    assert whole in went[7:]
