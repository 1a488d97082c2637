"""Passwords and tokens: how they are made, hashed and compared."""

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["check_password", "hash_password", "hash_token", "new_password", "new_token"]

MIN_PASSWORD_CHARS = 10
MAX_PASSWORD_CHARS = 128
_TOKEN_PREFIX = "flt_"  # noqa: S105  # says what it is where it leaks, as secret scanners expect
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: it is read aloud and typed

_HASHER = PasswordHasher()  # argon2id, RFC 9106's second recommended option
# Compared when there is no such account, so that the answer takes as long.
_NOBODY = _HASHER.hash(secrets.token_hex(16))


def new_password() -> str:
    """A random password of 80 bits, in groups that can be read aloud."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def hash_password(password: str) -> str:
    """`password` as it is stored: argon2id with its own salt. Takes tens of milliseconds."""
    return _HASHER.hash(password)


def check_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one behind `stored`; as slow when `stored` is None."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A random bearer token of 256 bits."""
    return _TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """`token` as it is stored. It is random, so a plain SHA-256 keeps it."""
    return hashlib.sha256(token.encode()).digest()
