"""A person with sensors: where they walk, how their heart beats, what air is left, and a button.

Everything follows from the seed and the time since the start, so that a run can be had again.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fieldlink.edge.simulate.track import WALK, Place, Track

__all__ = ["Fault", "Soldier", "SoldierPlan"]

_CLOCK_OFF_S = 3_700.0
_AIR_BAR, _AIR_S = 300.0, 2_700.0  # a full cylinder, and how long it lasts


class Fault(StrEnum):
    """How it fails, as real ones do."""

    NO_FIX = "no-fix"  # the receiver says that it has no position
    ZERO = "zero"  # the receiver says 0/0
    FROZEN = "frozen"  # the same values for ever, as if they were live
    CLOCK = "clock"  # its clock is an hour and more ahead
    BURST = "burst"  # it says nothing, then all of it at once
    SILENCE = "silence"  # it measures nothing more


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldierPlan:
    """Where and how often. `every_s` is between two positions; the rest is in proportion.

    `sos_after_s` and `down_after_s`: when the button is pressed, and when they lie still.
    """

    name: str
    seed: int = 1
    lat: float = 34.2300
    lon: float = 108.9500
    every_s: float = 1.0
    sos_after_s: float | None = None
    sos_for_s: float = 60.0
    down_after_s: float | None = None
    fault: Fault | None = None
    fault_after_s: float = 30.0
    burst_s: float = 60.0


class Soldier:
    """`say(after_s, now_us)` gives what was measured since it was last asked."""

    def __init__(self, plan: SoldierPlan, boot: int) -> None:
        self._plan, self._boot = plan, boot
        self._chance = random.Random(f"{plan.seed} {plan.name}")  # noqa: S311  # no secret
        self._track = Track(f"{plan.seed} {plan.name}", plan.lat, plan.lon, WALK)
        self._due = {
            "position": 0.0,
            "vitals": 0.3,
            "air": 0.5,
            "battery": 0.7,
        }
        self._every = {
            "position": plan.every_s,
            "vitals": plan.every_s,
            "air": 5 * plan.every_s,
            "battery": 30 * plan.every_s,
        }
        self._seq: dict[str, int] = {}
        self._frozen: dict[str, dict[str, Any]] = {}
        self._calls = list(_calls(plan))

    def quiet_at(self, after_s: float) -> bool:
        """Whether it keeps what it has to itself at that time."""
        plan = self._plan
        since_s = after_s - plan.fault_after_s
        quiet = since_s % (2 * plan.burst_s) < plan.burst_s
        return plan.fault is Fault.BURST and since_s >= 0 and quiet

    def say(self, after_s: float, now_us: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Stream and message of all that is due by `after_s` seconds after the start; `now_us` is
        the time then, UTC.
        """
        while self._calls and self._calls[0][0] <= after_s:
            _, stream, call = self._calls.pop(0)
            yield stream, {**call, "time_us": self._clock_us(after_s, now_us), "exercise": True}
        if self._failing(Fault.SILENCE, after_s):
            return
        for stream, due_s in self._due.items():
            while due_s <= after_s:
                at_us = now_us - round((after_s - due_s) * 1e6)
                yield stream, self._message(stream, due_s, at_us)
                due_s += self._every[stream]
            self._due[stream] = due_s

    def _message(self, stream: str, at_s: float, at_us: int) -> dict[str, Any]:
        self._seq[stream] = self._seq.get(stream, -1) + 1
        values = self._values(stream, at_s)
        if self._failing(Fault.FROZEN, at_s):
            values = self._frozen.setdefault(stream, values)
        time_us = self._clock_us(at_s, at_us)
        head = {"time_us": time_us, "seq": self._seq[stream], "boot": self._boot}
        return {**head, **values, "exercise": True}

    def _clock_us(self, at_s: float, at_us: int) -> int:
        off_s = _CLOCK_OFF_S if self._failing(Fault.CLOCK, at_s) else 0.0
        return at_us + round(off_s * 1e6)

    def _failing(self, fault: Fault, at_s: float) -> bool:
        return self._plan.fault is fault and at_s >= self._plan.fault_after_s

    def _values(self, stream: str, at_s: float) -> dict[str, Any]:
        place = self._track.at(at_s)
        if stream == "position":
            return self._position(place, at_s)
        if stream == "vitals":
            return self._vitals(place, at_s)
        if stream == "air":
            used = 1 - at_s / _AIR_S
            return {
                "pressure": round(max(0.0, _AIR_BAR * used), 1),
                "remaining": round(max(0.0, _AIR_S - at_s)),
                "o2": round(20.9 + self._chance.gauss(0, 0.03), 2),
                "co": round(max(0.0, 3 + 2 * math.sin(at_s / 90) + self._chance.gauss(0, 0.3)), 1),
            }
        level = max(0.0, 100 - at_s / 288)  # eight hours
        return {"level": round(level, 1), "voltage": round(3.4 + 0.008 * level, 3), "charging": 0}

    def _position(self, place: Place, at_s: float) -> dict[str, Any]:
        if self._failing(Fault.NO_FIX, at_s):
            return {"lat": None, "lon": None, "satellites": 2, "fix": 0}
        if self._failing(Fault.ZERO, at_s):
            return {"lat": 0.0, "lon": 0.0, "satellites": 0, "fix": 1}
        return {
            "lat": round(place.lat + self._chance.gauss(0, 4e-6), 7),
            "lon": round(place.lon + self._chance.gauss(0, 4e-6), 7),
            "alt": round(place.alt + self._chance.gauss(0, 0.8), 1),
            "heading": round(place.heading, 1) % 360,
            "speed": round(place.speed, 2),
            "accuracy": round(2.5 + abs(self._chance.gauss(0, 0.5)), 1),
            "satellites": 12 + self._chance.randrange(6),
            "fix": 1,
        }

    def _vitals(self, place: Place, at_s: float) -> dict[str, Any]:
        plan = self._plan
        down_s = -1.0 if plan.down_after_s is None else at_s - plan.down_after_s
        effort = 0.0 if down_s >= 0 else place.speed
        return {
            "heart_rate": round(78 + 28 * effort + self._chance.gauss(6 * math.sin(at_s / 40), 2)),
            "spo2": round(97.5 - 0.5 * effort + self._chance.gauss(0, 0.3), 1),
            "temperature": round(36.8 + 0.2 * math.sin(at_s / 900), 2),
            "respiration": round(15 + 7 * effort + self._chance.gauss(0, 1)),
            "motion": round(max(0.02, 1.8 * effort + self._chance.gauss(0, 0.05)), 2),
            "still_for": round(max(0.0, down_s)),
            "posture": 2 if down_s >= 0 else 0,
        }


def _calls(plan: SoldierPlan) -> Iterator[tuple[float, str, dict[str, Any]]]:
    calls: list[tuple[float, str, dict[str, Any]]] = []
    if plan.sos_after_s is not None:
        calls.append((plan.sos_after_s, "sos", {"active": True, "text": "演练 exercise"}))
        calls.append((plan.sos_after_s + plan.sos_for_s, "sos", {"active": False}))
    if plan.down_after_s is not None:
        calls.append((plan.down_after_s + 30, "man_down", {"active": True}))
    yield from sorted(calls, key=lambda call: call[0])
