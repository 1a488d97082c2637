"""Positions: against points that others published, and against each other."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.geo import (
    MEAN_RADIUS_M,
    bearing_deg,
    destination,
    distance_m,
    gcj02_to_wgs84,
    implied_speed_mps,
    in_gcj02_area,
    is_position,
    is_zero,
    local_frame,
    turn_deg,
    wgs84_to_gcj02,
)

latitudes, longitudes = st.floats(-89, 89), st.floats(-180, 179.999)

# googollee/eviltransform, python/test.py: WGS-84 and GCJ-02 of Shanghai, Shenzhen and Beijing.
PUBLISHED = [
    ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
    ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
    ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
]


@pytest.mark.parametrize(("wgs84", "gcj02"), PUBLISHED)
def test_gcj02_is_what_others_published(
    wgs84: tuple[float, float], gcj02: tuple[float, float]
) -> None:
    assert wgs84_to_gcj02(*wgs84) == pytest.approx(gcj02, abs=1e-12)
    assert gcj02_to_wgs84(*gcj02) == pytest.approx(wgs84, abs=1e-9)


@given(st.floats(3.5, 53.6), st.floats(73.5, 135.1))
def test_gcj02_and_back_is_the_same_place_anywhere_in_china(lat: float, lon: float) -> None:
    shifted = wgs84_to_gcj02(lat, lon)
    assert 30 < distance_m(lat, lon, *shifted) < 1500
    assert gcj02_to_wgs84(*shifted) == pytest.approx((lat, lon), abs=1e-9)


@given(latitudes, longitudes)
def test_outside_china_nothing_is_shifted(lat: float, lon: float) -> None:
    if not in_gcj02_area(lat, lon):
        assert wgs84_to_gcj02(lat, lon) == gcj02_to_wgs84(lat, lon) == (lat, lon)


@pytest.mark.parametrize("place", [(48.85, 2.35), (-33.87, 151.21), (0.0, 0.0), (39.74, -104.99)])
def test_paris_sydney_and_denver_are_where_they_are(place: tuple[float, float]) -> None:
    assert not in_gcj02_area(*place)
    assert gcj02_to_wgs84(*place) == place


def test_what_is_no_number_is_no_place_in_china() -> None:
    assert math.isnan(gcj02_to_wgs84(math.nan, 110.0)[0])


def test_distances_and_bearings_are_those_of_the_sphere() -> None:
    degree_m = 111_195.08  # 6,371,008.8 m x pi / 180
    assert distance_m(0, 0, 0, 1) == pytest.approx(degree_m, abs=0.1)
    assert distance_m(10, 179.5, 10, -179.5) == pytest.approx(degree_m * 0.9848, rel=1e-4)
    assert distance_m(0, 0, 0, 180) == pytest.approx(degree_m * 180, abs=1)
    assert distance_m(30, 104, 30, 104) == 0
    # googollee/eviltransform's own test, Shanghai to Beijing, on a sphere of 6,378,137 m.
    there = distance_m(31.17530398364597, 121.531541859215, 39.91334545536069, 116.38404722455657)
    assert there * 6_378_137 / MEAN_RADIUS_M == pytest.approx(1_078_164, abs=1)
    assert bearing_deg(0, 0, 1, 0) == 0
    assert bearing_deg(0, 0, 0, 1) == pytest.approx(90)
    assert bearing_deg(0, 0, -1, 0) == pytest.approx(180)
    assert bearing_deg(0, 0, 0, -1) == pytest.approx(270)


@given(latitudes, longitudes, st.floats(0, 359.99), st.floats(1, 1e6))
def test_one_arrives_where_one_set_out_to(
    lat: float, lon: float, bearing: float, distance: float
) -> None:
    there = destination(lat, lon, bearing, distance)
    assert is_position(*there)
    assert distance_m(lat, lon, *there) == pytest.approx(distance, rel=1e-4, abs=1e-3)
    assert 0 <= bearing_deg(lat, lon, *there) < 360


@given(st.floats(-60, 60), longitudes, st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_metres_around_a_place_lead_back_to_it(
    lat: float, lon: float, east_m: float, north_m: float
) -> None:
    frame = local_frame(lat, lon)
    place = frame.position(east_m, north_m)
    assert frame.metres(*place) == pytest.approx((east_m, north_m), abs=1e-3)
    away = math.hypot(east_m, north_m)
    assert distance_m(lat, lon, *place) == pytest.approx(away, rel=2e-3, abs=1e-3)


def test_turns_are_the_shorter_way() -> None:
    assert turn_deg(350, 10) == turn_deg(10, 350) == 20
    assert turn_deg(0, 180) == 180
    assert turn_deg(720, 1) == 1


def test_what_cannot_be_a_position_is_told() -> None:
    assert is_position(-90, 180)
    for lat, lon in ((90.1, 0), (0, -180.1), (math.nan, 0), (0, math.inf)):
        assert not is_position(lat, lon)
    assert is_zero(0, 0)
    assert is_zero(-0.0, 0.00005)
    assert not is_zero(0, 6.7)
    assert not is_zero(0.01, 0)


def test_the_speed_between_two_fixes_needs_time_to_pass() -> None:
    assert implied_speed_mps(0, 0, 0, 0, 1, 1_000_000) == pytest.approx(111_195, abs=1)
    assert implied_speed_mps(0, 0, 5, 0, 1, 5) is None
    assert implied_speed_mps(0, 0, 5, 0, 1, 4) is None
