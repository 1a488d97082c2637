"""The window on a simulated path: a bottleneck with a queue, a round trip, jitter."""

import random
from collections import deque

import pytest

from fieldlink.edge.bearer.pace import Pace, PathSample

_STEP_US = 20_000


class Path:
    """A line of `rate_bps` behind which everything travels for `rtt_us`, both ways together."""

    def __init__(self, rate_bps: float, rtt_us: int, jitter_us: int = 0) -> None:
        self.rate, self.rtt_us, self.jitter_us = rate_bps / 8e6, rtt_us, jitter_us
        self.now_us = 1_000_000
        self.queue = self.delivered = 0.0
        self.smooth_us, self.least_us = float(rtt_us), float(rtt_us)
        self._random = random.Random(1)
        self._travelling: deque[tuple[int, float]] = deque()

    @property
    def outstanding(self) -> float:
        return self.queue + sum(size for _, size in self._travelling)

    def step(self, pace: Pace, offered: bool, *, urgent: bool = False) -> None:
        """Twenty milliseconds; `offered` says whether there is something to send."""
        self.now_us += _STEP_US
        while offered and pace.allowed_bytes(self.now_us) - self.outstanding > pace.slack_bytes:
            self.queue += pace.chunk_bytes
        gone = min(self.queue, self.rate * _STEP_US)
        self.queue -= gone
        self._travelling.append((self.now_us + self.rtt_us, gone))
        while self._travelling and self._travelling[0][0] <= self.now_us:
            self.delivered += self._travelling.popleft()[1]
        late_us = self.queue / self.rate + self._random.randrange(self.jitter_us + 1)
        self.smooth_us += (self.rtt_us + late_us - self.smooth_us) / 8
        self.least_us = min(self.least_us, self.smooth_us)
        pace.sample(
            self.now_us,
            PathSample(
                rtt_us=self.smooth_us,
                min_rtt_us=self.least_us,
                delivered_bytes=round(self.delivered),
                limited=offered,
                urgent=urgent,
            ),
        )

    def run(self, pace: Pace, seconds: float, *, offered: bool = True) -> float:
        """The share of the line that was used meanwhile."""
        before = self.delivered
        for _ in range(round(seconds * 1e6 / _STEP_US)):
            self.step(pace, offered)
        return (self.delivered - before) / (self.rate * seconds * 1e6)


def _pace() -> Pace:
    return Pace(32_000, 8_000_000)


@pytest.mark.parametrize("rate_bps", [128e3, 1e6, 8e6, 50e6])
@pytest.mark.parametrize("rtt_us", [5_000, 80_000, 600_000])
def test_it_fills_the_line_and_keeps_the_queue_short(rate_bps: float, rtt_us: int) -> None:
    path, pace = Path(rate_bps, rtt_us), _pace()
    path.run(pace, 15)
    assert path.run(pace, 30) > 0.97
    held = path.rate * rtt_us
    most = max(0.6 * held, path.rate * 60_000, 12_000)
    assert path.queue < most + pace.chunk_bytes


def test_it_is_up_to_speed_within_ten_round_trips() -> None:
    path, pace = Path(8e6, 600_000), _pace()
    path.run(pace, 6)
    assert path.run(pace, 2) > 0.9


def test_jitter_does_not_starve_it() -> None:
    path, pace = Path(4e6, 60_000, jitter_us=60_000), _pace()
    path.run(pace, 10)
    assert path.run(pace, 20) > 0.75


def test_a_line_that_becomes_slower_is_followed_down() -> None:
    path, pace = Path(8e6, 600_000), _pace()
    path.run(pace, 20)
    path.rate /= 8
    path.run(pace, 25)
    assert path.queue < 0.6 * path.rate * path.rtt_us
    assert path.run(pace, 10) > 0.95


def test_a_line_that_becomes_faster_is_followed_up() -> None:
    path, pace = Path(1e6, 600_000), _pace()
    path.run(pace, 20)
    path.rate *= 8
    path.run(pace, 20)
    assert path.run(pace, 10) > 0.9


def test_a_path_that_becomes_longer_is_no_queue_for_ever() -> None:
    path, pace = Path(4e6, 50_000), _pace()
    path.run(pace, 20)
    path.rtt_us = 200_000
    path.run(pace, 60)
    assert path.run(pace, 10) > 0.8


def test_an_idle_hour_is_forgotten_neither_as_rate_nor_as_window() -> None:
    path, pace = Path(1e6, 600_000), _pace()
    path.run(pace, 20)
    rate_bps = pace.rate_bps
    path.run(pace, 3600, offered=False)
    assert pace.rate_bps == rate_bps
    assert path.run(pace, 5) > 0.8


@pytest.mark.parametrize("jump_us", [-315_360_000_000_000, 315_360_000_000_000])
def test_time_that_jumps_ten_years_is_got_over(jump_us: int) -> None:
    path, pace = Path(1e6, 600_000), _pace()
    path.now_us = 2 * 315_360_000_000_000
    path.run(pace, 20)
    path.now_us += jump_us
    path._travelling = deque((at + jump_us, size) for at, size in path._travelling)
    path.run(pace, 20)
    assert path.run(pace, 10) > 0.9


def test_a_peer_that_lies_about_rate_and_delay_stays_within_the_bounds() -> None:
    pace, rng = Pace(32_000, 1_000_000), random.Random(2)
    delivered = 0
    for number in range(5_000):
        delivered += rng.choice([0, 1, 10**9, -(10**9)])
        path = PathSample(
            rtt_us=rng.choice([0, 1, 10**3, 10**9]),
            min_rtt_us=rng.choice([0, 1, 10**3, 10**9]),
            delivered_bytes=delivered,
            limited=rng.random() < 0.5,
        )
        pace.sample(number * rng.choice([0, 1, 10**5]), path)
        assert 8_000 <= pace.window_bytes <= 1_000_000
        assert 8_000 <= pace.chunk_bytes <= 524_288
        assert pace.lines >= 1
