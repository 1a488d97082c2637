"""Where a camera is and looks at one instant, and what of the ground is in its picture.

A camera looks along x, its right is y, its down is z (as gimbals of MAVLink and DJI have it); it is
turned by yaw, then pitch, then roll (Tait-Bryan, z-y-x). So a picture straight down has its upper
edge towards the yaw.
"""

from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, isfinite, radians, sin, tan

from .earth import destination
from .plausible import is_position

__all__ = ["FARTHEST_DEG", "Pose", "footprint", "frame_centre", "upright_vfov"]

FARTHEST_DEG = 85.0
"""From straight down. Beyond, ground that is a little less flat moves the place by kilometres."""

_WIDEST_DEG = 170.0
_LEAST_HEIGHT_M = 1.0


@dataclass(frozen=True, slots=True)
class Pose:
    """A camera at `time_us` (UTC microseconds). Degrees and metres; None is unknown.

    `alt_m` is above mean sea level, `height_m` above the ground or the place of take-off. `heading`
    (where the carrier's nose points, from true north; where that is not known, its course over
    ground), `roll` (right side down +) and `pitch` (nose up +) are the carrier's. The camera's own
    are `gimbal_pitch` (down -), `gimbal_yaw` (from true north, clockwise) and `gimbal_roll`, which
    is taken for 0 where unknown; `hfov` and `vfov` are the whole angles of its picture. `error_us`
    is how far in time what this was made of may be from `time_us`; `accuracy_m` how wrong the
    position may be (horizontal, 68 %).
    """

    time_us: int
    lat: float
    lon: float
    alt_m: float | None = None
    height_m: float | None = None
    heading: float | None = None
    roll: float | None = None
    pitch: float | None = None
    gimbal_pitch: float | None = None
    gimbal_yaw: float | None = None
    hfov: float | None = None
    vfov: float | None = None
    error_us: int | None = None
    gimbal_roll: float | None = None
    accuracy_m: float | None = None


_Place = tuple[float, float]


def footprint(pose: Pose) -> tuple[_Place, _Place, _Place, _Place] | None:
    """Latitude and longitude of the picture's corners (top left, top right, bottom right, bottom
    left as one sees it) on flat ground `height_m` below.

    None when something is unknown, or a corner shows the horizon: what is more than `FARTHEST_DEG`
    from straight down.
    """
    if pose.hfov is None or pose.vfov is None:
        return None
    if not (0 < pose.hfov <= _WIDEST_DEG and 0 < pose.vfov <= _WIDEST_DEG):
        return None
    right, down = tan(radians(pose.hfov) / 2), tan(radians(pose.vfov) / 2)
    corners = ((-right, -down), (right, -down), (right, down), (-right, down))
    top_left, top_right, bottom_right, bottom_left = (_ground(pose, *one) for one in corners)
    if top_left is None or top_right is None or bottom_right is None or bottom_left is None:
        return None
    return top_left, top_right, bottom_right, bottom_left


def frame_centre(pose: Pose) -> _Place | None:
    """Latitude and longitude of what is in the middle of the picture, on flat ground; None as with
    `footprint`, but no field of view is needed.
    """
    return _ground(pose, 0.0, 0.0)


def upright_vfov(hfov: float, width: int, height: int) -> float:
    """The vertical field of view of a picture of `width` to `height` pixels that are square.

    Raises:
        ValueError: the picture has no size, or `hfov` is not from 0 to 180.
    """
    if not 0 < hfov < 180 or width <= 0 or height <= 0:
        raise ValueError(f"{hfov} degrees of a picture of {width} x {height} pixels")
    return degrees(2 * atan2(tan(radians(hfov) / 2) * height, width))


def _ground(pose: Pose, right: float, down: float) -> _Place | None:
    """Where the ray (1, `right`, `down`) of the camera meets the ground."""
    height_m, pitch, yaw = pose.height_m, pose.gimbal_pitch, pose.gimbal_yaw
    roll = 0.0 if pose.gimbal_roll is None else pose.gimbal_roll
    if height_m is None or pitch is None or yaw is None or not is_position(pose.lat, pose.lon):
        return None
    if not all(map(isfinite, (height_m, pitch, yaw, roll))) or height_m < _LEAST_HEIGHT_M:
        return None
    north, east, below = _turned(right, down, radians(roll), radians(pitch), radians(yaw))
    aside = hypot(north, east)
    if below <= 0 or degrees(atan2(aside, below)) > FARTHEST_DEG:
        return None
    return destination(pose.lat, pose.lon, degrees(atan2(east, north)), height_m * aside / below)


def _turned(
    right: float, down: float, roll: float, pitch: float, yaw: float
) -> tuple[float, float, float]:
    """The camera's ray (1, `right`, `down`) as north, east and down; angles in radians."""
    y = right * cos(roll) - down * sin(roll)
    z = right * sin(roll) + down * cos(roll)
    ahead = cos(pitch) + z * sin(pitch)
    below = z * cos(pitch) - sin(pitch)
    return ahead * cos(yaw) - y * sin(yaw), ahead * sin(yaw) + y * cos(yaw), below
