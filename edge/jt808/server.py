"""The sockets that terminals connect to: TCP connections and UDP peers, so many and no more, none
of which can hold up the others.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from fieldlink.edge.jt808.book import TerminalBook
from fieldlink.edge.jt808.session import MAX_PENDING, Session
from fieldlink.edge.jt808.terminal import Terminal
from fieldlink.systemd.service import Beat

__all__ = ["TerminalServer"]

_READ_BYTES = 16 * 1024
_LOOK_S = 1.0
STRANGER_S = 30.0  # to authenticate
UNFINISHED_S = 10.0  # from the beginning of a frame to its end
_DRAIN_S = 10.0
_MAX_QUEUED = 1024  # datagrams
_MAX_UNSENT_BYTES = 64 * 1024

Address = tuple[str, int]


@dataclass(slots=True, eq=False)
class _Peer:
    """Somebody who speaks: a connection, or an address that datagrams come from."""

    session: Session
    host: str
    since_s: float
    heard_s: float
    is_udp: bool
    unfinished_s: float | None = None  # when the frame began that has not ended

    def until_s(self, silence_s: float) -> float:
        """Until when it has to have said more."""
        last_s = self.heard_s + silence_s
        if self.session.terminal is None:
            last_s = min(last_s, self.since_s + STRANGER_S)
        if self.unfinished_s is not None:
            last_s = min(last_s, self.unfinished_s + UNFINISHED_S)
        return last_s


class TerminalServer(asyncio.DatagramProtocol):
    """Serves TCP and UDP on one port."""

    def __init__(self, book: TerminalBook) -> None:
        self._book, self._settings = book, book.settings
        self._tcp: set[_Peer] = set()
        self._udp: dict[Address, _Peer] = {}
        self._hosts: Counter[str] = Counter()
        self._sessions: dict[str, Session] = {}  # by the terminal's number
        self._datagrams: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(_MAX_QUEUED)
        self._transport: asyncio.DatagramTransport | None = None
        self._group: asyncio.TaskGroup | None = None
        self.port = 0

    async def run(self, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the port cannot be had.
            Exception: a bug, whoever's connection showed it.
        """
        async with contextlib.AsyncExitStack() as stack:
            server = await self._open(stack)  # outside the group, which would wrap its error
            async with asyncio.TaskGroup() as group:
                self._group = group
                await server.start_serving()
                group.create_task(self._hear_datagrams(), name="jt808 datagrams")
                group.create_task(self._book.turns.run(), name="jt808 batches")
                while True:
                    beat()
                    self._look(time.monotonic())
                    await asyncio.sleep(_LOOK_S)

    async def _open(self, stack: contextlib.AsyncExitStack) -> asyncio.Server:
        settings, loop = self._settings, asyncio.get_running_loop()
        server = await asyncio.start_server(
            self._called, settings.host, settings.port, limit=_READ_BYTES, start_serving=False
        )
        stack.callback(server.close)
        self.port = server.sockets[0].getsockname()[1]
        if settings.udp:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: self, (settings.host, self.port)
            )
            stack.callback(self._transport.close)
        return server

    def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._group is not None:  # in the group, so that a bug is heard of
            self._group.create_task(self._connection(reader, writer), name="jt808 connection")

    @property
    def connections(self) -> dict[str, int]:
        """How many there are."""
        return {"tcp": len(self._tcp), "udp": len(self._udp)}

    def session(self, terminal: Terminal) -> Session | None:
        """What `terminal` speaks by at present."""
        return self._sessions.get(terminal.number)

    def online(self, terminal: Terminal) -> dict[str, Any]:
        """By what way."""
        session = self.session(terminal)
        peer = next((peer for peer in self._peers() if peer.session is session), None)
        return {
            "connected": peer is not None,
            "from": peer.host if peer else None,
            "by": ("udp" if peer.is_udp else "tcp") if peer else None,
        }

    def _peers(self) -> Iterator[_Peer]:
        yield from self._tcp
        yield from self._udp.values()

    def _look(self, now_s: float) -> None:
        for peer in self._peers():
            peer.session.due(now_s)
        for terminal in self._book:
            terminal.due()
        silent = [
            address
            for address, peer in self._udp.items()
            if peer.session.ended or now_s > peer.until_s(self._settings.silence)
        ]
        for address in silent:
            self._forget(address)

    # --- who is let in ----------------------------------------------------------------------

    def _has_room(self, host: str) -> bool:
        total = len(self._tcp) + len(self._udp)
        if total >= self._settings.max_connections and not self._drop_stranger():
            self._book.intake.refuse(host, f"limit: {total} connections are open")
            return False
        if self._hosts[host] >= self._settings.max_per_address:
            self._book.intake.refuse(host, f"limit: {self._hosts[host]} of them are its own")
            return False
        return True

    def _drop_stranger(self) -> bool:
        # An address that sent a datagram and no code may be forged; it makes room for others.
        strangers = (a for a, peer in self._udp.items() if peer.session.terminal is None)
        oldest = next(strangers, None)
        if oldest is not None:
            self._forget(oldest)
        return oldest is not None

    def _forget(self, address: Address) -> None:
        peer = self._udp.pop(address)
        self._left(peer)

    def _entered(self, session: Session) -> None:
        """A terminal has shown its code: the connection it had before is dead, or not its own."""
        if session.terminal is None:
            return
        number = session.terminal.number
        before = self._sessions.get(number)
        self._sessions[number] = session
        if before is not None and before is not session:
            before.ended = before.ended or "replaced: the terminal has connected again"
            before.on_replaced()  # it may never say anything again, and takes a place

    def _left(self, peer: _Peer) -> None:
        self._hosts[peer.host] -= 1
        if self._hosts[peer.host] <= 0:
            del self._hosts[peer.host]
        terminal = peer.session.terminal
        if terminal is not None and self._sessions.get(terminal.number) is peer.session:
            del self._sessions[terminal.number]

    # --- TCP --------------------------------------------------------------------------------

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = str((writer.get_extra_info("peername") or ("unknown",))[0])
        if not self._has_room(host):
            writer.close()
            return
        now_s = time.monotonic()
        session = Session(self._book, partial(_write, writer), host)
        peer = _Peer(session, host, now_s, now_s, is_udp=False)
        session.on_entered, session.on_replaced = self._entered, writer.transport.abort
        self._tcp.add(peer)
        self._hosts[host] += 1
        try:
            await self._converse(peer, reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # weather: the terminal comes again
        finally:
            self._tcp.discard(peer)
            self._left(peer)
            writer.close()

    async def _converse(
        self, peer: _Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        session = peer.session
        settled = asyncio.Event()
        session.on_settled = settled.set
        while session.ended is None:
            patience_s = peer.until_s(self._settings.silence) - time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, patience_s)):
                    data = await reader.read(_READ_BYTES)
            except TimeoutError:
                why = "slow" if peer.unfinished_s is not None else "silent"
                self._book.intake.refuse(_name(session), f"{why}: the connection was closed")
                return
            if not data:
                return
            _receive(peer, data, time.monotonic())
            while session.pending >= MAX_PENDING and session.ended is None:
                settled.clear()
                await settled.wait()  # TCP makes the terminal wait meanwhile
            async with asyncio.timeout(_DRAIN_S):
                await writer.drain()

    # --- UDP --------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """What the event loop brings; it is looked at where errors are heard of."""
        with contextlib.suppress(asyncio.QueueFull):  # the terminal sends it again
            self._datagrams.put_nowait((data, (str(addr[0]), int(addr[1]))))

    async def _hear_datagrams(self) -> None:
        while True:
            data, address = await self._datagrams.get()
            peer = self._udp.get(address) or self._new_peer(address)
            if peer is None or peer.session.pending >= MAX_PENDING:
                continue  # unanswered, the terminal sends it again
            now_s = time.monotonic()
            peer.heard_s = now_s
            peer.session.datagram(data, now_s)

    def _new_peer(self, address: Address) -> _Peer | None:
        host, now_s = address[0], time.monotonic()
        if not self._has_room(host):
            return None
        session = Session(self._book, partial(self._send, address), host)
        session.on_entered, session.on_stranger = self._entered, self._has_moved
        peer = _Peer(session, host, now_s, now_s, is_udp=True)
        self._udp[address] = peer
        self._hosts[host] += 1
        return peer

    def _has_moved(self, session: Session, number: str) -> bool:
        """Whether this is a terminal that spoke from another port of its address: networks that
        translate addresses change ports while a terminal thinks nothing has changed.
        """
        before = self._sessions.get(number)
        return any(
            peer.session is before and peer.host == session.where for peer in self._udp.values()
        )

    def _send(self, address: Address, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)


def _receive(peer: _Peer, data: bytes, now_s: float) -> None:
    peer.heard_s = now_s
    frames = peer.session.receive(data, now_s)
    if not peer.session.unfinished:
        peer.unfinished_s = None
    elif frames or peer.unfinished_s is None:
        peer.unfinished_s = now_s


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    transport = writer.transport
    if transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
        transport.abort()  # it hears nothing, and everything would wait for it here
    elif not transport.is_closing():
        writer.write(data)


def _name(session: Session) -> str:
    return session.terminal.name if session.terminal else session.where
