"""Ranges against the plainest model there is: a set of the numbers held."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.fault import CodecError

_SIZE = 40
spans = st.tuples(st.integers(0, _SIZE), st.integers(0, _SIZE)).map(lambda p: (min(p), max(p)))


@given(st.lists(spans, max_size=15), spans, st.integers(0, _SIZE))
def test_ranges_hold_what_a_set_of_numbers_holds(
    added: list[tuple[int, int]], asked: tuple[int, int], size: int
) -> None:
    ranges, model = Ranges(), set[int]()
    for start, end in added:
        ranges.add(start, end)
        model.update(range(start, end))
    assert {n for start, end in ranges for n in range(start, end)} == model
    assert ranges.held_bytes == len(model)
    assert ranges.end == (max(model) + 1 if model else 0)
    assert ranges.covers(*asked) == (set(range(*asked)) <= model)
    assert ranges.complete(size) == (set(range(size)) <= model)
    missing = {n for start, end in ranges.missing(size) for n in range(start, end)}
    assert missing == set(range(size)) - model


@given(st.lists(spans, max_size=15))
def test_spans_stay_sorted_and_never_touch(added: list[tuple[int, int]]) -> None:
    spans = list(Ranges(added))
    assert all(start < end for start, end in spans)
    assert all(end < start for (_, end), (start, _) in pairwise(spans))
    assert len(Ranges(added)) == len(spans)


@given(st.lists(spans, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_adding_makes_no_difference(
    added: list[tuple[int, int]], random: Random
) -> None:
    shuffled = list(added)
    random.shuffle(shuffled)
    assert Ranges(shuffled) == Ranges(added)
    assert Ranges([*shuffled, *added]) == Ranges(added)


@pytest.mark.parametrize(("start", "end"), [(-1, 4), (5, 4), (-3, -1)])
def test_a_span_that_is_none_is_refused(start: int, end: int) -> None:
    with pytest.raises(CodecError, match="not a span"):
        Ranges().add(start, end)


def test_a_hundred_thousand_spans_in_the_worst_order_are_no_trouble() -> None:
    ranges = Ranges((start, start + 1) for start in range(0, 200_000, 2))
    assert len(ranges) == 100_000
    ranges.add(0, 200_000)
    assert list(ranges) == [(0, 200_000)]
