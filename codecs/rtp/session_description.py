"""What a camera says of its tracks (SDP, RFC 8866; RFC 6184 8.2.1; RFC 3640 4.1)."""

from base64 import b64encode
from dataclasses import dataclass

from fieldlink.codecs.mp4.nal import nal_units

__all__ = ["SOUND_TYPE", "VIDEO_TYPE", "SoundTrack", "session_description"]

VIDEO_TYPE, SOUND_TYPE = 96, 97
_SPS, _PPS = 7, 8


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """AAC: samples a second, channels, AudioSpecificConfig."""

    rate_hz: int
    channels: int
    config: bytes


def session_description(name: str, keyframe: bytes, sound: SoundTrack | None) -> str:
    """The description of a camera whose H.264 parameter sets stand in `keyframe` (Annex B)."""
    sets = [unit for unit in nal_units(keyframe) if unit and unit[0] & 0x1F in (_SPS, _PPS)]
    profile = next((unit[1:4].hex() for unit in sets if unit[0] & 0x1F == _SPS), "42e01f")
    encoded = ",".join(b64encode(unit).decode() for unit in sets)
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 0.0.0.0",
        f"s={name}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {VIDEO_TYPE}",
        f"a=rtpmap:{VIDEO_TYPE} H264/90000",
        f"a=fmtp:{VIDEO_TYPE} packetization-mode=1;profile-level-id={profile};"
        f"sprop-parameter-sets={encoded}",
        "a=control:video",
    ]
    if sound is not None:
        lines += [
            f"m=audio 0 RTP/AVP {SOUND_TYPE}",
            f"a=rtpmap:{SOUND_TYPE} mpeg4-generic/{sound.rate_hz}/{sound.channels}",
            f"a=fmtp:{SOUND_TYPE} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;"
            f"indexlength=3;indexdeltalength=3;config={sound.config.hex()}",
            "a=control:audio",
        ]
    return "\r\n".join([*lines, ""])
