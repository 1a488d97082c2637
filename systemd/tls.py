"""Who is at the other end: TLS with a certificate on both sides, under the centre's own CA."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CENTRE_NAME", "TlsFiles", "client_context", "plain_reason"]

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


class _NamedPeer(ssl.SSLContext):
    """A client's context that checks the peer's certificate against one fixed name."""

    peer_name: str
    wrapped: list[ssl.SSLSocket]

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
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


def plain_reason(error: OSError) -> str:
    """What is wrong, in plain words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not the centre's ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error})"
    return (error.strerror or str(error) or type(error).__name__).lower()
