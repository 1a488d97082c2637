"""The nats-server's own protocol on the loopback address: a second door that has to stay shut."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fieldlab.broker import LabBroker, nats_broker
from fieldlink.systemd.mqtt import TlsFiles, client_context


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LabBroker]:
    with nats_broker(tmp_path, "kit-a") as lab:
        yield lab


def own_port(broker: LabBroker) -> int:
    listening = [
        found.laddr
        for found in psutil.Process(broker.pid()).net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr.port != broker.port
    ]
    assert len(listening) == 1
    assert listening[0].ip == "127.0.0.1"
    port: int = listening[0].port
    return port


def greet(port: int, tls: TlsFiles | None, options: dict[str, object]) -> bytes:
    """What the server answers to CONNECT and PING."""
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        assert b"tls_required" in plain.recv(4096)
        link: socket.socket = plain if tls is None else client_context(tls).wrap_socket(plain)
        with link:
            answer = b""
            try:
                link.sendall(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
                while part := link.recv(4096):
                    answer += part
                    if b"PONG" in answer or b"-ERR" in answer:
                        break
            except (ssl.SSLError, ConnectionError):
                pass  # refused by closing
            return answer


def kit_files(broker: LabBroker) -> TlsFiles:
    base = broker.folder / f"kit-a-{broker.members['kit-a'].serial[-6:]}"
    return TlsFiles(broker.centre.ca, base.with_suffix(".crt"), base.with_suffix(".key"))


@pytest.mark.parametrize("who", ["nobody", "kit", "centre"])
def test_it_lets_nobody_in(broker: LabBroker, who: str) -> None:
    tls = {"nobody": None, "kit": kit_files(broker), "centre": broker.centre}[who]
    options: dict[str, object] = {"verbose": False, "tls_required": tls is not None}
    for extra in ({}, {"user": "CN=fieldlink-centre", "pass": ""}):
        answer = greet(own_port(broker), tls, {**options, **extra})
        assert b"PONG" not in answer
        assert tls is None or b"-ERR 'Authorization Violation'" in answer
