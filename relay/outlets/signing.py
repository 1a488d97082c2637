"""Messages to webhooks, signed as Standard Webhooks 1.0.0 has it (standardwebhooks.com). Pure."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["message", "signed_headers"]


def message(kind: str, at_us: int, data: Mapping[str, Any]) -> bytes:
    """The body: {"type", "timestamp", "data"}."""
    body = {"type": kind, "timestamp": at_us // 1_000_000, "data": dict(data)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def signed_headers(ident: str, at_us: int, body: bytes, secret: bytes | None) -> dict[str, str]:
    """The headers of the message `ident`: the same id means the same message, sent again.

    The signature is HMAC-SHA256 over "id.timestamp.body". A secret that begins with "whsec_" is
    base64 behind it, as the standard writes them; any other is taken as it is.
    """
    stamp = str(at_us // 1_000_000)
    headers = {
        "content-type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "user-agent": "fieldlink",
    }
    if secret is not None:
        key = secret
        if secret.startswith(b"whsec_"):
            key = base64.b64decode(secret.removeprefix(b"whsec_"))
        digest = hmac.new(key, f"{ident}.{stamp}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
    return headers
