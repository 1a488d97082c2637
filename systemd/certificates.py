"""X.509 as Fieldlink uses it: small authorities of its own, and what they sign.

Everything is valid from 1970 on: a kit whose clock lost its battery lives in the past, and what it
has is to arrive all the same. Only the end of a certificate's life says anything.
"""

import datetime
import ipaddress
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = [
    "CA_LIFE_US",
    "DAY_US",
    "EPOCH",
    "Key",
    "builder",
    "common_name",
    "general_names",
    "key_pem",
    "leaf",
    "make_ca",
    "make_key",
    "pem",
    "time_at",
]

DAY_US = 86_400 * 1_000_000
CA_LIFE_US = 20 * 365 * DAY_US
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

Key = ec.EllipticCurvePrivateKey


def time_at(at_us: int) -> datetime.datetime:
    """`at_us` (UTC microseconds) as the whole second that certificates hold."""
    return EPOCH + datetime.timedelta(seconds=at_us // 1_000_000)


def make_key() -> Key:
    """A new ECDSA P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    """`key` as PEM (PKCS #8, in clear: the file's mode protects it)."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def pem(certificate: x509.Certificate) -> bytes:
    """`certificate` as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def make_ca(key: Key, now_us: int, title: str) -> x509.Certificate:
    """A CA's certificate for `key`, for 20 years. Its name (`title` and a piece of the key's hash)
    tells two CAs apart.
    """
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = common_name(f"{title} {identifier.digest[:4].hex()}")
    made = builder(name, name, key.public_key(), now_us + CA_LIFE_US)
    made = made.add_extension(x509.BasicConstraints(True, 0), critical=True)
    made = made.add_extension(_usage(ca=True), critical=True)
    made = made.add_extension(identifier, critical=False)
    return made.sign(key, hashes.SHA256())


def common_name(common: str) -> x509.Name:
    """A name of nothing but a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    end_us: int,
    serial: int | None = None,
) -> x509.CertificateBuilder:
    """A certificate's beginning: whose, by whom, until when (UTC microseconds)."""
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    made = made.public_key(public).serial_number(serial or x509.random_serial_number())
    return made.not_valid_before(EPOCH).not_valid_after(time_at(end_us))


def leaf(
    begun: x509.CertificateBuilder,
    ca: x509.Certificate,
    public: ec.EllipticCurvePublicKey,
    uses: Sequence[x509.ObjectIdentifier],
    names: x509.SubjectAlternativeName,
) -> x509.CertificateBuilder:
    """What a certificate under `ca` says beside that: its `uses`, and the `names` it is for."""
    issuer = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
    begun = begun.add_extension(x509.BasicConstraints(False, None), critical=True)
    begun = begun.add_extension(_usage(ca=False), critical=True)
    begun = begun.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    begun = begun.add_extension(names, critical=False)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    return begun.add_extension(identifier, critical=False).add_extension(authority, False)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Host names and IP addresses, each once."""
    found: list[x509.GeneralName] = []
    for text in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            found.append(x509.DNSName(text))
    return found
