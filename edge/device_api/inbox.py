"""Messages on their way from the network's thread to the event loop: many at once, bounded."""

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Inbox"]

_MAX_MESSAGES = 20_000
_MAX_BYTES = 32 * 1024 * 1024
_SLICE = 100  # messages before others on the loop have their turn


class Inbox:
    """`put` on any thread; `take(topic, payload)` is called on `loop`, in order.

    What does not fit is dropped and counted: whoever sent it gets no receipt, and sends it again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[str, bytes], None]) -> None:
        self._loop, self._take = loop, take
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._called = False
        self._closed = False
        self.dropped = 0

    def put(self, topic: str, payload: bytes) -> None:
        """Hand a message over; on the network's thread."""
        if len(self._waiting) >= _MAX_MESSAGES or self._bytes > _MAX_BYTES:
            self.dropped += 1
            return
        self._waiting.append((topic, payload))
        self._bytes += len(payload)  # only about right, with two threads: a bound, no account
        if not self._called and not self._closed:
            self._called = True
            self._loop.call_soon_threadsafe(self._some)

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True
        self._waiting.clear()

    def _some(self) -> None:
        for _ in range(_SLICE):
            try:
                topic, payload = self._waiting.popleft()
            except IndexError:
                break
            self._bytes -= len(payload)
            self._take(topic, payload)
        self._called = False
        if self._waiting and not self._closed:
            self._called = True
            self._loop.call_soon(self._some)
