"""Bringing a kit to its centre: a join code becomes a key, a certificate and an address.

The secret in the code goes out only over a connection verified by the CA that the code names.
First the CA's certificate is fetched from whoever answers and compared with the code; then
everything else goes over a second connection that trusts this CA alone. The kit's key is made
here and never leaves.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import AccessError, CodecError, ConfigError, LinkError
from fieldlink.codecs.join import FINGERPRINT_BYTES, JoinCode, decode_join_code
from fieldlink.edge.identity import Identity, save_identity
from fieldlink.systemd.mqtt import CENTRE_NAME

__all__ = ["join"]

_MAX_ANSWER_BYTES = 64 * 1024
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_INVALID = (
    "the centre does not accept this code: it was used, has expired or was revoked; ask for a new "
    "one (fieldlink relay admit KIT)"
)


@dataclass(frozen=True)
class _Answer:
    """What the centre gives."""

    kit: str
    certificate: x509.Certificate
    broker_host: str
    broker_port: int


def join(code: str, state_dir: Path, *, force: bool = False, timeout_s: float = 15.0) -> Identity:
    """Join the centre named by `code`; the identity is then durable in `state_dir`/identity.

    Raises:
        ConfigError: the code is mistyped, `state_dir` cannot be written, or this kit has an
            identity and `force` is not given; the code is still good unless the message says so.
        AccessError: whoever answers is not the code's centre, or the centre refuses the code.
        LinkError: the centre cannot be reached; the code is still good.
    """
    try:
        wanted = decode_join_code(code)
    except CodecError as error:
        raise ConfigError(error.detail) from error
    folder = state_dir / "identity"
    if not force:
        _refuse_second(folder)
    _require_writable(state_dir)  # a code works once: not to be spent on a kit that cannot keep it
    ca = _fetch_ca(wanted, timeout_s)
    key = ec.generate_private_key(ec.SECP256R1())
    answer = _enrol(wanted, ca, key, timeout_s)
    _check_certificate(answer, ca, key)
    identity = Identity(
        kit=answer.kit,
        broker_host=answer.broker_host or wanted.host,
        broker_port=answer.broker_port,
        centre_url=f"https://{_bracketed(wanted.host)}:{wanted.port}",
        centre=CENTRE_NAME,
        folder=folder,
    )
    try:
        _keep(identity, key, answer.certificate, ca)
    except OSError as error:
        raise ConfigError(
            f"{folder}: {error.strerror}; the code is spent: free or mend the disk and ask for a "
            "new one"
        ) from error
    return identity


def _keep(
    identity: Identity,
    key: ec.EllipticCurvePrivateKey,
    certificate: x509.Certificate,
    ca: x509.Certificate,
) -> None:
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    save_identity(
        identity,
        key=key.private_bytes(pem, form, serialization.NoEncryption()),
        certificate=certificate.public_bytes(pem),
        ca=ca.public_bytes(pem),
    )


def _require_writable(state_dir: Path) -> None:
    there = state_dir
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"{state_dir}: {there} cannot be written; run as root or as the kit's own user, or set "
            "another state_dir"
        )
    if os.statvfs(there).f_bavail == 0:
        raise ConfigError(f"{state_dir}: the disk is full; make room, then use the code again")


def _refuse_second(folder: Path) -> None:
    try:
        held = Identity.load(folder)
    except ConfigError:
        return  # none, or a damaged one: joining is the remedy
    raise ConfigError(
        f"this box is already the kit {held.kit} of {held.centre_url}; to replace that identity "
        "use --force"
    )


def _fetch_ca(code: JoinCode, timeout_s: float) -> x509.Certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing secret goes out, and the answer is checked
    status, body = _ask(code, context, "GET", "/api/ca", None, timeout_s)
    try:
        if status != 200:
            raise ValueError
        ca = x509.load_pem_x509_certificate(body)
    except ValueError as error:
        raise LinkError(
            f"{_where(code)} is no Fieldlink centre: it has no certificate authority to show; "
            "check the address at the centre"
        ) from error
    digest = hashlib.sha256(ca.public_bytes(serialization.Encoding.DER)).digest()
    if not hmac.compare_digest(digest[:FINGERPRINT_BYTES], code.fingerprint):
        raise AccessError(
            f"{_where(code)} is not the centre that made this code: its CA is another one; do not "
            "go on, and ask the centre"
        )
    return ca


def _enrol(
    code: JoinCode, ca: x509.Certificate, key: ec.EllipticCurvePrivateKey, timeout_s: float
) -> _Answer:
    # Only the one certificate that was compared is trusted, not what else came with it.
    trusted = ca.public_bytes(serialization.Encoding.PEM).decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=trusted)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fieldlink-kit")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    csr = request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = base64.urlsafe_b64encode(code.secret).rstrip(b"=").decode()
    body = json.dumps({"secret": secret, "csr": csr.decode()}).encode()
    status, answer = _ask(code, context, "POST", "/api/join", body, timeout_s)
    if status == 403:
        raise AccessError(_INVALID)
    if status == 429:
        raise LinkError("too many attempts from this address; wait a minute and try again")
    if status != 200:
        raise LinkError(f"{_where(code)} answered with HTTP status {status}; look at its log")
    return _read_answer(answer)


def _read_answer(body: bytes) -> _Answer:
    try:
        fields: dict[str, Any] = json.loads(body)
        port, host = fields["broker_port"], fields["broker_host"]
        if not isinstance(port, int) or not 0 < port < 65536 or not isinstance(host, str):
            raise ValueError("not an address")
        certificate = x509.load_pem_x509_certificate(fields["certificate"].encode())
        return _Answer(check_name("kit", fields["kit"]), certificate, host, port)
    except (ValueError, KeyError, TypeError, AttributeError, CodecError) as error:
        raise LinkError(
            "the centre's answer makes no sense; update Fieldlink on both sides and ask for a new "
            "code"
        ) from error


def _check_certificate(
    answer: _Answer, ca: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    held = answer.certificate
    names = [item.value for item in held.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        held.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise AccessError("the certificate is not of the centre's CA; ask the centre") from error
    if names != [answer.kit] or held.public_key() != key.public_key():
        raise AccessError("the certificate is not for this kit; ask the centre for a new code")


def _ask(
    code: JoinCode,
    context: ssl.SSLContext,
    method: str,
    path: str,
    body: bytes | None,
    timeout_s: float,
) -> tuple[int, bytes]:
    """One request over a connection of its own: status and body, no redirects."""
    connection = http.client.HTTPConnection(_bracketed(code.host), code.port, timeout=timeout_s)
    try:
        plain = socket.create_connection((code.host, code.port), timeout_s)
        # The peer is known by the CA and this name, whatever address it has.
        connection.sock = context.wrap_socket(plain, server_hostname=CENTRE_NAME)
        headers = {"Content-Type": "application/json", "Connection": "close"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_MAX_ANSWER_BYTES)
    except ssl.SSLCertVerificationError as error:
        raise _unverified(code, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise LinkError(
            f"{_where(code)} cannot be reached ({_plain(error)}); check this kit's network, and "
            "that the relay runs there"
        ) from error
    finally:
        connection.close()


def _unverified(code: JoinCode, error: ssl.SSLCertVerificationError) -> AccessError:
    if error.verify_code == _EXPIRED:
        today = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return AccessError(
            f"the centre's certificate has expired by this kit's clock ({today}); set the clock "
            "if it is wrong, else restart the relay, which renews it"
        )
    return AccessError(
        f"{_where(code)} shows the right CA but not a certificate of it: somebody may be in "
        f"between; do not go on, and ask the centre ({error.verify_message})"
    )


def _plain(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS" if error.reason == "WRONG_VERSION_NUMBER" else "TLS failed"
    text = error.strerror if isinstance(error, OSError) else None
    return (text or type(error).__name__).lower()


def _where(code: JoinCode) -> str:
    return f"{_bracketed(code.host)}:{code.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
