"""Where a device is, in the datum that it says."""

from fieldlink.codecs.fault import CodecError

__all__ = ["wgs84"]


def wgs84(datum: str, lat: float, lon: float) -> tuple[float, float, bool]:
    """`lat`, `lon` in WGS-84, and whether that moved them.

    Raises:
        CodecError: the datum is not known.
    """
    if datum == "wgs84":
        return lat, lon, False
    raise CodecError("field", 'datum: write "wgs84"')
