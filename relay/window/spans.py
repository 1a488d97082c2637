"""Sets of spans of time on a line: what a layer of a stream has. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

__all__ = ["Span", "SpanSet", "clipped", "coarser", "overlap_us"]

Span = tuple[int, int]


class SpanSet:
    """Spans [start_us, end_us], sorted, joined where at most `touch_us` lies between.

    Adding costs O(log n) and what it joins, in any order.
    """

    __slots__ = ("_ends", "_starts", "touch_us")

    def __init__(self, touch_us: int, spans: Iterable[Span] = ()) -> None:
        self.touch_us = touch_us
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start_us, end_us in spans:
            self.add(start_us, end_us)

    def add(self, start_us: int, end_us: int) -> None:
        """Hold this span too."""
        first = bisect_left(self._ends, start_us - self.touch_us)
        last = bisect_right(self._starts, end_us + self.touch_us)
        if first < last:
            start_us = min(start_us, self._starts[first])
            end_us = max(end_us, self._ends[last - 1])
        self._starts[first:last] = [start_us]
        self._ends[first:last] = [end_us]

    def within(self, from_us: int, to_us: int) -> list[Span]:
        """What overlaps [from_us, to_us], uncut."""
        first = bisect_left(self._ends, from_us)
        last = bisect_right(self._starts, to_us)
        return list(zip(self._starts[first:last], self._ends[first:last], strict=True))

    def __iter__(self) -> Iterator[Span]:
        return iter(list(zip(self._starts, self._ends, strict=True)))

    def __len__(self) -> int:
        return len(self._starts)


def clipped(spans: Iterable[Span], from_us: int, to_us: int) -> list[Span]:
    """`spans` cut to [from_us, to_us]; those of no length inside stay."""
    return [
        (max(start, from_us), min(end, to_us))
        for start, end in spans
        if start <= to_us and end >= from_us
    ]


def overlap_us(spans: Iterable[Span], from_us: int, to_us: int) -> int:
    """How much of [from_us, to_us] the disjoint `spans` cover."""
    return sum(end - start for start, end in clipped(spans, from_us, to_us))


def coarser(spans: Iterable[Span], touch_us: int) -> list[Span]:
    """Sorted `spans` joined where at most `touch_us` lies between: few enough to draw."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start - joined[-1][1] <= touch_us:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
