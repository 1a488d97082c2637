"""Samples, and the blocks of them that travel."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple, TypeAlias

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError

from .columns import Schema

__all__ = ["MAX_SAMPLES", "Block", "Detail", "Flag", "Sample", "Value"]

MAX_SAMPLES = 36_000

Value: TypeAlias = int | str | None


class Flag(IntFlag):
    """Why a sample is not quite what it looks like; 0 is a good one."""

    NONE = 0
    NO_FIX = 1  # the device said that it has no position
    ZERO = 2  # 0/0, the position of a receiver without a fix: taken for none
    JUMP = 4  # so far from the one before that nothing travels so fast
    CLOCK = 8  # the device's time was not believed: it is the kit's time of arrival
    BACKFILL = 16  # the device had stored it and sent it late
    RANGE = 32  # a value was outside what is possible: taken for unknown
    CONVERTED = 64  # the position came as GCJ-02
    FROZEN = 128  # repeats the values before it although the device says that it is live
    EXERCISE = 256  # of a simulated device
    ALARM = 512  # an alarm was raised with it


class Detail(IntEnum):
    """How much of a series a block carries: the ladder of report detail."""

    FULL = 0  # every sample
    SECONDS_5 = 1  # one in 5 s
    CHANGE = 2  # what changed by more than a stated amount
    LAST = 3  # the last known, now and then


class Sample(NamedTuple):
    """One reading. `values` are in the order of the schema's columns. `time_us` is UTC, from the
    kit's clock or the device's as corrected; `error_us` is the known error of that time, None:
    unknown. `sequence` counts in the series' epoch; the same number is the same sample for ever.
    """

    time_us: int
    sequence: int
    values: tuple[Value, ...]
    flags: int = 0
    error_us: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Samples of one series, ordered by sequence, that explain themselves.

    `kind` is what the device is (`soldier`, `sensor`, ...). A series is device, stream and
    `epoch`: a device or an adapter that begins to count anew takes another epoch.
    `offset_us` is the device's clock minus the kit's as estimated, None: it has none, or unknown.
    """

    device: str
    kind: str
    schema: Schema
    epoch: int
    samples: tuple[Sample, ...]
    offset_us: int | None = None
    detail: Detail = Detail.FULL

    def __post_init__(self) -> None:
        check_name("device", self.device)
        check_name("kind of device", self.kind)
        if not 0 <= self.epoch < 2**63:
            raise CodecError("field", f"epoch {self.epoch} is not from 0 to 2^63 - 1")
        if not 1 <= len(self.samples) <= MAX_SAMPLES:
            raise CodecError("size", f"a block has 1 to {MAX_SAMPLES} samples")
