"""The datagrams of Cursor on Target: ATAK's multicast mesh, and ports for TAK programs."""

import asyncio
import errno
import ipaddress
import socket
import struct
from typing import Any

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.cot.settings import Place
from fieldlink.edge.cot.situation import Situation
from fieldlink.edge.cot.wording import end_words
from fieldlink.systemd.service import Beat

__all__ = ["DatagramPort", "Mesh"]

_TICK_S = 1.0
_TTL = 1
_MOST_FAULTY = 3  # rounds of sending in a row
_MULTICAST_ALL = 49  # Linux; 0: only of groups that this socket joined
_IPV4_LENGTH = 4


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self.transport: asyncio.DatagramTransport | None = None
        self.fault = ""
        self.received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.DatagramTransport):
            self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.received += 1
        self._situation.take(data, str(addr[0]))

    def error_received(self, exc: Exception) -> None:
        self.fault = str(exc)  # the network is unreachable; it may come back


class _Port:
    """What both have: a socket, and the report."""

    def __init__(self, name: str, situation: Situation) -> None:
        self.name, self._situation = name, situation
        self.settings = situation.settings
        self._protocol = _Datagrams(situation)
        self._state, self._reason = "connecting", ""

    def report(self) -> dict[str, Any]:
        """How it is; `said` is for people."""
        known = {
            "state": self._state,
            "reason": self._reason or self._protocol.fault,
            "received": self._protocol.received,
            **self._situation.report(),
        }
        return {**known, "said": end_words(known)}

    async def _serve(self, sock: socket.socket, beat: Beat, group: tuple[str, int] | None) -> None:
        loop = asyncio.get_running_loop()
        sock.setblocking(False)
        transport, _ = await loop.create_datagram_endpoint(lambda: self._protocol, sock=sock)
        self._state, self._reason = "live", ""
        due_s, faulty = loop.time(), 0
        try:
            while True:
                beat()
                if group is not None and loop.time() >= due_s:
                    due_s = loop.time() + self.settings.every
                    faulty = faulty + 1 if self._protocol.fault else 0
                    if faulty >= _MOST_FAULTY:  # the network that it joined on may be another now
                        raise self._down(OSError(self._protocol.fault), "joining anew")
                    self._protocol.fault = ""
                    self._join(sock)
                    for event in self._situation.batch():
                        transport.sendto(event, group)
                await asyncio.sleep(min(_TICK_S, self.settings.every))
        finally:
            transport.close()

    def _join(self, sock: socket.socket) -> None:
        """See that what is sent to this end still comes."""

    def _down(self, error: OSError, advice: str) -> SourceError:
        self._state = "down"
        self._reason = f"network: {error.strerror or error}; {advice}"
        return SourceError("network", f"{error.strerror or error}; {advice}")


class Mesh(_Port):
    """An adapter: the multicast group that ATAK speaks in without a server."""

    def __init__(self, group: Place, situation: Situation) -> None:
        super().__init__("cot-mesh", situation)
        self._group = group

    async def run(self, beat: Beat) -> None:
        """Hear and speak until cancelled.

        Raises:
            SourceError: the interface is not there, or has no multicast.
        """
        try:
            sock = multicast_socket(self._group, self.settings.interface)
        except OSError as error:
            raise self._down(error, "see cot.interface and its cable") from error
        await self._serve(sock, beat, (self._group.host, self._group.port))

    def _join(self, sock: socket.socket) -> None:
        """Be in the group: an interface that went away took that along, and says nothing of it.

        Raises:
            SourceError: the interface is not there.
        """
        try:
            join(sock, self._group, self.settings.interface)
        except OSError as error:
            raise self._down(error, "see cot.interface and its cable") from error


class DatagramPort(_Port):
    """An adapter: a port that TAK programs send datagrams to. Nothing is sent from it."""

    def __init__(self, place: Place, situation: Situation) -> None:
        super().__init__(f"cot-{place.scheme}-{place.host}-{place.port}", situation)
        self._place = place

    async def run(self, beat: Beat) -> None:
        """Hear until cancelled.

        Raises:
            SourceError: the port is taken, or the address is not this machine's.
        """
        family = socket.AF_INET6 if ":" in self._place.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.bind((self._place.host, self._place.port))
        except OSError as error:
            sock.close()
            raise self._down(error, "see cot.listen") from error
        await self._serve(sock, beat, None)


def multicast_socket(group: Place, interface: str) -> socket.socket:
    """A socket in `group` on `interface` (a name, an own address, or empty).

    Raises:
        OSError: there is no such interface, or it cannot.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # Others on this machine may be in the group as well.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_IP, _MULTICAST_ALL, 0)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _TTL)
        sock.bind((group.host, group.port))
        join(sock, group, interface)
        if interface:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(4) + _where(interface))
    except OSError:
        sock.close()
        raise
    return sock


def join(sock: socket.socket, group: Place, interface: str) -> None:
    """Put `sock` into `group`, if it is not in it.

    Raises:
        OSError: there is no such interface, or it cannot.
    """
    asked = socket.inet_aton(group.host) + _where(interface)
    try:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, asked)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:  # it is in it
            raise


def _where(interface: str) -> bytes:
    """The second half of struct ip_mreqn: an address of ours, and an interface's number."""
    try:
        address = ipaddress.IPv4Address(interface or "0.0.0.0").packed  # noqa: S104 - any
        number = 0
    except ValueError:
        address, number = bytes(_IPV4_LENGTH), socket.if_nametoindex(interface)
    return address + struct.pack("@i", number)
