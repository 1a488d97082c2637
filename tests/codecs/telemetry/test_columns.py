"""Each kind of column is written the way that is meant for it, short or long, and read alike."""

import random
from itertools import accumulate

import pytest

from fieldlink.codecs.telemetry.cursor import Cursor
from fieldlink.codecs.telemetry.integers import MAX_VALUE, get_integers, put_integers

from .plain_reader import Reader, integers
from .series import START_US

RNG = random.Random(5)
NOISE = [RNG.gauss(0, 1) for _ in range(3000)]


def summed(values: list[int]) -> list[int]:
    """Their running sums."""
    return list(accumulate(values))


def written(values: list[int], reference: int = 0, *, beat: bool = False) -> bytes:
    """As the codec writes them, read back by it and by the plain reader."""
    out = bytearray()
    put_integers(out, values, reference, beat=beat)
    cursor = Cursor(bytes(out), 0)
    assert get_integers(cursor, len(values), reference) == values
    cursor.end()
    assert integers(Reader(bytes(out)), len(values), reference) == values
    return bytes(out)


@pytest.mark.parametrize("count", [2, 3, 40, 41, 42, 256, 257, 258, 259, 1000])
def test_a_column_that_can_be_foretold_costs_only_its_beginning(count: int) -> None:
    assert len(written([7] * count)) == 2
    assert len(written([306_000_000] * count, 306_000_001)) == 2
    assert len(written(list(range(count)))) == 3
    assert written([5 - 1000 * place for place in range(count)])[0] == 0xBF


@pytest.mark.parametrize("count", [20, 40, 41, 300])
def test_the_order_is_that_of_what_the_column_does(count: int) -> None:
    noise = [round(one * 100) for one in NOISE[:count]]
    assert written(noise)[0] >> 6 == 0, "around one value"
    assert written(summed(noise))[0] >> 6 == 1, "a walk"
    assert written(summed(summed(noise)))[0] >> 6 == 2, "a walk of its speed"


@pytest.mark.parametrize("count", [20, 300])
def test_times_on_a_grid_are_counted_in_it(count: int) -> None:
    gaps = [1_000_000 * (1 + (place % 9 == 4)) for place in range(count)]
    packed = written(summed(gaps), 0)
    assert packed[0] == 0xC0
    assert len(packed) < 12 + count / 4
    thousandths = [place * 1_000_000 + 1000 * round(NOISE[place] * 3) for place in range(count)]
    assert len(written(thousandths)) < 12 + count


@pytest.mark.parametrize("count", [7, 8, 40, 41, 300, 3000])
@pytest.mark.parametrize("grid", [1, 1000])
def test_times_that_waver_around_a_beat_cost_only_the_wavering(count: int, grid: int) -> None:
    beats = [
        (START_US + place * 1_000_020 + round(1000 * NOISE[place])) // grid * grid
        for place in range(count)
    ]
    packed = written(beats, START_US, beat=True)
    assert len(packed) <= 20 + count * (13 if grid == 1 else 4) / 8
    if count == 3000:
        assert len(packed) < 0.92 * len(written(beats, START_US)), "differences waver twice"


def test_a_beat_that_fails_at_the_end_or_begins_exactly_comes_back() -> None:
    for count in (8, 40, 300, 1000):
        written([*range(count - 1), MAX_VALUE], beat=True)
        # The first 256 are on the line itself: a segment of zeros would be taken for a divisor.
        written(
            [1000 * place + 7 * (place > 280) * (place % 5) for place in range(count)], beat=True
        )


@pytest.mark.parametrize("count", [30, 400])
@pytest.mark.parametrize("far", [2**20, 2**40, MAX_VALUE])
def test_one_value_far_away_costs_only_itself(count: int, far: int) -> None:
    noise = [round(one * 4) for one in NOISE[:count]]
    usual = len(written(noise))
    noise[count // 2] = far
    assert len(written(noise)) < usual + 45


def test_the_farthest_values_there_may_be_come_back() -> None:
    for count in (2, 3, 30, 300):
        swings = [MAX_VALUE if place % 2 else -MAX_VALUE for place in range(count)]
        swings[-1] = 17
        written(swings, -MAX_VALUE)
        written([RNG.randint(-MAX_VALUE, MAX_VALUE) for _ in range(count)], MAX_VALUE)


def test_a_column_with_a_pattern_is_squeezed() -> None:
    steps = [round(NOISE[place % 60] * 1000) for place in range(3000)]
    packed = written(steps)
    assert packed[0] & 63 == 62
    assert len(packed) < 300
    assert len(written([(place // 700) % 3 for place in range(3000)])) < 60


def test_segments_follow_what_changes_on_the_way() -> None:
    calm = [round(one * 3) for one in NOISE[:1024]]
    rough = [round(one * 3000) for one in NOISE[1024:2048]]
    apart = len(written(summed(calm))) + len(written(summed(rough)))
    assert len(written(summed(calm + rough))) < apart + 40
