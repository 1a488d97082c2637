"""Packets waiting for the decoder: bounded in time, shed by whole groups of pictures."""

import threading
from collections import deque

from fieldlink.edge.source.media import Packet

__all__ = ["Backlog"]

_LAG_US = 1_200_000
_MAX_PACKETS = 600


class Backlog:
    """Hands packets from the thread that records to the one that decodes.

    When the decoder is more than 1.2 s behind, what waits is dropped and decoding goes on at the
    newest keyframe: pictures may be fewer, but they are new, and the recording never waits.
    """

    def __init__(self) -> None:
        self._queue: deque[Packet | None] = deque()
        self._changed = threading.Condition()
        self._until_keyframe = False
        self._shed_us: tuple[int, int] | None = None
        self.dropped_packets = 0
        self.dropped_groups = 0

    def put(self, packet: Packet) -> None:
        """Queue `packet`, or drop it; never waits."""
        with self._changed:
            if self._is_behind(packet):
                self._shed()
            if packet.kind == "video" and packet.keyframe:
                self._until_keyframe = False
            if self._until_keyframe and packet.kind == "video":
                self._drop(packet)
                return
            self._queue.append(packet)
            self._changed.notify()

    def _shed(self) -> None:
        """Drop everything before the newest keyframe that waits; all of it if none does."""
        self.dropped_groups += 1
        keys = [n for n, p in enumerate(self._queue) if p and p.kind == "video" and p.keyframe]
        newest = keys[-1] if keys and keys[-1] > 0 else len(self._queue)
        self._until_keyframe = newest == len(self._queue)
        for _ in range(newest):
            self._drop(self._queue.popleft())

    def _drop(self, packet: Packet | None) -> None:
        self.dropped_packets += 1
        if packet is None or packet.kind != "video":
            return
        start_us, end_us = self._shed_us or (packet.utc_us, packet.utc_us)
        self._shed_us = min(start_us, packet.utc_us), max(end_us, packet.utc_us)

    def take_shed(self) -> tuple[int, int] | None:
        """The times (UTC microseconds) of the first and the last picture dropped since asked
        last; None when none was.
        """
        with self._changed:
            shed, self._shed_us = self._shed_us, None
            return shed

    def _is_behind(self, packet: Packet) -> bool:
        oldest = self._queue[0] if self._queue else None
        if oldest is None:
            return False
        return packet.utc_us - oldest.utc_us > _LAG_US or len(self._queue) > _MAX_PACKETS

    def end(self) -> None:
        """No more packets; the decoder takes what is left."""
        with self._changed:
            self._queue.append(None)
            self._changed.notify()

    def get(self, wait_s: float) -> tuple[bool, Packet | None]:
        """Whether the end has come, and the next packet, if one comes within `wait_s` seconds."""
        with self._changed:
            if not self._queue:
                self._changed.wait(wait_s)
            if not self._queue:
                return False, None
            packet = self._queue.popleft()
            return packet is None, packet
