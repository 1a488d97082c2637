"""Every reading of a device is one sample with one number, however often and in whatever order it
comes."""

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.edge.telemetry.numbering import Numbering


def test_the_kit_counts_from_nought_without_a_gap() -> None:
    numbering = Numbering(run=17)
    assert [numbering.own() for _ in range(3)] == [(17, 0), (17, 1), (17, 2)]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 60)), max_size=200))
def test_each_number_is_new_once_in_any_order(said: list[tuple[int, int]]) -> None:
    numbering = Numbering(run=0)
    seen = set[tuple[int, int]]()
    for one in said:
        assert numbering.is_new(*one) is (one not in seen)
        seen.add(one)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2**60 - 1)), max_size=100))
def test_what_was_not_stored_is_new_again_and_nothing_new_is_ever_taken_for_old(
    said: list[tuple[bool, int]],
) -> None:
    numbering = Numbering(run=0)
    seen = set[int]()
    for stored, number in said:
        if numbering.is_new(1, number):
            seen.add(number)
        else:
            assert number in seen
        if not stored:
            numbering.forget(1, number)
            seen.discard(number)


def test_memory_is_bounded_and_what_is_forgotten_is_new() -> None:
    numbering = Numbering(run=0)
    for epoch in range(10_000):
        assert numbering.is_new(epoch, 2**59)
    assert numbering.is_new(0, 2**59)
    assert not numbering.is_new(9_999, 2**59)
