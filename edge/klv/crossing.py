"""From the recorders' threads to the event loop, where the intake is. Never waits, never grows."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from fieldlink.codecs.klv import LocalSet
from fieldlink.codecs.telemetry import Flag, Schema
from fieldlink.edge.klv.readings import readings
from fieldlink.edge.telemetry.ports import Intake, Reading, Source

__all__ = ["VIA", "Crossing"]

VIA = "klv"
_KIND = "drone"
_EVERY_S = 0.18  # five a second that come unevenly; all of them are on record
_MOST_WAITING = 20
_ELSEWHERE_S = 60.0


class Crossing:
    """Thins what sets say to five a second, and has the intake record it."""

    def __init__(self, intake: Intake, steady: Callable[[], float] = time.monotonic) -> None:
        self._intake, self._steady = intake, steady
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[tuple[LocalSet, bool]]] = {}
        self._taken_s: dict[str, float] = {}
        self._elsewhere_s: dict[str, float] = {}

    def start(self) -> None:
        """From now on what is heard goes to the loop that runs."""
        self._loop = asyncio.get_running_loop()

    def hear(self, device: str, found: Sequence[LocalSet], played: bool) -> None:
        """Sets of `device`, on any thread."""
        loop, now_s = self._loop, self._steady()
        if loop is None or loop.is_closed() or not found:
            return
        with self._lock:
            if now_s - self._taken_s.get(device, -_EVERY_S) < _EVERY_S:
                return
            self._taken_s[device] = now_s
            asked = bool(self._waiting)
            waiting = self._waiting.setdefault(device, deque(maxlen=_MOST_WAITING))
            waiting.append((found[-1], played))
        if not asked:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for device, sets in waiting.items():
            # An aircraft that the kit hears itself is better heard there.
            if self._steady() - self._elsewhere_s.get(device, -_ELSEWHERE_S) >= _ELSEWHERE_S:
                self._record(device, sets)

    def _record(self, device: str, sets: Sequence[tuple[LocalSet, bool]]) -> None:
        told: dict[Schema, list[Reading]] = {}
        for found, played in sets:
            # It flies nowhere now.
            flags = Flag.EXERCISE if played else Flag.NONE
            for schema, reading in readings(found, flags):
                told.setdefault(schema, []).append(reading)

        def done(why: str | None) -> None:
            if why is not None and why.startswith("taken"):
                self._elsewhere_s[device] = self._steady()

        for schema, found_of in told.items():
            self._intake.record(Source(device, _KIND, VIA), schema, found_of, done)
