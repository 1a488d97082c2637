"""When and where: photos that Pillow wrote, DJI's XMP, and videos that libav wrote."""

import io
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fieldlink.codecs.geo import Pose
from fieldlink.codecs.picture import embed_jpeg, picture_metadata
from fieldlink.codecs.taken import Taken, read_movie, read_photo

XMP = (
    '<rdf:Description drone-dji:GpsLatitude="+34.2301" drone-dji:GpsLongitude="+108.9502" '
    'drone-dji:AbsoluteAltitude="+512.31" drone-dji:RelativeAltitude="+80.10" '
    'drone-dji:GimbalYawDegree="-91.40" drone-dji:GimbalPitchDegree="-35.00" '
    'drone-dji:UTCAtExposure="2026-05-28T07:00:01.250000"/>'
)


def photo(exif: dict[int, dict[int, Any]], form: str = "jpeg") -> bytes:
    """A picture with these tags, by directory (0: the first)."""
    made = Image.Exif()
    for directory, tags in exif.items():
        target = made.get_ifd(directory) if directory else made
        target.update(tags)
    if form == "tiff":
        return made.tobytes().removeprefix(b"Exif\0\0")  # as TIFF and DNG begin
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, form, exif=made)
    return out.getvalue()


GPS = {1: "S", 2: (34.0, 13.0, 48.0), 3: "W", 4: (108.0, 57.0, 0.0), 5: b"\1", 6: 12.5}


@pytest.mark.parametrize("form", ["jpeg", "tiff"])
def test_exif_of_another_program_is_read(form: str) -> None:
    exif: dict[int, dict[int, Any]] = {0x8769: {0x9003: "2026:05:28 15:00:01"}, 0x8825: GPS}
    found = read_photo(photo(exif, form), zone_s=8 * 3600)
    assert found.at_us == 1_779_951_601_000_000
    assert [found.lat, found.lon] == pytest.approx([-34.23, -108.95])
    assert found.alt_m == -12.5
    exif[0x8769][0x9011] = "-01:00"  # it says its zone
    assert read_photo(photo(exif, form), 0).at_us == 1_779_951_601_000_000 + 9 * 3_600_000_000


def test_what_dji_writes_goes_before_exif() -> None:
    data = photo({0x8769: {0x9003: "2020:01:01 00:00:00"}, 0x8825: GPS}) + XMP.encode()
    found = read_photo(data)
    assert found == Taken(
        at_us=1_779_951_601_250_000,
        lat=34.2301,
        lon=108.9502,
        alt_m=512.31,
        height_m=80.1,
        gimbal_pitch=-35.0,
        gimbal_yaw=-91.4 % 360,
    )


def test_what_stills_of_a_kit_say_reads_back() -> None:
    at_us = 1_779_951_601_250_000
    pose = Pose(at_us, 34.23, 108.95, alt_m=500.0, height_m=80.0, gimbal_yaw=10.0)
    told = picture_metadata(pose, "drone-1", at_us)
    found = read_photo(embed_jpeg(photo({}), told.exif, told.xmp))
    assert (found.at_us, found.height_m) == (at_us, 80.0)
    assert found.lat == pytest.approx(34.23, abs=1e-6)


def test_a_camera_that_knows_no_place_and_no_time_says_none() -> None:
    zero = {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}
    found = read_photo(photo({0x8769: {0x9003: "0000:00:00 00:00:00"}, 0x8825: zero}))
    assert (found.at_us, found.lat, found.lon) == (None, None, None)
    assert read_photo(b"") == Taken() == read_photo(b"\xff\xd8 no picture")


@given(st.binary(max_size=200), st.integers(0, 300), st.sampled_from(["jpeg", "tiff"]))
def test_no_photo_is_more_than_unknown(noise: bytes, at: int, form: str) -> None:
    data = bytearray(photo({0x8769: {0x9003: "2026:05:28 15:00:01"}, 0x8825: GPS}, form))
    data[at : at + len(noise)] = noise
    read_photo(bytes(data))
    read_photo(noise)


def movie(path: Path, **metadata: str) -> bytes:
    flags = metadata.pop("flags")
    with av.open(str(path), "w", options={"movflags": flags} if flags else {}) as out:
        out.metadata.update(metadata)
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(30):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("flags", ["", "+faststart"])
def test_a_video_of_another_program_is_read_wherever_its_index_stands(
    tmp_path: Path, flags: str
) -> None:
    at = datetime(2026, 5, 28, 7, 0, 1, tzinfo=UTC)
    data = movie(
        tmp_path / "a.mov",
        flags=flags,
        creation_time=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        location="+34.2300+108.9500+412.000/",
    )
    asked = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal asked
        asked += length
        return data[offset : offset + length]

    found = read_movie(read, len(data))
    assert found.at_us == 1_779_951_601_000_000
    assert found.duration_us == pytest.approx(3_000_000, abs=200_000)
    assert (found.lat, found.lon, found.alt_m) == (34.23, 108.95, 412.0)
    assert asked < 1_000  # of gigabytes, too


@given(st.binary(max_size=400))
def test_no_video_is_more_than_unknown(noise: bytes) -> None:
    def read(offset: int, length: int) -> bytes:
        return noise[offset : offset + length]

    read_movie(read, len(noise))
    box = struct.pack(">I4s", len(noise) + 8, b"moov") + noise
    read_movie(lambda offset, length: box[offset : offset + length], len(box))
