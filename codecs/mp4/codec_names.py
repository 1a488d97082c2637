"""What a browser wants to hear before it plays a file: codecs by name, profile and level.

RFC 6381 for the form; ISO/IEC 14496-15 annex E for H.264 and H.265, the AV1 ISOBMFF binding 5
for AV1, ISO/IEC 14496-1 7.2.6 for MPEG-4 audio.
"""

from fieldlink.codecs.fault import CodecError

from .tracks import Track, tracks

__all__ = ["codec_name", "media_type"]

_ES_DESCRIPTOR, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5
_ESCAPED_OBJECT_TYPE = 31


def media_type(data: bytes | memoryview) -> str:
    """The MIME type of the MP4 file `data`, like `video/mp4; codecs="avc1.64001f,opus"`.

    Raises:
        CodecError: not an MP4 file, or a codec configuration that is cut short.
    """
    found = tracks(data)
    family = "video" if any(track.kind == "vide" for track in found) else "audio"
    names = ",".join(codec_name(track) for track in found)
    return f'{family}/mp4; codecs="{names}"' if names else f"{family}/mp4"


def codec_name(track: Track) -> str:
    """The RFC 6381 name of `track`'s codec; the bare sample entry where no more is known.

    Raises:
        CodecError: the codec configuration is cut short.
    """
    config, entry = track.config, track.entry
    try:
        if entry in ("avc1", "avc3") and config:
            return f"{entry}.{bytes(config[i] for i in (1, 2, 3)).hex()}"
        if entry in ("hvc1", "hev1") and config:
            return _hevc(entry, config)
        if entry == "av01" and config:
            return _av1(config)
        if entry == "mp4a" and config:
            return _mpeg4_audio(config)
    except IndexError as error:
        raise CodecError("truncated", f"the configuration of {entry} is cut short") from error
    return "opus" if entry == "Opus" else entry


def _hevc(entry: str, config: bytes) -> str:
    space = ("", "A", "B", "C")[config[1] >> 6]
    tier = "H" if config[1] & 0x20 else "L"
    compatible = int(f"{int.from_bytes(config[2:6]):032b}"[::-1], 2)  # in reverse bit order
    constraints = config[6:12].rstrip(b"\0")
    parts = [entry, f"{space}{config[1] & 0x1F}", f"{compatible:X}", f"{tier}{config[12]}"]
    return ".".join([*parts, *(f"{byte:X}" for byte in constraints)])


def _av1(config: bytes) -> str:
    profile, level = config[1] >> 5, config[1] & 0x1F
    tier = "H" if config[2] & 0x80 else "M"
    high, twelve = config[2] & 0x40, config[2] & 0x20
    depth = 12 if high and twelve else 10 if high else 8
    return f"av01.{profile}.{level:02d}{tier}.{depth:02d}"


def _mpeg4_audio(config: bytes) -> str:
    at = 4  # version and flags
    tag, at = _descriptor(config, at)
    if tag != _ES_DESCRIPTOR:
        return "mp4a"
    flags = config[at + 2]
    at += 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
    if flags & 0x40:
        at += 1 + config[at]
    tag, at = _descriptor(config, at)
    if tag != _DECODER_CONFIG:
        return "mp4a"
    kind = config[at]
    if kind != 0x40:  # MPEG-1/2 audio and the like have no object type of their own
        return f"mp4a.{kind:x}"
    tag, at = _descriptor(config, at + 13)
    if tag != _DECODER_SPECIFIC:
        return "mp4a.40"
    object_type = config[at] >> 3
    if object_type == _ESCAPED_OBJECT_TYPE:
        object_type = 32 + ((config[at] & 7) << 3 | config[at + 1] >> 5)
    return f"mp4a.40.{object_type}"


def _descriptor(config: bytes, at: int) -> tuple[int, int]:
    tag = config[at]
    at += 1
    while config[at] & 0x80:  # seven bits of length in each byte
        at += 1
    return tag, at + 1
