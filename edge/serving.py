"""An ASGI app on a port of the kit, until cancelled."""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn

from fieldlink.systemd.listening import BoundedListener, Idle
from fieldlink.systemd.service import Beat

__all__ = ["Server", "listen", "serve_app"]

_MOST, _MOST_OF_ONE = 60, 24  # connections to a port, and those of one address
_IDLE_S = 20.0  # without a whole request
_LOOK_S = 1.0


class Server(uvicorn.Server):
    """Leaves the signals to whoever composes the service. With `tls` it serves by that.

    Nothing that is asked is logged: an address may hold a token, and whoever sends rubbish must not
    fill the log.
    """

    def __init__(self, app: Any, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                server_header=False,
                ws="none",
                limit_concurrency=_MOST + 4,
                timeout_keep_alive=10,
                timeout_graceful_shutdown=2,
                lifespan="off",
                ssl_context_factory=None if tls is None else lambda *_: tls,
            )
        )
        self._idle = Idle(_IDLE_S)

    def look(self) -> None:
        """Close connections that ask for nothing; call it about once a second."""
        self._idle.look(self.server_state.connections)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve_app(app: Any, host: str, port: int, setting: str, beat: Beat) -> None:
    """Serve `app` on `host`:`port`, which `setting` names, until cancelled.

    Raises:
        OSError: the port cannot be had.
    """
    listener = listen(host, port, setting)
    server = Server(app)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name=f"uvicorn {setting}")
    try:
        while not serving.done():
            beat()
            server.look()
            await asyncio.wait({serving}, timeout=_LOOK_S)
        serving.result()
    finally:
        server.should_exit = True
        await serving
        listener.close()


def listen(host: str, port: int, setting: str) -> BoundedListener:
    """A socket that listens there and takes in only so many connections.

    Raises:
        OSError: the port cannot be had; names `setting`.
    """
    try:
        return BoundedListener(host, port, most=_MOST, most_of_one=_MOST_OF_ONE)
    except OSError as error:
        raise OSError(
            f"{setting} = {port}: cannot listen on {host} ({error.strerror}); "
            "choose another 端口被占用，请换一个"
        ) from error
