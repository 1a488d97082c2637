"""What a device needs to speak to the kit, as one URI that fits a QR code.

    fieldlink-device:?v=1&host=192.0.2.7&port=8883&tls=PIN&name=soldier-1&password=SECRET

`tls` is absent for a connection without TLS, "ca" for a certificate that the system trusts, else
the server's key: SHA-256 of its SubjectPublicKeyInfo (RFC 7469), base64url without padding.
"""

import base64
import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import segno

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError, ConfigError

__all__ = ["Credentials", "qr_lines", "qr_png"]

_SCHEME = "fieldlink-device"
_MAX_CHARS = 600
_QUIET = 2  # white modules around the code; four are asked for, two are read
_BLACK_ON_WHITE, _RESET = "\x1b[38;5;16;48;5;231m", "\x1b[0m"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Where the broker is, how it is known (`tls`: None, "ca", or the pin), and the login."""

    host: str
    port: int
    tls: str | None
    name: str
    password: str

    @property
    def pin(self) -> bytes | None:
        """The pinned key's hash, if one is pinned."""
        return None if self.tls in (None, "ca") else base64.urlsafe_b64decode(f"{self.tls}=")

    @property
    def uri(self) -> str:
        """All of it as one text."""
        said = {"v": 1, "host": self.host, "port": self.port, "tls": self.tls}
        said |= {"name": self.name, "password": self.password}
        return f"{_SCHEME}:?{urlencode({k: v for k, v in said.items() if v is not None})}"

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """What `uri` said.

        Raises:
            ConfigError: it is no such URI.
        """
        head, _, query = text.strip().partition(":?")
        try:
            if head != _SCHEME or len(text) > _MAX_CHARS:
                raise ValueError("another scheme")
            told = {key: found[0] for key, found in parse_qs(query, strict_parsing=True).items()}
            if told.pop("v") != "1":
                raise ValueError("another version")
            port = int(told["port"])
            name = check_name("device", told["name"])
            made = cls(
                host=told["host"],
                port=port,
                tls=told.get("tls"),
                name=name,
                password=told["password"],
            )
            if not 0 < port < 65536 or (made.pin is not None and len(made.pin) != 32):
                raise ValueError("out of bounds")
        except (ValueError, KeyError, CodecError) as error:
            raise ConfigError(
                f"this is no {_SCHEME}: text; use what fieldlink edge device add printed"
            ) from error
        return made

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        said = {"name": self.name, "password": self.password, "host": self.host, "port": self.port}
        return {**said, "tls": self.tls, "uri": self.uri}


def pin_text(pin: bytes) -> str:
    """A key's hash as it stands in the URI."""
    return base64.urlsafe_b64encode(pin).decode().rstrip("=")


def qr_lines(text: str) -> list[str]:
    """A QR code of `text` for a terminal, two rows of it in a line.

    The colours are said outright: by the terminal's own it would be negative on a dark one.
    """
    rows = [
        list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=_QUIET)
    ]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    signs = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        drawn = "".join(signs[bool(a), bool(b)] for a, b in zip(upper, lower, strict=True))
        lines.append(f"{_BLACK_ON_WHITE}{drawn}{_RESET}")
    return lines


def qr_png(text: str) -> bytes:
    """A QR code of `text` as a PNG picture."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=8, border=4)
    return out.getvalue()
