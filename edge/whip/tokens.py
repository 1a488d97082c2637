"""Who may publish as which device: <state_dir>/whip/tokens.json.

A token is shown once, when it is made; what stays is its hash. The file is 0600, replaced as a
whole, and read again when somebody else has changed it.
"""

import contextlib
import hmac
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError, ConfigError
from fieldlink.codecs.settings import Settings
from fieldlink.edge.whip.hub import token_hash
from fieldlink.systemd.durable import write_durably
from fieldlink.systemd.shared_file import Seen, locked, seen

__all__ = ["MAX_TOKENS", "Token", "Tokens"]

MAX_TOKENS = 200
_MAX_FILE_BYTES = 200_000
_NOBODY = "0" * 64


class Token(Settings):
    """What is kept of a token."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    added_us: int = Field(ge=0)


class _File(Settings):
    model_config = ConfigDict(extra="ignore", frozen=True)
    version: int = Field(ge=1, le=1)
    tokens: tuple[Token, ...] = Field(max_length=MAX_TOKENS)


class Tokens:
    """The tokens in `folder`. Used by one thread, and by several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "tokens.json"
        self._seen: Seen = None
        self._tokens: dict[str, Token] = {}

    def refresh(self) -> None:
        """Read the file again if somebody else has changed it.

        Raises:
            ConfigError: it is damaged, or may not be read.
        """
        now = seen(self.path)
        if now != self._seen:
            self._tokens = self._read()
            self._seen = now

    def admits(self, name: str, hashed: str) -> bool:
        """Whether `hashed` is the hash of the token of `name`; as long for any wrong one."""
        known = self._tokens.get(name)
        return hmac.compare_digest(known.sha256 if known else _NOBODY, hashed)

    def list(self) -> tuple[Token, ...]:
        """All of them, by name.

        Raises:
            ConfigError: the file is damaged.
        """
        self.refresh()
        return tuple(sorted(self._tokens.values(), key=lambda one: one.name))

    def add(self, name: str) -> str:
        """A new token for `name`; the one before it is good no more.

        Raises:
            ConfigError: no device can be called so, or there are too many.
            OSError: the disk is full, read-only or broken.
        """
        try:
            check_name("device", name)
        except CodecError as error:
            raise ConfigError(error.detail) from error
        token = secrets.token_urlsafe(32)
        made = Token(name=name, sha256=token_hash(token), added_us=time.time_ns() // 1000)
        with self._editing() as tokens:
            if name not in tokens and len(tokens) >= MAX_TOKENS:
                raise ConfigError(f"there are {MAX_TOKENS} tokens; remove one first 令牌过多")
            tokens[name] = made
        return token

    def remove(self, name: str) -> None:
        """Let `name` publish no more.

        Raises:
            ConfigError: it has no token.
            OSError: the disk is full, read-only or broken.
        """
        with self._editing() as tokens:
            if tokens.pop(name, None) is None:
                raise ConfigError(
                    f"{name[:40]!r} has no token; see fieldlink edge whip list 没有该令牌"
                )

    @contextlib.contextmanager
    def _editing(self) -> Iterator[dict[str, Token]]:
        """The tokens to change; written when the block ends well. One process at a time."""
        with locked(self.folder):
            tokens = self._read()
            yield tokens
            made = _File(version=1, tokens=tuple(sorted(tokens.values(), key=lambda t: t.name)))
            write_durably(self.path, made.model_dump_json(indent=1).encode() + b"\n")
            self._tokens, self._seen = tokens, seen(self.path)

    def _read(self) -> dict[str, Token]:
        try:
            with self.path.open("rb") as file:
                found = _File.model_validate_json(file.read(_MAX_FILE_BYTES))
            for one in found.tokens:
                check_name("device", one.name)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(
                f"{self.path}: {error.strerror}; run as the kit's own user or as root"
            ) from error
        except (ValidationError, CodecError) as error:
            raise ConfigError(
                f"{self.path}: damaged; remove it and give every publisher a new token"
            ) from error
        return {one.name: one for one in found.tokens}
