"""UDP: `udpin` waits for peers, `udpout` sends to one."""

import asyncio
import errno
import socket
from contextlib import suppress

from fieldlink.codecs.fault import LinkError
from fieldlink.drone.connection.ports import Host
from fieldlink.drone.connection.stream import listening

__all__ = ["UdpClient", "UdpServer"]

_MAX_DATAGRAM = 65_536
_BATCH = 64
_FULL_BYTES = 1200
"""Frames that are there together go in one datagram of at most so much, which fits any path."""
_MAX_PEERS = 16
_SILENT_S = 60.0
_NEW_AFTER_S = 10.0
_BUFFER_BYTES = 4_000_000
_BUSY = (errno.EAGAIN, errno.ENOBUFS)
_LOOK_S = 1.0
_FAILING_S = 5.0

Address = tuple[str, int] | tuple[str, int, int, int]


class UdpWay:
    """One peer. `address` is None on a socket that is connected."""

    whole = True

    def __init__(self, name: str, shared: "_Socket", address: Address | None) -> None:
        self.name = name
        self.heard_s = 0.0
        self._shared, self.address = shared, address

    @property
    def ready(self) -> bool:
        """Whether the system takes datagrams."""
        return not self._shared.blocked

    def send(self, frames: list[bytes]) -> None:
        """Send `frames` in as few datagrams as they fit in."""
        start = size = 0
        for index, frame in enumerate(frames):
            if size and size + len(frame) > _FULL_BYTES:
                self._shared.send(b"".join(frames[start:index]), self.address)
                start, size = index, 0
            size += len(frame)
        self._shared.send(b"".join(frames[start:]), self.address)


class _Socket:
    """A UDP socket of the event loop."""

    def __init__(self, made: socket.socket, host: Host) -> None:
        self.blocked = False
        self.unsent = 0
        self.failing: tuple[float, str] | None = None
        """Since when nothing can be sent, and why."""
        self.peers: dict[Address | None, UdpWay] = {}
        self.turned_away = 0
        self._made, self._host = made, host
        self._loop = asyncio.get_running_loop()
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            made.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)

    def send(self, data: bytes, address: Address | None) -> None:
        try:
            self._sent(data, address)
        except OSError as error:
            self.unsent += 1
            if error.errno not in (*_BUSY, errno.ECONNREFUSED):
                since_s = self.failing[0] if self.failing else self._loop.time()
                self.failing = since_s, error.strerror or str(error)
            elif error.errno in _BUSY and not self.blocked:
                self.blocked = True
                self._loop.add_writer(self._made.fileno(), self._room)
            # Nobody there yet: that is what a peer not heard from looks like.
        else:
            self.failing = None

    def _sent(self, data: bytes, address: Address | None) -> None:
        if address is not None:
            self._made.sendto(data, address)
            return
        # Word that nobody was there is about the datagram before: this one is not sent yet.
        with suppress(ConnectionRefusedError):
            self._made.send(data)
            return
        self._made.send(data)

    def _room(self) -> None:
        self.blocked = False
        self._loop.remove_writer(self._made.fileno())
        for way in list(self.peers.values()):
            self._host.ready(way)

    def read_known(self) -> None:
        """What came from the one peer of a connected socket."""
        self._deliver({None: self._batch_known()})

    def _batch_known(self) -> list[bytes]:
        chunks: list[bytes] = []
        recv = self._made.recv
        with suppress(OSError):  # nothing more, or word that nobody is there
            chunks.extend(recv(_MAX_DATAGRAM) for _ in range(_BATCH))
        return chunks

    def read_any(self) -> None:
        """What came from whoever."""
        batches: dict[Address | None, list[bytes]] = {}
        recvfrom = self._made.recvfrom
        try:
            for _ in range(_BATCH):
                data, address = recvfrom(_MAX_DATAGRAM)
                batch = batches.get(address)
                if batch is None:
                    batches[address] = [data]
                else:
                    batch.append(data)
        except OSError:
            pass
        self._deliver(batches)

    def _deliver(self, batches: dict[Address | None, list[bytes]]) -> None:
        now_s = self._loop.time()
        for address, chunks in batches.items():
            way = self.peers.get(address)
            if way is None and address is not None:
                self._meet(UdpWay(f"{address[0]}:{address[1]}", self, address), chunks, now_s)
            elif way is not None and chunks:
                way.heard_s = now_s
                self._host.heard(way, chunks)

    def _meet(self, way: UdpWay, chunks: list[bytes], now_s: float) -> None:
        """Somebody new. Who says nothing of sense takes nobody's place."""
        oldest = min(self.peers.values(), key=lambda peer: peer.heard_s, default=None)
        full = len(self.peers) >= _MAX_PEERS
        if full and oldest is not None and now_s - oldest.heard_s < _NEW_AFTER_S:
            self.turned_away += len(chunks)
            return
        if not self._host.heard(way, chunks):
            self.turned_away += len(chunks)
            return
        if full and oldest is not None:
            self.forget(oldest.address)
        way.heard_s = now_s
        self.peers[way.address] = way

    def forget(self, address: Address | None) -> None:
        """The peer is gone."""
        self._host.left(self.peers.pop(address))

    def close(self) -> None:
        """Let go of everything."""
        self._loop.remove_reader(self._made.fileno())
        self._loop.remove_writer(self._made.fileno())
        for address in list(self.peers):
            self.forget(address)
        self._made.close()


class UdpServer:
    """udpin:host:port. Each peer that sends gets answers; one silent for a minute is forgotten."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.port = 0
        """The port that is listened on, when it is."""
        self._shared: _Socket | None = None

    @property
    def turned_away(self) -> int:
        """How many datagrams came from strangers: no frames in them, or too many peers."""
        return self._shared.turned_away if self._shared is not None else 0

    async def run(self, host: Host) -> None:
        """Work until cancelled.

        Raises:
            LinkError: the port cannot be listened on.
        """
        made = listening(self._host, self._port, socket.SOCK_DGRAM)
        shared = self._shared = _Socket(made, host)
        self.port = made.getsockname()[1]
        loop = asyncio.get_running_loop()
        loop.add_reader(made.fileno(), shared.read_any)
        try:
            while True:
                await asyncio.sleep(_SILENT_S / 10)
                for address, way in list(shared.peers.items()):
                    if loop.time() - way.heard_s > _SILENT_S:
                        shared.forget(address)
        finally:
            shared.close()


class UdpClient:
    """udpout:host:port. There is always a way, whether or not anybody listens there."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def run(self, host: Host) -> None:
        """Work until cancelled.

        Raises:
            LinkError: the name means nothing, or there is no path, from the start or any more. A
                socket keeps the address that the kit had when it was made: after a modem dials
                anew, only another socket reaches anybody.
        """
        loop = asyncio.get_running_loop()
        name = f"{self._host}:{self._port}"
        made = None
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
            family, kind, proto, _, address = found[0]
            made = socket.socket(family, kind, proto)
            made.setblocking(False)
            made.connect(address)
        except OSError as error:
            if made is not None:
                made.close()
            raise LinkError(f"{name}: {error.strerror or error}") from error
        shared = _Socket(made, host)
        way = shared.peers[None] = UdpWay(name, shared, None)
        loop.add_reader(made.fileno(), shared.read_known)
        try:
            host.joined(way)
            while True:
                await asyncio.sleep(_LOOK_S)
                if shared.failing is not None and loop.time() - shared.failing[0] > _FAILING_S:
                    raise LinkError(f"{name}: {shared.failing[1]}")
        finally:
            shared.close()
