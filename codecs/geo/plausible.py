"""Whether a position can be one: receivers say much when they know nothing."""

from math import isfinite

from .earth import distance_m

__all__ = ["implied_speed_mps", "is_position", "is_zero"]

_ZERO_DEG = 1e-4


def is_position(lat: float, lon: float) -> bool:
    """Whether these are a latitude and a longitude at all: finite, -90 to 90 and -180 to 180."""
    return isfinite(lat) and isfinite(lon) and abs(lat) <= 90.0 and abs(lon) <= 180.0


def is_zero(lat: float, lon: float) -> bool:
    """Whether it is 0/0, to within 11 m: not a place in the Gulf of Guinea, but what receivers
    without a fix say.
    """
    return abs(lat) < _ZERO_DEG and abs(lon) < _ZERO_DEG


def implied_speed_mps(
    lat: float, lon: float, time_us: int, to_lat: float, to_lon: float, to_time_us: int
) -> float | None:
    """How fast one must have been between two fixes; None if no time passed between them, for
    then no speed can be said.
    """
    if to_time_us <= time_us:
        return None
    return distance_m(lat, lon, to_lat, to_lon) * 1e6 / (to_time_us - time_us)
