"""When and where a video was taken: its `mvhd` and its `©xyz` (ISO/IEC 14496-12 8.2.2; QuickTime
File Format, user data). The file is read by pieces, for it may have gigabytes.
"""

import re
from collections.abc import Callable, Iterator

from .values import Taken, placed

__all__ = ["read_movie"]

_EPOCH_S = 2_082_844_800  # 1904 to 1970
_MAX_BOXES, _MAX_MVHD, _MAX_XYZ = 200, 200, 200
_PLACE = re.compile(
    rb"([+-][0-9]{1,3}(?:\.[0-9]+)?)([+-][0-9]{1,3}(?:\.[0-9]+)?)([+-][0-9]+(?:\.[0-9]+)?)?"
)


def read_movie(read: Callable[[int, int], bytes], size: int) -> Taken:
    """What a video of `size` bytes says; `read(offset, length)` gives its bytes. What is not there,
    or not sound, is None.
    """
    moov = next((span for kind, *span in _boxes(read, 0, size) if kind == b"moov"), None)
    if moov is None:
        return Taken()
    at_us = duration_us = None
    lat = lon = alt_m = None
    for kind, start, end in _boxes(read, *moov):
        if kind == b"mvhd":
            at_us, duration_us = _mvhd(read(start, min(end - start, _MAX_MVHD)))
        elif kind == b"udta":
            for inner, first, last in _boxes(read, start, end):
                if inner == b"\xa9xyz":
                    lat, lon, alt_m = _xyz(read(first, min(last - first, _MAX_XYZ)))
    return Taken(at_us=at_us, duration_us=duration_us, lat=lat, lon=lon, alt_m=alt_m)


def _boxes(
    read: Callable[[int, int], bytes], start: int, end: int
) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of the boxes side by side, up to what is none."""
    for _ in range(_MAX_BOXES):
        head = read(start, min(16, end - start)) if end - start >= 8 else b""
        if len(head) < 8:
            return
        length, body = int.from_bytes(head[:4]), start + 8
        if length == 1 and len(head) == 16:
            length, body = int.from_bytes(head[8:]), start + 16
        elif length == 0:
            length = end - start
        if start + length > end or start + length < body:
            return
        yield head[4:8], body, start + length
        start += length


def _mvhd(data: bytes) -> tuple[int | None, int | None]:
    wide = data[:1] == b"\1"
    made, scale, length = (4, 20, 24) if wide else (4, 12, 16)
    many = 8 if wide else 4
    if len(data) < length + many:
        return None, None
    made_s = int.from_bytes(data[made : made + many])
    per_s = int.from_bytes(data[scale : scale + 4])
    ticks = int.from_bytes(data[length : length + many])
    unknown = ticks == 2 ** (8 * many) - 1 or not per_s
    at_us = (made_s - _EPOCH_S) * 1_000_000 if made_s > _EPOCH_S else None
    return at_us, None if unknown else ticks * 1_000_000 // per_s


def _xyz(data: bytes) -> tuple[float | None, float | None, float | None]:
    # Two bytes of length and two of language, then ISO 6709: +34.2300+108.9500+412.0/
    found = _PLACE.match(data[4:])
    if found is None:
        return None, None, None
    lat, lon = placed(float(found[1]), float(found[2]))
    return lat, lon, float(found[3]) if found[3] and lat is not None else None
