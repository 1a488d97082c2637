"""A request to the store: whose it is, what it asks for, and whether it is signed.

A controller's clock may be years off, and so may the kit's: the date of a request is signed, but
not compared with any clock. Credentials end by the kit's clock, and a request that is heard again
changes nothing (`store`).
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.s3 import (
    Chunked,
    Claim,
    Seal,
    canonical_path,
    canonical_request,
    key_of,
    read_claim,
    read_query,
    sign,
    signing_key,
    string_to_sign,
)
from fieldlink.edge.originals.faults import RefusalError

__all__ = ["UNSIGNED", "Asked", "admit", "plain_request"]

UNSIGNED = "UNSIGNED-PAYLOAD"
_SIGNED_CHUNKS = (
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
)
_PLAIN_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MAX_KEY_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `bucket` and `key` may be empty; `payload` is the hash of the body, or a word."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    payload: str
    owner: str = ""
    signature: str = ""
    claim: Claim | None = field(default=None, repr=False)
    secret: str = field(default="", repr=False)

    def number(self, name: str, most: int) -> int | None:
        """A whole number of the query; None: it is not there.

        Raises:
            RefusalError: it is none.
        """
        text = self.query.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > 12 or int(text) > most:
            raise RefusalError(400, "InvalidArgument", f"{name} is not from 0 to {most}")
        return int(text)

    def size(self) -> int | None:
        """How many bytes the content of the body has, if that is said."""
        text = self.headers.get("x-amz-decoded-content-length") or (
            None if self.chunked() else self.headers.get("content-length")
        )
        return int(text) if text and text.isascii() and text.isdigit() and len(text) < 15 else None

    def chunked(self) -> Chunked | None:
        """What takes the body apart, if it comes in chunks (a new one each time)."""
        if self.payload in _SIGNED_CHUNKS and self.claim is not None:
            claim = self.claim
            key = signing_key(self.secret, claim.date, claim.region, claim.service)
            seal = Seal(key, self.headers.get("x-amz-date", ""), claim.scope, claim.signature)
            return Chunked(seal, trailer=self.payload.endswith("TRAILER"))
        return Chunked(None, trailer=True) if self.payload == _PLAIN_CHUNKS else None


def plain_request(
    method: str, raw_path: bytes, raw_query: bytes, headers: Mapping[str, str]
) -> Asked:
    """A request as it came, its bucket before the key or before the host.

    Raises:
        RefusalError: it is none.
    """
    try:
        path, query = raw_path.decode("ascii"), dict(read_query(raw_query.decode("ascii")))
        first, _, rest = path.removeprefix("/").partition("/")
        host = headers.get("host", "").partition(":")[0]
        named = host.partition(".")[0]
        if named.startswith("fieldlink-"):
            bucket, key = named, key_of(path.removeprefix("/"))
        else:
            bucket, key = key_of(first), key_of(rest)
    except (UnicodeDecodeError, CodecError) as error:
        raise RefusalError(400, "InvalidURI", "the path or the query is none") from error
    if bucket and not _BUCKET.fullmatch(bucket):
        raise RefusalError(400, "InvalidBucketName", "no such bucket can be")
    if len(key.encode()) > _MAX_KEY_BYTES or any(ord(one) < 32 for one in key):
        raise RefusalError(400, "KeyTooLongError", f"a key has at most {_MAX_KEY_BYTES} bytes")
    payload = headers.get("x-amz-content-sha256", "")
    return Asked(method, bucket, key, query, headers, payload)


def admit(
    asked: Asked,
    raw_path: bytes,
    raw_query: bytes,
    check: Callable[[str, str], tuple[str, str]],
) -> Asked:
    """`asked` with its owner, by its signature; `check` gives owner and secret of a key id and its
    session token.

    Raises:
        RefusalError: it is not signed, or wrongly.
    """
    headers = asked.headers
    try:
        claim = read_claim(headers.get("authorization", ""))
    except CodecError as error:
        raise RefusalError(403, "AccessDenied", f"not signed: {error.detail}") from error
    stamp = headers.get("x-amz-date", "")
    if not _STAMP.fullmatch(stamp) or not stamp.startswith(claim.date) or claim.service != "s3":
        raise RefusalError(403, "AccessDenied", "x-amz-date is not that of the credential")
    unsigned = {name for name in headers if name.startswith("x-amz-")} - set(claim.signed)
    if unsigned or "host" not in claim.signed:
        raise RefusalError(403, "AccessDenied", "host and every x-amz header have to be signed")
    streamed = asked.payload in (UNSIGNED, *_SIGNED_CHUNKS, _PLAIN_CHUNKS)
    if not streamed and not _SHA256.fullmatch(asked.payload):
        raise RefusalError(400, "InvalidDigest", "x-amz-content-sha256 is none")
    owner, secret = check(claim.key_id, headers.get("x-amz-security-token", ""))
    key = signing_key(secret, claim.date, claim.region, claim.service)
    path = raw_path.decode("ascii")
    query = read_query(raw_query.decode("ascii"))
    good = False
    for form in dict.fromkeys((path, canonical_path(path))):
        canonical = canonical_request(
            asked.method, form, query, headers, claim.signed, asked.payload
        )
        wanted = sign(key, string_to_sign(stamp, claim.scope, canonical))
        good |= hmac.compare_digest(wanted, claim.signature)
    if not good:
        raise RefusalError(403, "SignatureDoesNotMatch", "the signature is not that of the secret")
    return Asked(
        asked.method, asked.bucket, asked.key, asked.query, headers, asked.payload,
        owner, claim.signature, claim, secret,
    )  # fmt: skip
