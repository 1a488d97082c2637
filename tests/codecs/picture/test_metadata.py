"""What a picture says of itself, as bytes; other programs read them elsewhere (edge)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.bundle.manifest import _check_meta
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.geo import Pose, footprint
from fieldlink.codecs.picture import (
    embed_jpeg,
    fitting_metadata,
    picture_metadata,
    pose_meta,
    pose_of_meta,
    shown_meta,
    with_aspect,
    xmp_packet,
)

T_US = 1_780_000_000_123_456
POSE = Pose(
    T_US, 30.1234567, 103.7654321, 488.2, 120.4, 123.4, 1.2, -3.4, -45.0, 200.5, 62.1, 37.4,
    100_000, 0.3, 1.5,
)  # fmt: skip
some = st.none() | st.floats(-1e5, 1e5)
poses = st.builds(
    Pose,
    st.just(T_US),
    st.floats(-90, 90),
    st.floats(-180, 180),
    *[some] * 9,
    gimbal_roll=some,
    accuracy_m=some,
)


@given(poses, st.integers(0, 4_000_000_000_000_000))
def test_any_pose_makes_metadata_and_meta_that_a_manifest_takes(pose: Pose, at_us: int) -> None:
    made = picture_metadata(pose, "m300-1", at_us)
    assert made.exif.startswith(b"MM\0*")
    assert len(made.exif) + len(made.xmp) < 1400
    meta = pose_meta(pose)
    _check_meta(meta)
    found = pose_of_meta(meta, pose.time_us)
    assert found is not None
    assert (found.lat, found.lon) == pytest.approx((pose.lat, pose.lon), abs=1e-6)
    for name in ("alt_m", "height_m", "gimbal_pitch", "gimbal_yaw", "gimbal_roll", "hfov", "vfov"):
        assert getattr(found, name) == (
            None if getattr(pose, name) is None else pytest.approx(getattr(pose, name), abs=0.051)
        )


def test_meta_has_the_footprint_of_the_pose() -> None:
    corners = footprint(POSE)
    assert corners is not None
    text = pose_meta(POSE)["footprint"]
    assert isinstance(text, str)
    read = [tuple(map(float, one.split(","))) for one in text.split()]
    assert read == [pytest.approx(corner, abs=1e-6) for corner in corners]
    assert "footprint" not in pose_meta(replace(POSE, gimbal_pitch=0.0))


@pytest.mark.parametrize(
    "meta",
    [{}, {"lat": "30"}, {"lat": "nan", "lon": "1"}, {"lat": "91", "lon": "1"},
     {"lat": None, "lon": 3}, {"lat": True, "lon": "1"}, {"lat": "9" * 512, "lon": "1"}],
)  # fmt: skip
def test_meta_that_is_no_position_is_no_pose(meta: dict[str, Any]) -> None:
    assert pose_of_meta(meta, 0) is None


def test_meta_is_shown_in_numbers_and_what_is_none_stays() -> None:
    shown = shown_meta({**pose_meta(POSE), "width": 640, "sound": "none"})
    assert (shown["lat"], shown["gimbal_pitch"], shown["width"]) == (30.123457, -45.0, 640)
    assert shown["sound"] == "none"
    assert shown["footprint"] == [pytest.approx(one, abs=1e-6) for one in footprint(POSE) or ()]
    for odd in ("north", "nan", True, None, "1e999"):
        assert shown_meta({"lat": odd}) == {"lat": odd}
    for odd in ("1,2 3,4", "1,2,3 4,5 6,7 8,9", "1,2 3,4 5,6 x,8", "", "nan,1 1,1 1,1 1,1"):
        assert shown_meta({"footprint": odd}) == {"footprint": odd}


def test_a_small_still_leaves_out_xmp_and_a_tiny_one_both() -> None:
    made = picture_metadata(POSE, "m300-1", T_US)
    assert fitting_metadata(made, 12_000) == made
    assert fitting_metadata(made, 4_000) == (made.exif, b"")
    assert fitting_metadata(made, 1_000) == (b"", b"")


def test_what_is_not_known_is_left_out() -> None:
    bare = picture_metadata(Pose(T_US, 30.0, 103.0, 488.0, heading=90.0), "soldier-1", T_US)
    assert bare.xmp == b""
    assert len(bare.exif) < len(picture_metadata(POSE, "soldier-1", T_US).exif)
    course = picture_metadata(replace(POSE, roll=None), "a", T_US).xmp
    assert b"FlightYaw" not in course  # where it goes is not where its nose points
    assert len(picture_metadata(None, "a", T_US).exif) < len(bare.exif)


def test_the_field_of_view_across_is_that_of_the_picture() -> None:
    pose = replace(POSE, hfov=90.0, vfov=None)
    assert with_aspect(pose, 100, 100).vfov == pytest.approx(90.0)
    assert with_aspect(POSE, 100, 100) is POSE
    assert with_aspect(replace(POSE, hfov=None, vfov=None), 100, 100).vfov is None


def test_no_value_can_end_an_attribute() -> None:
    with pytest.raises(ValueError, match="letters"):
        xmp_packet({("Camera", "Yaw"): '1" x="'})


@given(st.binary(max_size=60))
def test_what_is_no_jpeg_picture_is_refused_and_nothing_else(data: bytes) -> None:
    for start in (b"", b"\xff\xd8", b"\xff\xd8\xff\xe0"):
        try:
            made = embed_jpeg(start + data, b"exif", b"xmp")
        except CodecError:
            continue
        assert made.startswith(b"\xff\xd8")
