"""Messages to webhooks, signed as Standard Webhooks 1.0.0 has it (standardwebhooks.com). Pure."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["key_of", "message", "signed_headers"]


def message(kind: str, at_us: int, data: Mapping[str, Any]) -> bytes:
    """The body: {"type", "timestamp", "data"}."""
    body = {"type": kind, "timestamp": at_us // 1_000_000, "data": dict(data)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def key_of(secret: bytes) -> bytes:
    """The key in a secret: one that begins with "whsec_" is base64 behind it, as the standard
    writes them; any other is taken as it is.

    Raises:
        ValueError: it is no base64.
    """
    if not secret.startswith(b"whsec_"):
        return secret
    return base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)


def signed_headers(ident: str, at_us: int, body: bytes, key: bytes | None) -> dict[str, str]:
    """The headers of the message `ident`: the same id means the same message, sent again.

    The signature is HMAC-SHA256 over "id.timestamp.body".
    """
    stamp = str(at_us // 1_000_000)
    headers = {
        "content-type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "user-agent": "fieldlink",
    }
    if key is not None:
        digest = hmac.new(key, f"{ident}.{stamp}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
    return headers
