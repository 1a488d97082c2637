"""The kit's own alarms: a battery or a cylinder that runs low, vitals beyond their limits, a person
who does not move, a device that fell silent.

Each limit has a second one, on the good side of it, that ends the alarm: what hovers about a
limit alarms once. Nothing is concluded from what is unknown, frozen or late.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fieldlink.codecs.telemetry import (
    AIR,
    BATTERY,
    KIT_DEVICE,
    POSITION,
    VITALS,
    AlarmKind,
    Flag,
    Sample,
    Schema,
)
from fieldlink.edge.telemetry.alarm_book import AlarmBook
from fieldlink.edge.telemetry.device import Device, Series
from fieldlink.edge.telemetry.ports import Notice, Source
from fieldlink.edge.telemetry.settings import RuleSettings
from fieldlink.edge.telemetry.ways import Ways

__all__ = ["Rules"]

_WATCHED = (POSITION, VITALS, BATTERY, AIR)
_NOT_NEWS = int(Flag.BACKFILL | Flag.FROZEN)
_ALARM = int(Flag.ALARM)
_SILENT_INTERVALS = 6.0
_SPOKEN = 3
_WATCHES_ITSELF = "sensor"  # its adapter knows its period, and whether silence is an alarm
_LYING = (2, 3)  # lying, falling
_MOVED_S = 5
_UNUSED_BAR = 5.0  # a cylinder that is closed, or none: low only if it was full before
_STILL_FOR, _POSTURE = (
    [column.name for column in VITALS.columns].index(name) for name in ("still_for", "posture")
)

Raise = Callable[[Device, Notice], None]


@dataclass(frozen=True, slots=True)
class _Limit:
    """A column of a stream is too low or too high; `margin` beyond the limit ends it."""

    kind: AlarmKind
    subject: str
    at: int
    factor: int
    unit: str
    limit: float
    is_high: bool
    margin: float
    for_us: int
    idle_below: float | None = None

    def passed(self, value: float) -> bool:
        return value > self.limit if self.is_high else value < self.limit

    def recovered(self, value: float) -> bool:
        if self.is_high:
            return value <= self.limit - self.margin
        return value >= self.limit + self.margin


class Rules:
    """Watches samples as they come. `raises` is told what begins and ends."""

    def __init__(self, settings: RuleSettings, book: AlarmBook, raises: Raise) -> None:
        self._settings, self._book, self._raises = settings, book, raises
        self._limits: Mapping[str, tuple[_Limit, ...]] = _limits(settings)
        self._ways = Ways(book, raises)

    def sample(self, device: Device, series: Series, sample: Sample) -> int:
        """Look at a sample; flags that it earns."""
        limits = self._limits.get(series.yardstick.schema.stream)
        if limits is None or sample.flags & _NOT_NEWS:
            return 0
        raised = False
        for limit in limits:
            value = sample.values[limit.at]
            if isinstance(value, int):
                raised |= self._judge(device, limit, value / limit.factor, sample.time_us)
        if series.yardstick.schema is VITALS and self._settings.still:
            raised |= self._man_down(device, sample)
        return _ALARM if raised else 0

    def _judge(self, device: Device, limit: _Limit, value: float, time_us: int) -> bool:
        key = limit.subject, limit.is_high
        if not limit.passed(value):
            device.beyond_us.pop(key, None)
            if limit.idle_below is not None:
                device.was_good.add(limit.subject)
            going = self._own(device, limit.kind, limit.subject)
            if going and all(one.recovered(value) for one in self._about(limit)):
                self._notify(device, limit.kind, limit.subject, active=False, value=f"{value:g}",
                             unit=limit.unit)  # fmt: skip
            return False
        unused = limit.idle_below is not None and value < limit.idle_below
        if unused and limit.subject not in device.was_good:
            return False
        if device.beyond(key, time_us) < limit.for_us:
            return False
        return self._begin(
            device, limit.kind, limit.subject, f"{value:g}", f"{limit.limit:g}", limit.unit
        )

    def _about(self, limit: _Limit) -> Iterator[_Limit]:
        """All limits of that quantity: no longer too fast is not yet fast enough."""
        stream = limit.subject.partition(".")[0]
        return (one for one in self._limits[stream] if one.subject == limit.subject)

    def _man_down(self, device: Device, sample: Sample) -> bool:
        still_s, posture = sample.values[_STILL_FOR], sample.values[_POSTURE]
        subject, limit_s = "vitals.still_for", self._settings.still
        lying = posture in _LYING
        if not isinstance(still_s, int):  # it says only how the person lies
            key = "vitals.posture", True
            if posture is None:
                return False
            if not lying:
                device.beyond_us.pop(key, None)
                still_s = 0
            else:
                still_s = max(device.beyond(key, sample.time_us) // 1_000_000, _MOVED_S + 1)
        if still_s >= (limit_s / 2 if lying else limit_s):
            if self._book.get((device.name, AlarmKind.MAN_DOWN, "")) is not None:
                return False  # the device says so itself
            return self._begin(
                device, AlarmKind.MAN_DOWN, subject, str(still_s), f"{limit_s:g}", "s"
            )
        if still_s <= _MOVED_S and self._own(device, AlarmKind.MAN_DOWN, subject):
            self._notify(device, AlarmKind.MAN_DOWN, subject, active=False)
        return False

    def look(
        self,
        devices: Iterable[Device],
        now_s: float,
        down: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """See who has fallen silent, and who speaks again; once a second or so. Of who cannot be
        heard, since his way in is `down` (with the adapter's name), nothing is concluded. Alarms of
        limits that were turned off end here too: nothing else would end them.
        """
        self._end_forgotten()
        if not self._settings.silence:
            return
        devices = list(devices)
        for device in devices:
            device.missed = device.missed or _is_missed(device)
        self._ways.look(down, devices, self._settings.silence, now_s)
        for device in devices:
            if device.heard_s is None or not device.missed:
                continue
            usual_s = (device.usual_s or 0.0) * _SILENT_INTERVALS
            limit_s, silent_s = max(self._settings.silence, usual_s), now_s - device.heard_s
            if silent_s > limit_s and self._ways.holds(device.via, limit_s, now_s):
                continue
            if silent_s > limit_s:
                self._begin(device, AlarmKind.SILENCE, "", f"{silent_s:.0f}", f"{limit_s:.0f}", "s")
            elif device.spoken and self._own(device, AlarmKind.SILENCE, ""):
                self._notify(device, AlarmKind.SILENCE, "", active=False)

    def _end_forgotten(self) -> None:
        for one in [going.alarm for going in self._book if going.own]:
            if not self._watches(one.kind, one.subject):
                device = Device(Source(one.device, one.device_kind, "kit"))
                self._notify(device, one.kind, one.subject, active=False)

    def _watches(self, kind: AlarmKind, subject: str) -> bool:
        if kind is AlarmKind.SILENCE:
            return self._settings.silence > 0
        if kind is AlarmKind.MAN_DOWN:
            return self._settings.still > 0
        limits = (one for found in self._limits.values() for one in found)
        return any((one.kind, one.subject) == (kind, subject) for one in limits)

    def _own(self, device: Device, kind: AlarmKind, subject: str) -> bool:
        going = self._book.get((device.name, kind, subject))
        return going is not None and going.own

    def _begin(
        self, device: Device, kind: AlarmKind, subject: str, value: str, limit: str, unit: str
    ) -> bool:
        going = self._book.get((device.name, kind, subject))
        if going is not None and going.told:
            return False
        self._notify(device, kind, subject, value=value, limit=limit, unit=unit)
        return True

    def _notify(
        self,
        device: Device,
        kind: AlarmKind,
        subject: str,
        *,
        active: bool = True,
        value: str = "",
        limit: str = "",
        unit: str = "",
    ) -> None:
        flags = Flag.EXERCISE if device.exercise else Flag.NONE
        notice = Notice(kind, active, subject, value, limit, unit, flags=flags)
        self._raises(device, notice)


def _is_missed(device: Device) -> bool:
    """Whether its silence matters: somebody who spoke more than once, of where or how he is."""
    if device.name == KIT_DEVICE or device.spoken < _SPOKEN or device.via == _WATCHES_ITSELF:
        return False
    return any(schema.stream in device.series for schema in _WATCHED)


def _limits(settings: RuleSettings) -> Mapping[str, tuple[_Limit, ...]]:
    low, vitals_us = False, round(settings.vitals_for * 1e6)
    kind, high = AlarmKind.VITALS, True
    rows: tuple[tuple[Schema, str, AlarmKind, float, bool, float, int, float | None], ...] = (
        (BATTERY, "level", AlarmKind.LOW_BATTERY, settings.battery, low, 5, 0, None),
        (AIR, "pressure", AlarmKind.LOW_AIR, settings.air, low, 20, 0, _UNUSED_BAR),
        (VITALS, "heart_rate", kind, settings.heart_rate_low, low, 5, vitals_us, None),
        (VITALS, "heart_rate", kind, settings.heart_rate_high, high, 5, vitals_us, None),
        (VITALS, "spo2", kind, settings.spo2_low, low, 2, vitals_us, None),
        (VITALS, "temperature", kind, settings.temperature_high, high, 0.3, vitals_us, None),
    )
    found: dict[str, list[_Limit]] = {schema.stream: [] for schema in _WATCHED[1:]}
    for schema, name, kind, limit, is_high, margin, for_us, idle_below in rows:
        at = [column.name for column in schema.columns].index(name)
        column, subject = schema.columns[at], f"{schema.stream}.{name}"
        if limit:
            found[schema.stream].append(
                _Limit(kind, subject, at, 10**column.scale, column.unit, limit, is_high, margin,
                       for_us, idle_below)
            )  # fmt: skip
    return {stream: tuple(limits) for stream, limits in found.items()}
