"""Bytes in order without bounds between them: TCP, and serial ports.

Sockets are read and written here, without asyncio's transports: what cannot be sent at once has to
wait where its value is known, not in a buffer of somebody else's.
"""

import asyncio
import os
import socket
from collections.abc import Callable

from fieldlink.codecs.fault import LinkError
from fieldlink.drone.connection.ports import Host

__all__ = ["StreamWay", "TcpClient", "TcpServer"]

_READ_BYTES = 65_536
_CONNECT_S = 10.0
_NOT_SENT_BYTES = 16_384
_MAX_CLIENTS = 16
_GONE_S = 30


class StreamWay:
    """A file descriptor that is read and written. `ended` is done when it is gone, with why."""

    whole = False

    def __init__(self, name: str, fd: int, host: Host) -> None:
        self.name = name
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._fd = fd
        self._host = host
        self._rest = memoryview(b"")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._read)

    @property
    def ready(self) -> bool:
        """Whether all that was given is with the system."""
        return not self._rest and not self.ended.done()

    def _read(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.end(f"it broke: {error.strerror or error}")
            return
        if data:
            self._host.heard(self, [data])
        else:
            self.end("the other side closed it")

    def send(self, frames: list[bytes]) -> None:
        """Send `frames`, or keep the rest of them until there is room."""
        self._rest = memoryview(b"".join(frames))
        self._write()
        if self._rest and not self.ended.done():
            self._loop.add_writer(self._fd, self._room)

    def _write(self) -> None:
        try:
            self._rest = self._rest[os.write(self._fd, self._rest) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self.end(f"it broke: {error.strerror or error}")

    def _room(self) -> None:
        self._write()
        if not self._rest and not self.ended.done():
            self._loop.remove_writer(self._fd)
            self._host.ready(self)

    def end(self, why: str) -> None:
        """Let go of the descriptor; closing it is the caller's."""
        if not self.ended.done():
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self.ended.set_result(why)


async def serve(way: StreamWay, host: Host, close: Callable[[], object]) -> str:
    """Have `way` work until it ends; why it did."""
    try:
        host.joined(way)
        return await asyncio.shield(way.ended)
    finally:
        way.end("it was closed")
        host.left(way)
        close()


def prepare(connection: socket.socket) -> None:
    """Options of a TCP connection that carries live data."""
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # A peer whose cable was pulled says nothing: without these it is waited for for a quarter of an
    # hour when something is on its way to it, and for two hours when nothing is.
    for name, value in (
        ("TCP_USER_TIMEOUT", _GONE_S * 1000), ("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 4),
    ):  # fmt: skip
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    # What is not on its way yet stays here, where newer data can take its place.
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _NOT_SENT_BYTES)


class TcpClient:
    """tcp:host:port"""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def run(self, host: Host) -> None:
        """Connect and work.

        Raises:
            LinkError: there is no connection, or no longer.
        """
        name = f"{self._host}:{self._port}"
        connection = await self._connect(name)
        prepare(connection)
        way = StreamWay(name, connection.fileno(), host)
        raise LinkError(f"{name}: {await serve(way, host, connection.close)}")

    async def _connect(self, name: str) -> socket.socket:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_S):
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                family, kind, proto, _, address = found[0]
                connection = socket.socket(family, kind, proto)
                connection.setblocking(False)
                try:
                    await loop.sock_connect(connection, address)
                except BaseException:
                    connection.close()
                    raise
        except TimeoutError as error:
            raise LinkError(f"{name} does not answer; see its power and address") from error
        except OSError as error:
            why = error.strerror or error
            raise LinkError(f"{name}: {why}; see its address, and what listens there") from error
        return connection


class TcpServer:
    """tcpin:host:port: up to 16 at once."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.port = 0
        """The port that is listened on, when it is."""

    async def run(self, host: Host) -> None:
        """Listen, and work with each that connects.

        Raises:
            LinkError: the port cannot be listened on.
        """
        with listening(self._host, self._port, socket.SOCK_STREAM) as server:
            server.listen(_MAX_CLIENTS)
            self.port = server.getsockname()[1]
            loop = asyncio.get_running_loop()
            room = asyncio.Semaphore(_MAX_CLIENTS)
            async with asyncio.TaskGroup() as group:
                while True:
                    await room.acquire()
                    connection, name = await _accepted(loop, server)
                    prepare(connection)
                    way = StreamWay(name, connection.fileno(), host)
                    task = group.create_task(serve(way, host, connection.close))
                    task.add_done_callback(lambda _: room.release())


async def _accepted(
    loop: asyncio.AbstractEventLoop, server: socket.socket
) -> tuple[socket.socket, str]:
    while True:
        try:
            connection, address = await loop.sock_accept(server)
        except OSError:  # it gave up meanwhile, or there are no descriptors left for now
            await asyncio.sleep(0.5)
        else:
            return connection, f"{address[0]}:{address[1]}"


def listening(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A socket that is bound, and does not block.

    Raises:
        LinkError: it cannot be.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        made = socket.socket(family, kind)
        try:
            made.setblocking(False)
            if kind == socket.SOCK_STREAM:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise LinkError(
            f"{host}:{port} cannot be listened on ({error.strerror or error});"
            " see which program uses it"
        ) from error
    return made
