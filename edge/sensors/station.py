"""What every sensor does with what it measured, however that came: judge its limits, hand the
reading to the kit, and say how it is.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.telemetry import POSITION, AlarmKind, Column, Flag, Schema
from fieldlink.edge.sensors.limits import Verdict, Watch
from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.sensors.values import Measured
from fieldlink.edge.sensors.wording import measured_text, notice_of, reason_text
from fieldlink.edge.telemetry.ports import Intake, KitTime, Reading, Source

__all__ = ["Station", "schema_of"]

_Key: TypeAlias = tuple[AlarmKind, str]
_POSITION_EVERY_S = 3600.0
_SURVEYED = 7  # GGA quality of a position that was typed in (NMEA 0183)


def schema_of(sensor: SensorSettings) -> Schema:
    """The columns of a sensor's readings."""
    columns = (Column(value.name, value.unit, value.decimals) for value in sensor.value)
    return Schema(sensor.stream, tuple(columns))


class Station:
    """One sensor. Times are `now_s`, of a clock that never goes back; what goes to the kit gets
    the kit's own time, for a sensor keeps none.
    """

    def __init__(self, settings: SensorSettings, intake: Intake, time: KitTime) -> None:
        self.settings = settings
        self._intake, self._time = intake, time
        self._source = Source(settings.name, settings.kind, "sensor")
        self._schema = schema_of(settings)
        self._watch = Watch(settings)
        self._latest: dict[str, tuple[int, Measured]] = {}  # with the kit's time
        self._flags = Flag.EXERCISE if settings.exercise else Flag.NONE
        self._untold: dict[_Key, Verdict] = {}  # that begun and were refused
        self._raised = False
        self._heard_us: int | None = None
        self._placed_s: float | None = None
        self._state, self._reason = "connecting", ""

    def begin(self, now_s: float) -> None:
        """It is being tried. Where it stands is told once an hour, if that is known."""
        self.tick(now_s)
        at = self.settings
        due = self._placed_s is None or now_s - self._placed_s >= _POSITION_EVERY_S
        if at.lat is not None and due:
            self._placed_s = now_s
            place = {"lat": at.lat, "lon": at.lon, "fix": _SURVEYED}
            self._intake.record(self._source, POSITION, [Reading(place, flags=self._flags)])

    def judge(self, now_s: float, measured: Mapping[str, Measured]) -> None:
        """Raise and end alarms by these values, at once."""
        now_us = self._time.now_us()
        for name, one in measured.items():
            self._latest[name] = (now_us, one)
        self._state, self._reason, self._heard_us = "live", "", now_us
        self._tell(self._watch.feed(now_s, {name: one.value for name, one in measured.items()}))

    def record(self, measured: Mapping[str, Measured]) -> None:
        """Hand over one reading; the values that it lacks are unknown."""
        values = {name: one.value for name, one in measured.items()}
        flags = self._flags | (Flag.ALARM if self._raised else Flag.NONE)
        self._raised = False
        self._intake.record(self._source, self._schema, [Reading(values, flags=flags)])

    def tick(self, now_s: float) -> None:
        """Let time pass: silence is an alarm as well; what the kit would not take is said again."""
        untold, self._untold = self._untold, {}
        self._tell(untold.values())
        self._tell(self._watch.tick(now_s))

    def refuse(self, reason: str) -> None:
        """Count what made no sense: "word: detail"."""
        self._intake.refuse(self.settings.name, reason)

    def failed(self, now_s: float, error: SourceError) -> None:
        """It does not work at present."""
        self._state, self._reason = "down", str(error)
        self.tick(now_s)

    def _tell(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            self._raised = self._raised or verdict.active
            key = verdict.kind, verdict.subject
            self._untold.pop(key, None)  # it has ended before it was told, or begun anew
            told = partial(self._told, key, verdict)
            self._intake.notify(self._source, notice_of(self.settings, verdict), told)

    def _told(self, key: _Key, verdict: Verdict, error: str | None) -> None:
        if error is not None and f"{key[0].value} {key[1]}".strip() in self._watch.passed:
            self._untold[key] = verdict

    def report(self) -> dict[str, Any]:
        """How it is, and each value with its age in seconds."""
        return {
            "kind": self.settings.kind,
            "state": self._state,
            "reason": self._reason,
            "last_packet_us": self._heard_us,
            "values": [self._shown(value.name) for value in self.settings.value],
            "alarms": sorted(self._watch.passed),
        }

    def _shown(self, name: str) -> dict[str, Any]:
        value = next(one for one in self.settings.value if one.name == name)
        at_us, measured = self._latest.get(name, (None, Measured(None, "no-line")))
        age_s = None if at_us is None else max(0.0, round((self._time.now_us() - at_us) / 1e6, 1))
        return {
            "name": name,
            "label": value.label,
            "value": measured.value,
            "unit": value.unit,
            "age_s": age_s,
            "reason": reason_text(measured.reason) if measured.reason else "",
            "text": measured_text(value, measured),
        }
