"""The server on a thread and an event loop of its own: whatever strangers send, and however long
their packets take, the agent's own loop goes on.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.serving import Server, listen
from fieldlink.edge.whip.endpoint import make_endpoint
from fieldlink.edge.whip.hub import Hub
from fieldlink.edge.whip.loop import PortLoop
from fieldlink.edge.whip.sessions import Admits, Sessions
from fieldlink.systemd.service import Beat

__all__ = ["Listener", "WhipServer"]

_STALE_S = 20.0
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A place to listen on; with `tls` by that."""

    host: str
    port: int
    setting: str
    tls: ssl.SSLContext | None = None


class WhipServer:
    """Serves `listeners` until its `run` is cancelled. `clock` gives UTC microseconds."""

    def __init__(
        self,
        hub: Hub,
        listeners: list[Listener],
        admits: Admits,
        *,
        most: int,
        origins: tuple[str, ...],
        clock: Callable[[], int],
        udp_ports: Sequence[int] = (),
    ) -> None:
        self._listeners, self._udp_ports = listeners, udp_ports
        self.sessions = Sessions(hub, admits, most, clock)
        self._app = make_endpoint(self.sessions, origins)
        self._beat_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._servers: list[Server] = []
        self._stopped = False

    async def run(self, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            OSError: a port cannot be had.
            SourceError: the thread does not answer any more; it is left behind.
        """
        sockets = [listen(one.host, one.port, one.setting) for one in self._listeners]
        self._beat_s = time.monotonic()
        thread = threading.Thread(target=self._on_thread, args=(sockets,), name="whip", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                if time.monotonic() - self._beat_s > _STALE_S:
                    raise SourceError("hung", "the WHIP server does not answer; it is begun anew")
                beat()
                await asyncio.sleep(0.2)
        finally:
            self._stop()
            await asyncio.shield(asyncio.to_thread(thread.join, _END_S))
            for one in sockets:
                one.close()
        if self._failure is not None:
            raise self._failure

    def _stop(self) -> None:
        self._stopped = True  # seen by a thread that has not come so far yet
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it has ended in this moment
                loop.call_soon_threadsafe(task.cancel)

    def _on_thread(self, sockets: list[socket.socket]) -> None:
        try:
            logging.getLogger("aioice").setLevel(logging.WARNING)  # it tells of each check
            with asyncio.Runner(loop_factory=lambda: PortLoop(self._udp_ports)) as runner:
                runner.run(self._main(sockets))
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised where the adapter runs
            self._failure = error

    async def _main(self, sockets: list[socket.socket]) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped:
            return
        servers = self._servers = [Server(self._app, one.tls) for one in self._listeners]
        serving = [
            asyncio.create_task(server.serve(sockets=[one]), name="whip uvicorn")
            for server, one in zip(servers, sockets, strict=True)
        ]
        looking = asyncio.create_task(self.sessions.run(self._look), name="whip sessions")
        try:
            done, _ = await asyncio.wait([*serving, looking], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            looking.cancel()
            for server in servers:
                server.should_exit = True
            await asyncio.wait([*serving, looking])

    def _look(self) -> None:
        self._beat_s = time.monotonic()
        for server in self._servers:
            server.look()

    @property
    def serves(self) -> bool:
        """Whether whoever comes is answered."""
        return bool(self._servers) and all(one.started for one in self._servers)

    @property
    def app(self) -> FastAPI:
        """The HTTP application, for tests."""
        return self._app
