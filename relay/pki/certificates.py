"""X.509 as Fieldlink uses it: one CA, the centre's certificate, and certificates of kits.

Everything is valid from 1970 on: a kit whose clock lost its battery lives in the past, and its
pictures are to arrive all the same. Only the end of a certificate's life says anything.
"""

import datetime
import ipaddress
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fieldlink.codecs.fault import CodecError
from fieldlink.systemd.mqtt import CENTRE_NAME

__all__ = [
    "DAY_US",
    "key_pem",
    "kit_urn",
    "make_ca",
    "make_centre",
    "make_crl",
    "make_key",
    "make_kit",
    "pem",
    "read_request",
    "time_at",
]

DAY_US = 86_400 * 1_000_000
CA_LIFE_US = 20 * 365 * DAY_US
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MAX_REQUEST_BYTES = 8192
_CURVES = (ec.SECP256R1, ec.SECP384R1)

Key = ec.EllipticCurvePrivateKey


def time_at(at_us: int) -> datetime.datetime:
    """`at_us` (UTC microseconds) as the whole second that certificates hold."""
    return _EPOCH + datetime.timedelta(seconds=at_us // 1_000_000)


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


def kit_urn(kit: str, serial: str) -> str:
    """The URI in a kit's certificate: a broker admits this certificate, not just this name."""
    return f"urn:fieldlink:kit:{kit}:{serial}"


def make_ca(key: Key, now_us: int) -> x509.Certificate:
    """A CA's certificate for `key`, for 20 years. Its name tells two centres' CAs apart."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(f"Fieldlink CA {identifier.digest[:4].hex()}")
    builder = _builder(name, name, key.public_key(), now_us + CA_LIFE_US)
    builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
    builder = builder.add_extension(_usage(ca=True), critical=True)
    builder = builder.add_extension(identifier, critical=False)
    return builder.sign(key, hashes.SHA256())


def make_centre(
    ca: x509.Certificate, ca_key: Key, key: Key, *, addresses: Iterable[str], end_us: int
) -> x509.Certificate:
    """The centre's certificate: TLS server and client, under its name and `addresses`."""
    names = x509.SubjectAlternativeName(_general_names(addresses))
    uses = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    builder = _builder(_name(CENTRE_NAME), ca.subject, key.public_key(), end_us)
    return _leaf(builder, ca, key.public_key(), uses, names).sign(ca_key, hashes.SHA256())


def make_kit(
    ca: x509.Certificate,
    ca_key: Key,
    public: ec.EllipticCurvePublicKey,
    *,
    kit: str,
    serial: str,
    end_us: int,
) -> x509.Certificate:
    """The certificate of `kit`: TLS client only, so that a kit cannot pose as the centre."""
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(kit_urn(kit, serial))])
    builder = _builder(_name(kit), ca.subject, public, end_us, int(serial, 16))
    uses = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    return _leaf(builder, ca, public, uses, names).sign(ca_key, hashes.SHA256())


def make_crl(
    ca: x509.Certificate, ca_key: Key, serials: Sequence[str], number: int, now_us: int
) -> bytes:
    """The list of revoked certificates as PEM.

    It never goes out of date: a broker that holds an old list is to go on refusing by it.
    """
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
    builder = builder.last_update(_EPOCH).next_update(ca.not_valid_after_utc)
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(authority, critical=False)
    for serial in sorted(set(serials)):
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
        builder = builder.add_revoked_certificate(entry.revocation_date(time_at(now_us)).build())
    return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def read_request(data: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a certificate request, whose sender has shown that it holds the key.

    Nothing else in it counts: name and uses are the CA's to say.

    Raises:
        CodecError: too long, no request, not signed by its own key, or another kind of key.
    """
    if len(data) > _MAX_REQUEST_BYTES:
        raise CodecError("size", f"a certificate request of {len(data)} bytes is too long")
    try:
        request = x509.load_pem_x509_csr(data)
        public, signed = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise CodecError("request", "this is not a PEM certificate request") from error
    if not signed:
        raise CodecError("request", "the certificate request is not signed by its own key")
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, _CURVES):
        raise CodecError("key", "the key must be ECDSA on P-256 or P-384")
    return public


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    end_us: int,
    serial: int | None = None,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(public).serial_number(serial or x509.random_serial_number())
    return builder.not_valid_before(_EPOCH).not_valid_after(time_at(end_us))


def _leaf(
    builder: x509.CertificateBuilder,
    ca: x509.Certificate,
    public: ec.EllipticCurvePublicKey,
    uses: Sequence[x509.ObjectIdentifier],
    names: x509.SubjectAlternativeName,
) -> x509.CertificateBuilder:
    issuer = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
    builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
    builder = builder.add_extension(_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    builder = builder.add_extension(names, critical=False)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    return builder.add_extension(identifier, critical=False).add_extension(authority, False)


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


def _general_names(addresses: Iterable[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for text in dict.fromkeys((CENTRE_NAME, "localhost", "127.0.0.1", "::1", *addresses)):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            names.append(x509.DNSName(text))
    return names
