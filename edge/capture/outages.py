"""Outages as gap records: one for each, with its reason and its true span, none in silence."""

import threading

from fieldlink.edge.capture.ports import GapSink

__all__ = ["Outages"]

_YEAR_US = 365 * 86_400_000_000
_SET_BACK_US = 10_000_000
_LONGEST_US = 600_000_000


class Outages:
    """What a stream does not have and why. Times are UTC microseconds.

    A gap is recorded when it ends; a long one in parts of ten minutes, so that power loss in the
    middle of it hides ten minutes at most.
    """

    def __init__(self, device: str, stream: str, gap: GapSink) -> None:
        self._device, self._stream, self._gap = device, stream, gap
        self._lock = threading.Lock()
        self._open: tuple[int, str] | None = None
        self._part_us = 0
        self._resuming = False
        self.recorded = 0

    def resume(self, since_us: int, now_us: int, reason: str) -> None:
        """Nothing was recorded from `since_us` until now, because nobody was there to record."""
        with self._lock:
            self._start(min(since_us, now_us), reason, now_us)
            self._resuming = True

    def begin(self, at_us: int, reason: str) -> None:
        """The stream stopped; the first reason stays while the outage lasts."""
        with self._lock:
            if self._resuming:  # this recorder is there and the stream is not: another reason
                self._finish(at_us)
            if self._open is None:
                self._start(at_us, reason, at_us)

    def _start(self, at_us: int, reason: str, now_us: int) -> None:
        self._open, self._part_us = (at_us, reason), now_us + _LONGEST_US

    def _finish(self, at_us: int) -> None:
        self._resuming = False
        if self._open is not None:
            (start_us, reason), self._open = self._open, None
            self._record(start_us, max(at_us, start_us), reason)

    def tick(self, now_us: int) -> None:
        """Record the part of a long outage that is over."""
        with self._lock:
            if self._open is not None and now_us < self._open[0] - _SET_BACK_US:
                self._start(now_us, self._open[1], now_us)  # the kit's clock was set back
            if self._open is not None and now_us >= self._part_us:
                start_us, reason = self._open
                self._start(now_us, reason, now_us)
                self._record(start_us, now_us, reason)

    def end(self, at_us: int) -> None:
        """The stream is back, or recording stops."""
        with self._lock:
            self._finish(at_us)

    def _record(self, start_us: int, end_us: int, reason: str) -> None:
        if end_us - start_us > _YEAR_US:  # nobody records that long: the kit believed it was 1970
            start_us, reason = end_us, f"{reason}; the clock was set meanwhile, how long is unknown"
        self._gap(self._device, self._stream, start_us, end_us, reason)
        self.recorded += 1
