"""How much a bearer may have under way: measured from its answers, no clock of its own.

The rate is the best that was delivered lately, the round trip the shortest lately. Their product
is what the path holds; half as much again keeps it full and its queues short. The table "Alarms
and bulk together" in docs/components/bearer.md says why not more.
"""

from collections import deque

from fieldlink.codecs.wire import MAX_CHUNK_BYTES

__all__ = ["SMALLEST_CHUNK_BYTES", "Pace"]

SMALLEST_CHUNK_BYTES = 8_000
_GAIN = 1.5
_DRAIN_GAIN = 0.8
_DRAIN_EVERY_US = 10_000_000
_RATE_MEMORY_US = 10_000_000
_RTT_MEMORY_US = 30_000_000
_LEAST_RTT_US = 50_000  # on a LAN: 50 ms of queue cost nobody anything, tiny chunks cost power
_MAX_SAMPLES = 64


class _Extreme:
    """The largest of the samples of the last `memory_us` (the smallest, if fed negatives)."""

    def __init__(self, memory_us: int) -> None:
        self._memory_us = memory_us
        self._samples: deque[tuple[int, float]] = deque(maxlen=_MAX_SAMPLES)

    def add(self, now_us: int, value: float) -> None:
        while self._samples and self._samples[-1][1] <= value:
            self._samples.pop()
        self._samples.append((now_us, value))
        # The last one stays however old: an idle hour does not change the path.
        while len(self._samples) > 1 and now_us - self._samples[0][0] > self._memory_us:
            self._samples.popleft()

    @property
    def value(self) -> float | None:
        return self._samples[0][1] if self._samples else None


class Pace:
    """Window and chunk length of one bearer, in bytes.

    `smallest_window_bytes` is where it begins and never goes below.
    """

    def __init__(self, smallest_window_bytes: int, largest_window_bytes: int) -> None:
        self._smallest = smallest_window_bytes
        self._largest = largest_window_bytes
        self._rate = _Extreme(_RATE_MEMORY_US)
        self._rtt = _Extreme(_RTT_MEMORY_US)
        self._smooth_rtt_us: float | None = None
        self._gain = _GAIN
        self._turn_us: int | None = None
        self.delivered_bytes = 0

    def delivered(
        self, size: int, delivered_before: int, sent_us: int, now_us: int, measure: bool = True
    ) -> None:
        """A chunk of `size` bytes sent at `sent_us`, when `delivered_before` bytes had been
        delivered in all, has been answered; `measure` says whether that tells of the path.
        """
        self.delivered_bytes += size
        if not measure:
            return
        elapsed_us = max(now_us - sent_us, 1)
        self._rtt.add(now_us, -elapsed_us)
        old = self._smooth_rtt_us
        self._smooth_rtt_us = elapsed_us if old is None else old + (elapsed_us - old) / 8
        self._take_turns(now_us)
        self._rate.add(now_us, (self.delivered_bytes - delivered_before) * 8e6 / elapsed_us)

    def _take_turns(self, now_us: int) -> None:
        """Every ten seconds let the path's queue run dry, or its delay would pass for the path's
        own length, and the window would grow with it for ever.
        """
        if self._turn_us is None:
            self._turn_us = now_us + _DRAIN_EVERY_US
        elif now_us >= self._turn_us and self._gain == _GAIN:
            self._gain = _DRAIN_GAIN
            self._turn_us = now_us + max(2 * int(self.rtt_us or 0), _LEAST_RTT_US)
        elif now_us >= self._turn_us:
            self._gain = _GAIN
            self._turn_us = now_us + _DRAIN_EVERY_US

    @property
    def rate_bps(self) -> float | None:
        """The best delivery rate lately, bits per second."""
        return self._rate.value

    @property
    def rtt_us(self) -> float | None:
        """The shortest round trip lately, from a chunk to its answer, microseconds."""
        return -self._rtt.value if self._rtt.value is not None else None

    @property
    def patience_us(self) -> int:
        """How long no answer is no reason to worry, microseconds."""
        return 1_000_000 + int(4 * (self._smooth_rtt_us or 1_000_000))

    @property
    def window_bytes(self) -> int:
        """How much may be under way."""
        rate_bps, rtt_us = self.rate_bps, self.rtt_us
        if rate_bps is None or rtt_us is None:
            return self._smallest
        held = self._gain * rate_bps / 8e6 * max(rtt_us, _LEAST_RTT_US)
        return round(min(max(held, self._smallest), self._largest))

    @property
    def chunk_bytes(self) -> int:
        """How long a chunk should be: a second of the link, and an eighth of the window."""
        second = self.rate_bps / 8 if self.rate_bps is not None else self._smallest
        wanted = min(second, self.window_bytes / 8)
        return round(min(max(wanted, SMALLEST_CHUNK_BYTES), MAX_CHUNK_BYTES))
