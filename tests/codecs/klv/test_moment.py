"""A moment as a set and back: angles from the aircraft and from north are the same camera."""

from math import cos, radians, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldlink.codecs.geo import Pose, footprint, frame_centre, turn_deg
from fieldlink.codecs.klv import (
    Tag,
    Value,
    camera_angles,
    compose,
    corners,
    decode,
    encode,
    platform_angles,
    relative_angles,
)

MOMENT = Pose(
    time_us=1_700_000_000_123_456,
    lat=30.1234567,
    lon=103.7654321,
    alt_m=1_488.0,
    height_m=120.0,
    heading=200.0,
    roll=12.0,
    pitch=-7.0,
    gimbal_pitch=-50.0,
    gimbal_yaw=255.0,
    hfov=60.0,
    vfov=40.0,
)


def test_a_moment_comes_back_from_its_set() -> None:
    found = decode(compose(MOMENT, mission="q7", designation="m300-1", speed=7.6, climb=-1.5))
    assert found.time_us == MOMENT.time_us
    assert found.number(Tag.LAT) == pytest.approx(MOMENT.lat, abs=1e-7)
    assert found.number(Tag.LON) == pytest.approx(MOMENT.lon, abs=1e-7)
    assert found.number(Tag.ALT) == pytest.approx(1_488, abs=0.2)
    assert platform_angles(found) == pytest.approx((200, -7, 12), abs=0.01)
    camera = camera_angles(found)
    assert camera is not None
    assert camera == pytest.approx((255, -50, 0), abs=0.01)
    assert (found.text(Tag.MISSION), found.text(Tag.DESIGNATION)) == ("q7", "m300-1")
    assert found.number(Tag.GROUND_SPEED) == 8
    assert found.number(Tag.CLIMB) == pytest.approx(-1.5, abs=0.01)
    centre, seen = frame_centre(MOMENT), footprint(MOMENT)
    assert centre is not None
    assert seen is not None
    assert found.number(Tag.CENTRE_LAT) == pytest.approx(centre[0], abs=1e-7)
    assert found.number(Tag.CENTRE_LON) == pytest.approx(centre[1], abs=1e-7)
    assert found.number(Tag.CENTRE_ALT) == pytest.approx(1_368, abs=0.2)
    assert found.number(Tag.SLANT_RANGE) == pytest.approx(120 / sin(radians(50)), rel=0.001)
    told = corners(found)
    assert told is not None
    for one, other in zip(told, seen, strict=True):
        assert one == pytest.approx(other, abs=1e-7)
    assert not found.unknown
    assert not found.misfits


def test_what_is_unknown_is_not_in_the_set() -> None:
    found = decode(compose(Pose(1, 30.0, 103.0)))
    assert set(found.values) == {
        *(Tag.TIME, Tag.LAT, Tag.LON, Tag.COORDINATES, Tag.SECURITY, Tag.VERSION, Tag.CHECKSUM)
    }
    assert camera_angles(found) is None
    assert platform_angles(found) == (None, None, None)


def test_an_aircraft_on_its_side_is_said_with_the_full_range() -> None:
    found = decode(compose(Pose(1, 30.0, 103.0, pitch=45.0, roll=-70.0)))
    assert Tag.PITCH not in found.values
    assert platform_angles(found) == pytest.approx((None, 45.0, -70.0), abs=1e-6)


def test_what_is_too_high_for_the_standard_costs_only_itself() -> None:
    found = decode(compose(Pose(1, 30.0, 103.0, alt_m=20_000.0, hfov=float("nan"))))
    assert found.number(Tag.ALT) is None
    assert found.number(Tag.LAT) is not None


def looks(yaw: float, pitch: float) -> tuple[float, float, float]:
    yaw, pitch = radians(yaw), radians(pitch)
    return cos(pitch) * cos(yaw), cos(pitch) * sin(yaw), -sin(pitch)


def test_the_azimuth_of_a_level_aircraft_is_added_to_its_heading() -> None:
    found = decode(encode({Tag.HEADING: 350.0, Tag.AZIMUTH: 30.0, Tag.ELEVATION: -20.0}))
    assert camera_angles(found) == pytest.approx((20.0, -20.0, 0.0), abs=0.01)


def test_a_camera_to_the_side_of_a_banked_aircraft_looks_down_by_the_bank() -> None:
    # Right wing 30 degrees down, camera level to the right: it looks 30 degrees down.
    values: dict[int, Value] = {Tag.HEADING: 0.0, Tag.ROLL: 30.0, Tag.AZIMUTH: 90.0}
    found = camera_angles(decode(encode({**values, Tag.ELEVATION: 0.0})))
    assert found is not None
    assert found[:2] == pytest.approx((90.0, -30.0), abs=0.01)


_angle = st.floats(-180, 180)
_bend = st.floats(-85, 85)


@settings(max_examples=150, deadline=None)
@given(st.tuples(_angle, _bend, _angle, _angle, _bend, _angle))
def test_angles_from_the_aircraft_and_back_are_the_same_camera(angles: tuple[float, ...]) -> None:
    heading, pitch, roll, yaw, down, tilt = angles
    platform = (heading, pitch / 5, roll / 4)  # within tags 6 and 7
    azimuth, elevation, turned = relative_angles(platform, (yaw, down, tilt))
    values: dict[int, Value] = {
        Tag.HEADING: heading % 360,
        Tag.PITCH_FULL: platform[1],
        Tag.ROLL_FULL: platform[2],
        Tag.AZIMUTH: azimuth % 360,
        Tag.ELEVATION: elevation,
        Tag.SENSOR_ROLL: turned % 360,
    }
    found = camera_angles(decode(encode(values)))
    assert found is not None
    assert looks(*found[:2]) == pytest.approx(looks(yaw, down), abs=1e-3)
    if abs(down) < 80:
        assert turn_deg(found[2], tilt) == pytest.approx(0, abs=0.1)


def test_corners_may_be_said_by_their_distance_from_the_centre() -> None:
    offsets: dict[int, Value] = {
        tag: 0.001 * (tag - 29) for tag in range(Tag.OFFSET_LAT_1, Tag.OFFSET_LON_4 + 1)
    }
    centre: dict[int, Value] = {Tag.CENTRE_LAT: 30.0, Tag.CENTRE_LON: 103.0}
    found = corners(decode(encode({**centre, **offsets})))
    assert found is not None
    assert found[0] == pytest.approx((30 - 0.003, 103 - 0.002), abs=1e-5)
    assert found[3] == pytest.approx((30 + 0.003, 103 + 0.004), abs=1e-5)
    assert corners(decode(encode(offsets))) is None
