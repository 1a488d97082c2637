"""A TAK server's core for tests: TLS with certificates on both sides, every event to all others."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Certificates", "make_certificates", "tak_server"]


@dataclass(frozen=True, slots=True)
class Certificates:
    """A CA, and one certificate under it that serves server and clients alike."""

    ca: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Made by openssl, for localhost."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=TAK CA", "-days", "7300")
    openssl(
        *(*new, "-keyout", "tak.key", "-out", "tak.pem", "-subj", "/CN=localhost", "-days", "7000"),
        *("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
    )
    return Certificates(folder / "ca.pem", folder / "tak.pem", folder / "tak.key")


@contextlib.asynccontextmanager
async def tak_server(files: Certificates) -> AsyncIterator[int]:
    """A server on localhost; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    writers: set[asyncio.StreamWriter] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                event = await reader.readuntil(b"</event>")
                for other in writers - {writer}:
                    other.write(event)
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(meet, "localhost", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
