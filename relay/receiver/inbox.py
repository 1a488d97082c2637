"""Messages waiting for the receiver, bounded by bytes."""

import threading
from collections import deque

__all__ = ["Inbox"]

_PATIENCE_S = 1.0
_OVERHEAD_BYTES = 200


class Inbox:
    """From the network's thread to the receiver's. When it is full the sender waits a second,
    so that TCP slows the broker down; then the message is dropped and the kit asks again.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._change = threading.Condition()
        self._closed = False

    def put(self, topic: str, payload: bytes) -> bool:
        """Add a message; False when it was dropped."""
        size = len(payload) + _OVERHEAD_BYTES
        with self._change:
            fits = self._change.wait_for(
                lambda: self._closed or self._bytes + size <= self._most_bytes, _PATIENCE_S
            )
            if not fits or self._closed:
                return False
            self._waiting.append((topic, payload))
            self._bytes += size
            self._change.notify_all()
        return True

    def take(self, timeout_s: float) -> list[tuple[str, bytes]]:
        """Everything that waits, after at most `timeout_s` seconds; empty when nothing came."""
        with self._change:
            self._change.wait_for(lambda: self._closed or bool(self._waiting), timeout_s)
            taken = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._change.notify_all()
        return taken

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait."""
        return self._bytes

    def close(self) -> None:
        """Take no more, and wake whoever waits."""
        with self._change:
            self._closed = True
            self._change.notify_all()
