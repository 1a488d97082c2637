"""TCP connections to the centre over one interface: made again and again until one comes about.

While a bearer is down a new attempt starts every quarter of a second or so, whatever became of
the ones before, so that the link's return costs a round trip and not a backoff. An attempt costs
60 bytes, and none where the interface itself is down. Only a centre that refuses is left alone
for longer each time.
"""

import asyncio
import contextlib
import errno
import heapq
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["SYN_WIRE_BYTES", "Dialer", "Places", "Route"]

_SPACING_S = 0.25
_ABSENT_S = 1.0
_MAX_PAUSE_S = 15.0
_QUICK_LIFE_S = 1.5
_PATIENT_LIFE_S = 20.0
_MOST_QUICK = 5
_SEEN_S = 2.0
_LOOKUP_S = 60.0
SYN_WIRE_BYTES = 60
_BIND_TO_DEVICE = 25  # SO_BINDTODEVICE, Linux; in the socket module since Python 3.14

Place: TypeAlias = tuple[int, Any]
_ABSENT = frozenset({errno.ENODEV, errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.ENETDOWN})


@dataclass(frozen=True, slots=True)
class Route:
    """Where to, and by which way: an interface, a source address, both or neither."""

    host: str
    port: int
    interface: str | None = None
    source: str | None = None

    def explain(self, error: OSError) -> str:
        """What is wrong, in plain words."""
        if error.errno == errno.ENODEV:
            return f"there is no interface {self.interface}; see modem and cable"
        if error.errno == errno.EADDRNOTAVAIL and self.source:
            return f"no interface has the address {self.source}; see modem and cable"
        if error.errno == errno.EPERM and self.interface:
            return f"not allowed to use interface {self.interface}; the service needs CAP_NET_RAW"
        where = f" by {self.interface}" if self.interface else ""
        known = isinstance(error.errno, int) and error.errno > 0  # asyncio's words are not plain
        said = (os.strerror(error.errno or 0) if known else str(error)).lower()
        return f"{self.host}:{self.port}{where}: {said}"


class Places:
    """The addresses of one name. Once found they are used at once, and looked up again beside
    that: where no link is up, a lookup only hangs, and takes a thread while it does. So there is
    one at a time for all who share these.
    """

    def __init__(self) -> None:
        self._key: tuple[str, int] | None = None
        self._found: list[Place] = []
        self._found_s = 0.0
        self._turn = 0
        self._lookup: asyncio.Task[list[Place]] | None = None

    async def one(self, host: str, port: int) -> Place:
        """An address; another one each time if there are several.

        Raises:
            OSError: the name is not found.
        """
        if self._key != (host, port):
            self._key, self._found, self._lookup = (host, port), [], None
        if self._lookup is not None and self._lookup.done():
            self._take(self._lookup)
            self._lookup = None
        old = time.monotonic() - self._found_s > _LOOKUP_S
        if self._lookup is None and (old or not self._found):
            self._lookup = asyncio.create_task(_look_up(host, port), name="look up")
        if not self._found and self._lookup is not None:
            self._found, self._found_s = await asyncio.shield(self._lookup), time.monotonic()
        self._turn += 1
        return self._found[self._turn % len(self._found)]

    def _take(self, done: "asyncio.Task[list[Place]]") -> None:
        self._found_s = time.monotonic()
        if not done.cancelled() and done.exception() is None:
            self._found = done.result()


async def _look_up(host: str, port: int) -> list[Place]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"no host can be called so ({error})") from error
    return [(family, address) for family, _, _, _, address in found]


async def _first(waiting: Awaitable[object], limit_s: float) -> None:
    # Not wait_for: before Python 3.12 it may swallow a cancellation.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await waiting


class Dialer:
    """Makes connections for whoever asks, the lowest `rank` first.

    `prepare` sets options on a socket before it connects; `rtt_s` is the path's round trip, None
    when unknown; `places` may be shared with other dialers. `reason` says why there is none.
    """

    def __init__(
        self,
        prepare: Callable[[socket.socket], None],
        rtt_s: Callable[[], float | None],
        places: Places | None = None,
    ) -> None:
        self.reason = ""
        self._prepare = prepare
        self._rtt_s = rtt_s
        self._waiting: list[tuple[int, int, asyncio.Future[socket.socket]]] = []
        self._attempts: dict[asyncio.Task[None], float] = {}
        self._asked = asyncio.Event()
        self._count = 0
        self._refusals = 0
        self._seen_s = -_SEEN_S
        self._pause_until_s = 0.0
        self._places = places or Places()

    async def get(self, rank: int) -> socket.socket:
        """A connected socket, as soon as there is one."""
        made: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (rank, self._count, made))
        self._asked.set()
        try:
            return await made
        except asyncio.CancelledError:
            if made.done() and not made.cancelled():
                made.result().close()
            raise

    async def run(self, route: Callable[[], Route]) -> None:
        """Try for ever while somebody waits; `route` is asked anew for each attempt."""
        try:
            while True:
                self._waiting = [item for item in self._waiting if not item[2].done()]
                heapq.heapify(self._waiting)
                if not self._waiting:
                    self._asked.clear()
                    await self._asked.wait()
                    continue
                pause_s = self._start_attempts(route())
                self._asked.clear()
                await _first(self._asked.wait(), pause_s)
        finally:
            for attempt in self._attempts:
                attempt.cancel()

    def seen(self) -> None:
        """The path works: connections are made all at once."""
        self._seen_s = time.monotonic()
        self._refusals = 0

    def _start_attempts(self, route: Route) -> float:
        """Start what is due; how long to wait before the next time, seconds."""
        rtt_s = self._rtt_s() or 0.0
        now_s = time.monotonic()
        life_s = max(_QUICK_LIFE_S, 3 * rtt_s)
        fresh = [task for task, at_s in self._attempts.items() if now_s - at_s < life_s]
        if now_s - self._seen_s < _SEEN_S:
            for _ in range(len(self._waiting) - len(fresh)):
                self._attempt(route, life_s)
            return max(_SPACING_S, 2 * rtt_s)
        if len(fresh) < _MOST_QUICK and now_s >= self._pause_until_s:
            patient = len(self._attempts) == len(fresh)  # a path may be slower than we think
            self._attempt(route, _PATIENT_LIFE_S if patient else life_s)
        return max(_SPACING_S, rtt_s / 3) * random.uniform(0.8, 1.2)  # noqa: S311

    def _attempt(self, route: Route, life_s: float) -> None:
        task = asyncio.create_task(self._connect(route, life_s), name="dial")
        self._attempts[task] = time.monotonic()
        task.add_done_callback(lambda done: self._attempts.pop(done, None))

    async def _connect(self, route: Route, life_s: float) -> None:
        try:
            async with asyncio.timeout(life_s):
                sock = await self._open(route, await self._places.one(route.host, route.port))
        except TimeoutError:
            self.reason = self.reason or f"{route.host}:{route.port} does not answer"
        except OSError as error:  # of a name that is not found as well
            self._failed(route, error)
        else:
            self.reason = ""
            self.seen()
            self._deliver(sock)

    async def _open(self, route: Route, place: Place) -> socket.socket:
        family, address = place
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if route.interface:
                name = route.interface.encode()
                sock.setsockopt(socket.SOL_SOCKET, _BIND_TO_DEVICE, name)
            if route.source:
                sock.bind((route.source, 0))
            self._prepare(sock)
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _failed(self, route: Route, error: OSError) -> None:
        self.reason = route.explain(error)
        if error.errno == errno.ECONNREFUSED:
            self._refusals += time.monotonic() >= self._pause_until_s
            pause_s = min(0.25 * 2 ** min(self._refusals, 6), _MAX_PAUSE_S)
        else:
            pause_s = _ABSENT_S if error.errno in _ABSENT else 0.0
        pause_s *= random.uniform(0.7, 1.0)  # noqa: S311
        self._pause_until_s = time.monotonic() + pause_s

    def _deliver(self, sock: socket.socket) -> None:
        while self._waiting:
            _, _, made = heapq.heappop(self._waiting)
            if not made.done():
                made.set_result(sock)
                self._asked.set()
                break
        else:
            sock.close()
        if not self._waiting:  # a connection that nobody wants would puzzle the centre
            for attempt in list(self._attempts):
                attempt.cancel()
