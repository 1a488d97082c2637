"""GCJ-02, the shifted coordinates of Chinese maps (国测局坐标), to WGS-84 and back.

The shift has never been published officially. The formula here is the one known since 2010 from
the control in Microsoft's Windows Phone map samples ("on4wp7", a Krasovsky ellipsoid and sums of
sines), which googollee/eviltransform and all others use; against map services it is right to
about a metre. CGCS2000 needs no conversion: it is WGS-84 within centimetres.
"""

from math import cos, pi, radians, sin, sqrt

__all__ = ["gcj02_to_wgs84", "in_gcj02_area", "wgs84_to_gcj02"]

_SEMI_MAJOR_M = 6_378_245.0  # Krasovsky 1940
_ECCENTRICITY_2 = 0.00669342162296594323
_LAT_DEG = (0.8293, 55.8271)
_LON_DEG = (72.004, 137.8347)
_CLOSE_DEG = 1e-10
_MAX_ROUNDS = 20


def in_gcj02_area(lat: float, lon: float) -> bool:
    """Whether the formula shifts anything here: a rectangle around China, neighbours included.
    Hong Kong, Macao and Taiwan lie in it though their maps are not shifted, so that only what a
    device says to be GCJ-02 may be converted.
    """
    return _LAT_DEG[0] <= lat <= _LAT_DEG[1] and _LON_DEG[0] <= lon <= _LON_DEG[1]


def wgs84_to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """A WGS-84 position as Chinese maps draw it; outside the area it stays as it is."""
    if not in_gcj02_area(lat, lon):
        return lat, lon
    shift_lat, shift_lon = _shift(lat, lon)
    return lat + shift_lat, lon + shift_lon


def gcj02_to_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """The WGS-84 position whose GCJ-02 is this, to better than 1e-9 degree (0.1 mm); outside the
    area it stays as it is.

    The shift changes so slowly that subtracting that of the last guess closes in a hundredfold
    or more each time.
    """
    if not in_gcj02_area(lat, lon):
        return lat, lon
    at_lat, at_lon = lat, lon
    for _ in range(_MAX_ROUNDS):
        shift_lat, shift_lon = _shift(at_lat, at_lon)
        was = at_lat, at_lon
        at_lat, at_lon = lat - shift_lat, lon - shift_lon
        if abs(at_lat - was[0]) < _CLOSE_DEG and abs(at_lon - was[1]) < _CLOSE_DEG:
            break
    return at_lat, at_lon


def _shift(lat: float, lon: float) -> tuple[float, float]:
    """By how much GCJ-02 is off at a WGS-84 position, in degrees north and east."""
    x, y = lon - 105.0, lat - 35.0
    waves = 20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north_m += (waves + 20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north_m += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y / 30.0 * pi)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east_m += (waves + 20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east_m += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    # Metres to degrees by the radii of curvature in the meridian and in the prime vertical.
    flat = 1.0 - _ECCENTRICITY_2 * sin(radians(lat)) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_2) / (flat * sqrt(flat))
    vertical_m = _SEMI_MAJOR_M / sqrt(flat)
    degrees = 180.0 / pi
    return north_m / meridian_m * degrees, east_m / (vertical_m * cos(radians(lat))) * degrees
