"""The best that there is of a span, each instant once: finer pieces first, thinner ones between.

To keep its window a kit sends coarse proxies of about a minute, and finer ones of the same span
may follow. Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from fieldlink.relay.catalogue import FiledBundle
from fieldlink.relay.catalogue.spans import thin_level

__all__ = ["SLIVER_US", "Part", "Piece", "best_cover", "piece_of"]

_MAX_BPS = 10**10
SLIVER_US = 1_000_000
"""Pieces of one recording touch within a frame or two: what is shorter than this is no hole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A bundle that can be played; `level` is how it was thinned, 0 not at all, and `rate_bps`
    to what: of two of one level the one with more is finer.
    """

    key: int
    level: int
    start_us: int
    end_us: int
    rate_bps: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be played of a piece."""

    piece: Piece
    from_us: int
    to_us: int


def piece_of(bundle: FiledBundle) -> Piece:
    """A bundle as a piece."""
    m = bundle.manifest
    level = thin_level(m.meta.get("thin")) or 0
    rate = m.meta.get("rate")
    known = level and isinstance(rate, int) and not isinstance(rate, bool)
    rate_bps = min(max(rate, 0), _MAX_BPS) if known and isinstance(rate, int) else 0
    return Piece(bundle.number, level, m.start_us, m.end_us, rate_bps)


def best_cover(pieces: Iterable[Piece]) -> list[Part]:
    """The parts to be played, in order; they overlap by less than a sliver, and cover all that
    `pieces` cover but slivers.
    """
    taken = _Taken()
    parts: list[Part] = []
    for piece in sorted(pieces, key=_finest_first):
        for from_us, to_us in taken.free(piece.start_us, piece.end_us):
            # An end that is a sliver off is the piece's own: it need not be cut.
            if from_us - piece.start_us < SLIVER_US:
                from_us = piece.start_us
            if piece.end_us - to_us < SLIVER_US:
                to_us = piece.end_us
            parts.append(Part(piece, from_us, to_us))
        taken.add(piece.start_us, piece.end_us)
    return sorted(parts, key=lambda part: (part.from_us, part.to_us, part.piece.key))


def _finest_first(piece: Piece) -> tuple[int, int, int, int, int]:
    return piece.level, -piece.rate_bps, piece.start_us, -piece.end_us, piece.key


class _Taken:
    """Spans that are covered already."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def free(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """What of a span is free and more than a sliver."""
        found = []
        at_us = start_us
        first = bisect_right(self._ends, start_us)
        for place in range(first, len(self._starts)):
            if self._starts[place] >= end_us:
                break
            found.append((at_us, self._starts[place]))
            at_us = self._ends[place]
        found.append((at_us, end_us))
        # A piece that is short itself is taken whole if nothing of it is there.
        least_us = min(SLIVER_US, max(1, end_us - start_us))
        return [(a, b) for a, b in found if b - a >= least_us]

    def add(self, start_us: int, end_us: int) -> None:
        """Cover a span."""
        first = bisect_left(self._ends, start_us)
        last = bisect_right(self._starts, end_us)
        if first < last:
            start_us = min(start_us, self._starts[first])
            end_us = max(end_us, self._ends[last - 1])
        self._starts[first:last] = [start_us]
        self._ends[first:last] = [end_us]
