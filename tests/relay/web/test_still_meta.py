"""Where a still was taken, at the centre: in the API, and in the archived picture itself."""

import io

import httpx
import numpy as np
import pytest
from PIL import ExifTags, Image

from fieldlab.duty import Duty, now_us
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.geo import Pose, footprint
from fieldlink.codecs.picture import picture_metadata, pose_meta
from fieldlink.edge.capture.encoding import encode_picture


def test_the_centre_says_where_a_still_was_taken_and_keeps_what_the_picture_says(
    duty: Duty, inside: httpx.Client
) -> None:
    now = now_us()
    pose = Pose(
        now, 30.1234567, 103.7654321, 488.2, 120.4, 123.4, gimbal_pitch=-60.0, gimbal_yaw=200.5,
        hfov=62.1, vfov=37.4,
    )  # fmt: skip
    pixels = np.zeros((36, 64, 3), np.uint8)
    picture = encode_picture(pixels, "avif", 40, picture_metadata(pose, "m300-1", now))
    bundle = duty.file(
        "m300-1", Layer.STILL, now, picture, media_type="image/avif",
        meta={"width": 64, "height": 36, **pose_meta(pose)},
    )  # fmt: skip
    meta = inside.get(f"/api/bundles/{bundle}").json()["meta"]
    assert (meta["lat"], meta["lon"], meta["width"]) == (30.123457, 103.765432, 64)
    assert (meta["height"], meta["height_m"]) == (36, 120.4)  # of the picture, above the ground
    assert (meta["gimbal_pitch"], meta["hfov"]) == (-60.0, 62.1)
    assert meta["footprint"] == [pytest.approx(one, abs=1e-6) for one in footprint(pose) or ()]
    served = inside.get(f"/api/bundles/{bundle}/content").content
    assert served == picture
    gps = Image.open(io.BytesIO(served)).getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert float(gps[ExifTags.GPS.GPSImgDirection]) == 200.5
