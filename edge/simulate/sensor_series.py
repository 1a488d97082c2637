"""What simulated stations measure: a storm, the river that rises after it, a slope that creeps and
slips, a leak of gas; seeded, so that a run can be had again.

All are functions of time, the same for every reader and however often it asks.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SensorFault", "SensorFaults", "Series"]

_HOUR_S = 3600.0
_STORM = ((70.0, 0.8, 0.3), (60.0, 1.9, 0.25))  # mm/h at its height, when in h, how long in h
_BURST_S = 10.0
_SPIKE_ONE_IN = 15


class SensorFault(StrEnum):
    """How a station fails."""

    FROZEN = "frozen"  # says the same for ever
    SILENCE = "silence"  # says nothing any more
    BURST = "burst"  # says nothing for 10 s, then speaks for 10 s: text says all it held at once
    SPIKE = "spike"  # for a second now and then, nonsense
    MISSING = "missing"  # half the time it has no value


@dataclass(frozen=True, slots=True)
class SensorFaults:
    """`fault` begins so many real seconds after the start; None: none."""

    fault: SensorFault | None = None
    after_s: float = 0.0

    def at(self, real_s: float) -> SensorFault | None:
        """The fault that acts `real_s` after the start, if any."""
        return self.fault if real_s >= self.after_s else None

    def silent(self, real_s: float) -> bool:
        """Whether the station says nothing."""
        now = self.at(real_s)
        held = (real_s - self.after_s) % (2 * _BURST_S) < _BURST_S
        return now is SensorFault.SILENCE or (now is SensorFault.BURST and held)


class Series:
    """The values of one station of `kind`, `speed` times as fast as real ones."""

    def __init__(self, kind: str, seed: int, faults: SensorFaults, speed: float = 1.0) -> None:
        self._kind, self._seed, self._faults, self._speed = kind, seed, faults, speed
        self._values = _KINDS[kind]

    def silent(self, real_s: float) -> bool:
        """Whether the station says nothing `real_s` after it was started."""
        return self._faults.silent(real_s)

    def at(self, real_s: float) -> dict[str, float | None]:
        """What the station says then; None: it says that it has none."""
        fault = self._faults.at(real_s)
        told_s = self._faults.after_s if fault is SensorFault.FROZEN else real_s
        hours = told_s * self._speed / _HOUR_S
        found: dict[str, float | None] = {}
        for name, (value, noise) in self._values.items():
            chance = self._chance(name, told_s)
            found[name] = value(hours) + chance.gauss(0.0, noise)
            if fault is SensorFault.SPIKE and chance.randrange(_SPIKE_ONE_IN) == 0:
                found[name] = 50.0 * value(hours) + 1000.0
            if fault is SensorFault.MISSING and chance.random() < 0.5:
                found[name] = None
        return found

    def _chance(self, name: str, real_s: float) -> random.Random:
        # One for each second: who asks twice hears the same.
        return random.Random(f"{self._seed} {self._kind} {name} {int(real_s)}")  # noqa: S311


def _fallen(hours: float) -> float:
    """The rain in mm since the start."""
    total = 2.0 * hours
    for height, at, width in _STORM:
        half = height * width * math.sqrt(math.pi) / 2
        total += half * (math.erf((hours - at) / width) + math.erf(at / width))
    return total


def _logistic(hours: float, at: float, width: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, (hours - at) / width))))


def _leak(hours: float, most: float) -> float:
    """What a leak that begins after 6 minutes has filled a room with."""
    return most * (1.0 - math.exp(-max(0.0, hours - 0.1) / 0.15))


def _crack(hours: float) -> float:
    """Creep that quickens, and a slip after two hours."""
    return 12.0 + 0.4 * hours + 0.1 * math.exp(min(hours, 4.0) * 1.6) + 35.0 * (hours > 2.0)


_KINDS: Mapping[str, Mapping[str, tuple[Callable[[float], float], float]]] = {
    "rain": {
        # Close below the end of 16 bits, so that an exercise sees the counter go round.
        "total": (lambda h: 0.2 * (65_400 + int(_fallen(h) / 0.2)), 0.0),
        "battery": (lambda h: 12.8 - 0.05 * h, 0.01),
    },
    "water": {
        "level": (lambda h: 2.1 + 2.6 * _logistic(h, 1.6, 0.25), 0.006),
        "temperature": (lambda h: 16.0 - 0.8 * _logistic(h, 1.4, 0.3), 0.05),
    },
    "displacement": {
        "crack": (_crack, 0.02),
        "tilt": (lambda h: 0.4 + 0.01 * _crack(h), 0.001),
    },
    "dam": {
        "pore": (lambda h: 85.0 + 50.0 * _logistic(h, 2.2, 0.4), 0.3),
        "freeboard": (lambda h: 2.4 - 1.2 * _logistic(h, 2.0, 0.4), 0.002),
        "seepage": (lambda h: 4.5 + 6.0 * _logistic(h, 2.4, 0.4), 0.05),
    },
    "gas": {
        "ch4": (lambda h: _leak(h, 62.0), 0.2),
        "o2": (lambda h: 20.9 - _leak(h, 3.2), 0.05),
        "co": (lambda h: 2.0 + _leak(h, 110.0), 0.6),
        "h2s": (lambda h: _leak(h, 18.0), 0.1),
    },
    "weather": {
        "temperature": (lambda h: 18.0 - 5.0 * _logistic(h, 0.7, 0.15), 0.1),
        "humidity": (lambda h: 70.0 + 25.0 * _logistic(h, 0.7, 0.2), 0.4),
        "pressure": (lambda h: 934.0 - 3.0 * math.exp(-(((h - 0.8) / 0.4) ** 2)), 0.1),
        "wind": (lambda h: 3.0 + 16.0 * math.exp(-(((h - 0.8) / 0.2) ** 2)), 0.6),
        "direction": (lambda h: 135.0 + 120.0 * _logistic(h, 0.8, 0.05), 4.0),
    },
}
