"""A simulated aircraft as its autopilot, gimbal and camera tell of it: an ArduCopter in MAVLink 2.

Packed by pymavlink, as a ground station's own simulator would. What it says by itself is in
`aircraft_says`; what it is asked, `aircraft_answers` answers.
"""

import random
from collections import deque
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.edge.simulate.aircraft_plan import (
    CAMERA,
    GIMBAL,
    PILOT,
    RADIO,
    AircraftFault,
    AircraftPlan,
)
from fieldlink.edge.simulate.aircraft_says import SAYS
from fieldlink.edge.simulate.flight import Flight, Phase

__all__ = ["Aircraft"]

_MODES = {Phase.GROUND: 5, Phase.HOLD: 5, Phase.RETURN: 6, Phase.LAND: 9}  # LOITER, RTL, LAND
_AUTO = 3
_LOW, _FAILSAFE = 25.0, 15.0
_WORST = 2_000
_BRIEF_S = 5.0


class Aircraft:
    """`say(after_s, now_us)` gives what came due since it was last asked, as frames."""

    def __init__(self, plan: AircraftPlan) -> None:
        self.plan = plan
        self.flight = Flight(plan.flight)
        self.pointed: tuple[float, float] | None = None
        """Where the gimbal was told to look: pitch, bearing; None: at what it circles."""
        self.zoom = 1.0
        self.recording_since_s: float | None = None
        self.photos = 0
        self.after_s, self.now_us = 0.0, 0
        self.every_s = {name: every_s for name, (every_s, _) in SAYS.items()}
        self.brief = False
        """Only HIGH_LATENCY2, every 5 s."""
        self._due = dict.fromkeys(SAYS, 0.0)
        self._brief_due_s = 0.0
        self.chance = random.Random(f"{plan.seed} {plan.sysid}")  # noqa: S311  # no secret
        self._makers = {
            who: dialect.MAVLink(None, srcSystem=who[0], srcComponent=who[1])
            for who in (
                *((plan.sysid, one) for one in (PILOT, CAMERA, GIMBAL)),
                RADIO,
            )
        }
        self._out: deque[bytes] = deque(maxlen=_WORST)
        self._texts = _Texts()

    def failing(self, fault: AircraftFault) -> bool:
        """Whether it fails in that way now."""
        return self.plan.fault is fault and self.after_s >= self.plan.fault_after_s

    def say(self, after_s: float, now_us: int) -> list[bytes]:
        """What it sends by `after_s` seconds after the start; `now_us` is the time then, UTC."""
        self.after_s, self.now_us = after_s, now_us
        if not self.failing(AircraftFault.FROZEN):
            self.flight.advance(after_s)
        if self.failing(AircraftFault.BATTERY):
            self.flight.charge = max(3.0, self.flight.charge - 0.4)
        for severity, text in self._texts.due(self):
            self.put("statustext", severity, text.encode())
        if self.brief:
            self._say_briefly()
        else:
            for name, due_s in self._due.items():
                if after_s >= due_s and self.every_s[name] > 0:
                    self._due[name] = max(due_s + self.every_s[name], after_s)
                    self.tell(name)
        return self._taken()

    def _say_briefly(self) -> None:
        if self.after_s >= self._brief_due_s:
            self._brief_due_s = self.after_s + _BRIEF_S
            self.tell("high_latency2")

    def _taken(self) -> list[bytes]:
        out, chance = list(self._out), self.chance
        self._out.clear()
        if self.failing(AircraftFault.SILENCE):
            return []
        if self.failing(AircraftFault.LOSS):
            return [one for one in out if chance.random() > 0.3]
        if self.failing(AircraftFault.NOISE):
            return [_noisy(one, chance) for one in out]
        return out

    def put(self, message: str, *fields: Any, of: int = PILOT, **more: Any) -> None:
        """Send a message; `of` is the component that says it."""
        who = RADIO if of == RADIO[1] else (self.plan.sysid, of)
        maker = self._makers[who]
        made = getattr(maker, f"{message}_encode")(*fields, **more)
        self._out.append(bytes(made.pack(maker)))
        maker.seq = (maker.seq + 1) % 256

    def tell(self, name: str) -> bool:
        """Send one message of its state, by its name; False: it has no such."""
        said = SAYS.get(name)
        if said is None:
            return False
        said[1](self)
        return True

    def set_every(self, name: str, every_s: float | None) -> None:
        """Say `name` every so many seconds; below 0 never, None as often as at first."""
        self.every_s[name] = SAYS[name][0] if every_s is None else max(every_s, -1.0)

    @property
    def mode(self) -> int:
        """ArduCopter's number of it."""
        return _MODES.get(self.flight.phase, _AUTO)

    def gimbal(self) -> tuple[float, float]:
        """Pitch and bearing of the camera, degrees."""
        if self.pointed is not None:
            return self.pointed
        pitch, bearing, _ = self.flight.look()
        return pitch, bearing


class _Texts:
    """What it says in words, each once when it becomes true."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._phase: Phase | None = None

    def due(self, aircraft: Aircraft) -> list[tuple[int, str]]:
        """Severity and text."""
        found: list[tuple[int, str]] = []
        flight = aircraft.flight
        if flight.phase is not self._phase:
            if flight.phase is Phase.TAKEOFF:
                self._said.clear()
                found.append((6, "Arming motors"))
            elif self._phase is not None and flight.phase is Phase.GROUND:
                found.append((6, "Disarming motors"))
            self._phase = flight.phase
        if flight.charge < _LOW:
            found += self._once(2, f"Battery 1 is low {flight.charge:.0f}%")
        if flight.charge < _FAILSAFE and flight.armed:
            found += self._once(2, "Battery Failsafe - Returning Home")
            if flight.phase not in (Phase.RETURN, Phase.LAND):
                flight.told(Phase.RETURN)
        if aircraft.failing(AircraftFault.FENCE):
            found += self._once(4, "Fence Breached")
        return found

    def _once(self, severity: int, text: str) -> list[tuple[int, str]]:
        key = text.split(" low ")[0]
        if key in self._said:
            return []
        self._said.add(key)
        return [(severity, text)]


def _noisy(frame: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.2:
        at = chance.randrange(10, len(frame))
        frame = frame[:at] + bytes((frame[at] ^ 1 << chance.randrange(8),)) + frame[at + 1 :]
    return chance.randbytes(chance.randrange(9)) + frame
