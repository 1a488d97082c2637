"""From what a station said to a value: missing, scaled, possible; counters become intensities.

Pure; time is an argument, seconds of a clock that never goes back. Unknown is not zero: a value
that cannot be had is None with a short word for why.
"""

import math
import re
from collections import deque
from dataclasses import dataclass

from fieldlink.edge.sensors.settings import ValueSettings

__all__ = ["Converter", "Measured", "number_in"]

_NUMBER = re.compile(r"[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?", re.ASCII)
_LARGEST = 2.0**53  # what the value may be in steps of its resolution: exact in a float
_KEPT = 256
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A value in its unit; None: unknown, and `reason` says why: "missing", "range", "number",
    "settling", "refused-2" (a Modbus exception), "garbled", "no-line".
    `raw` and `registers` are what the station said.
    """

    value: float | None
    reason: str = ""
    raw: float | int | str | None = None
    registers: tuple[int, ...] = ()


def number_in(text: str) -> float | None:
    """The number that `text` is, None if it is none; a comma may stand for the point."""
    plain = text.strip().replace(",", ".")
    return float(plain) if _NUMBER.fullmatch(plain) else None


class Converter:
    """Makes values of one setting; remembers what a counter said."""

    def __init__(self, settings: ValueSettings) -> None:
        self._settings = settings
        self._tips = _Tips(settings.counter, settings.window) if settings.counter else None

    def take(
        self, now_s: float, raw: float | int | None, registers: tuple[int, ...] = ()
    ) -> Measured:
        """The value for `raw`; None: the text held no number."""
        found, reason = self._value(now_s, raw)
        return Measured(found, reason, raw, registers)

    def _value(self, now_s: float, raw: float | int | None) -> tuple[float | None, str]:
        settings = self._settings
        if raw is None or not math.isfinite(raw):
            return None, "number"
        if any(math.isclose(raw, one, rel_tol=1e-6) for one in settings.missing):
            return None, "missing"
        if self._tips is None:
            value = raw * settings.scale + settings.offset
        else:
            counted = self._tips.per_hour(now_s, raw)
            if counted is None:
                return None, "settling"
            value = counted * settings.scale + settings.offset
        value = round(value, settings.decimals)
        low, high = settings.minimum, settings.maximum
        possible = abs(value) * 10.0**settings.decimals <= _LARGEST
        if not possible or (low is not None and value < low) or (high is not None and value > high):
            return None, "range"
        return value, ""


class _Tips:
    """A counter that begins again at 0 after `bits` bits, or when its station starts anew.

    It goes round only from the last eighth of the range into the first; every other step back is a
    new beginning, and so is one of half the range. What was counted across it is not known.
    """

    def __init__(self, bits: int, window_s: float) -> None:
        self._range = 1 << bits
        self._window_s = window_s
        self._points: deque[tuple[float, float]] = deque()  # when, counted since the beginning
        self._last: float | None = None

    def per_hour(self, now_s: float, raw: float) -> float | None:
        """How much was counted in the window, in each hour; None: there is no window yet."""
        if self._last is None or not 0 <= raw < self._range:
            self._begin(now_s, raw)
            return None
        step = (raw - self._last) % self._range
        round_ = self._last >= self._range * 7 / 8 and raw < self._range / 8
        if step >= self._range / 2 or (raw < self._last and not round_):
            self._begin(now_s, raw)
            return None
        self._last = raw
        when_s, total = self._points[-1]
        now_s, total = max(now_s, when_s), total + step
        if len(self._points) < 2 or now_s - self._points[-2][0] >= self._window_s / _KEPT:
            self._points.append((now_s, total))
        else:
            self._points[-1] = (now_s, total)
        # The newest point that is at least a window old is where counting begins.
        while len(self._points) > 1 and self._points[1][0] <= now_s - self._window_s:
            self._points.popleft()
        began_s, before = self._points[0]
        # Until a window has passed the count is taken to be all there was: too little, never more.
        return (total - before) * _HOUR_S / max(now_s - began_s, self._window_s)

    def _begin(self, now_s: float, raw: float) -> None:
        self._points.clear()
        self._last = raw if 0 <= raw < self._range else None
        if self._last is not None:
            self._points.append((now_s, 0.0))
