"""A terminal as the kit knows it, whatever connection it speaks by: its name, what it said lately,
its alarms and its figures.
"""

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fieldlink.codecs.jt808 import PARAMETERS as KNOWN_PARAMETERS
from fieldlink.codecs.jt808 import (
    Assembler,
    Location,
    Parameters,
    Registration,
    encode_location,
    read_parameter,
)
from fieldlink.codecs.telemetry import POSITION, Flag, Schema
from fieldlink.edge.jt808.alarms import AlarmWatch, Said
from fieldlink.edge.jt808.readings import VEHICLE, Fix, VehicleWatch, fix_of
from fieldlink.edge.jt808.recent import Gathered, Recent
from fieldlink.edge.jt808.settings import Datum
from fieldlink.edge.jt808.turns import MOST_BEHIND, PIECE, Turns
from fieldlink.edge.telemetry.ports import Done, Intake, Notice, Reading, Source

__all__ = ["EXERCISE_MAKER", "Terminal"]

EXERCISE_MAKER = "FLSIM"
"""The maker by which Fieldlink's simulator registers, so that its terminals are known as such."""

_KEY_BYTES = 8


@dataclass
class _Counts:
    """What a terminal did, for its report."""

    locations: int = 0
    backfilled: int = 0
    repeated: int = 0
    without_fix: int = 0
    messages: Counter[str] = field(default_factory=Counter)


class Terminal:
    """One terminal. Belongs to the event loop."""

    def __init__(
        self,
        number: str,
        source: Source,
        datum: Datum,
        *,
        intake: Intake,
        hold_us: int,
        turns: Turns,
        steady_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self.number, self.source, self.datum = number, source, datum
        self._intake, self._steady_us, self._turns = intake, steady_us, turns
        self._pieces: deque[Callable[[], None]] = deque()  # of batches, for when it is its turn
        self.assembler = Assembler()
        self.counts = _Counts()
        self.words: dict[str, str] = {}
        self.parameters: dict[str, int | str] = {}
        self.asked = False  # for its parameters
        self.heard_us: int | None = None
        self._flags = Flag.NONE
        self._alarms = AlarmWatch(hold_us)
        self._vehicle = VehicleWatch()
        self._recent = Recent()  # locations that are stored, or on their way
        self._told = Recent()  # those whose alarms are
        self._latest_us: int | None = None  # its time of what counts as now

    @property
    def name(self) -> str:
        """What it is called."""
        return self.source.device

    def registered(self, registration: Registration) -> None:
        """It said what it is."""
        self.words = {name: word[:40] for name, word in registration.words.items()}
        exercise = self.words["maker"] == EXERCISE_MAKER
        self._flags = Flag.EXERCISE if exercise else Flag.NONE

    def learn(self, parameters: Parameters) -> None:
        """It said how it reports."""
        for item in parameters.items:
            value = read_parameter(item)
            if value is not None:
                said = value[:60] if isinstance(value, str) else value
                self.parameters[KNOWN_PARAMETERS[item.ident].name] = said

    def refuse(self, reason: str) -> None:
        """Something that it said was malformed."""
        self._intake.refuse(self.name, reason)

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        counts = self.counts
        return {
            "number": self.number,
            "kind": self.source.kind,
            "heard_us": self.heard_us,
            "alarms": self._alarms.names,
            "locations": counts.locations,
            "backfilled": counts.backfilled,
            "repeated": counts.repeated,
            "without_fix": counts.without_fix,
            "parts_lost": self.assembler.lost,
            "messages": dict(counts.messages),
            "exercise": bool(self._flags & Flag.EXERCISE),
            **self.words,
            "parameters": dict(self.parameters),
        }

    # --- what it measures -------------------------------------------------------------------

    def live(self, location: Location, is_2019: bool, done: Done) -> None:
        """A location as it is now; `done` is told once the spool has it."""
        self._take([location], is_2019, done, batch=False, backfill=False)

    def batch(
        self, locations: Sequence[Location], is_2019: bool, done: Done, *, backfill: bool
    ) -> None:
        """Many locations at once, from its store with `backfill`. What is too much to be taken at
        once is taken bit by bit, in order; what happens meanwhile does not wait for it.
        """
        if (len(self._pieces) * PIECE) + len(locations) > MOST_BEHIND:
            done("busy: it sends batches faster than they can be taken")
            return
        gathered = Gathered(done)
        is_idle = not self._pieces
        for start in range(0, len(locations), PIECE):
            piece = locations[start : start + PIECE]
            take = partial(self._take, piece, is_2019, batch=True, backfill=backfill)
            self._pieces.append(partial(take, gathered.one()))
        gathered.close()
        if is_idle and self.work():
            self._turns.add(self)

    def work(self) -> bool:
        """Take the next piece of a batch; whether more waits."""
        if self._pieces:
            self._pieces.popleft()()
        return bool(self._pieces)

    def due(self) -> None:
        """Let answered alarms end; called about once a second."""
        for notice in self._alarms.due(self._steady_us(), self._flags):
            self._intake.notify(self.source, notice)

    def _take(
        self,
        locations: Sequence[Location],
        is_2019: bool,
        done: Done,
        *,
        batch: bool,
        backfill: bool,
    ) -> None:
        gathered = Gathered(done)
        flags = self._flags | (Flag.BACKFILL if backfill else Flag.NONE)
        positions: list[tuple[bytes, Reading]] = []
        vehicle: list[Reading] = []
        for location in locations:
            key = _key(location)
            fix = fix_of(location, self.datum, flags)
            raised = False
            if self._told.is_new(key, gathered.one()):
                told = Gathered(partial(self._told.settle, key))
                raised = self._alarm(location, fix, is_2019, flags, batch=batch, done=told)
                told.close()
            if not self._recent.is_new(key, gathered.one()):
                self.counts.repeated += 1
                continue
            self._count(fix, backfill)
            positions.append((key, _alarmed(fix.reading) if raised else fix.reading))
            more = self._vehicle.reading(location, fix.reading.device_us, flags)
            if more is not None:
                vehicle.append(more)
        if vehicle:
            self._store(VEHICLE, vehicle, gathered.one())
        if positions:
            keys = [key for key, _ in positions]
            readings = [reading for _, reading in positions]
            self._store(POSITION, readings, partial(self._stored, keys))
        gathered.close()

    def _alarm(
        self,
        location: Location,
        fix: Fix,
        is_2019: bool,
        flags: Flag,
        *,
        batch: bool,
        done: Gathered,
    ) -> bool:
        device_us = fix.reading.device_us
        said = Said(device_us, fix.lat, fix.lon, location.speed, flags)
        # A message of its own is how things are, whatever its clock says; in a batch, only what
        # is newer than all before.
        is_old = batch and (device_us or 0) < (self._latest_us or 0)
        if not is_old:
            self._latest_us = device_us
        tell = self._alarms.before if is_old else self._alarms.now
        notices = tell(location, said, is_2019=is_2019, now_us=self._steady_us())
        raised = False
        for notice in notices:
            raised = raised or notice.active
            self._intake.notify(self.source, notice, partial(self._raised, notice, done.one()))
        return raised

    def _raised(self, notice: Notice, done: Done, error: str | None) -> None:
        self._alarms.told(notice, error)
        done(error)

    def _count(self, fix: Fix, backfill: bool) -> None:
        self.counts.locations += 1
        self.counts.backfilled += backfill
        self.counts.without_fix += fix.lat is None
        if fix.fault:
            self.refuse(f"time: {fix.fault}")

    def _store(self, schema: Schema, readings: Sequence[Reading], done: Done) -> None:
        self._intake.record(self.source, schema, readings, done)

    def _stored(self, keys: Sequence[bytes], error: str | None) -> None:
        for key in keys:
            self._recent.settle(key, error)


def _key(location: Location) -> bytes:
    return hashlib.blake2b(encode_location(location), digest_size=_KEY_BYTES).digest()


def _alarmed(reading: Reading) -> Reading:
    return replace(reading, flags=reading.flags | Flag.ALARM)
