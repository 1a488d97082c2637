"""Frames that somebody waits for."""

import asyncio
from collections.abc import Callable

from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.commanding.errors import CommandError

__all__ = ["Heard"]


class Heard:
    """Frames that somebody waits for. Bounded: the newest of too many are not kept."""

    def __init__(self, wanted: Callable[[Frame], bool], most: int) -> None:
        self._wanted = wanted
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue(most)

    def take(self, frame: Frame) -> None:
        """A frame came."""
        if frame.known and not self._queue.full() and self._wanted(frame):
            self._queue.put_nowait(frame)

    def end(self) -> None:
        """Nothing comes any more."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self, patience_s: float) -> Frame | None:
        """The next one; None after so long.

        Raises:
            CommandError: "ended".
        """
        try:
            async with asyncio.timeout(patience_s):
                frame = await self._queue.get()
        except TimeoutError:
            return None
        if frame is None:
            self._queue.put_nowait(None)
            raise CommandError("ended", "the router was stopped; ask again")
        return frame
