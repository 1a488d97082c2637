"""Which URLs a source may have, and how they are shown to people.

libav opens far more than cameras: `concat:`, `subfile:`, `data:` and the like read any file or
build input from pieces, so the schemes allowed here are a closed list.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from fieldlink.edge.source.sdp import described, session_of

__all__ = [
    "check_url",
    "is_device",
    "is_file",
    "is_pushed",
    "is_whip",
    "local_path",
    "mask_url",
    "place_of",
    "protocols_for",
    "pushed_place",
    "scheme_of",
]

_PROTOCOLS = {
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
    "rtmp": "rtmp,tcp",
    "http": "http,tcp",
    "https": "https,http,tls,tcp",
    "udp": "udp",
    "tcp": "tcp",
    "rtp": "rtp,udp",
    "file": "file",
}
_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "http": 80, "https": 443}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_MISSPELLED = re.compile(r"(?i)(rtsps?|rtmp|https?|udp|tcp|rtp)[:;]?/")
# Also where the scheme is misspelled: "user:password@host" is never a path worth showing.
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*(?:@[^/@\s]*)*@|[^\s/:@]+:[^\s@/]+@")
_SECRET_QUERY = re.compile(
    r"(?i)([?&](?:[a-z_-]*(?:password|passwd|pwd|token|secret|key|auth|user)[a-z_-]*)=)[^&\s]*"
)
_LISTEN = "?listen=1"
_WHIP = "whip:"
_MAX_URL_CHARS = 1024


def scheme_of(url: str) -> str:
    """The scheme of `url` in lower case; "file" for a plain path."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else "file"


def is_device(url: str) -> bool:
    """Whether `url` names a V4L2 device of this machine."""
    return re.fullmatch(r"/dev/video\d+", url) is not None


def is_file(url: str) -> bool:
    """Whether `url` names a recording on disk."""
    return scheme_of(url) == "file" and not is_device(url)


def is_pushed(url: str) -> bool:
    """Whether the pictures are pushed to this end: "rtmp://0.0.0.0:1935/live/name?listen=1"."""
    return scheme_of(url) == "rtmp" and url.endswith(_LISTEN)


def is_whip(url: str) -> bool:
    """Whether the pictures are pushed by WHIP, to the kit's own server."""
    return url == _WHIP


def pushed_place(url: str) -> str:
    """Where libav listens for `url`."""
    return url.removesuffix(_LISTEN)


def local_path(url: str) -> Path:
    """The path of a file URL or a plain path."""
    path = url[5:] if url.lower().startswith("file:") else url
    return Path("/" + path.lstrip("/") if path.startswith("//") else path)


def protocols_for(url: str) -> str:
    """libav's `protocol_whitelist` for `url`: what a playlist behind it may lead to, no more."""
    return _PROTOCOLS[scheme_of(url)]


def check_url(url: str) -> str:
    """Return `url` if a source may have it.

    Raises:
        ValueError: empty, too long, unprintable, of a scheme not in the list, or without a host.
    """
    if not url or len(url) > _MAX_URL_CHARS or not url.isprintable():
        raise ValueError(f"use a URL of 1 to {_MAX_URL_CHARS} printable characters")
    scheme = scheme_of(url)
    if is_whip(url):
        return url
    if scheme == "whip":
        raise ValueError("write it as whip: alone; who may push has a token")
    if scheme not in _PROTOCOLS:
        allowed = ", ".join(f"{name}://" for name in _PROTOCOLS if name != "file")
        raise ValueError(f"use one of {allowed}, /dev/videoN or the path of a file")
    if url.startswith("/dev/") and not is_device(url):
        raise ValueError("of the machine's devices only /dev/videoN is a camera")
    if scheme == "file" and (near := _MISSPELLED.match(url)):
        raise ValueError(f"write it as {near[1].lower()}://host:port/path")
    if scheme != "file" and not _has_host(url):
        raise ValueError(f"write it as {scheme}://host:port/path")
    if described(url):
        session_of(url)
    return url


def _has_host(url: str) -> bool:
    parts = urlsplit(url)
    return "://" in url and bool(parts.netloc) and _valid_port(url)


def _valid_port(url: str) -> bool:
    try:
        return urlsplit(url).port is None or True
    except ValueError:
        return False


def mask_url(url: str) -> str:
    """`url` (or a text holding URLs) without its user, password and secret query values."""
    return _SECRET_QUERY.sub(r"\1***", _CREDENTIALS.sub("***@", url))


def place_of(url: str) -> tuple[str, str, int | None, str]:
    """What tells two URLs of one stream from those of two: neither user nor spelling counts."""
    if scheme_of(url) == "file":
        return "file", "", None, url
    parts, scheme = urlsplit(url), scheme_of(url)
    path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query and scheme != "rtp" else "")
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme), path
