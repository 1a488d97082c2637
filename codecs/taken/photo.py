"""When and where a photo was taken, by what its camera wrote into it.

JPEG (ITU-T T.81 B.1.1) with Exif (2.32, 4.6), or TIFF and DNG, which begin with the same
directories; and DJI's XMP, which says height above take-off and where the camera looked. Only the
beginning of the file is looked at, and nothing in it is trusted.
"""

import re
import struct
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite
from struct import unpack_from
from typing import Any

from .values import Taken, placed

__all__ = ["HEAD_BYTES", "read_photo"]

HEAD_BYTES = 256 * 1024
"""So much of a file is enough: both stand before the picture itself."""

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_ORIGINAL, _OFFSET, _SUBSECOND = 0x9003, 0x9011, 0x9291
_MAX_ENTRIES, _MAX_TEXT = 200, 64
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}
_XMP = re.compile(
    rb"drone-dji:([A-Za-z]{1,40})(?:=\"|>)\s*([+-]?[0-9]{1,6}(?:\.[0-9]{1,12})?)\s*[\"<]"
)
_XMP_UTC = re.compile(rb"drone-dji:UTCAtExposure(?:=\"|>)([0-9T:. -]{19,32})")
_STAMP = re.compile(r"([0-9]{4}):([0-9]{2}):([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")
_ZONE = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")


def read_photo(head: bytes, zone_s: int = 0) -> Taken:
    """What the first `HEAD_BYTES` of a photo say; `zone_s` is how far east of UTC a camera's clock
    is that does not say so itself. What is not there, or not sound, is None.
    """
    exif, gps = _directories(head)
    said = _xmp(head)
    at_us = _utc(head) or _exif_us(exif, zone_s)
    lat, lon = placed(said.get("GpsLatitude"), said.get("GpsLongitude", said.get("GpsLongtitude")))
    if lat is None:
        lat, lon = placed(_degrees(gps, 1, 2, b"S"), _degrees(gps, 3, 4, b"W"))
    alt_m = said.get("AbsoluteAltitude")
    return Taken(
        at_us=at_us,
        lat=lat,
        lon=lon,
        alt_m=_altitude(gps) if alt_m is None else alt_m,
        height_m=said.get("RelativeAltitude"),
        gimbal_pitch=said.get("GimbalPitchDegree"),
        gimbal_yaw=_compass(said.get("GimbalYawDegree")),
    )


def _compass(angle: float | None) -> float | None:
    return None if angle is None else angle % 360


def _xmp(head: bytes) -> dict[str, float]:
    return {name.decode(): float(value) for name, value in _XMP.findall(head)}


def _utc(head: bytes) -> int | None:
    found = _XMP_UTC.search(head)
    if found is None:
        return None
    try:
        return _us(datetime.fromisoformat(found[1].decode().strip()).replace(tzinfo=UTC))
    except ValueError:
        return None


def _us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _directories(head: bytes) -> tuple[dict[int, Any], dict[int, Any]]:
    """The Exif and the GPS directory; empty where there is none."""
    data = head
    if head[:2] == b"\xff\xd8":
        at = head.find(b"Exif\0\0")
        if at < 0:
            return {}, {}
        data = head[at + 6 :]
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return {}, {}
    try:
        main = _directory(data, order, unpack_from(f"{order}I", data, 4)[0])
        below = [main.get(number) for number in (_EXIF_IFD, _GPS_IFD)]
        exif, gps = (
            _directory(data, order, place) if isinstance(place, int) else {} for place in below
        )
    except (struct.error, ValueError):
        return {}, {}
    return exif, gps


def _directory(data: bytes, order: str, at: int) -> dict[int, Any]:
    count = unpack_from(f"{order}H", data, at)[0]
    found: dict[int, Any] = {}
    for entry in range(at + 2, at + 2 + 12 * min(count, _MAX_ENTRIES), 12):
        number, kind, length = unpack_from(f"{order}HHI", data, entry)
        size = _SIZES.get(kind, 0) * length
        if not 0 < size <= _MAX_TEXT:
            continue
        place = entry + 8 if size <= 4 else unpack_from(f"{order}I", data, entry + 8)[0]
        raw = data[place : place + size]
        if len(raw) == size:
            found[number] = _value(raw, order, kind, length)
    return found


def _value(raw: bytes, order: str, kind: int, length: int) -> Any:
    if kind in (5, 10):
        numbers = unpack_from(f"{order}{2 * length}{'I' if kind == 5 else 'i'}", raw)
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return [top / bottom if bottom else None for top, bottom in pairs]
    if kind in (3, 4) and length == 1:
        return unpack_from(f"{order}{'H' if kind == 3 else 'I'}", raw)[0]
    return raw.rstrip(b"\0")


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else ""


def _exif_us(exif: dict[int, Any], zone_s: int) -> int | None:
    found = _STAMP.match(_text(exif.get(_ORIGINAL)))
    if found is None:
        return None
    zone = _ZONE.match(_text(exif.get(_OFFSET)))
    if zone is not None:
        zone_s = (int(zone[2]) * 3600 + int(zone[3]) * 60) * (-1 if zone[1] == "-" else 1)
    part = _text(exif.get(_SUBSECOND)).strip()[:6]
    part_us = int(part.ljust(6, "0")) if part.isdigit() and part.isascii() else 0
    try:
        at = datetime(*map(int, found.groups()), tzinfo=timezone(timedelta(seconds=zone_s)))  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return _us(at) + part_us


def _degrees(gps: dict[int, Any], side: int, value: int, negative: bytes) -> float | None:
    parts = gps.get(value)
    if not isinstance(parts, list) or len(parts) != 3 or None in parts:
        return None
    angle = float(parts[0] + parts[1] / 60 + parts[2] / 3600)
    if not isfinite(angle):
        return None
    return -angle if gps.get(side) == negative else angle


def _altitude(gps: dict[int, Any]) -> float | None:
    found = gps.get(6)
    if not isinstance(found, list) or found[0] is None:
        return None
    return -float(found[0]) if gps.get(5) == b"\1" else float(found[0])
