"""How much each track makes: bytes recorded lately, so that a forecast knows what is to come."""

import math

from fieldlink.edge.planner.candidate import Candidate, Track

__all__ = ["Production"]

_LEAST_S = 10.0
_MEMORY_S = 120.0
_STRANGE_S = 3_600.0


class Production:
    """Rates by track, bits a second; older bytes count less and less."""

    def __init__(self) -> None:
        self._made: dict[Track, tuple[float, float, int]] = {}  # bits, seconds seen, as of (us)

    def recorded(self, candidate: Candidate, now_us: int) -> None:
        """`candidate` was recorded just now; thinner copies of old pictures are not for here."""
        took_s = max(candidate.end_us - candidate.start_us, 0) / 1e6
        if candidate.track not in self._made:
            self._made[candidate.track] = 0.0, min(max(took_s, _LEAST_S), _MEMORY_S), now_us
        bits, seen_s, _ = self._faded(candidate.track, now_us)
        self._made[candidate.track] = bits + candidate.size * 8, seen_s, now_us

    def rates(self, now_us: int) -> dict[Track, float]:
        """What each track makes at `now_us`."""
        found = {}
        for track in self._made:
            bits, seen_s, _ = self._faded(track, now_us)
            rate_bps = bits / (_MEMORY_S * -math.expm1(-seen_s / _MEMORY_S))
            if rate_bps >= 1.0:
                found[track] = rate_bps
        return found

    def _faded(self, track: Track, now_us: int) -> tuple[float, float, int]:
        bits, seen_s, at_us = self._made[track]
        passed_s = (now_us - at_us) / 1e6
        if passed_s < 0:  # the clock was set back
            return bits, seen_s, now_us
        if passed_s > _STRANGE_S:
            return 0.0, _LEAST_S, now_us
        return bits * math.exp(-passed_s / _MEMORY_S), seen_s + passed_s, now_us
