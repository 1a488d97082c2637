"""Where a device is, in the datum that it says."""

from fieldlink.codecs.geo import gcj02_to_wgs84, is_position

__all__ = ["wgs84"]


def wgs84(datum: str, lat: float, lon: float) -> tuple[float, float, bool]:
    """`lat`, `lon` in WGS-84, and whether they came in another datum."""
    if datum == "wgs84" or not is_position(lat, lon):
        return lat, lon, False
    return *gcj02_to_wgs84(lat, lon), True
