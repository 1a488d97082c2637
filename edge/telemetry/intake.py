"""The intake: what adapters hand over is judged, numbered, and gathered for the next sheaf.

Everything here is on the event loop's thread and in memory; the service takes it to the disk.
"""

import time
from collections.abc import Callable, Sequence

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import Flag, Sample, Schema
from fieldlink.edge.telemetry.alarm_desk import AlarmDesk
from fieldlink.edge.telemetry.device import Device, Series
from fieldlink.edge.telemetry.gather import Gather
from fieldlink.edge.telemetry.places import Places
from fieldlink.edge.telemetry.ports import Done, KitTime, Notice, Raised, Reading, Source
from fieldlink.edge.telemetry.roster import Roster

__all__ = ["KitIntake", "Watcher"]

_MOST_WAITING = 60_000
_SET_US = 1_000_000  # a clock that moves so much by itself was set
_BACKFILL, _EXERCISE = int(Flag.BACKFILL), int(Flag.EXERCISE)

Watcher = Callable[[Device, Series, Sample], int]
"""Told of every sample; answers the flags that it earns besides."""


class KitIntake:
    """The `Intake` of the running kit. `run` numbers what devices do not number."""

    def __init__(
        self,
        *,
        time_: KitTime,
        run: int,
        desk: AlarmDesk,
        on_sample: Watcher = lambda device, series, sample: 0,
        on_much: Callable[[], None] = lambda: None,
        places: Places | None = None,
        much: int = 4_000,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._time, self._run, self._desk, self._steady = time_, run, desk, steady
        self._on_sample, self._on_much, self._much = on_sample, on_much, much
        self._places = Places() if places is None else places
        self._ahead_us: int | None = None
        self.roster = Roster()
        self.gather = Gather()
        self.recorded, self.repeated = 0, 0
        self.writing = 0  # samples that are on their way to the disk

    def record(
        self,
        source: Source,
        schema: Schema,
        readings: Sequence[Reading],
        done: Done | None = None,
    ) -> None:
        """Judge, number and gather `readings`."""
        now_us, now_s = self._now()
        device, why = self._meet(source, now_s)
        # Who made room for another and is back begins anew: its numbers were used already.
        run = self._run + self.roster.gone
        series = device.stream(schema, run) if device is not None else None
        if device is not None and series is None:
            why = "full: the device has too many streams"
        elif self.gather.count + self.writing + len(readings) > _MOST_WAITING:
            why = "busy: too much waits for the disk"
        if device is None or series is None or why:
            self.refuse(source.device, why)
            if done is not None:
                done(why)
            return
        device.hear(now_us, now_s)
        for reading in readings:
            if reading.device_us is not None and not reading.flags & _BACKFILL:
                device.clock.observe(reading.device_us, now_us, reading.sequence)
        self._take(device, series, source.epoch, readings, now_us, done)

    def _take(
        self,
        device: Device,
        series: Series,
        epoch: int | None,
        readings: Sequence[Reading],
        now_us: int,
        done: Done | None,
    ) -> None:
        error_us = self._time.error_us()
        again, why = 0, ""
        before = self.gather.count
        for reading in readings:
            made = device.sample(series, reading, epoch, now_us, error_us)
            if isinstance(made, tuple):
                epoch_of, sample = made
                if earned := self._on_sample(device, series, sample):
                    sample = sample._replace(flags=sample.flags | earned)
                self.gather.add(device, series, epoch_of, sample)
                self._places.take(device.name, series.yardstick.schema, sample)
            elif made == "again":
                again += 1
            else:
                why = made
                device.refuse(made)
        new = self.gather.count - before
        self.recorded += new
        self.repeated += again
        if done is not None:
            if why and not new and not again:
                done(why)
            else:
                self.gather.wait(done, again=again > 0)
        if self.gather.count >= self._much:
            self._on_much()

    def notify(self, source: Source, notice: Notice, done: Done | None = None) -> None:
        """An alarm, at once."""
        now_us, now_s = self._now()
        device, why = self._meet(source, now_s, alarms=True)
        if device is None:
            self.refuse(source.device, why)
            if done is not None:
                done(why)
            return
        if device.via == source.via:
            device.hear(now_us, now_s)
        self._desk.notify(device, notice, done, own=False)

    def alarms(self) -> Sequence[Raised]:
        """Those of adapters that go on."""
        return self._desk.alarms()

    def keep(self, via: str, speaks: Callable[[str], bool]) -> None:
        """Forget the devices of `via` that do not speak any more, and end their alarms."""
        self.roster.keep(via, speaks)
        self._desk.keep(via, speaks)

    def refuse(self, device: str, reason: str) -> None:
        """Count `reason` against `device`."""
        self.roster.refuse(device, reason)

    def _meet(
        self, source: Source, now_s: float, *, alarms: bool = False
    ) -> tuple[Device | None, str]:
        known = self.roster.get(source.device)
        if known is not None and known.is_heard_by_another(source.via, now_s):
            # Two devices would make one track. A call for help is taken whoever it is from.
            why = f"taken: {known.name} is heard by {known.via}; give each device its own name"
            return (known, "") if alarms else (None, why)
        try:
            device = self.roster.meet(source, now_s)
        except CodecError as error:
            return None, str(error)
        return device, "" if device is not None else "full: too many devices"

    def _now(self) -> tuple[int, float]:
        """The time by the kit's clock, and by one that nobody sets."""
        now_us, now_s = self._time.now_us(), self._steady()
        ahead_us = now_us - round(now_s * 1e6)
        if self._ahead_us is not None and abs(ahead_us - self._ahead_us) > _SET_US:
            for device in self.roster:
                device.clock.forget()
            self._ahead_us = ahead_us
        elif self._ahead_us is None:
            self._ahead_us = ahead_us
        return now_us, now_s
