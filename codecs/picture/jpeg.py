"""Exif and XMP into a JPEG picture that is there already (ITU-T T.81 B.1.1; Exif 2.32, 4.7.2; XMP
part 3, 1.1.3). Its pixels are not touched.
"""

from collections.abc import Iterator
from struct import pack

from fieldlink.codecs.fault import CodecError

__all__ = ["embed_jpeg"]

_SOI, _APP0, _APP1, _SOS = 0xD8, 0xE0, 0xE1, 0xDA
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_MOST_BYTES = 0xFFFF - 2


def embed_jpeg(picture: bytes, exif: bytes, xmp: bytes) -> bytes:
    """`picture` with these instead of the Exif and XMP that it may have; empty ones are left out.

    Raises:
        CodecError: it is no JPEG picture, or one of them is larger than a segment (64 kB).
    """
    if picture[:2] != bytes((0xFF, _SOI)):
        raise CodecError("format", "no JPEG picture: it does not begin with FF D8")
    kept, begins = bytearray(), bytearray()
    end = 2
    for marker, start, end in _segments(picture):
        data = picture[start + 4 : end]
        if marker == _APP0 and not kept:
            begins += picture[start:end]  # JFIF goes before everything
        elif marker != _APP1 or not data.startswith((_EXIF, _XMP)):
            kept += picture[start:end]
    added = b"".join(_segment(head + data) for head, data in ((_EXIF, exif), (_XMP, xmp)) if data)
    return picture[:2] + bytes(begins) + added + bytes(kept) + picture[end:]


def _segment(data: bytes) -> bytes:
    if len(data) > _MOST_BYTES:
        raise CodecError("size", f"metadata of {len(data)} bytes; a segment holds {_MOST_BYTES}")
    return pack(">BBH", 0xFF, _APP1, len(data) + 2) + data


def _segments(picture: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment before the first scan."""
    at = 2
    while picture[at + 1 : at + 2] != bytes((_SOS,)):
        if picture[at : at + 1] != b"\xff" or at + 4 > len(picture):
            raise CodecError("format", f"no JPEG picture: no segment at byte {at}")
        end = at + 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
        if end > len(picture) or end < at + 4:
            raise CodecError("format", f"a JPEG picture that is cut off in a segment at byte {at}")
        yield picture[at + 1], at, end
        at = end
