"""Where a video stream is to be had: what a camera wrote as a URI, as one that the kit may open.

What comes from an aircraft is not believed: only the schemes of the stream's type, only hosts and
ports that can be, nothing on the kit itself unless the camera is there too. A camera that names
itself by 127.0.0.1 or 0.0.0.0 means its own address, which is the one that it was heard from.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from fieldlink.drone.camera.state import Stream

__all__ = ["KINDS", "shown", "url_of"]

KINDS = {0: "rtsp", 1: "rtp-udp", 2: "tcp-mpeg", 3: "mpeg-ts", 4: "whep"}
"""VIDEO_STREAM_TYPE, in our words."""

_RTSP, _RTP, _TCP, _TS = 0, 1, 2, 3
_SCHEMES = {_RTSP: ("rtsp", "rtsps"), _RTP: ("rtp", "udp"), _TCP: ("tcp",), _TS: ("udp", "mpegts")}
_CODECS = {1: "h264", 2: "h265"}
_MAX_URI_CHARS = 160
_PORT = re.compile(r":?(\d{1,5})")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FIRST_PORT = 1024  # below are the machine's own services


def url_of(stream: Stream, peer: str | None) -> tuple[str | None, str]:
    """The URL of `stream`, or None and why not. `peer` is the address that its camera is heard
    from, None where that is none, as on a serial port.
    """
    if stream.kind not in _SCHEMES:
        return None, f"streams of type {KINDS.get(stream.kind, stream.kind)} are not read"
    uri = stream.uri
    if not uri or len(uri) > _MAX_URI_CHARS or not uri.isascii():
        return None, "the camera names no address"
    if stream.kind in (_RTP, _TS):
        return _listening(stream, uri)
    found = _split(uri, _SCHEMES[stream.kind])
    if found is None:
        return None, f"the camera names an address that cannot be: {shown(uri)}"
    return _connecting(stream, found, peer)


def _connecting(stream: Stream, found: SplitResult, peer: str | None) -> tuple[str | None, str]:
    host = found.hostname or ""
    if _is_self(host):
        if peer is None:
            return None, f"the camera names itself by {host}, and is heard over no network"
        host = peer
    if not _is_host(host):
        return None, f"the camera names a host that cannot be: {host[:60]}"
    if stream.kind == _TCP and found.port is None:
        return None, "the camera names no port"
    who = f"{found.netloc.rpartition('@')[0]}@" if "@" in found.netloc else ""
    port = f":{found.port}" if found.port is not None else ""
    shown_host = f"[{host}]" if ":" in host else host
    path = found.path + (f"?{found.query}" if found.query else "")
    if stream.kind == _TCP:
        return f"tcp://{shown_host}{port}", ""
    if not _PATH.fullmatch(path) or not _PATH.fullmatch(who):
        return None, "the camera names a path that cannot be"
    return f"{found.scheme.lower()}://{who}{shown_host}{port}{path}", ""


def _listening(stream: Stream, uri: str) -> tuple[str | None, str]:
    """RTP and MPEG-TS over UDP are sent to the kit: of the URI the port counts, and a group."""
    bare = _PORT.fullmatch(uri)
    port, group = (int(bare[1]) if bare else None), "0.0.0.0"  # noqa: S104  # it is sent to us
    if port is None:
        found = _split(uri.replace("://@", "://"), _SCHEMES[stream.kind])
        if found is None:
            return None, f"the camera names an address that cannot be: {shown(uri)}"
        port = found.port
        if _is_group(found.hostname or ""):
            group = found.hostname or group
    if port is None or not _FIRST_PORT <= port <= 65535:
        return None, f"the camera names a port that cannot be: {shown(uri)}"
    if stream.kind == _TS:
        return f"udp://{group}:{port}", ""
    return f"rtp://{group}:{port}?codec={_CODECS.get(stream.encoding, 'h264')}", ""


def _split(uri: str, schemes: tuple[str, ...]) -> SplitResult | None:
    """The parts of `uri`, of one of `schemes`; one without any is of the first."""
    try:
        found = urlsplit(uri if _SCHEME.match(uri) else f"{schemes[0]}://{uri}")
        port_is_right = found.port is None or 0 < found.port <= 65535
    except ValueError:
        return None
    right = found.scheme.lower() in schemes and port_is_right and found.netloc
    return found if right else None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_self(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host.lower() in ("", "localhost") or host.lower().endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_group(host: str) -> bool:
    address = _address(host)
    return address is not None and address.version == 4 and address.is_multicast


def _is_host(host: str) -> bool:
    """Whether somebody can be asked there: no group, and no number in another spelling, as 0x7f.1
    is of 127.0.0.1.
    """
    address = _address(host)
    if address is not None:
        return not (address.is_multicast or address.is_reserved)
    numeric = re.fullmatch(r"(0[xX][0-9a-fA-F]*|\d+)", host.rpartition(".")[2])
    return bool(_HOST.fullmatch(host)) and not numeric and ".." not in host


def shown(uri: str) -> str:
    """`uri` for people: without user, password and query."""
    scheme, there, rest = uri.partition("://")
    rest = (rest if there else scheme).partition("?")[0].rpartition("@")[2]
    return f"{scheme}://{rest}" if there else rest
