"""Runs an adapter on a thread that can be left behind, because libav can hang past its timeout."""

import threading
import time
from collections import deque
from typing import TypeAlias

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.source.media import Adapter, Ended, Metadata, Opened, Packet

__all__ = ["Feed"]

Event: TypeAlias = Opened | Packet | Metadata | Ended

_MAX_QUEUED_BYTES = 16_000_000
_HEAD_BYTES = 400  # what an event takes in memory, however little is in it
_PATIENCE_S = 2.0
_WAIT_S = 0.5


class _ClosedError(Exception):
    """Nobody reads this feed any more."""


class Feed:
    """The events of one run of `adapter`, read by one other thread.

    A full queue makes the adapter wait, so a slow disk slows the connection and grows nothing.
    """

    def __init__(self, name: str, adapter: Adapter, *, open_s: float, stall_s: float) -> None:
        self._adapter = adapter
        self._silence_s = open_s
        self._stall_s = stall_s
        self._queue: deque[Event] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._failure: BaseException | None = None
        self._done = False
        self.left_out = 0
        self._heard_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"source-{name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._adapter.run(self._deliver, lambda: self._closed)
        except _ClosedError:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, whole
            failure = error
        with self._changed:
            self._failure, self._done = failure, True
            self._changed.notify_all()

    def _deliver(self, event: Event) -> None:
        size, beside = _size(event), isinstance(event, Metadata)
        with self._changed:
            if beside and self._queued_bytes + size > _MAX_QUEUED_BYTES // 2:
                self.left_out += 1  # never at the price of video
                return
            while self._queued_bytes > _MAX_QUEUED_BYTES and not self._closed:
                self._changed.wait(_WAIT_S)
            if self._closed:
                raise _ClosedError
            self._queue.append(event)
            self._queued_bytes += size
            if not beside:  # that goes on when the picture has stopped
                self._heard_s = time.monotonic()
            self._changed.notify_all()

    def next(self, wait_s: float) -> Event | None:
        """The next event, or None if there is none within `wait_s` seconds.

        Raises:
            SourceError: the adapter failed, or has been silent for too long.
        """
        with self._changed:
            if not self._queue and not self._done:
                self._changed.wait(wait_s)
            silent_s = time.monotonic() - self._heard_s
            # libav times out by itself; this is for when it does not, and when only data comes.
            hangs = silent_s > self._silence_s + _PATIENCE_S
            if self._queue and not (hangs and isinstance(self._queue[0], Metadata)):
                return self._take()
            if self._done:
                raise self._failure or SourceError("closed", "the source ended by itself")
        if hangs:
            raise SourceError("hung", f"{self._adapter.describe()}: silent for {silent_s:.0f} s")
        return None

    def _take(self) -> Event:
        event = self._queue.popleft()
        self._queued_bytes -= _size(event)
        if isinstance(event, Packet):
            self._silence_s = self._stall_s
        self._changed.notify_all()
        return event

    def close(self, wait_s: float) -> bool:
        """End the run; False if its thread did not end within `wait_s` and was left behind."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._queued_bytes = 0
            self._changed.notify_all()
        self._thread.join(wait_s)
        return not self._thread.is_alive()


def _size(event: Event) -> int:
    return _HEAD_BYTES + len(event.data) if isinstance(event, Packet | Metadata) else 0
