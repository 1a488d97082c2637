"""X.509 as Fieldlink uses it: one CA, the centre's certificate, and certificates of kits.

Everything is valid from 1970 on: a kit whose clock lost its battery lives in the past, and its
pictures are to arrive all the same. Only the end of a certificate's life says anything.
"""

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from fieldlink.codecs.fault import CodecError
from fieldlink.systemd import certificates as base
from fieldlink.systemd.certificates import DAY_US, EPOCH, Key, key_pem, make_key, pem, time_at
from fieldlink.systemd.mqtt import CENTRE_NAME

__all__ = [
    "DAY_US",
    "Key",
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

_MAX_REQUEST_BYTES = 8192
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_NAMES = (CENTRE_NAME, "localhost", "127.0.0.1", "::1")


def kit_urn(kit: str, serial: str) -> str:
    """The URI in a kit's certificate: a broker admits this certificate, not just this name."""
    return f"urn:fieldlink:kit:{kit}:{serial}"


def make_ca(key: Key, now_us: int) -> x509.Certificate:
    """A CA's certificate for `key`, for 20 years. Its name tells two centres' CAs apart."""
    return base.make_ca(key, now_us, "Fieldlink CA")


def make_centre(
    ca: x509.Certificate, ca_key: Key, key: Key, *, addresses: Iterable[str], end_us: int
) -> x509.Certificate:
    """The centre's certificate: TLS server and client, under its name and `addresses`."""
    names = x509.SubjectAlternativeName(base.general_names((*_NAMES, *addresses)))
    uses = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    builder = base.builder(base.common_name(CENTRE_NAME), ca.subject, key.public_key(), end_us)
    return base.leaf(builder, ca, key.public_key(), uses, names).sign(ca_key, hashes.SHA256())


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
    builder = base.builder(base.common_name(kit), ca.subject, public, end_us, int(serial, 16))
    uses = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    return base.leaf(builder, ca, public, uses, names).sign(ca_key, hashes.SHA256())


def make_crl(
    ca: x509.Certificate, ca_key: Key, serials: Sequence[str], number: int, now_us: int
) -> bytes:
    """The list of revoked certificates as PEM.

    It never goes out of date: a broker that holds an old list is to go on refusing by it.
    """
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
    builder = builder.last_update(EPOCH).next_update(ca.not_valid_after_utc)
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
