"""How far the system's clock is from the truth: a decision over measurements, without a clock.

Everything is measured against a steady clock that nobody sets (CLOCK_BOOTTIME). A source that says
"now it is T" when the steady clock says S gives an anchor, T - S. The system's clock has an anchor
too, and a step of it is a change of that one alone: it makes no measurement wrong and none is
applied twice.

A source is trusted once several of its readings agree, one after the other. What then differs
from what it said needs as many to be believed, so a single wild reading changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

__all__ = ["STEP_US", "Judgement", "Measure", "Origin", "Reading"]

STEP_US = 50_000
"""The system's clock was set when it moves by more than this against the steady one."""

_DRIFT_PPM = 100
_MAX_READINGS = 8
_MAX_US = 2**62


class Origin(StrEnum):
    """Who says what time it is; the first outranks the others."""

    GNSS = "gnss"
    CENTRE = "centre"
    SYSTEM = "system"  # the kernel says that something (chrony) keeps it right


_NEEDED = {Origin.GNSS: 3, Origin.CENTRE: 2}


@dataclass(frozen=True, slots=True)
class Reading:
    """A source's anchor (`anchor_us`, its UTC minus the steady clock), give or take `error_us`,
    measured at `steady_us`."""

    anchor_us: int
    error_us: int
    steady_us: int

    def aged(self, steady_us: int, drift_ppm: float) -> "Reading":
        """The same at `steady_us`: the steady clock has drifted meanwhile."""
        age_us = max(0, steady_us - self.steady_us)
        grown = self.error_us + round(age_us * drift_ppm / 1e6)
        return Reading(self.anchor_us, grown, max(steady_us, self.steady_us))

    def agrees(self, other: "Reading") -> bool:
        """Whether both can be true."""
        return abs(self.anchor_us - other.anchor_us) <= self.error_us + other.error_us


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the kit's clock is: the steady clock plus `anchor_us`, or (None) the system's own.

    `error_us` is how far it may be from the truth (None: unknown), `against` whose word that is;
    `contradicts` are trusted sources that say otherwise and were not followed.
    """

    anchor_us: int | None
    error_us: int | None
    against: Origin | None
    contradicts: tuple[Origin, ...] = ()


@dataclass(slots=True)
class _Source:
    """What one source said: readings that agree, and newer ones that do not."""

    needed: int
    readings: list[Reading] = field(default_factory=list)
    others: list[Reading] = field(default_factory=list)
    wild: int = 0

    def add(self, reading: Reading, drift_ppm: float) -> None:
        aged = [one.aged(reading.steady_us, drift_ppm) for one in self.readings]
        if all(reading.agrees(one) for one in aged):
            self.others.clear()
            self.readings = [*self.readings[1 - _MAX_READINGS :], reading]
            return
        self.wild += 1
        others = [
            one for one in self.others if one.aged(reading.steady_us, drift_ppm).agrees(reading)
        ]
        self.others = [*others, reading]
        if len(self.others) >= self.needed or len(self.readings) < self.needed:
            self.readings, self.others = self.others, []

    def best(self, steady_us: int, drift_ppm: float) -> Reading | None:
        """The most certain reading by now, the newest of such; None while it is not trusted."""
        if len(self.readings) < self.needed:
            return None
        aged = [one.aged(steady_us, drift_ppm) for one in reversed(self.readings)]
        return min(aged, key=lambda one: one.error_us)


class Measure:
    """Weighs what the sources say. `drift_ppm` bounds how fast the steady clock goes wrong."""

    def __init__(self, drift_ppm: float = _DRIFT_PPM) -> None:
        self._drift_ppm = drift_ppm
        self._sources = {origin: _Source(needed) for origin, needed in _NEEDED.items()}
        self._anchor_us: int | None = None

    def add(self, origin: Origin, reading: Reading) -> None:
        """A source's reading."""
        if abs(reading.anchor_us) < _MAX_US and 0 <= reading.error_us < _MAX_US:
            self._sources[origin].add(reading, self._drift_ppm)

    def trusted(self, steady_us: int) -> dict[Origin, Reading]:
        """What the trusted sources say, with their errors as they are at `steady_us`."""
        best = {o: s.best(steady_us, self._drift_ppm) for o, s in self._sources.items()}
        return {origin: one for origin, one in best.items() if one is not None}

    def wild(self) -> dict[Origin, int]:
        """How many readings of each source did not agree with those before."""
        return {origin: source.wild for origin, source in self._sources.items() if source.wild}

    def judge(self, system_us: int, steady_us: int, system_error_us: int | None) -> Judgement:
        """What the time is. `system_error_us` is the kernel's word on its clock, None when
        nothing keeps it right.
        """
        said = self.trusted(steady_us)
        system = Reading(system_us - steady_us, system_error_us or 0, steady_us)
        if system_error_us is None:
            judgement = self._unkept(system, said)
        else:
            judgement = self._kept(system, said)
        self._anchor_us = judgement.anchor_us
        return judgement

    def _unkept(self, system: Reading, said: dict[Origin, Reading]) -> Judgement:
        """Nothing keeps the system's clock right: it counts as far as a source bears it out."""
        if not said:
            return Judgement(None, None, None)
        origin = _best(said)
        others = _contradicting(said, origin)
        # Once corrected it takes better agreement to go back: no clock that comes and goes.
        room_us = said[origin].error_us if self._anchor_us is None else said[origin].error_us // 2
        if abs(system.anchor_us - said[origin].anchor_us) > room_us:
            return replace(self._corrected(said[origin], origin), contradicts=others)
        return Judgement(None, _known_us(system, said[origin]), origin, others)

    def _kept(self, system: Reading, said: dict[Origin, Reading]) -> Judgement:
        """Something keeps it right, and so it has a voice: the majority counts, without one the
        source that outranks the others.
        """
        agree = {origin: one for origin, one in said.items() if one.agrees(system)}
        if said and not agree:
            origin = _best(said)
            others = _contradicting(said, origin)
            return replace(
                self._corrected(said[origin], origin), contradicts=(*others, Origin.SYSTEM)
            )
        others = tuple(origin for origin in said if origin not in agree)
        known = {Origin.SYSTEM: system.error_us}
        known |= {origin: _known_us(system, one) for origin, one in agree.items()}
        against = min(known, key=lambda origin: known[origin])
        return Judgement(None, known[against], against, others)

    def _corrected(self, reading: Reading, origin: Origin) -> Judgement:
        """The clock by `reading`; the anchor stays while it can be true, for time not to jitter."""
        anchor_us = self._anchor_us
        if anchor_us is None or abs(anchor_us - reading.anchor_us) > reading.error_us // 2:
            anchor_us = reading.anchor_us
        return Judgement(anchor_us, abs(anchor_us - reading.anchor_us) + reading.error_us, origin)


def _known_us(system: Reading, reading: Reading) -> int:
    return abs(system.anchor_us - reading.anchor_us) + reading.error_us


def _best(said: dict[Origin, Reading]) -> Origin:
    """The most certain of those that agree with the first in rank."""
    first = next(origin for origin in Origin if origin in said)
    same = [origin for origin in said if said[origin].agrees(said[first])]
    return min(same, key=lambda origin: said[origin].error_us)


def _contradicting(said: dict[Origin, Reading], origin: Origin) -> tuple[Origin, ...]:
    return tuple(_differing(said.items(), said[origin]))


def _differing(said: Iterable[tuple[Origin, Reading]], reading: Reading) -> list[Origin]:
    return [origin for origin, one in said if not one.agrees(reading)]
