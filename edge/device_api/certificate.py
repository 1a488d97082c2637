"""The kit's certificate for the devices around it, under a small CA that the kit makes itself.

In <state_dir>/device-api, 0600 each: ca.key and ca.crt (20 years; one that ends too soon, as made
by a clock that had lost the time, is made anew under its key and name), server.key (for ever:
devices may have pinned it) and server.crt, made anew at each start for the addresses of the time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd import certificates as base
from fieldlink.systemd.durable import make_folder, write_durably
from fieldlink.systemd.tls import key_pin

__all__ = ["SERVER_NAME", "DeviceCa"]

SERVER_NAME = "fieldlink-kit"
_LIFE_US = 825 * base.DAY_US
_EARLIEST_US = 1_767_225_600_000_000  # 2026-01-01: a clock that says less has lost the time


@dataclass(frozen=True)
class DeviceCa:
    """The files, and the pin (SHA-256 of the public key) by which a device knows the kit."""

    ca: Path
    certificate: Path
    key: Path
    pin: bytes

    @classmethod
    def open(cls, folder: Path, *, now_us: int, addresses: Iterable[str] = ()) -> "DeviceCa":
        """The CA in `folder`, made on first use, and a certificate for `addresses`.

        Raises:
            ConfigError: a file is damaged.
            OSError: one cannot be written.
        """
        make_folder(folder)
        ca_key, server_key = _key(folder / "ca.key"), _key(folder / "server.key")
        lost = now_us < _EARLIEST_US
        now_us = max(now_us, _EARLIEST_US)
        ca = _ca(folder / "ca.crt", ca_key, now_us)
        # Who knows how late it is: it has to hold when the clock is right again.
        end_us = now_us + (base.CA_LIFE_US if lost else _LIFE_US)
        names = base.general_names((SERVER_NAME, "localhost", "127.0.0.1", "::1", *addresses))
        made = base.builder(
            base.common_name(SERVER_NAME), ca.subject, server_key.public_key(), end_us
        )
        uses = (ExtendedKeyUsageOID.SERVER_AUTH,)
        alternative = x509.SubjectAlternativeName(names)
        made = base.leaf(made, ca, server_key.public_key(), uses, alternative)
        certificate = made.sign(ca_key, hashes.SHA256())
        path = folder / "server.crt"
        write_durably(path, base.pem(certificate) + base.pem(ca))
        pin = key_pin(certificate.public_bytes(Encoding.DER))
        return cls(folder / "ca.crt", path, folder / "server.key", pin)


def _key(path: Path) -> base.Key:
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        found = base.make_key()
        write_durably(path, base.key_pem(found))
    except ValueError as error:
        raise ConfigError(_damaged(path)) from error
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise ConfigError(_damaged(path))
    return found


def _ca(path: Path, key: base.Key, now_us: int) -> x509.Certificate:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        lasts = found.not_valid_after_utc >= base.time_at(now_us + _LIFE_US)
        if lasts and found.public_key() == key.public_key():
            return found
    except FileNotFoundError:
        pass
    except ValueError as error:
        raise ConfigError(_damaged(path)) from error
    made = base.make_ca(key, now_us, "Fieldlink devices")
    write_durably(path, base.pem(made))
    return made


def _damaged(path: Path) -> str:
    return (
        f"{path}: damaged; remove *.key and *.crt in {path.parent}, restart the agent, and give "
        "every device its code again"
    )
