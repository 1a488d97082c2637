"""What a set says of the aircraft and its camera, as the rest of the kit has it, and back.

The standard gives the camera's angles from the aircraft (azimuth, elevation, roll: tags 18 to 20,
turned in this order, about axes that turn along); the kit has them from north and the horizon.
"""

from collections.abc import Sequence
from math import asin, atan2, cos, degrees, isfinite, radians, sin

from fieldlink.codecs.geo import Pose, distance_m, footprint, frame_centre

from .items import Tag
from .local_set import LATEST_VERSION, LocalSet, encode
from .security import Security, encode_security
from .values import Value

__all__ = ["camera_angles", "compose", "corners", "platform_angles", "relative_angles"]

_Matrix = tuple[tuple[float, float, float], ...]
_Angles = tuple[float, float, float]

_MAX_PITCH, _MAX_ROLL = 20.0, 50.0  # of tags 6 and 7
_MAX_CLIMB_MPS, _MAX_SPEED_MPS = 180.0, 255
_LOW_M, _HIGH_M = -900.0, 19_000.0
_MAX_RANGE_M = 5_000_000.0


def platform_angles(found: LocalSet) -> tuple[float | None, float | None, float | None]:
    """Heading, pitch and roll of the aircraft, degrees."""
    pitch, roll = found.number(Tag.PITCH_FULL), found.number(Tag.ROLL_FULL)
    return (
        found.number(Tag.HEADING),
        found.number(Tag.PITCH) if pitch is None else pitch,
        found.number(Tag.ROLL) if roll is None else roll,
    )


def camera_angles(found: LocalSet) -> _Angles | None:
    """Where the camera looks: yaw from north, pitch (down -) and roll, degrees; None when what is
    needed for that is not in the set. An aircraft whose pitch and roll are not said is level.
    """
    heading, pitch, roll = platform_angles(found)
    azimuth, elevation = found.number(Tag.AZIMUTH), found.number(Tag.ELEVATION)
    if heading is None or azimuth is None or elevation is None:
        return None
    turned = _product(
        _matrix(heading, pitch or 0.0, roll or 0.0),
        _matrix(azimuth, elevation, found.number(Tag.SENSOR_ROLL) or 0.0),
    )
    return _angles(turned)


def relative_angles(platform: Sequence[float], camera: Sequence[float]) -> _Angles:
    """Azimuth (0 to 360), elevation and roll of a camera that looks along `camera` (yaw, pitch,
    roll), from an aircraft turned by `platform`; degrees.
    """
    upright = tuple(zip(*_matrix(*platform), strict=True))  # of a rotation the inverse
    return _angles(_product(upright, _matrix(*camera)))


def corners(found: LocalSet) -> tuple[tuple[float, float], ...] | None:
    """Latitude and longitude of the picture's corners 1 to 4 (top left, then clockwise): as they
    are said, or by their distance from the frame centre.
    """
    full = [found.number(Tag(tag)) for tag in range(Tag.CORNER_LAT_1, Tag.CORNER_LON_4 + 1)]
    if None in full:
        offsets = [found.number(Tag(tag)) for tag in range(Tag.OFFSET_LAT_1, Tag.OFFSET_LON_4 + 1)]
        centre = (found.number(Tag.CENTRE_LAT), found.number(Tag.CENTRE_LON))
        if None in offsets or None in centre:
            return None
        full = [(centre[n % 2] or 0.0) + (offset or 0.0) for n, offset in enumerate(offsets)]
    pairs = iter(one or 0.0 for one in full)
    return tuple(zip(pairs, pairs, strict=True))


def compose(
    pose: Pose,
    *,
    mission: str = "",
    designation: str = "",
    tail_number: str = "",
    sensor: str = "",
    speed: float | None = None,
    climb: float | None = None,
    security: Security | None = None,
) -> bytes:
    """The set of one moment. What is unknown is left out, and so is what the standard has no number
    for; `speed` is over ground, m/s.
    """
    values: dict[int, Value] = {
        Tag.TIME: pose.time_us,
        Tag.COORDINATES: "Geodetic WGS84",
        Tag.SECURITY: encode_security(security or Security()),
        Tag.VERSION: LATEST_VERSION,
        Tag.LAT: pose.lat,
        Tag.LON: pose.lon,
    }
    texts = {
        Tag.MISSION: mission,
        Tag.DESIGNATION: designation,
        Tag.TAIL_NUMBER: tail_number,
        Tag.SENSOR: sensor,
    }
    values |= {tag: text for tag, text in texts.items() if text}
    if speed is not None and isfinite(speed):
        values[Tag.GROUND_SPEED] = min(max(round(speed), 0), _MAX_SPEED_MPS)
    _put(values, Tag.CLIMB, climb, -_MAX_CLIMB_MPS, _MAX_CLIMB_MPS)
    _put(values, Tag.ALT, pose.alt_m, _LOW_M, _HIGH_M)
    _put(values, Tag.HFOV, pose.hfov, 0, 180)
    _put(values, Tag.VFOV, pose.vfov, 0, 180)
    _put_attitude(values, pose)
    _put_camera(values, pose)
    _put_ground(values, pose)
    return encode(values)


def _put(values: dict[int, Value], tag: Tag, value: float | None, low: float, high: float) -> None:
    if value is not None and isfinite(value) and low <= value <= high:
        values[tag] = value


def _put_attitude(values: dict[int, Value], pose: Pose) -> None:
    if pose.heading is not None and isfinite(pose.heading):
        values[Tag.HEADING] = pose.heading % 360.0
    # Where the short range does not do, there is the full one (tags 90 and 91).
    _put(values, Tag.PITCH, pose.pitch, -_MAX_PITCH, _MAX_PITCH)
    _put(values, Tag.ROLL, pose.roll, -_MAX_ROLL, _MAX_ROLL)
    if Tag.PITCH not in values:
        _put(values, Tag.PITCH_FULL, pose.pitch, -90, 90)
    if Tag.ROLL not in values:
        _put(values, Tag.ROLL_FULL, pose.roll, -90, 90)


def _put_camera(values: dict[int, Value], pose: Pose) -> None:
    heading, yaw, pitch = pose.heading, pose.gimbal_yaw, pose.gimbal_pitch
    if heading is None or yaw is None or pitch is None:
        return
    # A reader takes the aircraft for level where it is not said how it is turned.
    platform = (heading, pose.pitch or 0.0, pose.roll or 0.0)
    camera = (yaw, pitch, pose.gimbal_roll or 0.0)
    if all(map(isfinite, (*platform, *camera))):
        azimuth, elevation, roll = relative_angles(platform, camera)
        values |= {Tag.AZIMUTH: azimuth % 360.0, Tag.SENSOR_ROLL: roll % 360.0}
        _put(values, Tag.ELEVATION, elevation, -180, 180)


def _put_ground(values: dict[int, Value], pose: Pose) -> None:
    """What the camera sees, on flat ground."""
    centre = frame_centre(pose)
    if centre is None or pose.height_m is None:
        return
    values |= {Tag.CENTRE_LAT: centre[0], Tag.CENTRE_LON: centre[1]}
    if pose.alt_m is not None:
        _put(values, Tag.CENTRE_ALT, pose.alt_m - pose.height_m, _LOW_M, _HIGH_M)
    away_m = distance_m(pose.lat, pose.lon, *centre)
    slant_m = (away_m**2 + pose.height_m**2) ** 0.5
    _put(values, Tag.SLANT_RANGE, slant_m, 0, _MAX_RANGE_M)
    seen = footprint(pose)
    if seen is not None:
        for number, (lat, lon) in enumerate(seen):
            values |= {
                Tag(Tag.CORNER_LAT_1 + 2 * number): lat,
                Tag(Tag.CORNER_LON_1 + 2 * number): lon,
            }


def _matrix(yaw: float, pitch: float, roll: float) -> _Matrix:
    """What turns by yaw, then pitch, then roll (z-y-x) do; degrees."""
    cz, sz = cos(radians(yaw)), sin(radians(yaw))
    cy, sy = cos(radians(pitch)), sin(radians(pitch))
    cx, sx = cos(radians(roll)), sin(radians(roll))
    return (
        (cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
        (sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
        (-sy, cy * sx, cy * cx),
    )


def _product(left: _Matrix, right: _Matrix) -> _Matrix:
    columns = tuple(zip(*right, strict=True))
    return tuple(
        tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in columns)
        for row in left
    )


def _angles(turned: _Matrix) -> _Angles:
    """Yaw (0 to 360), pitch and roll. Straight up or down yaw and roll are one: it is all yaw."""
    down = min(max(turned[2][0], -1.0), 1.0)
    if abs(down) > 1 - 1e-12:
        yaw, roll = atan2(-turned[0][1], turned[1][1]), 0.0
    else:
        yaw, roll = atan2(turned[1][0], turned[0][0]), atan2(turned[2][1], turned[2][2])
    return degrees(yaw) % 360.0, degrees(asin(-down)), degrees(roll)
