"""RTP without a session around it, as aircraft send it: what its payload is, the URL says.

"rtp://0.0.0.0:5600?codec=h264", with "&payload=97" where the sender uses another number than 96.
H.264 and H.265 have no number of their own (RFC 6184, RFC 7798); libav learns it from a session
description (RFC 8866) and from nowhere else.
"""

import ipaddress
from urllib.parse import parse_qs, urlsplit

__all__ = ["described", "session_of"]

_NAMES = {"h264": "H264", "h265": "H265"}
_FIRST, _LAST = 96, 127  # the dynamic payload types of RFC 3551


def described(url: str) -> bool:
    """Whether `url` is of RTP and says what is in it."""
    parts = urlsplit(url)
    return parts.scheme.lower() == "rtp" and "codec" in parse_qs(parts.query)


def session_of(url: str) -> str:
    """The description of `url`, for which `described` holds.

    Raises:
        ValueError: its codec, number, host or port is none.
    """
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    codec, payload = asked["codec"][-1].lower(), asked.get("payload", ["96"])[-1]
    if codec not in _NAMES:
        raise ValueError(f"rtp://...?codec= is one of {', '.join(_NAMES)}")
    if not payload.isascii() or not payload.isdigit() or not _FIRST <= int(payload) <= _LAST:
        raise ValueError(f"rtp://...&payload= is {_FIRST} to {_LAST}")
    if parts.port is None:
        raise ValueError("write it as rtp://0.0.0.0:port?codec=h264")
    try:
        host = ipaddress.ip_address(parts.hostname or "")
    except ValueError as error:
        raise ValueError(
            "write rtp:// with 0.0.0.0, or the address of a multicast group"
        ) from error
    return (
        f"v=0\r\no=- 0 0 IN IP{host.version} {host}\r\ns=-\r\nc=IN IP{host.version} {host}\r\n"
        f"t=0 0\r\nm=video {parts.port} RTP/AVP {payload}\r\n"
        f"a=rtpmap:{payload} {_NAMES[codec]}/90000\r\n"
    )
