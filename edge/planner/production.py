"""How much each track makes: bytes recorded lately, so that a forecast knows what is to come."""

import math
from dataclasses import dataclass

from fieldlink.edge.planner.candidate import Candidate, Track

__all__ = ["Production"]

_MEMORY_S = 120.0
_LEAST_S = 10.0
_STRANGE_S = 3_600.0


@dataclass(slots=True)
class _Made:
    """Bits made lately (fading), seconds looked at, as of `at_us`, how far apart pieces are."""

    bits: float
    seen_s: float
    at_us: int
    every_s: float


class Production:
    """Rates by track, bits a second; older bytes count less and less.

    A track that has made nothing for three times as long as usual has stopped.
    """

    def __init__(self) -> None:
        self._made: dict[Track, _Made] = {}

    def recorded(self, candidate: Candidate, now_us: int) -> None:
        """`candidate` was recorded just now; thinner copies of old pictures are not for here."""
        took_s = min(max((candidate.end_us - candidate.start_us) / 1e6, 0.0), _MEMORY_S)
        made = self._made.get(candidate.track)
        if made is None or not 0 <= now_us - made.at_us <= _STRANGE_S * 1e6:
            # The first, or the first after the clock was set.
            self._made[candidate.track] = _Made(
                candidate.size * 8.0, max(took_s, _LEAST_S), now_us, max(took_s, _LEAST_S)
            )
            return
        passed_s = (now_us - made.at_us) / 1e6
        made.bits = made.bits * math.exp(-passed_s / _MEMORY_S) + candidate.size * 8.0
        made.seen_s += passed_s
        made.every_s = max(took_s, passed_s, made.every_s * 0.9)
        made.at_us = now_us

    def rates(self, now_us: int) -> dict[Track, float]:
        """What each track makes at `now_us`."""
        found = {}
        for track, made in self._made.items():
            passed_s = (now_us - made.at_us) / 1e6
            if passed_s > 3 * made.every_s:
                continue
            passed_s = max(passed_s, 0.0)
            bits = made.bits * math.exp(-passed_s / _MEMORY_S)
            rate_bps = bits / (_MEMORY_S * -math.expm1(-(made.seen_s + passed_s) / _MEMORY_S))
            if rate_bps >= 1.0:
                found[track] = rate_bps
        return found
