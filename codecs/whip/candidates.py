"""ICE candidates of a publisher (RFC 8839 5.1), and those that it sends later (RFC 8840).

Only what the kit can answer on its own networks: UDP, and an address instead of a name. A name
(mDNS) is not looked up: the publisher's own checks tell where it is. The kit sends checks to each,
so none is the kit itself, everybody at once, or a port of a service.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from fieldlink.codecs.fault import CodecError

__all__ = ["MAX_CANDIDATES", "Fragment", "lines_of", "read_candidates", "read_fragment"]

MAX_CANDIDATES = 16
_FIRST_PORT = 1024  # no publisher sends from where services listen
_MAX_LINES, _MAX_LINE_CHARS = 600, 1_000
_CANDIDATE = re.compile(
    r"candidate:[A-Za-z0-9+/]{1,32} 1 (?i:udp) [0-9]{1,10} ([0-9A-Fa-f.:]{2,45}) ([0-9]{1,5}) typ "
    r"(?:host|srflx|prflx|relay)(?: (?!tcptype)[\x21-\x7e]{1,64}){0,16}"
)
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")


@dataclass(frozen=True, slots=True)
class Fragment:
    """What application/trickle-ice-sdpfrag says: candidates, each "candidate:...", of `ufrag`."""

    ufrag: str | None
    mid: str | None
    candidates: tuple[str, ...]


def lines_of(body: bytes) -> list[str]:
    """The lines of an SDP text.

    Raises:
        CodecError: it is too long, or not printable ASCII.
    """
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError as error:
        raise CodecError("sdp", "it is not ASCII") from error
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if len(lines) > _MAX_LINES or any(len(line) > _MAX_LINE_CHARS for line in lines):
        raise CodecError(
            "sdp", f"over {_MAX_LINES} lines, or one over {_MAX_LINE_CHARS} characters"
        )
    if not all(line.isprintable() for line in lines):
        raise CodecError("sdp", "a control character is in it")
    return lines


def read_candidates(lines: Iterable[str]) -> tuple[str, ...]:
    """The usable ones of lines "a=candidate:...", at most 16."""
    found = [line[2:] for line in lines if line.startswith("a=candidate:") and _usable(line[2:])]
    return tuple(found[:MAX_CANDIDATES])


def _usable(text: str) -> bool:
    match = _CANDIDATE.fullmatch(text)
    if match is None or not _FIRST_PORT <= int(match[2]) < 65536:
        return False
    try:
        address = ip_address(match[1])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return not (
        address.is_multicast
        or address.is_unspecified
        or address.is_loopback
        or address.is_reserved  # with the broadcast address
    )


def read_fragment(body: bytes) -> Fragment:
    """The body of a PATCH (RFC 9725 4.3.2).

    Raises:
        CodecError: it is no such fragment.
    """
    lines = lines_of(body)
    ufrags = {line[12:] for line in lines if line.startswith("a=ice-ufrag:")}
    mids = [line[6:] for line in lines if line.startswith("a=mid:")]
    if len(ufrags) > 1 or not all(_UFRAG.fullmatch(one) for one in ufrags):
        raise CodecError("sdp", "one ice-ufrag belongs into a fragment")
    if not any(line.startswith("a=") for line in lines):
        raise CodecError("sdp", "there is nothing in it")
    return Fragment(next(iter(ufrags), None), mids[0] if mids else None, read_candidates(lines))
