"""AAC with a header on every frame, as MPEG-TS has it (ISO/IEC 13818-7 6.2), made fit for MP4."""

from fieldlink.codecs.fault import CodecError

__all__ = ["is_adts", "split_adts"]

_HEADER_BYTES = 7
_HEADER_WITH_CRC_BYTES = 9


def is_adts(frame: bytes) -> bool:
    """Whether `frame` begins with an ADTS header (syncword, layer 0)."""
    return len(frame) > _HEADER_BYTES and frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0


def split_adts(frame: bytes) -> tuple[bytes, bytes]:
    """The AudioSpecificConfig that the header of `frame` spells (14496-3 1.6.2.1), and the frame
    without its header.

    Raises:
        CodecError: no ADTS header, or its channels are described inside the frame.
    """
    if not is_adts(frame):
        raise CodecError("format", "an AAC frame without an ADTS header")
    object_type = (frame[2] >> 6) + 1
    rate_index = frame[2] >> 2 & 0x0F
    channels = (frame[2] & 1) << 2 | frame[3] >> 6
    if channels == 0 or rate_index > 12:
        raise CodecError("field", f"ADTS with {channels} channels, rate number {rate_index}")
    config = object_type << 11 | rate_index << 7 | channels << 3
    header = _HEADER_BYTES if frame[1] & 1 else _HEADER_WITH_CRC_BYTES
    return config.to_bytes(2), frame[header:]
