"""What an adapter hands to the kit's telemetry, and how it hears what became of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from fieldlink.codecs.telemetry import AlarmKind, Flag, Schema

__all__ = ["Done", "Intake", "KitTime", "Notice", "Raised", "Reading", "Source"]

Done: TypeAlias = Callable[[str | None], None]
"""Told on the event loop what became of it: None once the spool has it, else why it was refused."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who speaks: a device of `kind`, by `via` (mqtt, jt808, gnss, sensor, cot, mavlink).

    A device that numbers what it says gives its `epoch` with each run of numbers (a boot counter,
    or when it began); None: it does not, and the kit numbers for it.
    """

    device: str
    kind: str
    via: str
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device says at one instant, in the units of the schema: {"lat": 34.23, ...}.

    A value that is absent or None is unknown. `device_us` is the device's own time (UTC, by its
    clock), None if it gives none; `sequence` its own number for this reading. `flags` are those
    that the adapter knows of (NO_FIX, BACKFILL, CONVERTED, EXERCISE).
    """

    values: Mapping[str, float | int | str | None]
    device_us: int | None = None
    sequence: int | None = None
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True)
class Notice:
    """An alarm that begins (`active`) or ends. One is going on at most for each `kind` and
    `subject` of a device: a second beginning changes nothing but is acknowledged.
    """

    kind: AlarmKind
    active: bool = True
    subject: str = ""
    value: str = ""
    limit: str = ""
    unit: str = ""
    text: str = ""
    device_us: int | None = None
    lat: float | None = None
    lon: float | None = None
    flags: Flag = Flag.NONE


class Raised(NamedTuple):
    """An alarm that goes on."""

    device: str
    device_kind: str
    kind: AlarmKind
    subject: str


class KitTime(Protocol):
    """The kit's clock."""

    def now_us(self) -> int:
        """UTC microseconds."""

    def error_us(self) -> int | None:
        """How far that may be from the truth; None: unknown."""


class Intake(Protocol):
    """Takes what adapters bring; every method belongs to the event loop's thread, returns at once
    and never raises for what a device said: that is counted against the device, and told to `done`.
    """

    def record(
        self,
        source: Source,
        schema: Schema,
        readings: Sequence[Reading],
        done: Done | None = None,
    ) -> None:
        """Judge, number and store `readings`, which arrived just now, in the order given."""

    def notify(self, source: Source, notice: Notice, done: Done | None = None) -> None:
        """An alarm, at once: it does not wait for anything else."""

    def alarms(self) -> Sequence[Raised]:
        """The alarms that adapters raised, in this run or an earlier one, and that go on."""

    def keep(self, via: str, speaks: Callable[[str], bool]) -> None:
        """Of the devices that are heard by `via` only those for which `speaks` go on: the others
        were removed, they are forgotten, and nothing would end their alarms.
        """

    def refuse(self, device: str, reason: str) -> None:
        """Count something malformed against `device` (or the address that it came from, when it
        has no name yet); `reason` is a short word, a colon and the detail."""
