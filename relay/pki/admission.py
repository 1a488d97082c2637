"""Admitting kits and putting them out: what `relay admit` and `relay revoke` do.

They write the catalogue only; the running relay sees the change and tells its broker.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import AccessError
from fieldlink.codecs.join import FINGERPRINT_BYTES, SECRET_BYTES, JoinCode
from fieldlink.systemd.mqtt import CENTRE_NAME

__all__ = [
    "CODE_LIFE_US",
    "Admissions",
    "KitRow",
    "Member",
    "admit",
    "members",
    "revoke",
    "secret_hash",
]

CODE_LIFE_US = 24 * 3600 * 1_000_000


class KitRow(Protocol):
    """What is read of a kit in the catalogue."""

    @property
    def kit(self) -> str: ...
    @property
    def joined_us(self) -> int | None: ...
    @property
    def revoked_us(self) -> int | None: ...
    @property
    def cert_serial(self) -> str | None: ...


class Admissions(Protocol):
    """The part of the catalogue that admission needs."""

    def kits(self) -> Sequence[KitRow]: ...
    def admit(self, kit: str, secret_hash: bytes, expires_us: int, now_us: int) -> None: ...
    def take_admission(self, secret_hash: bytes, now_us: int, cert_serial: str) -> str | None: ...
    def revoke(self, kit: str, now_us: int) -> None: ...


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A kit that has joined, and the serial number of the one certificate it may use."""

    kit: str
    serial: str


def members(catalogue: Admissions) -> list[Member]:
    """Who may use the broker now."""
    return [
        Member(row.kit, row.cert_serial)
        for row in catalogue.kits()
        if row.joined_us is not None and row.revoked_us is None and row.cert_serial is not None
    ]


def secret_hash(secret: bytes) -> bytes:
    """What the catalogue keeps of a secret: it is random, so that a plain hash protects it."""
    return hashlib.blake2b(secret, digest_size=32, person=b"fl-admission").digest()


def admit(
    catalogue: Admissions,
    kit: str,
    address: tuple[str, int],
    ca_fingerprint: bytes,
    now_us: int,
    life_us: int = CODE_LIFE_US,
) -> JoinCode:
    """Admit `kit`: a code that it may use once within `life_us`; an earlier code is void.

    `address` is the host and port of the centre's HTTPS as the kit reaches it.

    Raises:
        CodecError: the name cannot be a kit's, or the address has no sense.
        AccessError: the name is the centre's own.
    """
    if check_name("kit", kit) == CENTRE_NAME:
        raise AccessError(f"{CENTRE_NAME} is the centre's own name; name the kit otherwise")
    host, port = address
    secret = secrets.token_bytes(SECRET_BYTES)
    code = JoinCode(host, port, ca_fingerprint[:FINGERPRINT_BYTES], secret)
    catalogue.admit(kit, secret_hash(secret), now_us + life_us, now_us)
    return code


def revoke(catalogue: Admissions, kit: str, now_us: int) -> None:
    """Put `kit` out: its certificate and any open code are void.

    Raises:
        AccessError: it is not admitted.
    """
    catalogue.revoke(kit, now_us)
