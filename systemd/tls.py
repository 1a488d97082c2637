"""Who is at the other end: TLS with a certificate on both sides, under the centre's own CA; or,
between a kit and what is around it, with the server's alone.
"""

import hashlib
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "CENTRE_NAME",
    "TlsFiles",
    "TlsPeer",
    "client_context",
    "key_pin",
    "peer_context",
    "plain_reason",
]

CENTRE_NAME = "fieldlink-centre"


@dataclass(frozen=True)
class TlsFiles:
    """PEM files of one end: the CA that it trusts, its own certificate and key.

    The peer must present a certificate of that CA for `server_name`, under whatever address it
    was reached: a kit's certificate cannot pass for the centre's.
    """

    ca: Path
    certificate: Path
    key: Path
    server_name: str = CENTRE_NAME


@dataclass(frozen=True)
class TlsPeer:
    """A server that asks for no certificate, and how it is known.

    By `pin` (`key_pin` of its key) it is that server whatever its certificate says; else by a
    certificate of `ca` (None: those the system trusts) for `server_name` (None: for its address).
    """

    ca: Path | None = None
    server_name: str | None = None
    pin: bytes | None = None


class _NamedPeer(ssl.SSLContext):
    """A client's context that checks the peer's certificate against one fixed name."""

    peer_name: str | None
    wrapped: list[ssl.SSLSocket]

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        if self.peer_name is not None:
            kwargs["server_hostname"] = self.peer_name
        made = super().wrap_socket(sock, *args, **kwargs)
        self.wrapped.append(made)  # paho leaves it open when the handshake fails
        return made


def client_context(tls: TlsFiles, wrapped: list[ssl.SSLSocket] | None = None) -> ssl.SSLContext:
    """A TLS context that presents `tls.certificate` and trusts only `tls.ca`; sockets that it
    makes go into `wrapped`.

    Raises:
        OSError: a file is missing or is no PEM (ssl.SSLError is an OSError).
    """
    context = _NamedPeer(ssl.PROTOCOL_TLS_CLIENT)
    context.peer_name = tls.server_name
    context.wrapped = [] if wrapped is None else wrapped
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(tls.ca)
    context.load_cert_chain(tls.certificate, tls.key)
    return context


class _PinnedSocket(ssl.SSLSocket):
    """A connection to the server that holds one key."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        shown = self.getpeercert(binary_form=True)
        if shown is None or key_pin(shown) != getattr(self.context, "pin", None):
            raise ssl.SSLCertVerificationError("the server's key is another than was pinned")


class _PinnedPeer(_NamedPeer):
    """A client's context that knows the peer by its key alone."""

    pin: bytes
    sslsocket_class = _PinnedSocket


def key_pin(certificate: bytes) -> bytes:
    """SHA-256 of the public key (SubjectPublicKeyInfo, RFC 7469) in `certificate`, DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_der_x509_certificate(certificate).public_key()
    shown = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(shown).digest()


def peer_context(peer: TlsPeer, wrapped: list[ssl.SSLSocket] | None = None) -> ssl.SSLContext:
    """A TLS context that presents nothing and trusts only `peer`; its sockets go into `wrapped`.

    Raises:
        OSError: the CA's file is missing or is no PEM.
    """
    context = (_NamedPeer if peer.pin is None else _PinnedPeer)(ssl.PROTOCOL_TLS_CLIENT)
    context.peer_name = peer.server_name
    context.wrapped = [] if wrapped is None else wrapped
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if isinstance(context, _PinnedPeer) and peer.pin is not None:
        context.pin = peer.pin
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # known by its key, which the socket checks
    elif peer.ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(peer.ca)
    return context


def plain_reason(error: OSError, whose: str = "the centre's") -> str:
    """What is wrong, in plain words; `whose` certificate was expected."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = getattr(error, "verify_message", None) or error
        return f"its certificate is not {whose} ({said})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    return (error.strerror or str(error) or type(error).__name__).lower()
