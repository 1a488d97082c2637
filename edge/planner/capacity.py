"""What the links carry: measured per bearer, with how much it varies and how often it breaks.

Time is an argument; samples come every second or so. A rate is taken from spans of five seconds in
which the bearer was up and had something to send. Older ones count less and less (a time constant
of 90 s), and hardly at all after 20 s that were quite unlike them. A link that has broken once is
believed in while it is there; one that has broken twice in half an hour is expected to go on like
that. The cautious figure (`low_bps`) is one standard deviation less, and counts a single outage
too.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from fieldlink.edge.planner.state import believed_bps

__all__ = ["Capacity", "Carried"]

_SPAN_US = 5_000_000
_MEMORY_S = 90.0
_CHANGED_SPANS = 4
_OF_PATH, _BEYOND, _FADE = 0.8, 4.0, 0.98
_HISTORY_US = 1_800_000_000
_STRANGE_US = 600_000_000  # no two samples are so far apart, unless the clock was set
_GONE_US = 10_000_000


@dataclass(frozen=True, slots=True)
class Carried:
    """What may be expected, bits of payload a second; None before anything was measured.

    `available` is the part of the time that the links are expected to be there, `observed` the
    part that they were lately; `down_since_us` is since when none has been, None while one is or
    none ever was.
    """

    expected_bps: float | None
    low_bps: float | None
    available: float = 1.0
    observed: float = 1.0
    down_since_us: int | None = None


@dataclass(slots=True)
class _Bearer:
    """One bearer's history; `spells` are its changes, the oldest first."""

    spells: deque[tuple[int, bool]] = field(default_factory=deque)
    now_us: int = 0
    mark_us: int = 0
    mark_bytes: int = 0
    busy: bool = True
    weight: float = 0.0
    sum_bps: float = 0.0
    squares: float = 0.0
    best_bps: float = 0.0
    off: int = 0  # spans in a row that were far above the mean, or below it if negative

    @property
    def up(self) -> bool:
        return bool(self.spells) and self.spells[-1][1]

    @property
    def mean_bps(self) -> float | None:
        return self.sum_bps / self.weight if self.weight > 0 else None

    @property
    def deviation_bps(self) -> float:
        mean = self.mean_bps or 0.0
        spread = self.squares / self.weight - mean * mean if self.weight > 0 else 0.0
        return math.sqrt(max(spread, 0.0))

    def add(self, rate_bps: float, span_s: float) -> None:
        mean = self.mean_bps
        side = 0 if mean is None else (rate_bps > 1.6 * mean) - (rate_bps < 0.6 * mean)
        self.off = side + self.off if side * self.off > 0 else side
        if abs(self.off) >= _CHANGED_SPANS:
            self.doubt(0.01)
        fade = math.exp(-span_s / _MEMORY_S)
        self.weight = self.weight * fade + span_s
        self.sum_bps = self.sum_bps * fade + rate_bps * span_s
        self.squares = self.squares * fade + rate_bps * rate_bps * span_s

    def doubt(self, trust: float) -> None:
        """What was measured counts less from now on."""
        self.weight, self.sum_bps, self.squares = (
            trust * value for value in (self.weight, self.sum_bps, self.squares)
        )
        self.off = 0

    def turn(self, now_us: int, up: bool) -> None:
        """It came, or went."""
        if up and self.spells and now_us - self.spells[-1][0] > 3 * _GONE_US:
            self.doubt(0.05)  # it may be another link by now
        self.spells.append((now_us, up))

    def forget(self, now_us: int) -> None:
        while len(self.spells) > 1 and self.spells[1][0] < now_us - _HISTORY_US:
            self.spells.popleft()

    def share_up(self) -> tuple[float, list[int]]:
        """The part of the remembered time that it was up, and how long each outage took."""
        first_us = max(self.spells[0][0], self.now_us - _HISTORY_US)
        whole_us, up_us, outages = max(self.now_us - first_us, 1), 0, list[int]()
        ends = [start for start, _ in list(self.spells)[1:]] + [self.now_us]
        for (start_us, up), end_us in zip(self.spells, ends, strict=True):
            if up:
                up_us += end_us - max(start_us, first_us)
            elif start_us > first_us:  # one that it began with says nothing of how it breaks
                outages.append(end_us - start_us)
        return min(up_us / whole_us, 1.0) if whole_us > 1 else float(self.up), outages


class Capacity:
    """The history of all bearers, by name. `strange` counts samples that cannot be true."""

    def __init__(self) -> None:
        self._bearers: dict[str, _Bearer] = {}
        self.strange = 0

    def sample(
        self,
        bearer: str,
        now_us: int,
        delivered_bytes: int,
        up: bool,
        *,
        busy: bool = True,
        path_bps: float | None = None,
    ) -> None:
        """`bearer` had delivered so many bytes in all by `now_us`, and is up or not.

        `busy` says that it had as much to send as it could carry since the last sample: one that
        idles shows nothing of that. Then its own measure of the path, `path_bps`, counts, with
        caution: a fifth less, and no more than four times what it has delivered. A clock that was
        set, a count that runs backwards and a rate beyond belief are left out and counted.
        """
        one = self._bearers.setdefault(bearer, _Bearer())
        if one.spells and not 0 <= now_us - one.now_us <= _STRANGE_US:
            self.strange += 1
            one.spells = deque([(now_us, up)])
            one.mark_us, one.mark_bytes = now_us, delivered_bytes
        one.now_us = now_us
        if not one.spells or one.up is not up:
            one.turn(now_us, up)
            one.mark_us, one.mark_bytes, one.busy = now_us, delivered_bytes, True
        one.forget(now_us)
        one.busy = one.busy and busy
        if up and now_us - one.mark_us >= _SPAN_US:
            if path_bps is not None and path_bps != 0 and believed_bps(path_bps) is None:
                self.strange += 1
            self._measure(one, now_us, delivered_bytes, believed_bps(path_bps) or 0.0)

    def keep(self, bearers: Iterable[str]) -> None:
        """There are these bearers, and no others any more."""
        for name in self._bearers.keys() - set(bearers):
            del self._bearers[name]

    def carried(self, bearers: Iterable[str] | None = None) -> Carried:
        """What `bearers` together may be expected to carry; all of them without names."""
        names = self._bearers.keys() if bearers is None else self._bearers.keys() & set(bearers)
        known = [self._bearers[name] for name in names]
        gone = [one.spells[-1][0] for one in known if not one.up]
        down_us = max(gone) if known and len(gone) == len(known) else None
        if not any(one.weight > 0 for one in known):
            return Carried(None, None) if down_us is None else Carried(0.0, 0.0, 0.0, 0.0, down_us)
        expected = low = variance = most = 0.0
        for one in known:
            likely, least = _likely(one)
            mean = one.mean_bps or 0.0
            most += mean if likely > 0 else 0.0
            expected += mean * likely
            low += mean * least
            variance += (one.deviation_bps * least) ** 2
        cautious = max(low - math.sqrt(variance), 0.0)
        available, observed = (expected / most, low / most) if most > 0 else (0.0, 0.0)
        return Carried(expected, cautious, available, observed, down_us)

    def _measure(self, one: _Bearer, now_us: int, delivered_bytes: int, path_bps: float) -> None:
        span_s = (now_us - one.mark_us) / 1e6
        rate_bps = (delivered_bytes - one.mark_bytes) * 8 / span_s
        if rate_bps < 0 or (rate_bps > 0 and believed_bps(rate_bps) is None):
            self.strange += 1
        else:
            one.best_bps = max(rate_bps, _FADE * one.best_bps)
            could_bps = max(rate_bps, min(_OF_PATH * path_bps, _BEYOND * one.best_bps))
            if one.busy:
                one.add(rate_bps, span_s)
            elif could_bps > (one.mean_bps or 0.0):
                one.add(could_bps, span_s)
        one.mark_us, one.mark_bytes, one.busy = now_us, delivered_bytes, True


def _likely(one: _Bearer) -> tuple[float, float]:
    """The part of the time ahead that a bearer will be there: as expected, and at the least."""
    share, outages = one.share_up()
    spell_us = one.now_us - one.spells[-1][0]
    breaks = len(outages) >= 2
    if one.up:
        return (share if breaks else 1.0), share
    usual_us = sum(outages[:-1]) / max(len(outages) - 1, 1)
    if breaks and spell_us <= max(3 * usual_us, _GONE_US):
        return share, 0.0
    return 0.0, 0.0
