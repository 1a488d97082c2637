"""A vehicle with a JT/T 808 terminal: where it drives, and what its terminal would report.

Everything follows from the seed and the time since the start, so that a run can be had again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from fieldlink.codecs.jt808 import Location, Status, encode_extra, to_time
from fieldlink.edge.simulate.track import DRIVE, Track

__all__ = ["Vehicle", "VehicleFault", "VehiclePlan"]

_CLOCK_OFF_S = 3_700.0
_SOS = 1 << 0
_TANK_L, _USED_L_PER_KM = 60.0, 0.12


class VehicleFault(StrEnum):
    """How it fails, as real ones do."""

    NO_FIX = "no-fix"  # the status says so; the fields hold the last position
    ZERO = "zero"  # 0/0, with a status that says fixed
    FROZEN = "frozen"  # the same position and speed for ever, with the time going on
    CLOCK = "clock"  # its clock is an hour and more ahead
    BURST = "burst"  # it stores for a while, then sends all of it
    SILENCE = "silence"  # it says nothing more, and keeps its connection


@dataclass(frozen=True, slots=True, kw_only=True)
class VehiclePlan:
    """Who it is, where it begins (WGS-84 degrees), and how often it reports (`every_s`).

    `is_2019` speaks that edition, else 2013's. `sos_after_s`: when somebody presses the button.
    """

    number: str
    is_2019: bool = False
    seed: int = 1
    lat: float = 34.2300
    lon: float = 108.9500
    every_s: float = 5.0
    heartbeat_s: float = 30.0
    sos_after_s: float | None = None
    fault: VehicleFault | None = None
    fault_after_s: float = 30.0
    burst_s: float = 60.0


class Vehicle:
    """`say(after_s, now_us)` gives the locations that came due since it was last asked."""

    def __init__(self, plan: VehiclePlan) -> None:
        self.plan = plan
        self._track = Track(f"{plan.seed} {plan.number}", plan.lat, plan.lon, DRIVE)
        self._due_s = 0.0
        self._last_s: float | None = None
        self._driven_km = 0.0
        self._frozen: Location | None = None
        self._pressed = False
        self._calls = plan.sos_after_s is not None

    def failing(self, after_s: float, fault: VehicleFault) -> bool:
        """Whether it fails that way at that time."""
        return self.plan.fault is fault and after_s >= self.plan.fault_after_s

    def quiet_at(self, after_s: float) -> bool:
        """Whether it keeps what it has to itself at that time."""
        since_s = after_s - self.plan.fault_after_s
        holds = since_s % (2 * self.plan.burst_s) < self.plan.burst_s
        bursts = self.failing(after_s, VehicleFault.BURST) and holds
        return bursts or self.failing(after_s, VehicleFault.SILENCE)

    def answered(self) -> None:
        """The platform has answered: the terminal clears the button's flag."""
        self._pressed = False

    def say(self, after_s: float, now_us: int) -> Iterator[Location]:
        """The locations up to `after_s` seconds after the start, which is `now_us` UTC."""
        if self._calls and after_s >= (self.plan.sos_after_s or 0.0):
            self._calls, self._pressed = False, True
            yield self._location(after_s, now_us)  # at once, whatever the interval
        while self._due_s <= after_s:
            at_s, self._due_s = self._due_s, self._due_s + self.plan.every_s
            if not self.failing(at_s, VehicleFault.SILENCE):
                yield self._location(at_s, now_us - round((after_s - at_s) * 1e6))

    def _location(self, at_s: float, at_us: int) -> Location:
        place = self._track.at(at_s)
        self._driven_km += place.speed * (at_s - (self._last_s or 0.0)) / 1000
        self._last_s = at_s
        status = Status.IGNITION | Status.FIXED | Status.BEIDOU | Status.GPS
        status |= Status.SOUTH if place.lat < 0 else 0
        status |= Status.WEST if place.lon < 0 else 0
        off_s = _CLOCK_OFF_S if self.failing(at_s, VehicleFault.CLOCK) else 0.0
        made = Location(
            _SOS if self._pressed else 0,
            int(status),
            round(abs(place.lat) * 1e6),
            round(abs(place.lon) * 1e6),
            round(place.alt) % 65536,
            round(place.speed * 36),
            round(place.heading) % 360,
            to_time(at_us + round(off_s * 1e6)),
            (
                encode_extra(0x01, round(self._driven_km, 1)),
                encode_extra(0x02, round(max(0.0, _TANK_L - _USED_L_PER_KM * self._driven_km), 1)),
                encode_extra(0x30, 24),
                encode_extra(0x31, 14),
            ),
        )
        return self._failed(made, at_s)

    def _failed(self, made: Location, at_s: float) -> Location:
        if self.failing(at_s, VehicleFault.NO_FIX):
            return replace(made, status=made.status & ~int(Status.FIXED))
        if self.failing(at_s, VehicleFault.ZERO):
            return replace(made, lat=0, lon=0)
        if self.failing(at_s, VehicleFault.FROZEN):
            self._frozen = self._frozen or made
            return replace(self._frozen, time=made.time, alarms=made.alarms)
        return made
