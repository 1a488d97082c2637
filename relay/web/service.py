"""The web server as a row of the centre's service: uvicorn with TLS on the event loop it gets."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from fieldlink.codecs.fault import ConfigError
from fieldlink.relay.web.settings import WebSettings
from fieldlink.systemd.listening import BoundedListener, Idle

__all__ = ["WebServer"]

_BEAT_S = 1.0
_SHUTDOWN_S = 3
_IDLE_S = 30.0


class _Server(uvicorn.Server):
    """Leaves the signals to whoever composes the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class WebServer:
    """Serves `app` over TLS; the port is bound at once, so that 0 becomes a real one."""

    def __init__(
        self, app: FastAPI, settings: WebSettings, *, certificate: Path, key: Path
    ) -> None:
        """Bind.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        self._socket = _bound(settings)
        self._config = uvicorn.Config(
            app,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=20,
            timeout_graceful_shutdown=_SHUTDOWN_S,
            lifespan="off",
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    async def run(self, beat: Callable[[], None]) -> None:
        """Serve until cancelled; `beat` is called every second while it does."""
        server, idle = _Server(self._config), Idle(_IDLE_S)
        serving = asyncio.create_task(server.serve(sockets=[self._socket]), name="uvicorn")
        try:
            while not serving.done():
                if server.started:
                    beat()
                    idle.look(server.server_state.connections)
                await asyncio.wait({serving}, timeout=_BEAT_S if server.started else 0.05)
            serving.result()
        finally:
            server.should_exit = True
            await serving
            self._socket.close()


def _bound(settings: WebSettings) -> BoundedListener:
    try:
        return BoundedListener(settings.host, settings.port)
    except OSError as error:
        raise ConfigError(
            f"web.port = {settings.port}: cannot listen on {settings.host} ({error.strerror}); "
            "stop what uses the port or choose another"
        ) from error
