"""Distances and directions on the mean sphere: right to 0.5 % anywhere, which is enough to judge
by. Whoever surveys needs an ellipsoid.
"""

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin, sqrt

__all__ = [
    "MEAN_RADIUS_M",
    "Local",
    "bearing_deg",
    "destination",
    "distance_m",
    "local_frame",
    "turn_deg",
]

MEAN_RADIUS_M = 6_371_008.8
"""(2a + b) / 3 of WGS-84 (IUGG)."""
_M_PER_DEG = radians(MEAN_RADIUS_M)


def distance_m(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Along the great circle, by the haversine formula, which keeps its digits at a metre."""
    phi, to_phi = radians(lat), radians(to_lat)
    half_lat, half_lon = (to_phi - phi) / 2, radians(to_lon - lon) / 2
    squared = sin(half_lat) ** 2 + cos(phi) * cos(to_phi) * sin(half_lon) ** 2
    return 2 * MEAN_RADIUS_M * asin(min(1.0, sqrt(squared)))


def bearing_deg(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """In which direction one sets out along the great circle: 0 north, clockwise, below 360.
    Between equal positions it is 0.
    """
    phi, to_phi, turn = radians(lat), radians(to_lat), radians(to_lon - lon)
    east = sin(turn) * cos(to_phi)
    north = cos(phi) * sin(to_phi) - sin(phi) * cos(to_phi) * cos(turn)
    # The remainder of something just below 0 is 360 itself.
    return degrees(atan2(east, north)) % 360.0 % 360.0


def destination(lat: float, lon: float, bearing: float, distance: float) -> tuple[float, float]:
    """Where one is after `distance` metres on the great circle that sets out at `bearing`;
    the longitude is from -180 to below 180.
    """
    phi, heading, arc = radians(lat), radians(bearing), distance / MEAN_RADIUS_M
    up = sin(phi) * cos(arc) + cos(phi) * sin(arc) * cos(heading)
    to_phi = asin(max(-1.0, min(1.0, up)))
    turn = atan2(sin(heading) * sin(arc) * cos(phi), cos(arc) - sin(phi) * sin(to_phi))
    return degrees(to_phi), (lon + degrees(turn) + 180.0) % 360.0 - 180.0


def turn_deg(heading: float, to_heading: float) -> float:
    """The angle between two directions, 0 to 180."""
    return abs((to_heading - heading + 180.0) % 360.0 - 180.0)


@dataclass(frozen=True, slots=True)
class Local:
    """A flat frame around a position, good to 0.1 % within some ten kilometres: metres east and
    north of it. Near a pole it is of no use.
    """

    lat: float
    lon: float
    m_per_deg_lon: float

    def metres(self, lat: float, lon: float) -> tuple[float, float]:
        """East and north of the origin; the shorter way across the 180th meridian."""
        turn = (lon - self.lon + 180.0) % 360.0 - 180.0
        return turn * self.m_per_deg_lon, (lat - self.lat) * _M_PER_DEG

    def position(self, east_m: float, north_m: float) -> tuple[float, float]:
        """Latitude and longitude of a place in the frame."""
        lon = (self.lon + east_m / self.m_per_deg_lon + 180.0) % 360.0 - 180.0
        return self.lat + north_m / _M_PER_DEG, lon


def local_frame(lat: float, lon: float) -> Local:
    """The frame around a position."""
    return Local(lat, lon, max(_M_PER_DEG * cos(radians(lat)), 1e-6))
