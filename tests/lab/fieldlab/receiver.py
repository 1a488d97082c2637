"""A receiver for the tests of the kit's GNSS: what it says on a walk, and where it says it."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, ParamSpec

from fieldlink.codecs.nmea import Fix, sentences_of
from fieldlink.edge.clock.measure import Origin
from fieldlink.edge.gnss.adapter import Gnss
from fieldlink.edge.gnss.settings import GnssSettings
from fieldlink.edge.simulate.track import Track

__all__ = ["AT_US", "Observed", "on_a_loop", "receiver", "running", "serving", "spoken", "until"]

AT_US = 1_779_960_445_000_000  # 2026-05-28 09:27:25
P = ParamSpec("P")


def spoken(n: int, fix: Fix | None = None) -> bytes:
    """What a receiver on a walk says at second `n`."""
    place = Track("gnss", 34.2353908, 108.9423868).at(n)
    walked = Fix(
        0,
        lat=place.lat,
        lon=place.lon,
        alt=place.alt,
        heading=place.heading,
        speed=place.speed,
        accuracy=1.4,
        satellites=14,
        quality=1,
    )
    return sentences_of(fix or walked, AT_US + n * 1_000_000)


def receiver(**settings: object) -> GnssSettings:
    """Settings as a file would give them."""
    return GnssSettings.model_validate(settings)


def on_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """`test` in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Observed:
    """What the clock was told."""

    def __init__(self) -> None:
        self.readings: list[tuple[Origin, int, int, int]] = []

    def __call__(self, origin: Origin, true_us: int, at_us: int, error_us: int) -> None:
        self.readings.append((origin, true_us, at_us, error_us))


@contextlib.asynccontextmanager
async def running(gnss: Gnss) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(gnss.run(lambda: None))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(done: Callable[[], bool], task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(20):
        while not done():
            if task.done():
                task.result()
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(data: bytes, seconds: float = 30) -> AsyncIterator[int]:
    """A TCP server that says `data` to whoever comes, and then nothing."""

    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await writer.drain()
            await asyncio.sleep(seconds)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
