"""A simulated camera: a studio on its own thread, a server on the event loop."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av

from fieldlink.edge.simulate.faults import Faults
from fieldlink.edge.simulate.rtsp_server import MediaServer, RtspServer
from fieldlink.edge.simulate.studio import ClipStudio, LiveStudio, Look, Unit
from fieldlink.edge.simulate.ts_server import TsServer

__all__ = ["Camera", "CameraPlan"]


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """What the camera shows, how it is reached, how it fails. `clip` replaces the live picture;
    `transport` is "rtsp", "ts-tcp" or "ts-udp"; port 0 chooses one.
    """

    look: Look
    faults: Faults = field(default_factory=Faults)
    host: str = "127.0.0.1"
    port: int = 0
    transport: str = "rtsp"
    clip: str | None = None


class Camera:
    """Runs until cancelled."""

    def __init__(self, plan: CameraPlan) -> None:
        av.logging.set_level(av.logging.FATAL)
        self._plan = plan
        self._studio: LiveStudio | ClipStudio
        self._studio = ClipStudio(plan.clip) if plan.clip else LiveStudio(plan.look, plan.faults)
        self._stopped = threading.Event()

    async def run(self, on_ready: Callable[[str], None]) -> None:
        """Serve; `on_ready` gets the URL.

        Raises:
            OSError: the port is taken.
        """
        server = self._server()
        url = await server.listen(self._plan.host, self._plan.port)
        on_ready(url)
        try:
            await self._play(server)
        finally:
            self._stopped.set()
            await server.close()

    def _server(self) -> MediaServer:
        plan = self._plan
        if plan.transport == "rtsp":
            return RtspServer(plan.look.name, lambda: self._studio.sound, plan.faults)
        templates: list[Any] = self._studio.templates
        return TsServer(templates, plan.faults, udp=plan.transport == "ts-udp")

    async def _play(self, server: MediaServer) -> None:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def publish(unit: Unit) -> None:
            stall_s = self._plan.faults.stall_after_s
            if stall_s is None or unit.at_s < stall_s:
                loop.call_soon_threadsafe(server.publish, unit)

        def work() -> None:
            try:
                self._studio.run(publish, self._stopped)
            except BaseException as error:  # noqa: BLE001 - raised again on the event loop
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_fail, over, error)

        thread = threading.Thread(target=work, name="studio", daemon=True)
        thread.start()
        try:
            await over
        finally:
            self._stopped.set()
            await asyncio.to_thread(thread.join, 5.0)


def _fail(future: "asyncio.Future[None]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
