"""The centre's certificate authority on disk: made on first run, and read ever after.

In its folder (0700): ca.key ca.crt centre.key centre.crt crl.pem, each 0600 and durable. Losing
ca.key means that every kit has to join again; back the folder up.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import AccessError, ConfigError
from fieldlink.relay.pki import certificates as x
from fieldlink.systemd.durable import make_folder, write_durably
from fieldlink.systemd.mqtt import CENTRE_NAME, TlsFiles

__all__ = ["CENTRE_LIFE_US", "KIT_LIFE_US", "Authority", "new_serial"]

KIT_LIFE_US = 825 * x.DAY_US
CENTRE_LIFE_US = 825 * x.DAY_US
_RENEW_US = 30 * x.DAY_US


def new_serial() -> str:
    """A random serial number for a certificate, 32 hexadecimal digits."""
    # The top bit is clear and the next is set: positive in ASN.1 and of one length.
    return f"{secrets.randbits(126) | 1 << 126:032x}"


class Authority:
    """Signs for kits and the centre; open one with `open`. Any thread may use it."""

    def __init__(self, folder: Path, ca: x509.Certificate, key: x.Key, kit_life_us: int) -> None:
        self._folder = folder
        self._ca = ca
        self._key = key
        self._kit_life_us = kit_life_us

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        now_us: int,
        addresses: Sequence[str] = (),
        kit_life_us: int = KIT_LIFE_US,
    ) -> "Authority":
        """The authority in `folder`, made if there is none yet.

        The centre's certificate is made anew when it ends within 30 days or lacks one of
        `addresses` (IP addresses and host names under which browsers reach the centre).

        Raises:
            ConfigError: a file is damaged or readable by others, or the CA's key is gone.
        """
        make_folder(folder)
        key = _read_key(folder / "ca.key")
        if key is None:
            if (folder / "ca.crt").exists():
                raise ConfigError(
                    f"{folder / 'ca.key'}: missing; restore it from a backup, or remove the "
                    "folder and let every kit join again"
                )
            key = x.make_key()
            write_durably(folder / "ca.key", x.key_pem(key))
        ca = _read_certificate(folder / "ca.crt")
        if ca is None:
            ca = x.make_ca(key, now_us)
            write_durably(folder / "ca.crt", x.pem(ca))
        if ca.public_key() != key.public_key():
            raise ConfigError(f"{folder}: ca.crt is not of ca.key; restore both from one backup")
        self = cls(folder, ca, key, kit_life_us)
        self._keep_centre(addresses, now_us)
        if not self.crl.exists():
            self.write_crl((), now_us)
        return self

    @property
    def ca_pem(self) -> bytes:
        """The CA's certificate."""
        return x.pem(self._ca)

    @property
    def ca_fingerprint(self) -> bytes:
        """SHA-256 of the CA's certificate (DER), 32 bytes."""
        return self._ca.fingerprint(hashes.SHA256())

    @property
    def tls(self) -> TlsFiles:
        """The centre's own files, as server and as client; `certificate` carries the chain."""
        folder = self._folder
        return TlsFiles(folder / "ca.crt", folder / "centre.crt", folder / "centre.key")

    @property
    def crl(self) -> Path:
        """The list of revoked certificates (PEM), for brokers that read one."""
        return self._folder / "crl.pem"

    def sign_kit(
        self, public: ec.EllipticCurvePublicKey, kit: str, serial: str, now_us: int
    ) -> bytes:
        """A certificate (PEM) for the key `public` of `kit`, under a `new_serial`.

        Raises:
            CodecError: that cannot be a kit's name.
            AccessError: that name is the centre's.
        """
        if check_name("kit", kit) == CENTRE_NAME:
            raise AccessError(f"{CENTRE_NAME} is the centre's own name; name the kit otherwise")
        end_us = now_us + self._kit_life_us
        made = x.make_kit(self._ca, self._key, public, kit=kit, serial=serial, end_us=end_us)
        return x.pem(made)

    def write_crl(self, serials: Sequence[str], now_us: int) -> None:
        """Replace the list of revoked certificates by `serials`; nothing is written if it holds
        them already.

        Raises:
            OSError: it cannot be written.
        """
        held = self._revoked()
        if held != {int(serial, 16) for serial in serials}:
            # Microseconds grow from list to list, as a CRL's number has to.
            data = x.make_crl(self._ca, self._key, serials, now_us, now_us)
            write_durably(self.crl, data)

    def _revoked(self) -> set[int] | None:
        try:
            listed = x509.load_pem_x509_crl(self.crl.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not listed.is_signature_valid(self._key.public_key()):
            return None
        return {entry.serial_number for entry in listed}

    def _keep_centre(self, addresses: Sequence[str], now_us: int) -> None:
        tls = self.tls
        key = _read_key(tls.key)
        held = _read_certificate(tls.certificate)
        if key is not None and held is not None and self._serves(held, key, addresses, now_us):
            return
        # Key before certificate: after a power cut between them the pair is made again.
        if not addresses and held is not None:
            addresses = sorted(_names(held))  # a command beside the relay does not know them
        key = x.make_key()
        end_us = now_us + CENTRE_LIFE_US
        made = x.make_centre(self._ca, self._key, key, addresses=addresses, end_us=end_us)
        write_durably(tls.key, x.key_pem(key))
        write_durably(tls.certificate, x.pem(made) + self.ca_pem)

    def _serves(
        self, held: x509.Certificate, key: x.Key, addresses: Sequence[str], now_us: int
    ) -> bool:
        return (
            held.public_key() == key.public_key()
            and held.issuer == self._ca.subject
            and held.not_valid_after_utc > x.time_at(now_us + _RENEW_US)
            and _names(held).issuperset(addresses)
        )


def _names(held: x509.Certificate) -> set[str]:
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def _read_key(path: Path) -> x.Key | None:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if mode & 0o077:
        raise ConfigError(f"{path}: others can read this key; run chmod 600 on it, or replace it")
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: damaged; restore it from a backup") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path}: not an ECDSA key; restore it from a backup")
    return key


def _read_certificate(path: Path) -> x509.Certificate | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return x509.load_pem_x509_certificate(data)
    except ValueError as error:
        raise ConfigError(f"{path}: damaged; restore it from a backup") from error
