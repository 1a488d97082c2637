"""Wall-clock time inside a file: `prft`, the producer reference time (ISO/IEC 14496-12 8.16.5).

One stands before every movie fragment and says which UTC instant its first sample belongs to.
"""

from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

from .boxes import Box, children, find, make_box, walk
from .tracks import tracks

__all__ = ["ReferenceTime", "add_reference_times", "read_reference_times"]

_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970 (RFC 5905 6)
_CAPTURE_TIME = 24  # flags: the time at which the media were captured
_VERSION_1 = 1  # media time has 64 bits
_PAYLOAD_BYTES = 24


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """Media time `media_ticks` of track `track` is the instant `utc_us` (UTC microseconds)."""

    track: int
    utc_us: int
    media_ticks: int


def add_reference_times(data: bytes, zero_us: int) -> bytes:
    """`data` with a `prft` before each fragment; media time 0 is the instant `zero_us`.

    Offsets stay right because fragments count from their own `moof` (default-base-is-moof) and
    the file carries no index of them.

    Raises:
        CodecError: not an MP4 file, or a fragment without a decode time.
    """
    first = next((t for t in tracks(data) if t.kind == "vide"), tracks(data)[0])
    parts: list[bytes] = []
    for box in walk(data):
        if box.kind == "moof":
            ticks = _decode_time(data, box, first.number)
            if ticks is not None:
                utc_us = zero_us + ticks * 1_000_000 // first.timescale
                parts.append(_encode(ReferenceTime(first.number, utc_us, ticks)))
        parts.append(data[box.start : box.end])
    return b"".join(parts)


def _decode_time(data: bytes, moof: Box, track: int) -> int | None:
    for traf in children(data, moof):
        if traf.kind != "traf":
            continue
        tfhd, tfdt = find(data, "tfhd", traf), find(data, "tfdt", traf)
        if tfhd is None or tfdt is None or tfdt.end - tfdt.body < 8:
            raise CodecError("format", "a movie fragment without its track or decode time")
        if int.from_bytes(data[tfhd.body + 4 : tfhd.body + 8]) == track:
            width = 8 if data[tfdt.body] == 1 else 4
            return int.from_bytes(data[tfdt.body + 4 : tfdt.body + 4 + width])
    return None


def _encode(time: ReferenceTime) -> bytes:
    seconds, micros = divmod(time.utc_us, 1_000_000)
    # Rounded up, so that the fraction reads back as the same microsecond.
    fraction = -(-(micros << 32) // 1_000_000)
    ntp = ((seconds + _NTP_EPOCH_S) % (1 << 32)) << 32 | fraction
    head = bytes([_VERSION_1]) + _CAPTURE_TIME.to_bytes(3) + time.track.to_bytes(4)
    return make_box("prft", head + ntp.to_bytes(8) + time.media_ticks.to_bytes(8))


def read_reference_times(data: bytes | memoryview) -> list[ReferenceTime]:
    """The `prft` boxes of `data` in order (NTP era 0, to 2036, and era 1 after it).

    Raises:
        CodecError: malformed boxes.
    """
    found = []
    for box in walk(data):
        if box.kind != "prft":
            continue
        payload = bytes(data[box.body : box.end])
        width = 8 if payload[:1] == b"\1" else 4
        if len(payload) < _PAYLOAD_BYTES - 8 + width:
            raise CodecError("truncated", "a prft box that ends in the middle of a field")
        ntp = int.from_bytes(payload[8:16])
        seconds = (ntp >> 32) - _NTP_EPOCH_S
        utc_us = (seconds + (1 << 32 if seconds < 0 else 0)) * 1_000_000
        utc_us += (ntp & 0xFFFFFFFF) * 1_000_000 >> 32
        ticks = int.from_bytes(payload[16 : 16 + width])
        found.append(ReferenceTime(int.from_bytes(payload[4:8]), utc_us, ticks))
    return found
