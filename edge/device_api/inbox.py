"""Messages on their way from the network's thread to the event loop: many at once, bounded, fair.

A device that floods fills its own share and nobody else's; calls for help go before the rest, and
have room of their own: what a device has sent besides is not in their way.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["Inbox"]

_MAX_BYTES = 32 * 1024 * 1024
_MAX_URGENT_BYTES = 4 * 1024 * 1024
_LEAST_BYTES = 1_678  # what a short message counts: one bound for bytes and for 20,000 messages
_SHARE = 16  # one device may fill a sixteenth
_SLICE_S = 0.02  # before others on the loop have their turn
_URGENT = ("/sos", "/man_down")


class _Line:
    """Messages that wait, of `max_bytes` at most. Any thread may call."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._guard = threading.Lock()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._all = 0
        self._of_each: dict[str, int] = {}  # of whom something waits, so that names do not pile up

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, topic: str, payload: bytes) -> bool:
        """Whether it fits."""
        sender, weight = _account(topic, payload)
        with self._guard:
            its_own = self._of_each.get(sender, 0) + weight
            if its_own > self._max_bytes // _SHARE or self._all + weight > self._max_bytes:
                return False
            self._of_each[sender] = its_own
            self._all += weight
            self._waiting.append((topic, payload))
        return True

    def take(self) -> tuple[str, bytes]:
        """The oldest; there has to be one."""
        with self._guard:
            topic, payload = self._waiting.popleft()
            sender, weight = _account(topic, payload)
            self._all -= weight
            self._of_each[sender] -= weight
            if not self._of_each[sender]:
                del self._of_each[sender]
        return topic, payload

    def clear(self) -> None:
        """Forget them all."""
        with self._guard:
            self._waiting.clear()
            self._of_each.clear()
            self._all = 0


def _account(topic: str, payload: bytes) -> tuple[str, int]:
    return topic.rpartition("/")[0], max(len(payload), _LEAST_BYTES)


class Inbox:
    """`put` on the network's thread; `take(topic, payload)` is called on `loop`, in order.

    What does not fit is dropped and counted: whoever sent it gets no receipt, and sends it again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[str, bytes], None]) -> None:
        self._loop, self._take = loop, take
        self._urgent, self._others = _Line(_MAX_URGENT_BYTES), _Line(_MAX_BYTES)
        self._called = False
        self._closed = False
        self.dropped = 0
        self.failed: asyncio.Future[None] = loop.create_future()
        """Has what `take` raised, if it does; nothing is taken after that."""

    def put(self, topic: str, payload: bytes) -> None:
        """Hand a message over."""
        if not (self._urgent if topic.endswith(_URGENT) else self._others).put(topic, payload):
            self.dropped += 1
            return
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
            try:
                self._take(*waiting.take())
            except Exception as error:  # noqa: BLE001  # it comes out of `failed`
                self.close()
                self.failed.set_exception(error)
        self._called = False
        if (self._urgent or self._others) and not self._closed:
            self._called = True
            self._loop.call_soon(self._some)
