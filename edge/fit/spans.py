"""Arithmetic on spans of time: pairs of start and end in microseconds, in any order."""

from collections.abc import Iterable
from typing import TypeAlias

__all__ = ["Span", "clipped", "hull", "length_us", "merged", "without"]

Span: TypeAlias = tuple[int, int]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time, as spans in order that do not touch."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def length_us(spans: Iterable[Span]) -> int:
    """How much time the spans cover, each instant counted once."""
    return sum(end - start for start, end in merged(spans))


def clipped(spans: Iterable[Span], start_us: int, end_us: int) -> list[Span]:
    """What of the spans is between `start_us` and `end_us`."""
    cut = ((max(start, start_us), min(end, end_us)) for start, end in spans)
    return [(start, end) for start, end in cut if start < end]


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """What of the spans is in none of `taken`."""
    left = merged(spans)
    for start, end in merged(taken):
        left = [
            part
            for begin, finish in left
            for part in ((begin, min(finish, start)), (max(begin, end), finish))
            if part[0] < part[1]
        ]
    return left


def hull(spans: Iterable[Span]) -> Span | None:
    """From the first start to the last end; None of nothing."""
    parts = list(spans)
    if not parts:
        return None
    return min(start for start, _ in parts), max(end for _, end in parts)
