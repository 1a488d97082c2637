"""An intake for the tests of adapters: takes everything and says what it is told to say."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fieldlink.codecs.telemetry import Schema
from fieldlink.edge.telemetry.ports import Done, Notice, Raised, Reading, Source

__all__ = ["FakeIntake", "FakeTime", "Recorded"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call of `record`."""

    source: Source
    schema: Schema
    readings: tuple[Reading, ...]


@dataclass
class FakeIntake:
    """What adapters handed over, in order. Every `done` is told `answer` (None: stored) at once;
    with `held` only when `settle` is called, as the spool takes its time.
    """

    answer: str | None = None
    held: bool = False
    records: list[Recorded] = field(default_factory=list)
    notices: list[tuple[Source, Notice]] = field(default_factory=list)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # device, first word
    reasons: list[tuple[str, str]] = field(default_factory=list)  # device, reason in full
    waiting: list[Done] = field(default_factory=list)
    kept: dict[str, Callable[[str], bool]] = field(default_factory=dict)  # by way

    def record(
        self,
        source: Source,
        schema: Schema,
        readings: Sequence[Reading],
        done: Done | None = None,
    ) -> None:
        """Remember `readings`; a column that the schema lacks is a bug of the caller."""
        known = {column.name for column in schema.columns}
        for reading in readings:
            assert reading.values.keys() <= known, f"{reading.values.keys() - known} not in schema"
        self.records.append(Recorded(source, schema, tuple(readings)))
        self._answer(done)

    def notify(self, source: Source, notice: Notice, done: Done | None = None) -> None:
        """Remember an alarm."""
        self.notices.append((source, notice))
        self._answer(done)

    def alarms(self) -> Sequence[Raised]:
        """What goes on, by what adapters said."""
        going: dict[Raised, None] = {}
        for source, notice in self.notices:
            one = Raised(source.device, source.kind, notice.kind, notice.subject)
            going[one] = None
            if not notice.active:
                del going[one]
        return list(going)

    def keep(self, via: str, speaks: Callable[[str], bool]) -> None:
        """Remember who of `via` goes on."""
        self.kept[via] = speaks

    def refuse(self, device: str, reason: str) -> None:
        """Count what was malformed."""
        self.refused[device, reason.partition(":")[0]] += 1
        self.reasons.append((device, reason))

    def readings(self, device: str = "", stream: str = "") -> list[Reading]:
        """All readings in order, of that device and stream if given."""
        return [
            reading
            for one in self.records
            if device in ("", one.source.device) and stream in ("", one.schema.stream)
            for reading in one.readings
        ]

    def settle(self, answer: str | None = None) -> int:
        """Tell everybody who waits; how many they were."""
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(answer)
        return len(waiting)

    def _answer(self, done: Done | None) -> None:
        if done is None:
            return
        if self.held:
            self.waiting.append(done)
        else:
            done(self.answer)


@dataclass
class FakeTime:
    """A clock that stands where it is put."""

    utc_us: int = 1_780_000_000_000_000  # May 2026
    known_error_us: int | None = 1_000

    def now_us(self) -> int:
        """UTC microseconds."""
        return self.utc_us

    def error_us(self) -> int | None:
        """Its error."""
        return self.known_error_us

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.utc_us += round(seconds * 1e6)
