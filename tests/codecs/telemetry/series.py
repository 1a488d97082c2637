"""Blocks for the tests: by hypothesis, and a plain one to be damaged."""

from itertools import accumulate
from typing import TypeVar

from hypothesis import strategies as st

from fieldlink.codecs.telemetry import POSITION, SCHEMAS, Block, Column, Detail, Sample, Schema

T = TypeVar("T")
START_US = 1_750_000_000_000_000
MOST = 2**60

names = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,8}[a-z0-9])?", fullmatch=True)
units = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=5)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20)
columns = st.builds(Column, names, units, st.integers(0, 9), st.booleans())
schemas = st.sampled_from(list(SCHEMAS.values())) | st.builds(
    Schema,
    names,
    st.lists(columns, min_size=1, max_size=6, unique_by=lambda column: column.name).map(tuple),
)


def each(values: st.SearchStrategy[T], count: int) -> st.SearchStrategy[list[T]]:
    """`count` of `values`."""
    return st.lists(values, min_size=count, max_size=count)


@st.composite
def series(draw: st.DrawFn, count: int) -> list[int]:
    """Whole numbers as columns have them: constant, counting, walking, noise, or anything."""
    start = draw(st.integers(-(2**40), 2**40))
    kind = draw(st.sampled_from(["same", "steps", "walk", "noise", "any"]))
    grid = draw(st.sampled_from([1, 1, 5, 1000]))
    if kind == "same":
        return [start] * count
    if kind == "steps":
        step = draw(st.integers(-(2**30), 2**30))
        return [start + place * step for place in range(count)]
    if kind == "any":
        return draw(each(st.integers(-MOST, MOST), count))
    rng = draw(st.randoms(use_true_random=False))
    spread = 1 << draw(st.integers(0, 20))
    noise = [rng.randint(-spread, spread) for _ in range(count)]
    walk = list(accumulate(noise)) if kind == "walk" else noise
    return [start + one * grid for one in walk]


@st.composite
def blocks(draw: st.DrawFn, max_count: int = 60) -> Block:
    """Any block."""
    schema = draw(schemas)
    count = draw(st.integers(1, max_count))
    rows = []
    for column in schema.columns:
        values: list[int | str | None]
        if column.is_text:
            few = draw(st.lists(texts, min_size=1, max_size=3))
            values = draw(each(st.sampled_from(few), count))
        else:
            values = list(draw(series(count)))
        if draw(st.integers(0, 3)) == 0:
            there = draw(each(st.booleans(), count))
            values = [one if kept else None for one, kept in zip(values, there, strict=True)]
        rows.append(values)
    times = [abs(one) for one in draw(series(count))]
    first = draw(st.integers(0, 2**40))
    numbers = draw(st.just(list(range(first, first + count))) | series(count).map(_positive))
    flags = draw(st.just([0] * count) | each(st.integers(0, 1023), count))
    error = st.none() | st.integers(0, 10**7)
    errors = draw(error.map(lambda one: [one] * count) | each(error, count))
    samples = tuple(map(Sample, times, numbers, zip(*rows, strict=True), flags, errors))
    return Block(
        draw(names),
        draw(names),
        schema,
        draw(st.integers(0, 2**63 - 1)),
        samples,
        draw(st.none() | st.integers(-(2**50), 2**50)),
        draw(st.sampled_from(Detail)),
    )


def _positive(values: list[int]) -> list[int]:
    return [abs(value) for value in values]


def walker(
    device: str = "soldier-1", *, count: int = 10, first: int = 100, detail: Detail = Detail.FULL
) -> Block:
    """Somebody who walks north-east, one sample a second; no fix in every seventh."""
    samples = []
    for place in range(first, first + count):
        where = (306_000_000 + place * 93 + place % 5, 1_040_000_000 + place * 81 + place % 7)
        lat, lon = (None, None) if place % 7 == 0 else where
        values = (lat, lon, 51_200 + place % 3, 450, 130 + place % 4, 15, 12, 1)
        samples.append(Sample(START_US + place * 1_000_000, place, values, 0, 1500))
    return Block(device, "soldier", POSITION, 7, tuple(samples), None, detail)
