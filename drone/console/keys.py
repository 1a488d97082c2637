"""Keys of signed links: made, told apart, put away. The file is the router's (`read_key`)."""

import hashlib
import secrets
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.durable import give_to_folders_owner, sync_folder, write_durably

__all__ = ["NO_KEY", "fingerprint", "forget_key", "new_passphrase", "others_can_read", "write_key"]

NO_KEY = "there is no key; make one with fieldlink drone sign new 没有密钥，请先新建"
# No letters and digits that are mistaken for each other; 5 bits each.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _LENGTH = 6, 5


def new_passphrase() -> str:
    """150 random bits as a person types them: Mission Planner and MAVProxy take passphrases."""
    groups = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(_GROUPS)]
    return "-".join(groups)


def fingerprint(key: bytes) -> str:
    """What two people compare to know that they have the same key; the key cannot be had of it."""
    return hashlib.sha256(b"fieldlink signing key" + key).hexdigest()[:12]


def write_key(path: Path, text: str, *, replace: bool = False) -> None:
    """Put a passphrase or 64 hexadecimal digits at `path`, for the owner of its folder alone.

    Raises:
        ConfigError: there is one already, or it cannot be written.
    """
    if path.exists() and not replace:
        raise ConfigError(
            f"{path} holds a key already; see fieldlink drone sign show, or --force 已有密钥"
        )
    try:
        write_durably(path, f"{text}\n".encode(), mode=0o600)
        give_to_folders_owner(path)  # the agent is another user, and has to read it
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def forget_key(path: Path) -> None:
    """Remove the key.

    Raises:
        ConfigError: there is none, or it cannot be removed.
    """
    try:
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        raise ConfigError(f"{path}: {NO_KEY}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be removed: {error.strerror or error}") from error


def others_can_read(path: Path) -> bool:
    """Whether anybody but the owner may read it."""
    return bool(path.stat().st_mode & 0o077)
