"""Tracks as people on foot and vehicles leave them: seeded, so that a run can be had again.

A track is made of legs. At the end of one the walker turns, sometimes stops, and is drawn back
when it has strayed too far. The ground has one height at each place, whoever comes by.
"""

import math
import random
from dataclasses import dataclass

__all__ = ["DRIVE", "WALK", "Gait", "Place", "Track"]

_STEP_S = 0.2
_DEGREE_M = 111_320.0  # a degree of latitude; of longitude at the equator
_SLOWING_S = 1.5  # slows down so long before a turn


@dataclass(frozen=True, slots=True)
class Gait:
    """How something moves: metres, seconds, degrees.

    `leg_m` and `stop_s` are the least and the most; `turns_deg` what it may turn by between two
    legs (give or take `sway_deg`), `stop_chance` how often it stops there, `radius_m` how far it
    strays from where it began.
    """

    cruise_mps: float
    turning_mps: float
    acceleration_mps2: float
    turn_rate_dps: float
    leg_m: tuple[float, float]
    turns_deg: tuple[float, ...]
    sway_deg: float
    stop_chance: float
    stop_s: tuple[float, float]
    radius_m: float


WALK = Gait(
    cruise_mps=1.35,
    turning_mps=0.9,
    acceleration_mps2=0.8,
    turn_rate_dps=60,
    leg_m=(8, 60),
    turns_deg=(-60, -30, 0, 30, 60),
    sway_deg=20,
    stop_chance=0.2,
    stop_s=(3, 25),
    radius_m=400,
)
DRIVE = Gait(
    cruise_mps=11.5,
    turning_mps=4.5,
    acceleration_mps2=1.6,
    turn_rate_dps=25,
    leg_m=(120, 700),
    turns_deg=(-90, 0, 0, 90),
    sway_deg=6,
    stop_chance=0.35,
    stop_s=(5, 30),
    radius_m=5_000,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is: WGS-84 degrees, metres above sea level, degrees from north clockwise, m/s."""

    lat: float
    lon: float
    alt: float
    heading: float
    speed: float


class Track:
    """The way of one walker or vehicle from `lat`, `lon` on; the same for the same `seed`."""

    def __init__(self, seed: object, lat: float, lon: float, gait: Gait = WALK) -> None:
        self._seed, self._lat, self._lon, self._gait = str(seed), lat, lon, gait
        self._begin()

    def _begin(self) -> None:
        self._chance = random.Random(self._seed)  # noqa: S311  # a walk, no secret
        self._steps = 0
        self._east_m = self._north_m = 0.0
        self._heading = self._wanted = self._chance.uniform(0, 360)
        self._speed = self._stop_s = 0.0
        self._left_m = self._chance.uniform(*self._gait.leg_m)

    def at(self, after_s: float) -> Place:
        """Where it is `after_s` seconds after it set out; cheapest asked in the order of time."""
        steps = int(max(0.0, after_s) / _STEP_S)
        if steps < self._steps:
            self._begin()
        while self._steps < steps:
            self._step()
        ahead_m = self._speed * (after_s - steps * _STEP_S)
        east_m = self._east_m + ahead_m * math.sin(math.radians(self._heading))
        north_m = self._north_m + ahead_m * math.cos(math.radians(self._heading))
        lat = self._lat + north_m / _DEGREE_M
        lon = self._lon + east_m / (_DEGREE_M * math.cos(math.radians(self._lat)))
        heading = self._heading % 360
        return Place(lat, (lon + 180) % 360 - 180, _ground_m(lat, lon), heading, self._speed)

    def _step(self) -> None:
        gait = self._gait
        self._steps += 1
        off = (self._wanted - self._heading + 180) % 360 - 180
        most = gait.turn_rate_dps * _STEP_S
        self._heading += max(-most, min(most, off))
        self._speed = self._faster_or_slower(abs(off))
        way_m = self._speed * _STEP_S
        self._east_m += way_m * math.sin(math.radians(self._heading))
        self._north_m += way_m * math.cos(math.radians(self._heading))
        self._left_m -= way_m
        if self._left_m <= 0:
            self._next_leg()

    def _faster_or_slower(self, off_deg: float) -> float:
        gait = self._gait
        if self._stop_s > 0:
            self._stop_s -= _STEP_S
            wanted = 0.0
        elif off_deg > 10 or self._left_m < gait.turning_mps * _SLOWING_S:
            wanted = gait.turning_mps
        else:
            wanted = gait.cruise_mps * (1 + 0.1 * math.sin(self._steps * _STEP_S / 7))
        most = gait.acceleration_mps2 * _STEP_S
        return self._speed + max(-most, min(most, wanted - self._speed))

    def _next_leg(self) -> None:
        gait, chance = self._gait, self._chance
        self._left_m = chance.uniform(*gait.leg_m)
        turn = chance.choice(gait.turns_deg) + chance.gauss(0, gait.sway_deg)
        self._wanted = (self._wanted + turn) % 360
        if math.hypot(self._east_m, self._north_m) > gait.radius_m:
            home = math.degrees(math.atan2(-self._east_m, -self._north_m))
            self._wanted = (home + chance.gauss(0, gait.sway_deg)) % 360
        if chance.random() < gait.stop_chance:
            self._stop_s = chance.uniform(*gait.stop_s)


def _ground_m(lat: float, lon: float) -> float:
    """Hills a few metres high and some hundred metres apart."""
    return round(
        512
        + 14 * math.sin(lat * 900)
        + 9 * math.sin(lon * 1300 + 1)
        + 2 * math.sin((lat + lon) * 9000),
        2,
    )
