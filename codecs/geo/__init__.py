"""Positions on the earth: Chinese map coordinates, distances, bearings, what is plausible, and what
of the ground a camera sees.

All angles are degrees of WGS-84, north and east positive, as floats; all lengths are metres.
"""

from .earth import (
    MEAN_RADIUS_M,
    Local,
    bearing_deg,
    destination,
    distance_m,
    local_frame,
    turn_deg,
)
from .gcj02 import gcj02_to_wgs84, in_gcj02_area, wgs84_to_gcj02
from .moments import Moment, Track, between
from .plausible import implied_speed_mps, is_position, is_zero
from .pose import FARTHEST_DEG, Pose, footprint, frame_centre, upright_vfov

__all__ = [
    "FARTHEST_DEG",
    "MEAN_RADIUS_M",
    "Local",
    "Moment",
    "Pose",
    "Track",
    "bearing_deg",
    "between",
    "destination",
    "distance_m",
    "footprint",
    "frame_centre",
    "gcj02_to_wgs84",
    "implied_speed_mps",
    "in_gcj02_area",
    "is_position",
    "is_zero",
    "local_frame",
    "turn_deg",
    "upright_vfov",
    "wgs84_to_gcj02",
]
