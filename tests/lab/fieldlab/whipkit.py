"""A kit's WHIP server with a recorder behind it: what publishers come to in tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fieldlink.codecs.bundle import Draft
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings, OriginalSettings
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.whip.hub import Hub, token_hash
from fieldlink.edge.whip.server import Listener, WhipServer
from fieldlink.systemd.nats import free_port

__all__ = ["NAME", "TOKEN", "WhipKit", "whip_kit"]

NAME, TOKEN = "phone-1", "correct-horse-battery-staple"
_PATIENCE_S = 20.0


class WhipKit:
    """`stored` is what was recorded, `gaps` what was not and why."""

    def __init__(self, *, most: int = 4, capture: CaptureSettings | None = None) -> None:
        self.hub = Hub()
        self.stored: list[tuple[Draft, bytes]] = []
        self.gaps: list[tuple[Any, ...]] = []
        self.tokens = {NAME: token_hash(TOKEN)}
        self.port = free_port("127.0.0.1")
        self.server = WhipServer(
            self.hub,
            [Listener("127.0.0.1", self.port, "whip.port")],
            lambda name, hashed: self.tokens.get(name) == hashed,
            most=most,
            origins=("*",),
            clock=now_us,
        )
        short = OriginalSettings.model_validate({"shortest": "500ms", "longest": "1s"})
        self.recorder = Recorder(
            DeviceSettings(name=NAME, url="whip:"),
            capture or CaptureSettings(original=short),
            sink=lambda draft, content: self.stored.append((draft, content)),
            gap=lambda *gap: self.gaps.append(gap),
            clock=now_us,
            adapter=self.hub.opened,
            pushed=self.hub,
        )

    def url(self, name: str = NAME) -> str:
        """Where `name` is published to."""
        return f"http://127.0.0.1:{self.port}/whip/{name}"

    @property
    def received(self) -> dict[str, Any]:
        """How the device is received."""
        found: dict[str, Any] = self.hub.mount(NAME).report()
        return found

    def originals(self) -> list[bytes]:
        """The recorded originals, in order."""
        return [content for draft, content in self.stored if draft.layer.value == "original"]

    def frames(self) -> int:
        """How many pictures came."""
        return int(self.recorder.report()["counts"]["frames"])


@asynccontextmanager
async def whip_kit(**options: Any) -> AsyncIterator[WhipKit]:
    """A kit that takes in publishers while the block lasts; at its end all is stored."""
    kit = WhipKit(**options)
    serving = asyncio.create_task(kit.server.run(lambda: None), name="whip server")
    kit.recorder.start()
    try:
        await until(lambda: kit.hub.wanted(NAME) is not None)
        await until(lambda: serving.done() or kit.server.serves)
        yield kit
    finally:
        await asyncio.to_thread(kit.recorder.stop)
        serving.cancel()
        ended = await asyncio.gather(serving, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError), ended


async def until(ready: Callable[[], object], timeout_s: float = _PATIENCE_S) -> None:
    """Wait for `ready`."""
    async with asyncio.timeout(timeout_s):
        while not ready():
            await asyncio.sleep(0.02)


def now_us() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000
