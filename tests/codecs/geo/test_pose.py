"""What a camera sees of flat ground: against pymavlink's rotations and a pinhole of our own."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymavlink.rotmat import Matrix3, Vector3

from fieldlink.codecs.geo import (
    Pose,
    bearing_deg,
    distance_m,
    footprint,
    frame_centre,
    local_frame,
    turn_deg,
    upright_vfov,
)

NADIR = Pose(
    0, 30.0, 103.5, height_m=100.0, gimbal_pitch=-90.0, gimbal_yaw=0.0, hfov=60.0, vfov=40.0
)
poses = st.builds(
    Pose,
    st.just(0),
    st.floats(-80, 80),
    st.floats(-180, 179.9),
    height_m=st.floats(5, 500),
    gimbal_pitch=st.floats(-90, -5),
    gimbal_yaw=st.floats(0, 360),
    gimbal_roll=st.floats(-20, 20),
    hfov=st.floats(5, 90),
    vfov=st.floats(5, 70),
)


def _projected(pose: Pose, lat: float, lon: float) -> tuple[float, float]:
    """Where a place on the ground is in the picture: -1 to 1 to the right and down."""
    turned = Matrix3()
    turned.from_euler(
        math.radians(pose.gimbal_roll or 0), math.radians(pose.gimbal_pitch or 0),
        math.radians(pose.gimbal_yaw or 0),
    )  # fmt: skip
    # By distance and bearing: the flat frame is off by more than this needs at these latitudes.
    far, way = distance_m(pose.lat, pose.lon, lat, lon), bearing_deg(pose.lat, pose.lon, lat, lon)
    north, east = far * math.cos(math.radians(way)), far * math.sin(math.radians(way))
    ray = turned.transposed() * Vector3(north, east, pose.height_m)
    assert pose.hfov is not None
    assert pose.vfov is not None
    return (
        ray.y / ray.x / math.tan(math.radians(pose.hfov) / 2),
        ray.z / ray.x / math.tan(math.radians(pose.vfov) / 2),
    )


def test_straight_down_the_footprint_is_a_rectangle_of_the_right_size_around_the_camera() -> None:
    corners = footprint(NADIR)
    assert corners is not None
    local = local_frame(NADIR.lat, NADIR.lon)
    east, north = 100 * math.tan(math.radians(30)), 100 * math.tan(math.radians(20))
    expected = [(-east, north), (east, north), (east, -north), (-east, -north)]
    for corner, place in zip(corners, expected, strict=True):
        assert local.metres(*corner) == pytest.approx(place, abs=0.05)
    assert frame_centre(NADIR) == pytest.approx((NADIR.lat, NADIR.lon), abs=1e-9)


@given(st.floats(0, 360), st.floats(-89, -30))
def test_yaw_turns_it_around_the_camera(yaw: float, pitch: float) -> None:
    pose = replace(NADIR, gimbal_pitch=pitch, hfov=20.0, vfov=20.0)
    before, after = footprint(pose), footprint(replace(pose, gimbal_yaw=yaw))
    assert before is not None
    assert after is not None
    for one, two in zip(before, after, strict=True):
        assert distance_m(30.0, 103.5, *one) == pytest.approx(distance_m(30.0, 103.5, *two))
        turned = bearing_deg(30.0, 103.5, *one) + yaw
        assert turn_deg(turned % 360, bearing_deg(30.0, 103.5, *two)) < 1e-3


@given(poses, st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
def test_what_is_inside_is_in_the_picture_and_what_is_outside_is_not(
    pose: Pose, weights: list[float]
) -> None:
    corners = footprint(pose)
    assume(corners is not None)
    assert corners is not None
    local = local_frame(pose.lat, pose.lon)
    flat = [local.metres(*corner) for corner in corners]
    assume(max(math.hypot(*one) for one in flat) < 2_000)  # as far as the flat frame is good
    within = [
        sum(weight * one[axis] for weight, one in zip(weights, flat, strict=True)) / sum(weights)
        for axis in (0, 1)
    ]
    right, down = _projected(pose, *local.position(*within))
    assert abs(right) < 1.001
    assert abs(down) < 1.001
    for corner in flat:
        beyond = [a + 1.05 * (b - a) for a, b in zip(within, corner, strict=True)]
        right, down = _projected(pose, *local.position(*beyond))
        assert max(abs(right), abs(down)) > 1.0


@given(poses)
def test_corners_and_centre_are_where_the_picture_has_them(pose: Pose) -> None:
    corners, centre = footprint(pose), frame_centre(pose)
    assume(corners is not None)
    assert corners is not None
    assert centre is not None
    shown = [_projected(pose, *corner) for corner in corners]
    for found, expected in zip(shown, [(-1, -1), (1, -1), (1, 1), (-1, 1)], strict=True):
        assert found == pytest.approx(expected, abs=1e-3)
    assert _projected(pose, *centre) == pytest.approx((0, 0), abs=1e-3)


def test_with_the_horizon_in_the_picture_there_is_no_footprint() -> None:
    # The upper edge looks down by half of vfov less than the middle.
    assert footprint(replace(NADIR, gimbal_pitch=-25.5, hfov=1.0)) is not None
    assert footprint(replace(NADIR, gimbal_pitch=-24.5, hfov=1.0)) is None
    assert frame_centre(replace(NADIR, gimbal_pitch=-24.5)) is not None
    assert frame_centre(replace(NADIR, gimbal_pitch=-4.9)) is None
    assert frame_centre(replace(NADIR, gimbal_pitch=30.0)) is None


@pytest.mark.parametrize("unknown", ["height_m", "gimbal_pitch", "gimbal_yaw", "hfov", "vfov"])
def test_what_is_not_known_is_not_made_up(unknown: str) -> None:
    for value in (None, math.nan):
        pose: Pose = replace(NADIR, **{unknown: value})  # type: ignore[arg-type]
        assert footprint(pose) is None


@pytest.mark.parametrize("height_m", [0.0, -12.0, math.inf])
def test_from_the_ground_nothing_is_below(height_m: float) -> None:
    assert footprint(replace(NADIR, height_m=height_m)) is None


def test_the_other_field_of_view_is_that_of_square_pixels() -> None:
    assert upright_vfov(90.0, 1600, 1600) == pytest.approx(90.0)
    assert upright_vfov(82.9, 1920, 1080) == pytest.approx(52.9, abs=0.1)  # M300's H20 wide camera
    with pytest.raises(ValueError, match="190"):
        upright_vfov(190.0, 1, 1)
