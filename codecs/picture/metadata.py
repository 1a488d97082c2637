"""Where a picture was taken, as a still says it: for Exif, for XMP, and for its manifest."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite, radians, tan
from typing import Any, NamedTuple

from fieldlink.codecs.geo import Pose, footprint, is_position, upright_vfov

from .exif import Rational, Tag, tiff
from .xmp import xmp_packet

__all__ = [
    "PictureMetadata",
    "fitting_metadata",
    "picture_metadata",
    "pose_meta",
    "pose_of_meta",
    "shown_meta",
    "with_aspect",
]

MAKE = "Fieldlink"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILM_MM = 36.0
_SHARE = 4  # of a still's bytes, one in so many at most
_BOX_BYTES = 160  # what a container takes for both (AVIF 141, WebP 34, JPEG 43)

# Key in the manifest, field of Pose, decimals. 1e-6 degree is 0.1 m; `height` is the picture's own.
_KEYS = (
    ("lat", "lat", 6), ("lon", "lon", 6), ("alt", "alt_m", 1), ("height_m", "height_m", 1),
    ("heading", "heading", 1), ("gimbal_pitch", "gimbal_pitch", 1),
    ("gimbal_yaw", "gimbal_yaw", 1), ("gimbal_roll", "gimbal_roll", 1), ("hfov", "hfov", 1),
    ("vfov", "vfov", 1), ("accuracy", "accuracy_m", 1),
)  # fmt: skip
_FOOTPRINT = "footprint"


class PictureMetadata(NamedTuple):
    """`exif` is a TIFF structure, `xmp` a packet; either may be empty."""

    exif: bytes = b""
    xmp: bytes = b""


def picture_metadata(pose: Pose | None, device: str, at_us: int) -> PictureMetadata:
    """Exif and XMP of a picture that `device` took at `at_us` (UTC microseconds), about 480 and 640
    bytes with everything known. Without a pose it says when and by whom.

    XMP has the camera's angles twice, as mapping software looks for them: as DJI writes them
    (pitch -90 is straight down) and as Pix4D does (`Camera:Pitch` 0 is).
    """
    taken = _EPOCH + timedelta(microseconds=at_us)
    main = [Tag(0x010F, MAKE), Tag(0x0110, device)]
    exif = [
        Tag(0x9000, b"0232", is_undefined=True),
        Tag(0x9003, taken.strftime("%Y:%m:%d %H:%M:%S")),  # DateTimeOriginal
        Tag(0x9011, "+00:00"),  # OffsetTimeOriginal
        Tag(0x9291, f"{taken.microsecond // 1000:03d}"),  # SubSecTimeOriginal
    ]
    if pose is None:
        return PictureMetadata(tiff(main, exif, []))
    if pose.hfov is not None and 1 <= pose.hfov <= 175:
        focal_mm = _FILM_MM / 2 / tan(radians(pose.hfov) / 2)
        exif.append(Tag(0xA405, max(1, round(focal_mm))))  # FocalLengthIn35mmFilm
    return PictureMetadata(tiff(main, exif, _gps(pose, taken)), xmp_packet(_properties(pose)))


def fitting_metadata(metadata: PictureMetadata, size_bytes: int) -> PictureMetadata:
    """As much of it as a picture of `size_bytes` has room for: at most a quarter of that; XMP goes
    first.
    """
    most = size_bytes // _SHARE - _BOX_BYTES
    if len(metadata.exif) + len(metadata.xmp) <= most:
        return metadata
    return PictureMetadata(metadata.exif if len(metadata.exif) <= most else b"")


def with_aspect(pose: Pose, width: int, height: int) -> Pose:
    """`pose` with the vertical field of view of a picture of this size, if only the other is
    known.
    """
    if pose.vfov is not None or pose.hfov is None or not 0 < pose.hfov < 180 or width <= 0:
        return pose
    return replace(pose, vfov=upright_vfov(pose.hfov, width, height))


def pose_meta(pose: Pose) -> dict[str, str | int | bool | None]:
    """What a manifest says of it: decimals as text, for a manifest has no other numbers with a
    point; `footprint` as "lat,lon" of four corners. Only what is known.
    """
    found: dict[str, str | int | bool | None] = {}
    for key, name, digits in _KEYS:
        value = getattr(pose, name)
        if value is not None and isfinite(value):
            found[key] = f"{value:.{digits}f}"
    corners = footprint(pose)
    if corners is not None:
        found[_FOOTPRINT] = " ".join(f"{lat:.6f},{lon:.6f}" for lat, lon in corners)
    return found


def pose_of_meta(meta: Mapping[str, object], at_us: int) -> Pose | None:
    """What `pose_meta` made, of a picture taken at `at_us`; None without a position. Meta is from
    outside: what is no number is unknown.
    """
    known = {name: _number(meta.get(key)) for key, name, _ in _KEYS}
    lat, lon = known.pop("lat"), known.pop("lon")
    if lat is None or lon is None or not is_position(lat, lon):
        return None
    return Pose(at_us, lat, lon, **known)  # type: ignore[arg-type]  # error_us is not among them


def shown_meta(meta: Mapping[str, object]) -> dict[str, Any]:
    """A manifest's meta as programs read it: what `pose_meta` wrote as numbers, `footprint` as four
    pairs [lat, lon]; what is none of that stays as it is.
    """
    shown: dict[str, Any] = dict(meta)
    for key, _, _ in _KEYS:
        if isinstance(text := meta.get(key), str) and (number := _number(text)) is not None:
            shown[key] = number
    if isinstance(text := meta.get(_FOOTPRINT), str):
        corners = [[_number(part) for part in one.split(",")] for one in text.split()]
        places = [one for one in corners if len(one) == 2 and None not in one]
        if len(corners) == len(places) == 4:
            shown[_FOOTPRINT] = corners
    return shown


def _number(value: object) -> float | None:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _gps(pose: Pose, taken: datetime) -> list[Tag]:
    hours = [
        (taken.hour, 1),
        (taken.minute, 1),
        (taken.second * 1000 + taken.microsecond // 1000, 1000),
    ]
    tags = [
        Tag(0x00, bytes((2, 3, 0, 0))),  # GPSVersionID
        Tag(0x01, "N" if pose.lat >= 0 else "S"),
        Tag(0x02, _degrees(pose.lat)),
        Tag(0x03, "E" if pose.lon >= 0 else "W"),
        Tag(0x04, _degrees(pose.lon)),
        Tag(0x07, hours),  # GPSTimeStamp
        Tag(0x1D, taken.strftime("%Y:%m:%d")),  # GPSDateStamp
    ]
    if pose.alt_m is not None and abs(pose.alt_m) < 1e6:
        tags += [Tag(0x05, bytes((pose.alt_m < 0,))), Tag(0x06, [_ratio(abs(pose.alt_m), 100)])]
    if pose.gimbal_yaw is not None and isfinite(pose.gimbal_yaw):
        tags += [Tag(0x10, "T"), Tag(0x11, [_ratio(pose.gimbal_yaw % 360, 100)])]  # GPSImgDirection
    if pose.accuracy_m is not None and 0 <= pose.accuracy_m < 1e6:
        tags.append(Tag(0x1F, [_ratio(pose.accuracy_m, 10)]))  # GPSHPositioningError
    return tags


def _degrees(angle: float) -> list[Rational]:
    """Degrees, minutes and seconds to 1e-4 second, which is 3 mm."""
    parts = round(abs(angle) * 36_000_000)
    return [(parts // 36_000_000, 1), (parts // 600_000 % 60, 1), (parts % 600_000, 10_000)]


def _ratio(value: float, per: int) -> Rational:
    return round(value * per), per


def _properties(pose: Pose) -> dict[tuple[str, str], str]:
    # An attitude is known by its roll: a course over ground is not where the nose points.
    nose = pose.heading if pose.roll is not None else None
    if pose.height_m is None and pose.gimbal_pitch is None and nose is None:
        return {}  # Exif has said all of it
    down = pose.gimbal_pitch
    said = (
        ("drone-dji", "AbsoluteAltitude", pose.alt_m),
        ("drone-dji", "RelativeAltitude", pose.height_m),
        ("drone-dji", "GimbalRollDegree", pose.gimbal_roll),
        ("drone-dji", "GimbalYawDegree", _signed(pose.gimbal_yaw)),
        ("drone-dji", "GimbalPitchDegree", down),
        ("drone-dji", "FlightYawDegree", _signed(nose)),
        ("Camera", "Yaw", pose.gimbal_yaw),
        ("Camera", "Pitch", None if down is None else down + 90),
        ("Camera", "Roll", pose.gimbal_roll),
    )
    found = {
        (space, name): _decimal(value, signed=space != "Camera")
        for space, name, value in said
        if value is not None and isfinite(value)
    }
    corners = footprint(pose)
    if corners is not None:
        text = " ".join(f"{lat:.6f},{lon:.6f}" for lat, lon in corners)
        found["fieldlink", "footprint"] = text
    if pose.hfov is not None and pose.vfov is not None:
        found["fieldlink", "fov"] = f"{pose.hfov:.1f},{pose.vfov:.1f}"
    return found


def _signed(angle: float | None) -> float | None:
    return None if angle is None else (angle + 180) % 360 - 180


def _decimal(value: float, *, signed: bool) -> str:
    return f"{value:+.2f}" if signed else f"{value:.2f}"
