"""How much a bearer may hand to the network: samples of TCP's own figures in, an allowance out.

Answers of the centre are no measure: after a loss everything behind it waits in the receiver's
TCP, so that they come late although nothing is queued on the way. TCP's acknowledgements are, and
of them the selective ones too: the plain ones jump when a hole is filled.

The window bounds what is in the network or waits to get there, over all lines of the bearer. It
doubles each round trip until a queue shows; then it follows

    window <- window * base / rtt + alpha * (rate * base)

(FAST TCP: Wei, Jin, Low, Hegde 2006), which rests where a queue of `alpha` of what the path holds
has formed; never below a little more than the path holds, so that jitter does not starve it.
"""

from collections import deque
from dataclasses import dataclass

from fieldlink.codecs.wire import MAX_CHUNK_BYTES

__all__ = ["SMALLEST_CHUNK_BYTES", "Pace", "PathSample"]

SMALLEST_CHUNK_BYTES = 8_000
_LEAST_BYTES = 8_000.0
_USUAL_CHUNK_BYTES = 48_000.0
_LINE_BYTES = 18_000
_EXIT = 1.12
_BLIND_TURNS = 3.0
_EMPTY = 1.05
_EMPTY_TURNS = 2.0
_ALPHA_URGENT = 0.25
_ALPHA_CALM = 0.36
_FLOOR = 1.1
_CEILING = 2.0
_TRY = 1.6
_PACKETS_BYTES = 1_500  # on a narrow line a packet is itself a queue
_PINNED_TURNS = 6.0
_TRY_TURNS = 2.0
_START_CEILING = 5.0
_GAIN = 0.5
_LEAST_RTT_US = 50_000  # on a LAN: 50 ms of queue cost nobody anything, tiny windows cost power
_BASE_MEMORY_US = 30_000_000
_DRIFT = 1.2  # less than 1 + alpha, or a longer path would starve the window
_RATE_MEMORY_US = 10_000_000
_DRAIN_EVERY_US = 30_000_000
_DRAINED = 0.6
_FAR = 1.25
_MAX_SAMPLES = 128


@dataclass(frozen=True, slots=True)
class PathSample:
    """All lines of a bearer at one moment: the mean of their smoothed round trips, the least that
    the kernel knows of, what arrived so far, whether more would have been sent but for the
    window, and whether urgent traffic is about, which a queue would hold up.
    """

    rtt_us: float
    min_rtt_us: float
    delivered_bytes: int
    limited: bool
    urgent: bool = False


class _Greatest:
    """The largest of the samples of a while (the smallest, if fed negatives)."""

    def __init__(self, memory_us: int) -> None:
        self._memory_us = memory_us
        self._samples: deque[tuple[int, float]] = deque()

    def add(self, now_us: int, value: float) -> None:
        while self._samples and (self._samples[-1][1] <= value or self._samples[-1][0] > now_us):
            self._samples.pop()
        if not self._samples or now_us - self._samples[-1][0] > self._memory_us // _MAX_SAMPLES:
            self._samples.append((now_us, value))
        # The last one stays however old: an idle hour does not change the path.
        while len(self._samples) > 1 and now_us - self._samples[0][0] > self._memory_us:
            self._samples.popleft()

    @property
    def value(self) -> float | None:
        return self._samples[0][1] if self._samples else None


class Pace:
    """Window and chunk length of one bearer, in bytes; `first_bytes` is where it begins."""

    def __init__(self, first_bytes: int, largest_bytes: int) -> None:
        self._first, self._largest = first_bytes, largest_bytes
        self._window = float(first_bytes)
        self._began_us = 0
        self._empty_turns = self._pinned_turns = 0.0
        self._rate: float | None = None  # bytes per microsecond
        self.rtt_us: float | None = None
        self.base_us: float | None = None
        self.begin()

    def begin(self) -> None:
        """The bearer connects anew: the path may be another one."""
        self._window = max(float(self._first), self._window / 2)
        self.starting = True
        self._began_us = 0
        self._empty_turns = self._pinned_turns = 0.0
        self._least = _Greatest(_BASE_MEMORY_US)
        self._best = _Greatest(_RATE_MEMORY_US)
        self._marks: deque[tuple[int, int]] = deque()
        self._last_us: int | None = None
        self._drain_us: int | None = None

    @property
    def window_bytes(self) -> int:
        """What may be in the network or on its way there."""
        return round(self._window)

    @property
    def rate_bps(self) -> float | None:
        """What was delivered lately, at best, bits per second; None when unknown."""
        return None if self._rate is None else self._rate * 8e6

    @property
    def chunk_bytes(self) -> int:
        """How long a chunk should be: a twelfth of the window, so that little of that waits unsent
        in the lines, but 48 kB if that takes a fifth of a second at most.
        """
        wanted = max(self._window / 12, min(_USUAL_CHUNK_BYTES, self._window / 2))
        if self._rate is not None:
            wanted = min(wanted, self._rate * 200_000)
        return round(min(max(wanted, SMALLEST_CHUNK_BYTES), MAX_CHUNK_BYTES))

    @property
    def lines(self) -> int:
        """How many lines keep it full."""
        return max(1, round(self._window / _LINE_BYTES))

    @property
    def slack_bytes(self) -> int:
        """How much less than a chunk's room is enough for one: half, so that on average it is the
        window that is used; and never what would leave an empty window unused.
        """
        return round(min(self.chunk_bytes / 2, self._window / 4))

    def allowed_bytes(self, now_us: int) -> int:
        """The window at `now_us`: narrower for a moment while the path's queue is to run dry."""
        if self._drain_us is not None and 0 <= now_us - self._drain_us < (self.rtt_us or 0):
            return round(self._window * _DRAINED)
        return self.window_bytes

    def sample(self, now_us: int, path: PathSample) -> None:
        """Take in the figures of `now_us`."""
        step_us = 0 if self._last_us is None else now_us - self._last_us
        if step_us < 0:  # time itself was set back
            self._marks.clear()
            step_us = 0
        self._last_us = now_us
        self.rtt_us = max(path.rtt_us, 1.0)
        self._find_base(now_us, path)
        self._measure_rate(now_us, path)
        self._adjust(step_us, path)

    def _find_base(self, now_us: int, path: PathSample) -> None:
        """The empty path's round trip: the kernel's, unless none was near it for half a minute.
        Then the path is another one, or a queue stands on it, which a drain shows.
        """
        rtt_us = self.rtt_us or 1.0
        self._least.add(now_us, -rtt_us)
        lately_us = -(self._least.value or -rtt_us)
        kernels_us = path.min_rtt_us or rtt_us
        self.base_us = max(kernels_us, lately_us / _DRIFT)
        due = self._drain_us is None or not 0 <= now_us - self._drain_us < _DRAIN_EVERY_US
        if due and not self.starting:
            far = lately_us > _FAR * kernels_us
            self._drain_us = now_us if far else None

    def _measure_rate(self, now_us: int, path: PathSample) -> None:
        span_us = max(1.5 * (self.base_us or 0), 2 * _LEAST_RTT_US)
        self._marks.append((now_us, path.delivered_bytes))
        while len(self._marks) > 2 and now_us - self._marks[1][0] >= span_us:
            self._marks.popleft()
        then_us, before = self._marks[0]
        if now_us - then_us < span_us / 2:
            return
        rate = max(path.delivered_bytes - before, 0) / (now_us - then_us)
        if path.limited or rate > (self._best.value or 0.0):
            self._best.add(now_us, rate)
            self._rate = self._best.value

    def _adjust(self, step_us: int, path: PathSample) -> None:
        rtt_us, base_us = self.rtt_us or 1.0, self.base_us or 1.0
        held = (self._rate or 0.0) * max(base_us, _LEAST_RTT_US)
        turns = min(step_us / max(rtt_us, _LEAST_RTT_US), 1.0)
        if self.starting:
            self._began_us += step_us
            self._grow(turns, held, path.limited)
        else:
            self._follow(turns, held, path)
        self._window = min(max(self._window, _LEAST_BYTES), float(self._largest))

    def _grow(self, turns: float, held: float, limited: bool) -> None:
        """Twice as much each round trip, until a queue shows."""
        rtt_us, base_us = self.rtt_us or 1.0, self.base_us or 1.0
        if limited:
            most = max(_START_CEILING * held, float(self._first))
            self._window = max(self._window, min(self._window * 2**turns, most))
        # The first round trips of a connection say more of the other end than of the path.
        queue = self._began_us > _BLIND_TURNS * base_us and rtt_us > max(
            base_us * _EXIT, _LEAST_RTT_US
        )
        if queue and held:
            self.starting = False
            self._empty_turns = 0.0
            # The rate of a start lags behind; what is in the network without its queue does not.
            self._window = max(_FLOOR * held, min(self._window, _CEILING * held) * base_us / rtt_us)

    def _follow(self, turns: float, held: float, path: PathSample) -> None:
        """Stay where a small queue is; where there is none, there is more to be had."""
        rtt_us = max(self.rtt_us or 1.0, _LEAST_RTT_US)
        base_us = max(self.base_us or 1.0, _LEAST_RTT_US)
        alpha = _ALPHA_URGENT if path.urgent else _ALPHA_CALM
        goal = self._window * base_us / rtt_us + alpha * held + _PACKETS_BYTES
        self._window += (goal - self._window) * min(1.0, _GAIN * turns)
        self._window = min(
            max(self._window, self._floor(turns, goal, held)), _CEILING * held + 2 * _PACKETS_BYTES
        )
        empty = path.limited and rtt_us < _EMPTY * base_us
        self._empty_turns = self._empty_turns + turns if empty else 0.0
        self.starting = self._empty_turns > _EMPTY_TURNS

    def _floor(self, turns: float, goal: float, held: float) -> float:
        """The least window. Where it is all that is left, the delay may be jitter and no queue:
        then more is tried now and then, and the rate shows it.
        """
        pinned = goal < _FLOOR * held + _PACKETS_BYTES or self._pinned_turns > _PINNED_TURNS
        self._pinned_turns = self._pinned_turns + turns if pinned else 0.0
        if self._pinned_turns > _PINNED_TURNS + _TRY_TURNS:
            self._pinned_turns = 0.0
        return held * (_TRY if self._pinned_turns > _PINNED_TURNS else _FLOOR) + _PACKETS_BYTES
