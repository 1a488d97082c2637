"""Pictures that say where they were taken, as Pillow and exiftool read them."""

import io
import json
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from fieldlink.codecs.geo import Pose, footprint
from fieldlink.codecs.picture import embed_jpeg, picture_metadata
from fieldlink.edge.capture.encoding import encode_picture

_T_US = 1_780_000_000_123_456  # 2026-05-28 20:26:40.123 UTC
_POSE = Pose(
    _T_US, -30.1234567, -103.7654321, -12.3, 120.4, 123.4, 1.2, -3.4, -45.1, 200.5, 62.1, 37.4,
    100_000, -0.3, 1.5,
)  # fmt: skip
_KINDS = ["avif", "webp", "jpeg"]


def _pixels() -> Any:
    return np.random.default_rng(1).integers(0, 255, (36, 64, 3), np.uint8)


@pytest.fixture(params=_KINDS)
def picture(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    metadata = picture_metadata(_POSE, "m300-1", _T_US)
    return request.param, encode_picture(_pixels(), request.param, 40, metadata)


def test_pillow_reads_position_direction_and_time(picture: tuple[str, bytes]) -> None:
    exif = Image.open(io.BytesIO(picture[1])).getexif()
    gps, base = exif.get_ifd(ExifTags.IFD.GPSInfo), exif.get_ifd(ExifTags.IFD.Exif)
    tag, gps_tag = ExifTags.Base, ExifTags.GPS
    assert (exif[tag.Make], exif[tag.Model]) == ("Fieldlink", "m300-1")
    assert (gps[gps_tag.GPSLatitudeRef], gps[gps_tag.GPSLongitudeRef]) == ("S", "W")
    assert _angle(gps[gps_tag.GPSLatitude]) == pytest.approx(30.1234567, abs=5e-8)
    assert _angle(gps[gps_tag.GPSLongitude]) == pytest.approx(103.7654321, abs=5e-8)
    assert gps[gps_tag.GPSAltitudeRef] == b"\1"  # below the sea
    assert float(gps[gps_tag.GPSAltitude]) == 12.3
    assert gps[gps_tag.GPSImgDirectionRef] == "T"
    assert float(gps[gps_tag.GPSImgDirection]) == 200.5
    assert float(gps[gps_tag.GPSHPositioningError]) == 1.5
    assert gps[gps_tag.GPSDateStamp] == "2026:05:28"
    assert [float(part) for part in gps[gps_tag.GPSTimeStamp]] == [20, 26, 40.123]
    assert base[tag.DateTimeOriginal] == "2026:05:28 20:26:40"
    assert (base[tag.OffsetTimeOriginal], base[tag.SubsecTimeOriginal]) == ("+00:00", "123")
    assert base[tag.FocalLengthIn35mmFilm] == 30  # 36 mm / 2 / tan(62.1 / 2)


def _angle(parts: tuple[Fraction, ...]) -> float:
    degrees, minutes, seconds = map(float, parts)
    return degrees + minutes / 60 + seconds / 3600


def test_pillow_reads_the_angles_of_the_camera(picture: tuple[str, bytes]) -> None:
    xmp = Image.open(io.BytesIO(picture[1])).getxmp()
    said = xmp["xmpmeta"]["RDF"]["Description"]
    assert float(said["GimbalPitchDegree"]) == -45.1
    assert float(said["GimbalYawDegree"]) == -159.5
    assert float(said["GimbalRollDegree"]) == -0.3
    assert float(said["FlightYawDegree"]) == 123.4
    assert (float(said["AbsoluteAltitude"]), float(said["RelativeAltitude"])) == (-12.3, 120.4)
    # Pix4D: 0 is straight down, 90 ahead.
    assert (float(said["Pitch"]), float(said["Yaw"]), float(said["Roll"])) == (44.9, 200.5, -0.3)
    corners = [tuple(map(float, one.split(","))) for one in said["footprint"].split()]
    expected = footprint(_POSE)
    assert expected is not None
    assert corners == [pytest.approx(corner, abs=1e-6) for corner in expected]


def test_exiftool_reads_it_all_and_warns_of_nothing(
    tmp_path: Path, need_program: Callable[..., str]
) -> None:
    exiftool = need_program("exiftool")
    metadata = picture_metadata(_POSE, "m300-1", _T_US)
    for kind in _KINDS:
        (tmp_path / f"a.{kind}").write_bytes(encode_picture(_pixels(), kind, 40, metadata))
    asked = [exiftool, "-json", "-n", "-a", "-G1", *map(str, sorted(tmp_path.iterdir()))]
    read = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    for said in read:
        assert not {"ExifTool:Warning", "ExifTool:Error"} & said.keys()
        assert said["GPS:GPSLatitude"] == pytest.approx(30.1234567, abs=5e-8)
        assert said["Composite:GPSLatitude"] == pytest.approx(-30.1234567, abs=5e-8)
        assert said["Composite:GPSLongitude"] == pytest.approx(-103.7654321, abs=5e-8)
        assert said["Composite:GPSAltitude"] == -12.3
        assert said["Composite:GPSDateTime"] == "2026:05:28 20:26:40.123Z"
        assert said["GPS:GPSImgDirection"] == 200.5
        assert float(said["XMP-drone-dji:GimbalPitchDegree"]) == -45.1
        assert float(said["XMP-drone-dji:GimbalYawDegree"]) == -159.5
        assert said["XMP-drone-dji:RelativeAltitude"] == "+120.40"  # as DJI writes it


@pytest.mark.parametrize("kind", _KINDS)
def test_without_metadata_the_bytes_are_those_of_before(kind: str) -> None:
    quality = {"avif": cv2.IMWRITE_AVIF_QUALITY, "webp": cv2.IMWRITE_WEBP_QUALITY,
               "jpeg": cv2.IMWRITE_JPEG_QUALITY}[kind]  # fmt: skip
    expected = cv2.imencode(f".{kind}", _pixels(), [quality, 40])[1].tobytes()
    assert encode_picture(_pixels(), kind, 40) == expected


def test_metadata_changes_no_pixel_and_takes_little_beside_itself(
    picture: tuple[str, bytes],
) -> None:
    kind, content = picture
    plain = encode_picture(_pixels(), kind, 40)
    one, other = (cv2.imdecode(np.frombuffer(c, np.uint8), 1) for c in (plain, content))
    assert one is not None
    assert other is not None
    assert np.array_equal(one, other)
    metadata = picture_metadata(_POSE, "m300-1", _T_US)
    assert 0 < len(content) - len(plain) - len(metadata.exif) - len(metadata.xmp) <= 160


def test_what_a_jpeg_picture_of_a_camera_said_before_is_replaced() -> None:
    first = encode_picture(_pixels(), "jpeg", 40, picture_metadata(None, "old", 0))
    second = embed_jpeg(first, *picture_metadata(_POSE, "new", _T_US))
    read = Image.open(io.BytesIO(second))
    assert read.getexif()[ExifTags.Base.Model] == "new"
    assert second.count(b"Exif\0\0") == 1
    assert second.startswith(b"\xff\xd8\xff\xe0")  # JFIF stays first
