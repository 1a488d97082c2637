"""Credentials that end by themselves, and passes for HTTP. Nothing is kept of them but one key.

The secret of a key id and the seals of tokens are made from the store's own key (32 random bytes,
0600), so that an upload goes on when the agent was killed in the middle of it.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.originals.faults import RefusalError
from fieldlink.systemd.durable import make_folder, write_durably

__all__ = ["LIFETIME_S", "PASS_LIFETIME_S", "Issuer", "Lease"]

LIFETIME_S = 3_600
PASS_LIFETIME_S = 30 * 86_400
_KEY_BYTES = 32
_TOKEN = re.compile(r"(?P<owner>[A-Za-z0-9]{4,32})\.(?P<end>[0-9]{1,12})\.(?P<seal>[0-9a-f]{64})")
_PASS = re.compile(r"(?P<name>[a-z0-9_-]{1,32})\.(?P<end>[0-9]{1,12})\.(?P<seal>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Lease:
    """What an owner may speak to the store with, until `expires_us` (the kit's UTC)."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires_us: int


class Issuer:
    """Gives credentials and tells whose they are."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def load(cls, folder: Path) -> "Issuer":
        """With the key in `folder`, made if there is none.

        Raises:
            OSError: it cannot be read or made.
            ConfigError: it is none.
        """
        path = folder / "store.key"
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            make_folder(folder)
            key = secrets.token_bytes(_KEY_BYTES)
            write_durably(path, key)
        if len(key) != _KEY_BYTES:
            raise ConfigError(f"{path}: this is no key; remove it, and uploads begin anew")
        return cls(key)

    def issue(self, owner: str, now_us: int) -> Lease:
        """Credentials of `owner` for an hour."""
        key_id = "FL" + base64.b32encode(secrets.token_bytes(10)).decode()
        end_s = now_us // 1_000_000 + LIFETIME_S
        token = f"{owner}.{end_s}.{self._seal('token', key_id, owner, str(end_s))}"
        return Lease(key_id, self._secret(key_id), token, end_s * 1_000_000)

    def check(self, key_id: str, token: str, now_us: int) -> tuple[str, str]:
        """Owner and secret of a key id, by the token that came with it.

        Raises:
            RefusalError: they do not belong together, or have ended.
        """
        found = _TOKEN.fullmatch(token)
        seal = self._seal("token", key_id, found["owner"], found["end"]) if found else ""
        if found is None or not hmac.compare_digest(seal, found["seal"]):
            raise RefusalError(403, "InvalidToken", "no such credentials; ask storage_config_get")
        if now_us >= int(found["end"]) * 1_000_000:
            raise RefusalError(400, "ExpiredToken", "the credentials have ended; ask for new ones")
        return found["owner"], self._secret(key_id)

    def grant(self, name: str, bound: str, now_us: int) -> str:
        """A pass for the device `name`, good for a month while `bound` (its password's hash) is
        what it is."""
        end = str(now_us // 1_000_000 + PASS_LIFETIME_S)
        return f"{name}.{end}.{self._seal('pass', name, end, bound)}"

    def whose(self, shown: str, bound_of: Callable[[str], str | None], now_us: int) -> str | None:
        """The device whose pass was shown; None: nobody's, or it has ended."""
        found = _PASS.fullmatch(shown)
        bound = bound_of(found["name"]) if found else None
        if found is None or bound is None or now_us >= int(found["end"]) * 1_000_000:
            return None
        seal = self._seal("pass", found["name"], found["end"], bound)
        return found["name"] if hmac.compare_digest(seal, found["seal"]) else None

    def _secret(self, key_id: str) -> str:
        made = hmac.digest(self._key, f"secret\n{key_id}".encode(), "sha256")
        return base64.urlsafe_b64encode(made)[:40].decode()

    def _seal(self, *parts: str) -> str:
        return hmac.new(self._key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()
