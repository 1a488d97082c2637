"""The receiver of the kit: its fixes go to the intake as the kit's own position, its time to the
kit's clock.
"""

import datetime
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.nmea import Event, Fix, Fixes, Framer, Line, read
from fieldlink.codecs.telemetry import KIT_DEVICE, POSITION, Flag
from fieldlink.edge.clock.clock import Observe, steady_us, system_us
from fieldlink.edge.clock.measure import Origin
from fieldlink.edge.gnss.gpsd import MAX_LINE_BYTES, GpsdReader, Pulse, Said, Sky, read_line, watch
from fieldlink.edge.gnss.port import Port, connect, open_serial, open_socket
from fieldlink.edge.gnss.settings import GnssSettings, place_of
from fieldlink.edge.gnss.wording import receiver_words
from fieldlink.edge.telemetry.ports import Intake, Reading, Source
from fieldlink.systemd.service import Beat

__all__ = ["EARLIEST", "Gnss", "make_gnss"]

EARLIEST = datetime.date(2026, 1, 1)
"""No receiver of a kit with this software is in an earlier year: its count of weeks ran over."""

_SPEEDS = (9600, 38400, 115200)
_SILENT_US = 10_000_000
_NO_LINE_US = 4_000_000
_NO_FIX_EVERY_US = 10_000_000
_TIME_ERROR_US = 500_000
_PULSE_ERROR_US = 1_000
_GOOD = range(1, 6)  # qualities whose time is the satellites'; not dead reckoning, nor simulated
_SIMULATED = 8
_SOURCE = Source(KIT_DEVICE, KIT_DEVICE, "gnss")


class Gnss:
    """An adapter (`fieldlink.edge.attached`). `observe` is told the satellites' time."""

    name = "gnss"

    def __init__(
        self,
        settings: GnssSettings,
        intake: Intake,
        observe: Observe | None,
        *,
        steady: Callable[[], int] = steady_us,
        system: Callable[[], int] = system_us,
    ) -> None:
        self.settings = self._settings = settings
        self._intake = intake
        self._observe = observe if settings.clock else None
        self._steady, self._system = steady, system
        self._place = place_of(settings.url)
        self._speeds = _SPEEDS if settings.baud == "auto" else (settings.baud,)
        self._fixes = Fixes(EARLIEST)
        self._state, self._reason = "connecting", ""
        self._sky: Sky | None = None
        self._last: Fix | None = None
        self._heard_us: int | None = None  # a sentence, by the steady clock
        self._recorded_us = -(2**62)
        self._recorded_fix = False
        self._recorded_time_us: int | None = None
        self._told_us: int | None = None  # the instant that the clock heard of last
        self._count = 0

    async def run(self, beat: Beat) -> None:
        """Read the receiver until cancelled.

        Raises:
            SourceError: it is not there, silent, or speaks something else.
        """
        self._state = "connecting"
        beat()
        try:
            if self._place.scheme == "gpsd":
                await self._gpsd(beat)
            else:
                await self._nmea(beat)
        except SourceError as error:
            self._state, self._reason = "down", str(error)
            raise

    def report(self) -> dict[str, Any]:
        """How it is; `said` is for people, in both languages."""
        heard_us, last = self._heard_us, self._last
        age_s = None if heard_us is None else round((self._steady() - heard_us) / 1e6, 1)
        known = {
            "state": self._state,
            "reason": self._reason,
            "url": self._settings.url,
            "baud": self._speeds[0] if self._place.scheme == "serial" else None,
            "fix": None if last is None else last.quality,
            "satellites": None if last is None else last.satellites,
            "in_view": None if last is None else last.in_view,
            "age_s": age_s,
            "receiver_says": self._fixes.text,
            "unbelieved_dates": self._fixes.unbelieved,
            "recorded": self._count,
        }
        return {**known, "said": receiver_words(known)}

    # --- NMEA ----------------------------------------------------------------------------------

    async def _nmea(self, beat: Beat) -> None:
        port = await self._open()
        framer, began_us = Framer(), self._steady()
        heard_us: int | None = None  # the last line of this connection
        try:
            while True:
                beat()
                data, at_us = await port.read()
                good = [one for one in map(self._judge, framer.feed(data)) if one is not None]
                for line in good:
                    self._sentence(line, at_us)
                    heard_us = self._heard_us = self._steady()
                if not data and (fix := self._fixes.flush()) is not None:
                    self._take(fix)
                self._heed_silence(began_us, heard_us, framer.stray_bytes)
        finally:
            await port.close()

    async def _open(self) -> Port:
        place = self._place
        if place.scheme == "serial":
            return await open_serial(place.path, self._speeds[0])
        return await open_socket(place.host, place.port)

    def _judge(self, event: Event) -> Line | None:
        if isinstance(event, Line):
            return event
        if self._heard_us is not None:  # before the first, it is the speed that is wrong
            self._intake.refuse(KIT_DEVICE, f"nmea-{event.reason}: {event.detail}")
        return None

    def _sentence(self, line: Line, at_us: int) -> None:
        try:
            sentence = read(line)
        except CodecError as error:
            self._intake.refuse(KIT_DEVICE, f"nmea-{error}")
            return
        if sentence is not None and (fix := self._fixes.add(sentence, at_us)) is not None:
            self._take(fix)

    def _heed_silence(self, began_us: int, heard_us: int | None, stray_bytes: int) -> None:
        now_us = self._steady()
        if heard_us is None and now_us - began_us > _NO_LINE_US and self._place.scheme == "serial":
            speed = self._speeds[0]
            self._speeds = (*self._speeds[1:], speed)
            if len(self._speeds) > 1:
                reason = "no-nmea" if stray_bytes else "silent"
                raise SourceError(reason, f"nothing at {speed} baud; {self._speeds[0]} is next")
            if stray_bytes:
                raise SourceError("no-nmea", f"no sentence at {speed} baud; see gnss.baud")
        if now_us - (heard_us or began_us) > _SILENT_US:
            raise SourceError("silent", f"{self._settings.url} says nothing; see its power")

    # --- gpsd ----------------------------------------------------------------------------------

    async def _gpsd(self, beat: Beat) -> None:
        place = self._place
        reader, writer = await connect(place.host, place.port, MAX_LINE_BYTES)
        try:
            writer.write(watch(place.path))
            lines, heard_us = GpsdReader(reader), self._steady()
            while True:
                beat()
                line = await lines.line(1.0)
                now_us = self._steady()
                if line is not None and self._report_of_gpsd(line, now_us):
                    heard_us = now_us
                if now_us - heard_us > _SILENT_US:
                    raise SourceError("silent", "gpsd has nothing to say; see its receiver")
        finally:
            writer.close()

    def _report_of_gpsd(self, line: bytes, now_us: int) -> bool:
        """Whether it was a receiver's."""
        try:
            said = read_line(line, now_us, EARLIEST)
        except CodecError as error:
            self._intake.refuse(KIT_DEVICE, f"gpsd-{error}")
            return False
        match said:
            case Sky():
                self._sky = said
                return False
            case Said(devices, wrong):
                if wrong or devices == 0:
                    raise SourceError("no-receiver", wrong or "gpsd has no receiver; see its cable")
                return False
            case Pulse(true_us, system_us):
                if self._observe is not None:
                    at_us = now_us - (self._system() - system_us)
                    self._observe(Origin.GNSS, true_us, at_us, _PULSE_ERROR_US)
                return False
            case Fix():
                self._heard_us = now_us
                if self._sky is not None:
                    sky = self._sky
                    said = replace(said, satellites=sky.used, in_view=sky.in_view)
                self._take(said)
                return True
        return False

    # --- fixes ---------------------------------------------------------------------------------

    def _take(self, fix: Fix) -> None:
        self._last = fix
        self._state, self._reason = ("live", "") if fix.valid else ("no-fix", "")
        self._tell_the_time(fix)
        if self._due(fix):
            self._recorded_us, self._recorded_fix = fix.heard_us, fix.valid
            self._recorded_time_us = fix.time_us
            self._count += 1
            self._intake.record(_SOURCE, POSITION, [reading_of(fix)])

    def _tell_the_time(self, fix: Fix) -> None:
        if self._observe is None or fix.time_us is None or fix.quality not in _GOOD:
            return
        if fix.time_us == self._told_us:
            return  # said again, and later: gpsd reports an instant once for each of its sentences
        self._told_us = fix.time_us
        true_us = fix.time_us + round(self._settings.delay * 1e6)
        self._observe(Origin.GNSS, true_us, fix.heard_us, _TIME_ERROR_US)

    def _due(self, fix: Fix) -> bool:
        """Whether to record it: a change at once, fixes as often as is set, their lack less."""
        if fix.time_us is not None and fix.time_us == self._recorded_time_us:
            return False  # the second half of an instant that was said with a pause
        if fix.valid != self._recorded_fix:
            return True
        # A tenth of slack, so that one a second is not taken for one in two.
        every_us = self._settings.every * 0.9e6 if fix.valid else _NO_FIX_EVERY_US
        return fix.heard_us - self._recorded_us >= every_us


def reading_of(fix: Fix) -> Reading:
    """`fix` as the intake takes it; without one nothing is said of where."""
    flags = Flag.NONE if fix.valid else Flag.NO_FIX
    if fix.zero:
        flags |= Flag.ZERO
    if fix.quality == _SIMULATED:
        flags |= Flag.EXERCISE
    values: dict[str, float | int | str | None] = {
        "lat": fix.lat,
        "lon": fix.lon,
        "alt": fix.alt,
        "heading": fix.heading,
        "speed": fix.speed,
        "accuracy": fix.accuracy,
        "satellites": fix.satellites,
        "fix": fix.quality,
    }
    return Reading(values, device_us=fix.time_us, flags=flags)


def make_gnss(settings: GnssSettings, intake: Intake, observe: Observe | None) -> list[Gnss]:
    """The adapter, if there is a receiver."""
    return [Gnss(settings, intake, observe)] if settings.url else []
