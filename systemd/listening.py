"""The listening socket: connections that say nothing must not use up the process's files.

Every open file of a service counts against one bound, and its connections to brokers cannot live
past file number 1,023 (systemd.mqtt). So connections are counted from the moment they are accepted,
before TLS, in all and for each address.
"""

import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

__all__ = ["BoundedListener", "Idle"]

_MOST = 384
_MOST_OF_ONE = 96
_BACKLOG = 256


class _Counted(socket.socket):
    """An accepted connection; tells once that it is closed."""

    on_close: Callable[[], None] | None = None

    def close(self) -> None:
        super().close()
        told, self.on_close = self.on_close, None
        if told is not None:
            told()


class BoundedListener(socket.socket):
    """Listens on (host, port); closes at once what would be more than `most` connections, or
    more than `most_of_one` from one address (an IPv6 /64 is one). Used on the event loop.
    """

    def __init__(
        self, host: str, port: int, *, most: int = _MOST, most_of_one: int = _MOST_OF_ONE
    ) -> None:
        """Bind and listen.

        Raises:
            OSError: the address cannot be listened on.
        """
        super().__init__(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self._most, self._most_of_one = most, most_of_one
        self._open: Counter[str] = Counter()
        try:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.bind((host, port))
            self.listen(_BACKLOG)
        except OSError:
            self.close()
            raise

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._open.total()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection that is within the bounds.

        Raises:
            BlockingIOError: there is none.
        """
        while True:
            accepted, address = super().accept()
            source = _network(address[0])
            full = self._open.total() >= self._most or self._open[source] >= self._most_of_one
            if full:
                accepted.close()
                continue
            counted = _Counted(fileno=accepted.detach())
            self._open[source] += 1
            counted.on_close = partial(self._gone, source)
            return counted, address

    def _gone(self, source: str) -> None:
        self._open[source] -= 1
        if self._open[source] <= 0:
            del self._open[source]


class Idle:
    """Closes uvicorn's connections on which no request came within `most_s` seconds: uvicorn
    itself waits for ever for the first one, and for one that comes byte by byte.
    """

    def __init__(self, most_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most_s = most_s
        self._monotonic = monotonic
        self._since: dict[Any, float] = {}

    def look(self, connections: Collection[Any]) -> None:
        """Look at all open `connections`; call it about once a second."""
        now = self._monotonic()
        idle = {each for each in connections if each.cycle is None or each.cycle.response_complete}
        self._since = {each: self._since.get(each, now) for each in idle}
        for each, since in self._since.items():
            if now - since > self._most_s:
                each.transport.close()


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
