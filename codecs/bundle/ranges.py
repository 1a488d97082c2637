"""Which bytes of a bundle are held: a set of half-open spans that never touch each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from fieldlink.codecs.fault import CodecError

__all__ = ["Ranges"]


class Ranges:
    """Sorted, disjoint, non-empty spans `[start, end)` of byte offsets.

    Adding is O(log n) to find the place and O(k) for the k spans swallowed.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in spans:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Hold `[start, end)` too; touching spans become one.

        Raises:
            CodecError: the span is negative or runs backwards.
        """
        if not 0 <= start <= end:
            raise CodecError("range", f"{start}..{end} is not a span of bytes")
        if start == end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def missing(self, size: int) -> Iterator[tuple[int, int]]:
        """The spans of `[0, size)` that are not held, in order."""
        at = 0
        for start, end in self:
            if start >= size:
                break
            if at < start:
                yield at, start
            at = end
        if at < size:
            yield at, size

    def covers(self, start: int, end: int) -> bool:
        """Whether every byte of `[start, end)` is held."""
        place = bisect_right(self._starts, start) - 1
        return start >= end or (place >= 0 and self._ends[place] >= end)

    def complete(self, size: int) -> bool:
        """Whether every byte of a bundle of `size` bytes is held."""
        return self.covers(0, size)

    @property
    def held_bytes(self) -> int:
        """How many bytes are held."""
        return sum(self._ends) - sum(self._starts)

    @property
    def end(self) -> int:
        """One past the last byte held; 0 when nothing is."""
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(tuple(zip(self._starts, self._ends, strict=True)))

    def __len__(self) -> int:
        return len(self._starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Ranges({list(self)!r})"
