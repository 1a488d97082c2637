"""What a join code carries, and its bytes.

0        version (1) in the high half; in the low half the form of the address:
         0 IPv4, 1 IPv6, 2 a name; plus 8 when the port is not 8443
...      the address: 4 bytes, 16 bytes, or a length byte and ASCII
...      the port, 16 bits, when it is not 8443
16       the first half of the SHA-256 of the CA's certificate (DER)
10       the one-time secret
3        check: BLAKE2b-24 of all bytes before
"""

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field

from fieldlink.codecs.fault import CodecError

__all__ = ["DEFAULT_PORT", "FINGERPRINT_BYTES", "SECRET_BYTES", "JoinCode"]

DEFAULT_PORT = 8443
FINGERPRINT_BYTES = 16
SECRET_BYTES = 10
CHECK_BYTES = 3
_VERSION = 1
_IPV4, _IPV6, _NAME = 0, 1, 2
_WITH_PORT = 8
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


@dataclass(frozen=True, slots=True)
class JoinCode:
    """Where the centre's HTTPS is, the start of its CA's SHA-256, and the one-time secret.

    Raises:
        CodecError: the host is neither an IP address nor a host name, or a field has no sense.
    """

    host: str
    port: int
    fingerprint: bytes
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", _plain_host(self.host))
        if not 1 <= self.port <= 65535:
            raise CodecError("port", f"{self.port} is not a port; use 1 to 65535")
        if len(self.fingerprint) != FINGERPRINT_BYTES or len(self.secret) != SECRET_BYTES:
            raise CodecError("field", "a join code has 16 bytes of fingerprint and 10 of secret")


def _plain_host(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        # All digits and dots is a mistyped address, never a name.
        if _HOST_NAME.fullmatch(text.lower()) and not re.fullmatch(r"[0-9.]+", text):
            return text.lower()
        raise CodecError(
            "host", f"{text[:60]!r} is neither an IP address nor a host name"
        ) from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise CodecError("host", f"{text[:60]!r} has a zone, which only this machine knows")
    return str(address)


def pack_code(code: JoinCode) -> bytes:
    """The bytes of `code`, check included."""
    form, address = _pack_host(code.host)
    port = b""
    if code.port != DEFAULT_PORT:
        form |= _WITH_PORT
        port = code.port.to_bytes(2, "big")
    body = bytes([_VERSION << 4 | form]) + address + port + code.fingerprint + code.secret
    return body + check(body)


def _pack_host(host: str) -> tuple[int, bytes]:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return _NAME, bytes([len(name)]) + name
    return (_IPV4 if address.version == 4 else _IPV6), address.packed


def check(body: bytes) -> bytes:
    """The bytes that tell a mistyped code from a right one."""
    return hashlib.blake2b(body, digest_size=CHECK_BYTES, person=b"fl-join").digest()


def unpack_code(data: bytes) -> JoinCode:
    """The code in `data`.

    Raises:
        CodecError: mistyped, cut short, or made by a newer version.
    """
    body, given = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
    if not body or check(body) != given:
        raise CodecError(
            "typing", "the code is mistyped or incomplete; compare it group by group and try again"
        )
    if body[0] >> 4 != _VERSION:
        raise CodecError("version", "the code is of a newer kind; update Fieldlink on this kit")
    return _fields(body[0] & 0x0F, body[1:])


def _fields(form: int, rest: bytes) -> JoinCode:
    # The check held, so whatever is wrong now was made wrong, not mistyped.
    kind = form & ~_WITH_PORT
    if kind not in (_IPV4, _IPV6, _NAME):
        raise CodecError("version", "the code is of a newer kind; update Fieldlink on this kit")
    length = {_IPV4: 4, _IPV6: 16}.get(kind) or (1 + rest[0] if rest else 1)
    ported = 2 if form & _WITH_PORT else 0
    if len(rest) != length + ported + FINGERPRINT_BYTES + SECRET_BYTES:
        raise CodecError("length", "the code's parts do not add up; ask for a new one")
    after = rest[length:]
    port = int.from_bytes(after[:ported], "big") if ported else DEFAULT_PORT
    print_end = ported + FINGERPRINT_BYTES
    return JoinCode(
        _unpack_host(kind, rest[:length]), port, after[ported:print_end], after[print_end:]
    )


def _unpack_host(kind: int, data: bytes) -> str:
    if kind == _NAME:
        return data[1:].decode("ascii", "replace")
    return str(ipaddress.ip_address(data))
