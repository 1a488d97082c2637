"""What becomes of the alarm bits that each location carries: alarms that begin and end.

Some bits stand as long as the danger does. Others, SOS among them, are cleared by the terminal as
soon as it has been answered; their alarm goes on for a while, so that nobody reads "over" where
only an answer was given.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fieldlink.codecs.jt808 import ALARM_BITS, AlarmBit, Location, alarm_bits
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.edge.telemetry.ports import Notice

__all__ = ["AlarmWatch", "alarm_kind"]

_SOS = "sos"
_KINDS = {
    _SOS: AlarmKind.SOS,
    "power-low": AlarmKind.LOW_BATTERY,
    "power-off": AlarmKind.LOW_BATTERY,
    "area": AlarmKind.GEOFENCE,
    "route": AlarmKind.GEOFENCE,
    "off-route": AlarmKind.GEOFENCE,
}
_STORE_US = 60_000_000  # between two messages of a terminal's store
_ANSWERED = "终端收到应答后清除标志 the terminal cleared the flag once it was answered"


def alarm_kind(alarm: AlarmBit) -> AlarmKind:
    """What kind of alarm a bit is: whatever Fieldlink has no word for is the device's own."""
    return _KINDS.get(alarm.name, AlarmKind.DEVICE)


class AlarmWatch:
    """The alarms of one terminal. `hold_us` is how long an answered one goes on; `now_us` are
    microseconds of a clock that nobody sets.
    """

    def __init__(self, hold_us: int) -> None:
        self._hold_us = hold_us
        self._on: dict[str, AlarmBit] = {}
        self._held: dict[str, _Held] = {}
        self._untold: set[str] = set()  # raised, and not in the spool for certain
        self._begun = False

    @property
    def names(self) -> list[str]:
        """What is going on."""
        return sorted(self._on)

    def told(self, notice: Notice, error: str | None) -> None:
        """What became of `notice`: one that was not stored is raised again by the next location
        with its bit.
        """
        if notice.active and error is None:
            self._untold.discard(notice.subject or _SOS)

    def now(
        self, location: Location, said: "Said", *, is_2019: bool, now_us: int
    ) -> Iterator[Notice]:
        """What begins and ends with a location that is how things are; SOS comes first."""
        bits = {alarm.name: alarm for alarm in alarm_bits(location.alarms, is_2019=is_2019)}
        for name, alarm in bits.items():
            self._held.pop(name, None)
            if name not in self._on or name in self._untold:
                self._on[name] = alarm
                yield self._begins(alarm, said)
        for alarm in [*self._on.values()] if self._begun else ALARM_BITS[is_2019]:
            # At first all that are off: they may have ended while this kit was down.
            if alarm.name in bits:
                continue
            if self._holds(alarm):
                held = _Held(alarm, now_us + self._hold_us, said)
                self._held.setdefault(alarm.name, held)
            else:
                self._on.pop(alarm.name, None)
                yield said.notice(alarm, active=False)
        self._begun = True

    def before(
        self, location: Location, said: "Said", *, is_2019: bool, now_us: int
    ) -> Iterator[Notice]:
        """What a location tells that is older than one heard already: alarms that were. Each goes
        on until a location without it, or until no more come; one that would be held is held all
        the same: somebody has to see it.
        """
        bits = {alarm.name: alarm for alarm in alarm_bits(location.alarms, is_2019=is_2019)}
        for name, alarm in bits.items():
            if name in self._on:
                continue
            held = self._held.get(name)
            if held is None or not held.was or name in self._untold:
                yield self._begins(alarm, said)
            patience_us = self._hold_us if self._holds(alarm) else _STORE_US
            self._held[name] = _Held(alarm, now_us + patience_us, said, was=True)
        for name, held in list(self._held.items()):
            if held.was and name not in bits and not self._holds(held.alarm):
                del self._held[name]
                yield said.notice(held.alarm, active=False)

    def due(self, now_us: int, flags: Flag) -> Iterator[Notice]:
        """Answered alarms that have gone on long enough, and those of a store of which no more
        comes; called about once a second.
        """
        for name, held in list(self._held.items()):
            if now_us < held.until_us:
                continue
            del self._held[name]
            self._on.pop(name, None)
            if self._holds(held.alarm):
                kind, subject = alarm_kind(held.alarm), _subject(held.alarm)
                yield Notice(kind, False, subject, text=_ANSWERED, flags=flags)
            else:
                yield held.said.notice(held.alarm, active=False)

    def _begins(self, alarm: AlarmBit, said: "Said") -> Notice:
        self._untold.add(alarm.name)
        return said.notice(alarm, active=True)

    def _holds(self, alarm: AlarmBit) -> bool:
        return alarm.answered and self._hold_us > 0


class _Held(NamedTuple):
    """An alarm whose bit is off, until when it goes on, and what was said last with it. `was`: it
    was raised out of a store.
    """

    alarm: AlarmBit
    until_us: int
    said: "Said"
    was: bool = False


class Said:
    """What a location's alarms are told with: when, where, how fast."""

    def __init__(
        self,
        device_us: int | None,
        lat: float | None,
        lon: float | None,
        speed: int,
        flags: Flag,
    ) -> None:
        self._device_us, self._lat, self._lon = device_us, lat, lon
        self._speed, self._flags = speed, flags

    def notice(self, alarm: AlarmBit, *, active: bool) -> Notice:
        """`alarm` begins or ends."""
        fast = alarm.name in ("overspeed", "overspeed-soon")
        return Notice(
            alarm_kind(alarm),
            active,
            _subject(alarm),
            value=f"{self._speed / 10:g}" if fast else "",
            unit="km/h" if fast else "",
            text=f"{alarm.chinese} {alarm.english}",
            device_us=self._device_us,
            lat=self._lat,
            lon=self._lon,
            flags=self._flags,
        )


def _subject(alarm: AlarmBit) -> str:
    return "" if alarm.name == _SOS else alarm.name
