"""The system's clock, and what the kernel knows of its error."""

import time
from collections.abc import Callable

from fieldlink.edge.clock_check import ClockState, clock_state

__all__ = ["WallTime"]

_LOOK_S = 10.0


class WallTime:
    """A `KitTime` of the system's clock; the kernel is asked every ten seconds."""

    def __init__(
        self,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        state: Callable[[], ClockState] = clock_state,
    ) -> None:
        self._now_us, self._state = now_us, state
        self._error_us: int | None = None
        self._looked_s = -_LOOK_S

    def now_us(self) -> int:
        """UTC microseconds."""
        return self._now_us()

    def error_us(self) -> int | None:
        """The kernel's bound of the error; None: nothing keeps the clock right."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            try:
                self._error_us = self._state().error_us
            except OSError:  # it does not say
                self._error_us = None
        return self._error_us
