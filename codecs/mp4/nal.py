"""NAL units of H.264 and H.265 (ITU-T H.264 annex B, ISO/IEC 14496-15 5.3): splitting and types."""

from collections.abc import Iterator

__all__ = ["is_clean_start", "nal_units"]

_START_CODE = b"\0\0\1"
_IDR_H264 = 5
_CODED_H264 = range(1, 6)
_CRA_H265 = 21
_CODED_H265 = range(32)


def nal_units(data: bytes, length_bytes: int = 0) -> Iterator[bytes]:
    """The NAL units of one access unit: with start codes, or with lengths of `length_bytes`.

    A unit that claims more than there is ends with the data.
    """
    if length_bytes:
        at = 0
        while at + length_bytes <= len(data):
            size = int.from_bytes(data[at : at + length_bytes])
            at += length_bytes
            yield data[at : at + size]
            at += size
        return
    at = data.find(_START_CODE)
    while at >= 0:
        begin = at + len(_START_CODE)
        at = data.find(_START_CODE, begin)
        unit = data[begin:at] if at >= 0 else data[begin:]
        yield unit.rstrip(b"\0") if at >= 0 else unit  # a zero byte may precede a start code


def is_clean_start(codec: str, data: bytes) -> bool:
    """Whether nothing behind the picture in `data` needs a picture before it.

    True for an IDR picture; false for a picture that is complete itself but lets later ones,
    shown before it, refer back (an H.265 CRA, an H.264 recovery point).
    """
    length_bytes = 0 if data.startswith((_START_CODE, b"\0" + _START_CODE)) else 4
    for unit in nal_units(data, length_bytes):
        if not unit:
            continue
        kind = unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
        if codec == "h264" and kind in _CODED_H264:
            return kind == _IDR_H264
        if codec == "hevc" and kind in _CODED_H265:
            return 16 <= kind < _CRA_H265
    return False
