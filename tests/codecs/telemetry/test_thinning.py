"""Thinner series keep what matters, and merged ones everything, once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.telemetry import (
    TEXT,
    VITALS,
    Block,
    Detail,
    Flag,
    Sample,
    Thinning,
    merge,
    thin,
)

from .series import START_US, walker

WALK = walker(count=120)
STANDING = tuple(
    one._replace(values=(306_000_000, 1_040_000_000, 51_200, 450, 0, 15, 12, 1))
    for one in WALK.samples
)


def test_one_in_five_seconds_is_kept_in_pieces_as_in_one() -> None:
    whole = thin(WALK.samples, WALK.schema, Detail.SECONDS_5)
    assert [one.sequence for one in whole] == list(range(100, 220, 5))
    pieces: list[Sample] = []
    for start in range(0, 120, 7):
        last = pieces[-1] if pieces else None
        part = WALK.samples[start : start + 7]
        pieces += thin(part, WALK.schema, Detail.SECONDS_5, after=last)
    assert tuple(pieces) == whole
    assert thin(WALK.samples, WALK.schema, Detail.FULL) == WALK.samples


def test_who_stands_still_is_silent_for_a_minute_and_who_walks_is_not() -> None:
    def times(samples: tuple[Sample, ...]) -> list[int]:
        kept = thin(samples, WALK.schema, Detail.CHANGE)
        return [(one.time_us - samples[0].time_us) // 1_000_000 for one in kept]

    assert times(STANDING) == [0, 60]
    turning = tuple(
        one._replace(values=(*one.values[:3], place * 777 % 3600, *one.values[4:]))
        for place, one in enumerate(STANDING)
    )
    assert times(turning) == [0, 60], "who does not move has no heading"
    known = tuple(one for one in WALK.samples if one.values[0] is not None)
    assert 8 <= len(times(known)) <= 20, "154 m, at least 10 m apart"


@pytest.mark.parametrize(
    ("column", "value"),
    [(0, None), (0, 306_002_000), (2, 53_000), (4, 300), (6, None), (6, 4), (7, 4)],
)
def test_a_change_is_said_at_once(column: int, value: int | None) -> None:
    values = list(STANDING[0].values)
    values[column] = value
    changed = STANDING[1]._replace(values=tuple(values))
    assert thin((*STANDING[:1], changed), WALK.schema, Detail.CHANGE) == (STANDING[0], changed)


def test_amounts_can_be_stated_and_a_shake_is_no_change() -> None:
    shaken = STANDING[1]._replace(values=(306_000_300, 1_040_000_200, 51_500, 450, 40, 20, 11, 1))
    pair = (STANDING[0], shaken)
    assert thin(pair, WALK.schema, Detail.CHANGE) == pair[:1]
    assert thin(pair, WALK.schema, Detail.CHANGE, rule=Thinning(amounts={"alt": 2.5})) == pair
    assert thin(pair, WALK.schema, Detail.CHANGE, rule=Thinning(move_m=2)) == pair
    flagged = (STANDING[0], STANDING[1]._replace(flags=Flag.FROZEN))
    assert thin(flagged, WALK.schema, Detail.CHANGE) == flagged


@pytest.mark.parametrize("detail", Detail)
def test_a_sample_with_an_alarm_is_always_kept(detail: Detail) -> None:
    alarmed = STANDING[3]._replace(flags=Flag.ALARM)
    kept = thin((*STANDING[:3], alarmed, *STANDING[4:9]), WALK.schema, detail)
    assert alarmed in kept


def test_the_last_known_is_said_now_and_then() -> None:
    def last(samples: tuple[Sample, ...], after: Sample | None) -> tuple[Sample, ...]:
        return thin(samples, WALK.schema, Detail.LAST, after=after)

    assert last(WALK.samples, None) == WALK.samples[-1:]
    assert last(WALK.samples[:50], WALK.samples[0]) == ()
    assert last(WALK.samples[:90], WALK.samples[0]) == (WALK.samples[89],)
    assert last((), None) == ()


def test_text_and_vitals_thin_too() -> None:
    said = tuple(Sample(START_US + n, n, ("ok" if n else "go", "7")) for n in range(3))
    assert thin(said, TEXT, Detail.CHANGE) == said[:2]
    beats = tuple(Sample(START_US + n, n, (80 + n, 970, 3650, 16, 20, 0, None)) for n in range(12))
    assert [one.sequence for one in thin(beats, VITALS, Detail.CHANGE)] == [0, 10]


@given(st.permutations(range(12)), st.integers(1, 50))
def test_merging_keeps_every_sample_once_in_order(order: list[int], most: int) -> None:
    whole = walker(count=60)
    pieces = [replace(whole, samples=whole.samples[at * 5 : at * 5 + 7]) for at in order]
    merged = merge(pieces, most=most)
    assert [one for block in merged for one in block.samples] == list(whole.samples)
    assert all(len(block.samples) <= most for block in merged)


def test_merging_joins_a_series_and_nothing_else() -> None:
    one, two = walker("soldier-1"), walker("soldier-1", first=110)
    others = [walker("soldier-2"), replace(one, epoch=8), replace(one, kind="ball")]
    merged = merge([one, *others, replace(two, offset_us=-40)])
    joined = Block("soldier-1", "soldier", one.schema, 7, one.samples + two.samples, -40)
    assert merged == (joined, *others)


def test_merging_leaves_out_of_thin_blocks_what_a_full_one_has() -> None:
    full = walker(count=5)
    thinned = replace(walker(count=12), detail=Detail.SECONDS_5)
    merged = merge([thinned, full])
    assert merged == (full, replace(thinned, samples=thinned.samples[5:]))
    assert merge([replace(full, detail=Detail.LAST), full]) == (full,)


def test_two_hours_are_one_block_and_a_second_more_is_two() -> None:
    pieces = [walker(count=1200, first=1200 * number) for number in range(6)]
    assert [len(block.samples) for block in merge(pieces)] == [7200]
    assert [len(block.samples) for block in merge([*pieces, walker(first=7200)])] == [7200, 10]
