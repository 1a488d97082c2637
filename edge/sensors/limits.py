"""When a value becomes an alarm, and when the alarm is over.

Pure; time is an argument, seconds of a clock that never goes back. Each limit has one state, and
only a known value moves it: a value that is unknown, or older than one already judged, changes
nothing. A limit raises after `confirm` readings past it, and is over after the value has been on
the good side of `clear` for `clear_after`, with no reading to the contrary; between the two
nothing happens, so a value that trembles at the limit makes one alarm.

The same holds for how fast a value changes. The rate is the change over the window, counted in
each `per`; what changed in less than a window counts as if it had taken the whole, so a short
history never exaggerates. Every reading first becomes the median of itself and the two before it:
a single spike, however large, changes no rate, and a lasting step is seen one reading later.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.edge.sensors.settings import LimitSettings, SensorSettings, ValueSettings

__all__ = ["SILENCE", "Verdict", "Watch"]

SILENCE = "silence"
_KEPT = 256
_PER_S = {"min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Verdict:
    """An alarm begins (`active`) or is over. `measured` is the value, the rate, or for silence
    the seconds without a reading; `limit` None: it is silence. `subject` is unique in a sensor.
    `first`: nothing was known before, so nothing may have been active.
    """

    kind: AlarmKind
    subject: str
    active: bool
    measured: float
    value: ValueSettings | None = None
    limit: LimitSettings | None = None
    first: bool = False


class _Hysteresis:
    """One limit: `active` is None until the first reading that says."""

    def __init__(self, limit: LimitSettings) -> None:
        self._limit = limit
        # Turned so that high is bad, whichever limit it is.
        self._sign = -1.0 if limit.which == "low" else 1.0
        self._at = self._sign * limit.at
        self._clear = self._at if limit.clear is None else self._sign * limit.clear
        self._past = 0
        self._good_since_s: float | None = None
        self.active: bool | None = None

    def feed(self, now_s: float, measured: float) -> bool:
        """Judge a reading; whether the state changed."""
        turned = self._sign * measured
        if turned >= self._at:
            self._past, self._good_since_s = self._past + 1, None
            if self.active is True or self._past < self._limit.confirm:
                return False
            self.active = True
            return True
        self._past = 0
        if self.active is False:
            return False
        if turned > self._clear:
            self._good_since_s = None
            return False
        if self._good_since_s is None:
            self._good_since_s = now_s
        if now_s - self._good_since_s < self._limit.clear_after:
            return False
        self.active = False
        return True


class _Change:
    """How fast a value changes, without its spikes."""

    def __init__(self, limit: LimitSettings) -> None:
        self._window_s = limit.window
        self._each = _PER_S[limit.per] / limit.window
        self._which = limit.which
        self._recent: deque[float] = deque(maxlen=3)
        self._last_s = 0.0
        self._points: deque[tuple[float, float]] = deque()

    def feed(self, now_s: float, value: float) -> float | None:
        """The rate in the limit's direction; None: too few readings to say."""
        if self._recent and now_s - self._last_s > self._window_s:
            self._recent.clear()
            self._points.clear()
        self._last_s = now_s
        self._recent.append(value)
        if len(self._recent) < 3:
            return None
        smooth = median(self._recent)
        while self._points and self._points[0][0] < now_s - self._window_s:
            self._points.popleft()
        before = self._points[0][1] if self._points else None
        if not self._points or now_s - self._points[-1][0] >= self._window_s / _KEPT:
            self._points.append((now_s, smooth))
        if before is None:
            return None
        change = (smooth - before) * self._each
        return {"rise": change, "fall": -change, "change": abs(change)}[self._which]


class _Guard:
    """One limit of one value."""

    def __init__(self, value: ValueSettings, limit: LimitSettings) -> None:
        self._value, self._limit = value, limit
        self._change = _Change(limit) if limit.is_rate else None
        self._state = _Hysteresis(limit)
        self.subject = f"{value.name}.{limit.name or limit.which}"
        self.kind = AlarmKind.RATE if limit.is_rate else AlarmKind.THRESHOLD
        if value.gas:
            self.kind = AlarmKind.GAS

    def feed(self, now_s: float, value: float) -> Verdict | None:
        measured = value if self._change is None else self._change.feed(now_s, value)
        before = self._state.active
        if measured is None or not self._state.feed(now_s, measured):
            return None
        active = self._state.active is True
        return Verdict(
            self.kind,
            self.subject,
            active,
            measured,
            self._value,
            self._limit,
            first=before is None and not active,
        )


class _Silence:
    """Whether something is still heard. It counts from when watching began."""

    def __init__(self, after_s: float, value: ValueSettings | None) -> None:
        self._after_s, self._value = after_s, value
        self._heard_s: float | None = None
        self.active: bool | None = None

    @property
    def subject(self) -> str:
        return self._value.name if self._value else ""

    def heard(self, now_s: float) -> Verdict | None:
        before, self.active = self.active, False
        silent_s = now_s - self._heard_s if self._heard_s is not None else 0.0
        self._heard_s = now_s
        return None if before is False else self._verdict(False, silent_s, before is None)

    def tick(self, now_s: float) -> Verdict | None:
        if self._heard_s is None:
            self._heard_s = now_s
        silent_s = now_s - self._heard_s
        if self.active is True or silent_s < self._after_s:
            return None
        self.active = True
        return self._verdict(True, silent_s, False)

    def _verdict(self, active: bool, silent_s: float, first: bool) -> Verdict:
        return Verdict(
            AlarmKind.SILENCE, self.subject, active, silent_s, value=self._value, first=first
        )


class Watch:
    """All limits of one sensor, and its silence: as a whole, and of each value with limits."""

    def __init__(self, sensor: SensorSettings) -> None:
        self._now_s = float("-inf")
        self._guards = {
            value.name: [_Guard(value, limit) for limit in value.limit] for value in sensor.value
        }
        after_s = sensor.silent_after_s
        self._whole = _Silence(after_s, None) if after_s else None
        self._parts = {v.name: _Silence(after_s, v) for v in sensor.value if v.limit and after_s}
        self.passed: set[str] = set()
        """The subjects of the alarms that are on."""

    @property
    def alarms(self) -> set[tuple[AlarmKind, str]]:
        """Kind and subject of every alarm that there can be."""
        silences = [*self._parts.values(), *([self._whole] if self._whole else [])]
        guards = [guard for found in self._guards.values() for guard in found]
        return {(AlarmKind.SILENCE, one.subject) for one in silences} | {
            (guard.kind, guard.subject) for guard in guards
        }

    def feed(self, now_s: float, values: Mapping[str, float | None]) -> list[Verdict]:
        """Judge a reading. What is older than one already judged is left aside."""
        if now_s < self._now_s:
            return []
        self._now_s = now_s
        return self._told(self._judge(now_s, values))

    def _judge(self, now_s: float, values: Mapping[str, float | None]) -> Iterator[Verdict | None]:
        known = {name: value for name, value in values.items() if value is not None}
        if known and self._whole is not None:
            yield self._whole.heard(now_s)
        for name, value in known.items():
            if name in self._parts:
                yield self._parts[name].heard(now_s)
            for guard in self._guards.get(name, ()):
                yield guard.feed(now_s, value)

    def tick(self, now_s: float) -> list[Verdict]:
        """Let time pass; what has been silent too long is an alarm."""
        if now_s < self._now_s:
            return []
        self._now_s = now_s
        return self._told(self._listen(now_s))

    def _listen(self, now_s: float) -> Iterator[Verdict | None]:
        if self._whole is not None:
            yield self._whole.tick(now_s)
            if self._whole.active is True:
                return  # one alarm says it all
        for part in self._parts.values():
            yield part.tick(now_s)

    def _told(self, verdicts: Iterator[Verdict | None]) -> list[Verdict]:
        found = [verdict for verdict in verdicts if verdict is not None]
        for verdict in found:
            if verdict.active:
                self.passed.add(f"{verdict.kind.value} {verdict.subject}".strip())
            else:
                self.passed.discard(f"{verdict.kind.value} {verdict.subject}".strip())
        return found
