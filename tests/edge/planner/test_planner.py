"""The order of things to send, and the state behind it."""

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.bundle import Layer, Precedence, Ranges
from fieldlink.edge.planner import BearerState, Candidate, PrecedencePlanner, SpoolState

_BEARER = BearerState(name="main", chunk_bytes=16_000, room_bytes=64_000)


def candidate(
    number: int,
    precedence: Precedence = Precedence.ROUTINE,
    deadline_us: int | None = None,
    size: int = 1_000,
    device: str = "ball",
    kind: type[Candidate] = Candidate,
) -> Candidate:
    return kind(
        bundle=number.to_bytes(32, "big"),
        precedence=precedence,
        layer=Layer.PROXY,
        device=device,
        stream="video",
        sequence=number,
        start_us=number,
        end_us=number,
        deadline_us=deadline_us,
        size=size,
    )


def _drain(spool: SpoolState, bearer: BearerState = _BEARER) -> list[tuple[int, int, int]]:
    sent = []
    while (order := PrecedencePlanner().next_chunk(spool, bearer, 0)) is not None:
        sent.append((order.candidate.sequence, order.offset, order.length))
        spool.cover(order.candidate, order.offset, order.offset + order.length)
    return sent


def test_precedence_goes_before_deadline_and_deadline_before_sequence() -> None:
    spool = SpoolState()
    spool.add(candidate(1))
    spool.add(candidate(2, deadline_us=500))
    spool.add(candidate(3, deadline_us=100, device="drone"))
    spool.add(candidate(4, Precedence.FLASH))
    spool.add(candidate(5, Precedence.PRIORITY, deadline_us=900))
    assert [sequence for sequence, _, _ in _drain(spool)] == [4, 5, 3, 2, 1]


def test_only_the_bytes_that_are_not_covered_are_ordered() -> None:
    spool = SpoolState()
    whole = candidate(1, size=40_000)
    spool.add(whole)
    spool.cover(whole, 0, 10_000)
    spool.cover(whole, 20_000, 30_000)
    assert _drain(spool) == [(1, 10_000, 10_000), (1, 30_000, 10_000)]
    assert spool.waiting == 0
    spool.release(whole, Ranges([(0, 39_000)]))
    assert _drain(spool) == [(1, 39_000, 1_000)]


def test_an_empty_bundle_is_ordered_once() -> None:
    spool = SpoolState()
    spool.add(candidate(1, size=0))
    assert _drain(spool) == [(1, 0, 0)]


def test_a_full_window_stops_everything_but_an_alarm() -> None:
    full = BearerState(name="main", chunk_bytes=16_000, room_bytes=0)
    spool = SpoolState()
    spool.add(candidate(1, Precedence.IMMEDIATE))
    assert PrecedencePlanner().next_chunk(spool, full, 0) is None
    spool.add(candidate(2, Precedence.FLASH))
    order = PrecedencePlanner().next_chunk(spool, full, 0)
    assert order is not None
    assert order.candidate.sequence == 2


def test_a_chunk_goes_though_it_is_longer_than_the_room_that_is_left() -> None:
    narrow = BearerState(name="main", chunk_bytes=8_000, room_bytes=100)
    spool = SpoolState()
    spool.add(candidate(1, size=5_000))
    assert PrecedencePlanner().next_chunk(spool, narrow, 0) is not None


@given(st.lists(st.tuples(st.sampled_from(Precedence), st.none() | st.integers(0, 9))))
def test_the_order_is_that_of_a_plain_sort(
    drawn: Sequence[tuple[Precedence, int | None]],
) -> None:
    spool = SpoolState()
    all_ = [
        candidate(number, precedence, deadline_us, device=f"d{number % 3}")
        for number, (precedence, deadline_us) in enumerate(drawn)
    ]
    for one in random.Random(1).sample(all_, len(all_)):
        spool.add(one)
    expected = [one.sequence for one in sorted(all_, key=lambda one: one.urgency)]
    assert [sequence for sequence, _, _ in _drain(spool)] == expected


class Watched(Candidate):
    """A candidate that counts how often anybody looks at how urgent it is."""

    looks = 0

    @property
    def urgency(self) -> tuple[int, int, int]:
        Watched.looks += 1
        return self.precedence, self.deadline_us or 0, self.sequence


def test_a_hundred_thousand_bundles_cost_a_chunk_no_scan() -> None:
    spool = SpoolState()
    for number in range(100_000):
        spool.add(candidate(number, device=f"d{number % 8}", kind=Watched))
    planner = PrecedencePlanner()
    Watched.looks = 0
    for _ in range(1_000):
        order = planner.next_chunk(spool, _BEARER, 0)
        assert order is not None
        spool.cover(order.candidate, order.offset, order.offset + order.length)
    # The ends of eight lanes, and a binary search to take one out: dozens, not 100,000.
    assert Watched.looks < 100 * 1_000
