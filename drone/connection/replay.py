"""A recorded flight as a source: its frames come as they came then, or faster."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from fieldlink.codecs.fault import SourceError
from fieldlink.drone.connection.address import Address
from fieldlink.drone.connection.logs import Logged, read_log
from fieldlink.drone.connection.ports import Host

__all__ = ["Pace", "Replay"]

_READ_AHEAD = 200
_BETWEEN_S = 1.0
_TOGETHER_S = 0.01
_LONGEST_PAUSE_S = 10.0
"""A log that has a longer hole in it goes on after so long."""


class _FileWay:
    """Nobody is there who could be sent anything."""

    whole = True
    ready = True

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, frames: list[bytes]) -> None:
        """Nobody listens."""


class Replay:
    """A .tlog, .bin, .ulg or .srt file. The reading is done on a thread."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def run(self, host: Host) -> None:
        """Play it; return at its end, unless it is to be played again and again.

        Raises:
            SourceError: it cannot be read, or what was behind the last frame is damaged.
        """
        way = _FileWay(Path(self._address.path).name)
        host.joined(way)
        try:
            await self._play(host, way)
            while self._address.loop:
                await asyncio.sleep(_BETWEEN_S)  # of a file without frames as well
                await self._play(host, way)
        finally:
            host.left(way)

    async def _play(self, host: Host, way: _FileWay) -> None:
        log = _skipped(read_log(Path(self._address.path)), self._address.start_s)
        pace = Pace(self._address.speed, asyncio.get_running_loop().time)
        while True:
            batch, wrong = await asyncio.to_thread(_some, log)
            together: list[bytes] = []
            for logged in batch:
                wait_s = pace.wait_s(logged.at_us)
                if wait_s > _TOGETHER_S:
                    if together:
                        host.heard(way, together)
                        together = []
                    await asyncio.sleep(wait_s)
                together.append(logged.raw)
            if together:
                host.heard(way, together)
            if wrong is not None:
                raise wrong
            if not batch:
                return


def _some(log: Iterator[Logged]) -> tuple[list[Logged], SourceError | None]:
    batch: list[Logged] = []
    try:
        batch.extend(islice(log, _READ_AHEAD))
    except SourceError as error:  # what was read before it is played first
        return batch, error
    return batch, None


def _skipped(log: Iterator[Logged], start_s: float) -> Iterator[Logged]:
    begun_us: int | None = None
    for logged in log:
        begun_us = logged.at_us if begun_us is None else begun_us
        if logged.at_us - begun_us >= start_s * 1e6:
            yield logged


class Pace:
    """When a frame is due, on a clock in seconds."""

    def __init__(self, speed: float, clock: Callable[[], float]) -> None:
        self._speed = speed
        self._due_s = 0.0
        self._last_us: int | None = None
        self._clock = clock

    def wait_s(self, at_us: int) -> float:
        """How long until a frame said at `at_us` is due."""
        if not self._speed:
            return 0.0
        now_s = self._clock()
        if self._last_us is None:
            self._due_s = now_s
        else:  # a clock that was set back, or a hole, is not waited for
            step_s = (at_us - self._last_us) / 1e6 / self._speed
            self._due_s += min(max(step_s, 0.0), _LONGEST_PAUSE_S)
        self._last_us = at_us
        return self._due_s - now_s
