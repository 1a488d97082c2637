"""The clocks of this machine, and the kit's clock made of them."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from fieldlink.edge.clock.measure import STEP_US, Judgement, Measure, Origin, Reading
from fieldlink.edge.clock_check import ClockState, clock_state

__all__ = ["KitClock", "Observe", "steady_us", "system_us"]

_log = logging.getLogger(__name__)

_KERNEL_US = 1_000_000
_JUDGE_US = 1_000_000
_TOGETHER_US = 2_000
_TRIES = 4
_EVENT_US = 100_000

Observe: TypeAlias = Callable[[Origin, int, int, int], None]
"""A source's time: its origin, its UTC, when that was by the steady clock, give or take what; all
in microseconds."""


def system_us() -> int:
    """UTC microseconds by the system's clock."""
    return time.time_ns() // 1000


def steady_us() -> int:
    """Microseconds that nobody sets and that pass while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


@dataclass(frozen=True, slots=True)
class Step:
    """The kit's clock or the system's moved suddenly: by `by_us`, at `at_us` of the new time."""

    what: str
    by_us: int
    at_us: int


class KitClock:
    """The system's time, corrected only while trusted sources contradict it. Any thread may ask.

    Between readings a corrected clock runs by the steady clock: whoever sets the system's clock
    meanwhile changes nothing. When the system is right again, the correction ends by itself.
    """

    def __init__(
        self,
        drift_ppm: float = 100,
        *,
        system: Callable[[], int] = system_us,
        steady: Callable[[], int] = steady_us,
        kernel: Callable[[], ClockState] = clock_state,
    ) -> None:
        self._system, self._steady, self._kernel = system, steady, kernel
        self._measure = Measure(drift_ppm)
        self._lock = threading.Lock()
        self._kernel_error_us: int | None = None
        self._kernel_at_us = self._judged_us = -(2**62)
        self._system_anchor_us: int | None = None
        self._judgement = Judgement(None, None, None)
        self.steps = 0
        """How often the kit's clock was corrected or set suddenly."""
        self.system_steps = 0
        """How often somebody set the system's clock."""
        self.last_step: Step | None = None

    def now_us(self) -> int:
        """UTC microseconds."""
        with self._lock:
            return self._now()

    def error_us(self) -> int | None:
        """How far `now_us` may be from the truth; None: unknown."""
        with self._lock:
            self._now()
            return self._judgement.error_us

    def observe(self, origin: Origin, true_us: int, at_steady_us: int, error_us: int) -> None:
        """It was `true_us`, give or take `error_us`, when the steady clock said `at_steady_us`."""
        with self._lock:
            self._measure.add(origin, Reading(true_us - at_steady_us, error_us, at_steady_us))
            self._judged_us = -(2**62)
            self._now()

    def report(self) -> dict[str, Any]:
        """Against what it is measured, its error, and the correction, in us."""
        with self._lock:
            now_us = self._now()
            judgement, system_us = self._judgement, self._system()
            trusted = self._measure.trusted(self._steady())
            return {
                "against": None if judgement.against is None else judgement.against.value,
                "error_us": judgement.error_us,
                "correction_us": 0 if judgement.anchor_us is None else now_us - system_us,
                "kept": self._kernel_error_us is not None,
                "contradicts": [origin.value for origin in judgement.contradicts],
                "sources": {origin.value: one.error_us for origin, one in trusted.items()},
                "wild": {origin.value: count for origin, count in self._measure.wild().items()},
                "steps": self.steps,
                "system_steps": self.system_steps,
                "last_step": None if self.last_step is None else asdict(self.last_step),
            }

    def _now(self) -> int:
        system_us, steady_us = self._both()
        anchor_us = system_us - steady_us
        before_us, self._system_anchor_us = self._system_anchor_us, anchor_us
        stepped = before_us is not None and abs(anchor_us - before_us) > STEP_US
        if stepped and before_us is not None:
            self.system_steps += 1
            _log.info("the system's clock was set by %+.3f s", (anchor_us - before_us) / 1e6)
        if stepped or not 0 <= steady_us - self._judged_us < _JUDGE_US:
            self._judge(system_us, steady_us, before_us if stepped else anchor_us, stepped)
        corrected_us = self._judgement.anchor_us
        return system_us if corrected_us is None else steady_us + corrected_us

    def _both(self) -> tuple[int, int]:
        """Both clocks at one instant: read again when this thread lost the processor between."""
        for _ in range(_TRIES):
            before_us, system_us, after_us = self._steady(), self._system(), self._steady()
            if after_us - before_us < _TOGETHER_US:
                break
        return system_us, (before_us + after_us) // 2

    def _judge(self, system_us: int, steady_us: int, before_us: int | None, stepped: bool) -> None:
        if stepped or not 0 <= steady_us - self._kernel_at_us < _KERNEL_US:
            self._kernel_at_us = steady_us
            self._kernel_error_us = self._ask_kernel()
        old = self._judgement.anchor_us if self._judgement.anchor_us is not None else before_us
        self._judged_us = steady_us
        self._judgement = self._measure.judge(system_us, steady_us, self._kernel_error_us)
        new = self._judgement.anchor_us
        new = system_us - steady_us if new is None else new
        if old is not None and abs(new - old) > _EVENT_US:
            self._step(new - old, steady_us + new)

    def _step(self, by_us: int, at_us: int) -> None:
        against = self._judgement.against
        self.steps += 1
        self.last_step = Step("set" if against is None else against.value, by_us, at_us)
        _log.warning(
            "the kit's clock moves by %+.3f s: %s",
            by_us / 1e6,
            "the system's clock was set" if against is None else f"{against.value} says so",
        )

    def _ask_kernel(self) -> int | None:
        try:
            state = self._kernel()
        except OSError:
            return None  # it does not say: as good as not kept
        return state.error_us if state.synchronised else None
