"""Session cookies that need no memory at the centre: a name, an end and a keyed hash over both.

The hash also covers the account's stored password hash, so that a new password ends every
session, and the key is a file beside the authority's, so that a restart of the centre does not
log the duty wall out.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.systemd.durable import make_folder, write_durably

__all__ = ["COOKIE", "Sessions", "load_session_key"]

COOKIE = "__Host-fieldlink"
_KEY_BYTES = 32
_MAX_COOKIE_CHARS = 160


def load_session_key(folder: Path) -> bytes:
    """The key of all sessions, made on first run in `folder` (file 0600)."""
    path = folder / "session.key"
    if not path.exists():
        make_folder(folder)
        write_durably(path, secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


@dataclass(frozen=True)
class Sessions:
    """Makes and checks session cookies.

    `password_hash_of` gives the stored hash of an account, None if there is no such account.
    """

    key: bytes
    lifetime_s: float
    clock: Callable[[], int]
    password_hash_of: Callable[[str], str | None]

    def __post_init__(self) -> None:
        if len(self.key) < _KEY_BYTES:
            raise ValueError(f"a session key of {len(self.key)} bytes; delete the file")

    def issue(self, name: str) -> str:
        """A cookie for `name`, good for the lifetime."""
        ends_s = self.clock() // 1_000_000 + int(self.lifetime_s)
        return f"{name}.{ends_s}.{self._mac(name, ends_s)}"

    def holder(self, cookie: str) -> str | None:
        """The account that `cookie` was issued to; None when forged, over, or its password is
        another one by now.
        """
        parts = cookie.split(".")
        if len(cookie) > _MAX_COOKIE_CHARS or len(parts) != 3 or not parts[1].isascii():
            return None
        name, ends, mac = parts
        try:
            check_name("account", name)
        except CodecError:
            return None
        if not ends.isdigit() or int(ends) * 1_000_000 <= self.clock():
            return None
        expected = self._mac(name, int(ends))
        return name if hmac.compare_digest(mac.encode(), expected.encode()) else None

    def _mac(self, name: str, ends_s: int) -> str:
        stored = self.password_hash_of(name)
        # An account that is gone gets a hash nobody can know, in the same time.
        secret = stored if stored is not None else secrets.token_hex(_KEY_BYTES)
        text = f"{name}\n{ends_s}\n{secret}".encode()
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()
