"""One device as the intake knows it: its clock, its streams, what was held against it.

Judging makes samples of readings. It never raises for what a device says: a value that cannot be
true is unknown, a time that cannot be is the kit's, and the flags say so.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.telemetry import POSITION, Flag, Sample, Schema
from fieldlink.edge.telemetry.device_clock import DeviceClock
from fieldlink.edge.telemetry.motion import Frozen, Motion, Place, without_fix
from fieldlink.edge.telemetry.numbering import Numbering
from fieldlink.edge.telemetry.ports import Reading, Source
from fieldlink.edge.telemetry.values import Yardstick

__all__ = ["MAX_STREAMS", "Device", "Series", "rounded_error"]

MAX_STREAMS = 32
_MAX_REASONS = 16
_MAX_NUMBER = 2**60
_OWNED_S = 600.0  # by whoever spoke last under its name
_BACKFILL, _JUMP, _FROZEN = int(Flag.BACKFILL), int(Flag.JUMP), int(Flag.FROZEN)
# What an adapter may know; the rest is found here.
_ARRIVAL_US = 1_000
_TAKEN = int(
    Flag.NO_FIX | Flag.ZERO | Flag.BACKFILL | Flag.CONVERTED | Flag.EXERCISE | Flag.RANGE
    | Flag.ALARM
)  # fmt: skip
_EXERCISE = int(Flag.EXERCISE)


class Series:
    """One stream of a device."""

    __slots__ = ("_frozen", "_is_position", "_motion", "last", "numbering", "yardstick")

    def __init__(self, schema: Schema, run: int) -> None:
        self.yardstick = Yardstick(schema)
        self.numbering = Numbering(run)
        self.last: Sample | None = None
        self._is_position = schema.stream == POSITION.stream
        self._motion = (Motion(), Motion())  # as it happens, and what was stored
        self._frozen = Frozen(schema.stream)

    @property
    def place(self) -> Place | None:
        """Where the device was believed to be last."""
        return self._motion[0].last

    def judge(
        self, values: Mapping[str, Any], device_us: int | None, time_us: int, flags: int
    ) -> tuple[tuple[Any, ...], int]:
        """`values` as they are stored, and all that is to be said about them."""
        scaled, strange = self.yardstick.scaled(values)
        flags |= strange
        if self._is_position:
            scaled, flags = without_fix(scaled, flags)
            lat, lon = scaled[0], scaled[1]
            if isinstance(lat, int) and isinstance(lon, int):
                motion = self._motion[bool(flags & _BACKFILL)]
                if motion.jumps(Place(time_us, lat, lon)):
                    flags |= _JUMP
        if not flags & _BACKFILL and self._frozen.repeats(scaled, device_us, time_us):
            flags |= _FROZEN
        return scaled, flags


class Device:
    """Who speaks, since when, and how well."""

    def __init__(self, source: Source) -> None:
        self.name = source.device
        self.kind = source.kind
        self.via = source.via
        self.clock = DeviceClock()
        self.series: dict[str, Series] = {}
        self.heard_us: int | None = None
        self.usual_s: float | None = None  # between two messages
        self.heard_s: float | None = None  # by the steady clock
        self.spoken = 0
        self.refused: Counter[str] = Counter()
        self.marked: Counter[int] = Counter()
        self.exercise = False
        self.missed = False  # its silence would be told
        self.beyond_us: dict[tuple[str, bool], int] = {}  # limits passed, since when
        self.was_good: set[str] = set()

    def stream(self, schema: Schema, run: int) -> Series | None:
        """The series of that stream; None when the device has too many."""
        series = self.series.get(schema.stream)
        if series is None:
            if len(self.series) >= MAX_STREAMS:
                return None
            series = self.series[schema.stream] = Series(schema, run)
        elif series.yardstick.schema is not schema and series.yardstick.schema != schema:
            series.yardstick = Yardstick(schema)  # it explains itself in every block
        return series

    @property
    def place(self) -> Place | None:
        """Where it was believed to be last."""
        position = self.series.get(POSITION.stream)
        return None if position is None else position.place

    def hear(self, now_us: int, now_s: float) -> None:
        """It spoke."""
        if self.heard_s is not None:
            passed_s = now_s - self.heard_s
            if passed_s > 0.05:  # several messages of one moment are one
                usual_s = self.usual_s or passed_s
                self.usual_s = usual_s + (min(passed_s, usual_s * 10) - usual_s) / 8
        self.heard_us, self.heard_s = now_us, now_s
        self.spoken += 1

    def is_heard_by_another(self, via: str, now_s: float) -> bool:
        """Whether it speaks, and by another way than `via`. A device that was moved to another way
        may speak by that once the first has been silent for ten minutes.
        """
        return via != self.via and self.heard_s is not None and now_s - self.heard_s < _OWNED_S

    def beyond(self, key: tuple[str, bool], time_us: int) -> int:
        """For how long a limit is passed, us. A clock that is set back begins it anew: what
        seemed to lie ahead would keep the alarm back until then.
        """
        since_us = min(self.beyond_us.get(key, time_us), time_us)
        self.beyond_us[key] = since_us
        return time_us - since_us

    def refuse(self, reason: str) -> None:
        """Count `reason` by its first word."""
        word = reason.partition(":")[0][:32]
        if word not in self.refused and len(self.refused) >= _MAX_REASONS:
            word = "other"
        self.refused[word] += 1

    def sample(
        self, series: Series, reading: Reading, epoch: int | None, now_us: int, error_us: int | None
    ) -> tuple[int, Sample] | str:
        """The epoch and the sample that `reading`, just arrived, makes; or why it makes none:
        `again` when it came already.
        """
        number, device_us = reading.sequence, reading.device_us
        if epoch is None or number is None:
            epoch, number = series.numbering.own()
        elif not 0 <= number < _MAX_NUMBER or not 0 <= epoch < _MAX_NUMBER:
            return "sequence: not from 0 to 2^60"
        elif series.numbering.restarts(epoch, number, device_us):
            epoch, number = series.numbering.own()  # under its own it would be taken for another
        elif not series.numbering.is_new(epoch, number, device_us):
            return "again"
        taken = int(reading.flags) & _TAKEN
        self.exercise = taken & _EXERCISE > 0
        time_us, flags, off_us = self.clock.judge(device_us, now_us, taken)
        if time_us != device_us:  # microseconds of an arrival mean nothing, and cost a byte each
            time_us -= time_us % _ARRIVAL_US
        values, flags = series.judge(reading.values, device_us, time_us, flags)
        known_us = None if off_us is None or error_us is None else rounded_error(error_us + off_us)
        sample = Sample(time_us, number, values, flags, known_us)
        if flags:
            self.marked[flags] += 1
        if not flags & _BACKFILL:
            series.last = sample
        return epoch, sample


def rounded_error(error_us: int) -> int:
    """`error_us` rounded up to 1, 2 or 5 and zeros: an error that creeps would cost a column."""
    step = 1
    while step * 10 < error_us:
        step *= 10
    return next(step * one for one in (1, 2, 5, 10) if step * one >= error_us)
