"""A broker that talks rubbish ends the connection for a reason, and nothing else."""

import asyncio
import contextlib
import socket
import threading

import pytest

from fieldlink.systemd.mqtt import MqttConnection

_WELCOME = b"\x20\x02\x00\x00"


def _answer_once(server: socket.socket, said: bytes) -> None:
    client, _ = server.accept()
    with client, contextlib.suppress(OSError):
        client.recv(1000)
        client.sendall(said)
        client.settimeout(1.0)
        while client.recv(1000):
            pass


@pytest.mark.parametrize(
    "said",
    [
        _WELCOME * 2,
        _WELCOME + b"\x30\x05\x00\x02\xff\xfex",  # a topic that is no UTF-8
        _WELCOME + b"\x30\x03\xff\xff\x00",  # a topic longer than its packet
        _WELCOME + b"\x90\x03\x00\x01\x55",
        _WELCOME + b"\x30\xff\xff\xff\xff\xff",
        b"\x20\x02\x00\xff",
        bytes(range(256)),
    ],
)
def test_what_no_broker_says_is_a_reason_to_end_and_no_crash(said: bytes) -> None:
    async def scenario(port: int) -> str:
        connection = await MqttConnection.open(
            "127.0.0.1",
            port,
            client_id="kit-a",
            tls=None,
            subscriptions=["a"],
            on_message=lambda _topic, _payload: None,
            wait=False,
        )
        try:
            return await connection.closed()
        finally:
            await connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=_answer_once, args=(server, said))
        answering.start()
        try:
            assert asyncio.run(scenario(server.getsockname()[1]))
        finally:
            answering.join()
