"""What is known of how a photo or a video was taken."""

from dataclasses import dataclass

from fieldlink.codecs.geo import is_position, is_zero

__all__ = ["Taken", "placed"]


@dataclass(frozen=True, slots=True)
class Taken:
    """None is unknown. Time is UTC us; `alt_m` as the camera says it (DJI: above the ellipsoid or
    the sea, by model), `height_m` above take-off; `gimbal_yaw` from north, clockwise.
    """

    at_us: int | None = None
    duration_us: int | None = None
    lat: float | None = None
    lon: float | None = None
    alt_m: float | None = None
    height_m: float | None = None
    gimbal_pitch: float | None = None
    gimbal_yaw: float | None = None


def placed(lat: float | None, lon: float | None) -> tuple[float | None, float | None]:
    """The position, if it is one; 0/0 is what cameras write that do not know."""
    if lat is None or lon is None or not is_position(lat, lon) or is_zero(lat, lon):
        return None, None
    return lat, lon
