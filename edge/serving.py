"""An ASGI app on a port of the kit, until cancelled."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from fieldlink.systemd.service import Beat

__all__ = ["serve_app"]


class _Server(uvicorn.Server):
    """Leaves the signals to whoever composes the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve_app(app: Any, host: str, port: int, setting: str, beat: Beat) -> None:
    """Serve `app` on `host`:`port`, which `setting` names, until cancelled.

    Raises:
        OSError: the port cannot be had.
    """
    listener = _listen(host, port, setting)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=64,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=2,
        lifespan="off",
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name=f"uvicorn {setting}")
    try:
        while not serving.done():
            beat()
            await asyncio.wait({serving}, timeout=1.0)
        serving.result()
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _listen(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"{setting} = {port}: cannot listen on {host} ({error.strerror}); choose another"
        ) from error
    return listener
