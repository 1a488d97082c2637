"""Messages on their way from the network's thread to the event loop: many at once, bounded, fair.

A device that floods fills its own share and nobody else's; calls for help go before the rest.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable

__all__ = ["Inbox"]

_MAX_MESSAGES = 20_000
_MAX_BYTES = 32 * 1024 * 1024
_SHARE = 16  # one device may fill a sixteenth of both
_SLICE_S = 0.02  # before others on the loop have their turn
_URGENT = ("/sos", "/man_down")


class Inbox:
    """`put` on the network's thread; `take(topic, payload)` is called on `loop`, in order.

    What does not fit is dropped and counted: whoever sent it gets no receipt, and sends it again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[str, bytes], None]) -> None:
        self._loop, self._take = loop, take
        self._urgent: deque[tuple[str, bytes]] = deque()
        self._others: deque[tuple[str, bytes]] = deque()
        # Each thread writes its own account, so that neither has to wait for the other.
        self._put: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._called = False
        self._closed = False
        self.dropped = 0
        self.failed: asyncio.Future[None] = loop.create_future()
        """Has what `take` raised, if it does; nothing is taken after that."""

    def put(self, topic: str, payload: bytes) -> None:
        """Hand a message over."""
        sender = topic.rpartition("/")[0]
        weight = max(len(payload), _MAX_BYTES // _MAX_MESSAGES)  # one bound for both
        waits = self._put[sender] - self._taken[sender]
        if (
            waits + weight > _MAX_BYTES // _SHARE
            or self._put[""] - self._taken[""] + weight > _MAX_BYTES
        ):
            self.dropped += 1
            return
        self._put[sender] += weight
        self._put[""] += weight
        (self._urgent if topic.endswith(_URGENT) else self._others).append((topic, payload))
        if not self._called and not self._closed:
            self._called = True
            self._loop.call_soon_threadsafe(self._some)

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True
        self.failed.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._urgent.clear()
        self._others.clear()

    def _some(self) -> None:
        end_s = time.monotonic() + _SLICE_S
        while time.monotonic() < end_s:
            waiting = self._urgent or self._others
            if not waiting:
                break
            topic, payload = waiting.popleft()
            weight = max(len(payload), _MAX_BYTES // _MAX_MESSAGES)
            self._taken[topic.rpartition("/")[0]] += weight
            self._taken[""] += weight
            try:
                self._take(topic, payload)
            except Exception as error:  # noqa: BLE001  # it comes out of `failed`
                self.close()
                self.failed.set_exception(error)
        self._called = False
        if (self._urgent or self._others) and not self._closed:
            self._called = True
            self._loop.call_soon(self._some)
