"""Simulated tracks: the same for the same seed, and as something with legs or wheels would move."""

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest

from fieldlink.edge.simulate.track import DRIVE, WALK, Gait, Place, Track


def walk(seed: object, gait: Gait, seconds: int) -> list[Place]:
    track = Track(seed, 34.23, 108.95, gait)
    return [track.at(second) for second in range(seconds)]


def metres(a: Place, b: Place) -> float:
    east = (b.lon - a.lon) * math.cos(math.radians(a.lat))
    return math.hypot(b.lat - a.lat, east) * 111_320


def paces(places: Sequence[Place]) -> list[float]:
    return [metres(a, b) for a, b in pairwise(places)]


def test_the_same_seed_walks_the_same_way_and_another_one_does_not() -> None:
    assert walk(1, WALK, 100) == walk(1, WALK, 100) != walk(2, WALK, 100)


def test_an_earlier_time_may_be_asked_after_a_later_one() -> None:
    track = Track("a", 34.23, 108.95)
    places = [track.at(second / 3) for second in range(200)]
    assert track.at(20 / 3) == places[20]


@pytest.mark.parametrize("gait", [WALK, DRIVE], ids=["walk", "drive"])
def test_it_moves_as_fast_as_it_says_and_stays_near(gait: Gait) -> None:
    places = walk(7, gait, 3600)
    assert max(paces(places)) < 1.2 * gait.cruise_mps
    assert sum(paces(places)) > 3600 * gait.cruise_mps * 0.3
    assert any(place.speed == 0 for place in places)
    assert max(metres(places[0], place) for place in places) < gait.radius_m + gait.leg_m[1] * 2
    for before, after, pace in zip(places, places[1:], paces(places), strict=False):
        assert abs(pace - (before.speed + after.speed) / 2) < gait.acceleration_mps2
        assert 0 <= after.heading < 360


def test_who_crosses_the_date_line_has_a_longitude_all_the_same() -> None:
    track = Track(3, -16.8, 179.9999, DRIVE)
    assert all(-180 <= track.at(second).lon < 180 for second in range(600))
