"""AWS Signature Version 4 as S3 has it, for whoever signs and whoever checks.

Facts: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header" and
"Signature Calculations: Transferring Payload in Multiple Chunks". Golden: that page's examples.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

__all__ = [
    "ALGORITHM",
    "EMPTY_SHA256",
    "Claim",
    "Seal",
    "canonical_path",
    "canonical_request",
    "key_of",
    "read_claim",
    "read_query",
    "sign",
    "signing_key",
    "string_to_sign",
    "write_claim",
]

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_MAX_HEADER, _MAX_SIGNED = 4_000, 64
_CREDENTIAL = re.compile(
    r"(?P<key>[A-Za-z0-9]{4,128})/(?P<date>[0-9]{8})/(?P<region>[A-Za-z0-9-]{1,64})"
    r"/(?P<service>[a-z0-9]{1,16})/aws4_request"
)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9_-]{1,128}")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who says to have signed which headers, and the signature."""

    key_id: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """What the signing key is good for."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_claim(header: str) -> Claim:
    """The claim in an Authorization header.

    Raises:
        CodecError: it is none.
    """
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM or len(header) > _MAX_HEADER:
        raise CodecError("authorization", f"use {ALGORITHM}")
    parts = {}
    for item in rest.split(","):
        key, _, value = item.strip().partition("=")
        parts[key] = value
    found = _CREDENTIAL.fullmatch(parts.get("Credential", ""))
    signed = tuple(parts.get("SignedHeaders", "").split(";"))
    signature = parts.get("Signature", "")
    if found is None or not _SIGNATURE.fullmatch(signature):
        raise CodecError("authorization", "its credential or its signature is none")
    if len(signed) > _MAX_SIGNED or not all(_NAME.fullmatch(name) for name in signed):
        raise CodecError("authorization", "its signed headers are none")
    return Claim(found["key"], found["date"], found["region"], found["service"], signed, signature)


def write_claim(claim: Claim) -> str:
    """The Authorization header that `read_claim` reads."""
    return (
        f"{ALGORITHM} Credential={claim.key_id}/{claim.scope}, "
        f"SignedHeaders={';'.join(claim.signed)}, Signature={claim.signature}"
    )


def read_query(raw: str) -> list[tuple[str, str]]:
    """The names and values of a query as it came; a plus is a plus.

    Raises:
        CodecError: too many, or not UTF-8.
    """
    parts = [part for part in raw.split("&") if part]
    if len(parts) > 100:
        raise CodecError("query", f"{len(parts)} parameters")
    return [(_decoded(name), _decoded(value)) for name, _, value in map(_split, parts)]


def _split(part: str) -> tuple[str, str, str]:
    return part.partition("=")


def _decoded(text: str) -> str:
    try:
        return _raw(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CodecError("query", "not UTF-8") from error


def _raw(text: str) -> bytes:
    """The bytes of a text in which some are percent-encoded; what is none stays (RFC 3986 2.1)."""
    found = _ENCODED.split(text)
    made = found[0].encode("utf-8", "surrogateescape")
    for code, rest in zip(found[1::2], found[2::2], strict=True):
        made += bytes.fromhex(code) + rest.encode("utf-8", "surrogateescape")
    return made


def _quoted(data: bytes, also: bytes = b"") -> str:
    return "".join(chr(one) if one in _UNRESERVED or one in also else f"%{one:02X}" for one in data)


def canonical_path(raw: str) -> str:
    """A path as it is signed by whoever encodes strictly."""
    return _quoted(_raw(raw), b"/")


def key_of(raw: str) -> str:
    """The text that the encoded `raw` stands for.

    Raises:
        CodecError: it is not UTF-8.
    """
    return _decoded(raw)


def canonical_request(
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    signed: Sequence[str],
    payload: str,
) -> str:
    """What is hashed to be signed. `path` is encoded already, `query` is not; `headers` have lower
    names; `payload` is the hash of the body, or the word that stands for it.
    """
    pairs = sorted((_quoted(key.encode()), _quoted(value.encode())) for key, value in query)
    lines = [
        method,
        path,
        "&".join(f"{key}={value}" for key, value in pairs),
        *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed),
        "",
        ";".join(signed),
        payload,
    ]
    return "\n".join(lines)


def string_to_sign(stamp: str, scope: str, canonical: str) -> str:
    """What is signed; `stamp` is the request's time, 20130524T000000Z."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}"


def signing_key(secret: str, date: str, region: str, service: str = "s3") -> bytes:
    """The key of a day, a region and a service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(key: bytes, text: str) -> str:
    """The signature of `text`, in hex."""
    return hmac.new(key, text.encode(), "sha256").hexdigest()


class Seal:
    """The chain of signatures of a body in chunks: each is signed with the one before it."""

    def __init__(self, key: bytes, stamp: str, scope: str, seed: str) -> None:
        self._key, self._stamp, self._scope, self._last = key, stamp, scope, seed

    def chunk(self, digest: str) -> str:
        """The signature of the next chunk, whose content hashes to `digest` (SHA-256, hex)."""
        return self._next("PAYLOAD", f"{EMPTY_SHA256}\n{digest}")

    def trailer(self, lines: bytes) -> str:
        """The signature of the trailing headers, each "name:value" and a line feed."""
        return self._next("TRAILER", hashlib.sha256(lines).hexdigest())

    def _next(self, what: str, rest: str) -> str:
        text = f"{ALGORITHM}-{what}\n{self._stamp}\n{self._scope}\n{self._last}\n{rest}"
        self._last = sign(self._key, text)
        return self._last
