"""What becomes of the alarm bits that each location carries: alarms that begin and end.

Some bits stand as long as the danger does. Others, SOS among them, are cleared by the terminal as
soon as it has been answered; their alarm goes on for a while, so that nobody reads "over" where
only an answer was given.
"""

from collections.abc import Iterator

from fieldlink.codecs.jt808 import ALARM_BITS, AlarmBit, Location, alarm_bits
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.edge.telemetry.ports import Notice

__all__ = ["AlarmWatch", "alarm_kind"]

_KINDS = {
    "sos": AlarmKind.SOS,
    "power-low": AlarmKind.LOW_BATTERY,
    "power-off": AlarmKind.LOW_BATTERY,
    "area": AlarmKind.GEOFENCE,
    "route": AlarmKind.GEOFENCE,
    "off-route": AlarmKind.GEOFENCE,
}
_ANSWERED = "终端收到应答后清除标志 the terminal cleared the flag once it was answered"


def alarm_kind(alarm: AlarmBit) -> AlarmKind:
    """What kind of alarm a bit is: whatever Fieldlink has no word for is the device's own."""
    return _KINDS.get(alarm.name, AlarmKind.DEVICE)


class AlarmWatch:
    """The alarms of one terminal. `hold_us` is how long an answered one goes on."""

    def __init__(self, hold_us: int) -> None:
        self._hold_us = hold_us
        self._on: dict[str, AlarmBit] = {}
        self._held: dict[str, tuple[AlarmBit, int]] = {}  # answered ones, and until when
        self._begun = False

    @property
    def names(self) -> list[str]:
        """What is going on."""
        return sorted(self._on)

    def now(
        self, location: Location, said: "Said", *, is_2019: bool, now_us: int
    ) -> Iterator[Notice]:
        """What begins and ends with a location that is how things are; SOS comes first."""
        bits = {alarm.name: alarm for alarm in alarm_bits(location.alarms, is_2019=is_2019)}
        for name, alarm in bits.items():
            self._held.pop(name, None)
            if name not in self._on:
                self._on[name] = alarm
                yield said.notice(alarm, active=True)
        for alarm in [*self._on.values()] if self._begun else ALARM_BITS[is_2019]:
            # At first all that are off: they may have ended while this kit was down.
            if alarm.name in bits:
                continue
            if alarm.answered and self._hold_us:
                self._held.setdefault(alarm.name, (alarm, now_us + self._hold_us))
            else:
                self._on.pop(alarm.name, None)
                yield said.notice(alarm, active=False)
        self._begun = True

    def before(
        self, location: Location, said: "Said", *, is_2019: bool, now_us: int
    ) -> Iterator[Notice]:
        """What a location tells that is older than one heard already: alarms that were. One that
        would be held is held all the same: somebody has to see it.
        """
        for alarm in alarm_bits(location.alarms, is_2019=is_2019):
            if alarm.name in self._on:
                continue
            yield said.notice(alarm, active=True)
            if alarm.answered and self._hold_us:
                self._held[alarm.name] = (alarm, now_us + self._hold_us)
            else:
                yield said.notice(alarm, active=False)

    def due(self, now_us: int, flags: Flag) -> Iterator[Notice]:
        """Answered alarms that have gone on long enough; called about once a second."""
        for name, (alarm, until_us) in list(self._held.items()):
            if now_us >= until_us:
                del self._held[name]
                self._on.pop(name, None)
                kind, subject = alarm_kind(alarm), _subject(alarm)
                yield Notice(kind, False, subject, text=_ANSWERED, flags=flags)


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
    return "" if alarm.name == "sos" else alarm.name
