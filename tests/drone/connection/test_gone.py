"""Other sides that are gone without a word."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from fieldlink.codecs.fault import LinkError
from fieldlink.drone.connection import datagrams
from fieldlink.drone.connection.datagrams import UdpClient
from fieldlink.drone.connection.stream import prepare


class _Host:
    """Remembers its ways."""

    def __init__(self) -> None:
        self.ways: list[Any] = []

    def joined(self, way: Any) -> None:
        self.ways.append(way)

    def heard(self, way: Any, chunks: list[bytes]) -> bool:
        return True

    def ready(self, way: Any) -> None:
        """It can be sent to again."""

    def left(self, way: Any) -> None:
        self.ways.remove(way)


def test_a_tcp_peer_whose_cable_was_pulled_is_given_up_within_half_a_minute() -> None:
    with socket.socket() as made:
        prepare(made)
        options = socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE
        assert [made.getsockopt(socket.IPPROTO_TCP, one) for one in options] == [30_000, 10]


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EINVAL])
def test_a_socket_that_reaches_nobody_any_more_is_made_anew(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datagrams, "_LOOK_S", 0.005)
    monkeypatch.setattr(datagrams, "_FAILING_S", 0.02)

    def refuse(*_: object) -> None:
        raise OSError(number, "no path")

    async def scenario() -> None:
        host = _Host()
        running = asyncio.create_task(UdpClient("127.0.0.1", 9).run(host))
        while not host.ways:
            await asyncio.sleep(0)
        [way] = host.ways
        monkeypatch.setattr(way._shared, "_sent", refuse)
        async with asyncio.timeout(5):
            while not running.done():
                way.send([b"frame"])
                await asyncio.sleep(0.005)
        assert host.ways == []
        with pytest.raises(LinkError, match="no path"):
            await running

    asyncio.run(scenario())
