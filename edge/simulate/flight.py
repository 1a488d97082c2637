"""How a simulated aircraft flies: it takes off, circles something to look at, comes back and lands.

Everything follows from the plan, the time since the start and what it was told to do.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Flight", "FlightPlan", "Phase"]

_STEP_S = 0.1
_DEGREE_M = 111_320.0
_GROUND_M = 512.0
_CLIMB_MPS, _SINK_MPS, _TOUCH_MPS = 3.0, 2.5, 0.7
_SLOW_M = 12.0
_NEAR_M = 1.0
_TURN_DPS = 60.0
_G = 9.81
_FULL_MAH = 12_000


class Phase(StrEnum):
    """What it is about."""

    GROUND = "ground"
    TAKEOFF = "takeoff"
    OUT = "out"
    CIRCLE = "circle"
    HOLD = "hold"
    RETURN = "return"
    LAND = "land"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightPlan:
    """Where it stands (WGS-84 degrees), and what it flies.

    It rises to `height_m`, flies `away_m` to the north, circles there at `radius_m` for `look_s`
    seconds, and comes back; after `rest_s` on the ground it goes again. `endurance_s`: how long a
    full battery lasts in the air.
    """

    lat: float = 34.2300
    lon: float = 108.9500
    height_m: float = 80.0
    away_m: float = 220.0
    radius_m: float = 90.0
    speed_mps: float = 8.0
    begin_s: float = 4.0
    look_s: float = 240.0
    rest_s: float = 30.0
    endurance_s: float = 1_500.0


class Flight:
    """`advance(to_s)` flies on. Metres east and north of home and above it, degrees, m/s."""

    def __init__(self, plan: FlightPlan) -> None:
        self.plan = plan
        self.phase = Phase.GROUND
        self.armed = False
        self.at_s = 0.0
        self.east_m = self.north_m = self.height_m = 0.0
        self.vel_east = self.vel_north = self.climb = 0.0
        self.yaw = self.roll = self.pitch = 0.0
        self.charge = 99.0
        self.flights = 0
        self._since_s = 0.0
        self._angle = math.pi  # it comes to the circle from the south
        self._before = Phase.CIRCLE

    @property
    def lat(self) -> float:
        """Degrees, WGS-84."""
        return self.plan.lat + self.north_m / _DEGREE_M

    @property
    def lon(self) -> float:
        """Degrees, WGS-84."""
        return self.plan.lon + self.east_m / (_DEGREE_M * math.cos(math.radians(self.plan.lat)))

    @property
    def alt_m(self) -> float:
        """Metres above the sea."""
        return _GROUND_M + self.height_m

    @property
    def home_alt_m(self) -> float:
        """Metres above the sea, of where it began."""
        return _GROUND_M

    @property
    def used_mah(self) -> int:
        """What was taken from the battery."""
        return round((99.0 - self.charge) / 100 * _FULL_MAH)

    @property
    def speed(self) -> float:
        """Over ground."""
        return math.hypot(self.vel_east, self.vel_north)

    @property
    def course(self) -> float:
        """Over ground, from north clockwise."""
        return math.degrees(math.atan2(self.vel_east, self.vel_north)) % 360

    def look(self) -> tuple[float, float, float]:
        """Where the middle of the circle is: pitch, bearing, and metres away over ground."""
        east, north = -self.east_m, self.plan.away_m - self.north_m
        away = math.hypot(east, north)
        pitch = -math.degrees(math.atan2(self.height_m, away)) if self.height_m > 1 else 0.0
        return pitch, math.degrees(math.atan2(east, north)) % 360, away

    def told(self, phase: Phase) -> bool:
        """Hold, return, land, or go on (`Phase.CIRCLE`); False on the ground."""
        if self.phase is Phase.GROUND:
            return False
        if phase is Phase.HOLD and self.phase is not Phase.HOLD:
            self._before = self.phase
        goes_on = phase is Phase.CIRCLE and self.phase is Phase.HOLD
        self._enter(self._before if goes_on else phase)
        return True

    def advance(self, to_s: float) -> None:
        """Fly on until `to_s` seconds after the start."""
        while self.at_s + _STEP_S <= to_s:
            self.at_s += _STEP_S
            self._step()

    def _enter(self, phase: Phase) -> None:
        self.phase, self._since_s = phase, self.at_s

    def _step(self) -> None:
        before = self.vel_east, self.vel_north
        for_s = self.at_s - self._since_s
        match self.phase:
            case Phase.GROUND:
                self._stand(for_s)
            case Phase.TAKEOFF:
                self._vertical(_CLIMB_MPS)
                if self.height_m >= self.plan.height_m:
                    self._enter(Phase.OUT)
            case Phase.OUT:
                if self._fly_to(0.0, self.plan.away_m - self.plan.radius_m):
                    self._angle = math.pi
                    self._enter(Phase.CIRCLE)
            case Phase.CIRCLE:
                self._circle()
                if for_s >= self.plan.look_s:
                    self._enter(Phase.RETURN)
            case Phase.HOLD:
                self._move(0.0, 0.0)
                self.climb = 0.0
            case Phase.RETURN:
                if self._fly_to(0.0, 0.0):
                    self._enter(Phase.LAND)
            case Phase.LAND:
                self._land()
        self._lean(before)
        if self.armed:
            self.charge = max(3.0, self.charge - 96.0 * _STEP_S / self.plan.endurance_s)

    def _stand(self, for_s: float) -> None:
        wait_s = self.plan.rest_s if self.flights else self.plan.begin_s
        if for_s >= wait_s - 1.0:
            self.armed = True
        if for_s >= wait_s:
            self.flights += 1
            self.charge = 99.0
            self._enter(Phase.TAKEOFF)

    def _vertical(self, mps: float) -> None:
        self.climb = mps
        self.height_m += mps * _STEP_S
        self._move(0.0, 0.0)

    def _land(self) -> None:
        self._vertical(-_SINK_MPS if self.height_m > 8 else -_TOUCH_MPS)
        if self.height_m <= 0:
            self.height_m = self.climb = 0.0
            self.vel_east = self.vel_north = 0.0
            self.armed = False
            self._enter(Phase.GROUND)

    def _fly_to(self, east_m: float, north_m: float) -> bool:
        east, north = east_m - self.east_m, north_m - self.north_m
        left_m = math.hypot(east, north)
        if left_m < _NEAR_M:
            self._move(0.0, 0.0)
            return True
        speed = self.plan.speed_mps * min(1.0, max(0.15, left_m / _SLOW_M))
        self._move(east / left_m * speed, north / left_m * speed)
        self.climb = 0.0
        self._turn(math.degrees(math.atan2(east, north)))
        return False

    def _circle(self) -> None:
        plan = self.plan
        self._angle += plan.speed_mps / plan.radius_m * _STEP_S
        east = plan.radius_m * math.sin(self._angle)
        north = plan.away_m + plan.radius_m * math.cos(self._angle)
        self._move((east - self.east_m) / _STEP_S, (north - self.north_m) / _STEP_S)
        self.climb = 0.3 * math.sin(self.at_s / 6)
        self.height_m += self.climb * _STEP_S
        self._turn(self.course)

    def _move(self, east_mps: float, north_mps: float) -> None:
        self.vel_east, self.vel_north = east_mps, north_mps
        self.east_m += east_mps * _STEP_S
        self.north_m += north_mps * _STEP_S

    def _turn(self, to_deg: float) -> None:
        off = (to_deg - self.yaw + 180) % 360 - 180
        most = _TURN_DPS * _STEP_S
        self.yaw = (self.yaw + max(-most, min(most, off))) % 360

    def _lean(self, before: tuple[float, float]) -> None:
        """It leans to where it accelerates: ahead is nose down, right is right wing down."""
        east = max(-4.0, min(4.0, (self.vel_east - before[0]) / _STEP_S))
        north = max(-4.0, min(4.0, (self.vel_north - before[1]) / _STEP_S))
        yaw = math.radians(self.yaw)
        ahead = north * math.cos(yaw) + east * math.sin(yaw)
        right = east * math.cos(yaw) - north * math.sin(yaw)
        self.pitch += (-math.degrees(math.atan2(ahead, _G)) - self.pitch) * 0.3
        self.roll += (math.degrees(math.atan2(right, _G)) - self.roll) * 0.3
