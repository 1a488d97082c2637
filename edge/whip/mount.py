"""What one device sends, between the loop that receives it and the thread that records it.

It holds 16 MB at most. When nobody takes them fast enough, the oldest pictures go, up to the next
keyframe, and that keyframe says how many are missing before it.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from fieldlink.edge.source.media import Packet

__all__ = ["Mount", "Over", "Publisher"]

_MAX_BYTES = 16_000_000
_AWAY_S = 60.0  # a recorder pauses for less between two tries


@dataclass(slots=True, eq=False)
class Publisher:
    """Whoever sends: from where, its sound ("opus", "pcmu", "pcma" or None), the hash of its token,
    and how it goes.
    """

    address: str
    audio: str | None
    hashed: str = field(repr=False)
    connected: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more belongs to what came before: why, and the word for the gap."""

    reason: str
    word: str = "closed"


class Mount:
    """The place of device `name`. Any thread may call any method."""

    def __init__(self, name: str, steady: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._steady = steady
        self._changed = threading.Condition()
        self._queue: deque[tuple[Publisher, Packet | Over]] = deque()
        self._bytes = 0
        self._readers = 0
        self._left_s: float | None = None
        self._dry = 0  # pictures given up since the queue ran over, with no keyframe left in it
        self._is_dry = False
        self.publisher: Publisher | None = None
        self.thirsty = False
        self.reason = ""
        self.counts: Counter[str] = Counter()

    # --- the loop that receives ----------------------------------------------------------------

    def is_wanted(self) -> bool:
        """Whether a recorder is there, or was a moment ago."""
        with self._changed:
            if self._readers:
                return True
            return self._left_s is not None and self._steady() - self._left_s < _AWAY_S

    def begin(self, publisher: Publisher) -> None:
        """`publisher` sends from now on, instead of whoever did."""
        with self._changed:
            if self.publisher is not None:
                self.counts["replaced"] += 1
                self._add(self.publisher, Over("another publisher took its place"))
            self.publisher, self.reason = publisher, ""
            self._is_dry, self._dry = False, 0
            self.counts["sessions"] += 1

    def put(self, publisher: Publisher, packet: Packet) -> None:
        """A packet of `publisher`; of one that was replaced nothing is taken."""
        with self._changed:
            if publisher is not self.publisher:
                return
            if self._is_dry:
                if packet.kind == "video" and packet.keyframe:
                    packet = replace(packet, missing=packet.missing + self._dry)
                    self._is_dry, self._dry = False, 0
                else:
                    self._dry += packet.kind == "video"
                    self.counts["overrun"] += 1
                    return
            if packet.kind == "video" and packet.keyframe:
                self.thirsty = False
            self._add(publisher, packet)
            if self._bytes > _MAX_BYTES:
                self._shed()

    def end(self, publisher: Publisher, reason: str) -> None:
        """`publisher` sends no more."""
        with self._changed:
            if publisher is self.publisher:
                self.publisher, self.reason = None, reason
                self._add(publisher, Over(reason))

    def cut(self, publisher: Publisher, over: Over) -> None:
        """`publisher` goes on, and what comes now is recorded for itself."""
        with self._changed:
            if publisher is self.publisher:
                self._add(publisher, over)

    def refuse(self, reason: str) -> None:
        """Somebody came and could not send: why, for the report."""
        with self._changed:
            self.counts["refused"] += 1
            if self.publisher is None:
                self.reason = reason

    def _add(self, publisher: Publisher, what: Packet | Over) -> None:
        self._queue.append((publisher, what))
        self._bytes += len(what.data) if isinstance(what, Packet) else 0
        self._changed.notify_all()

    def _shed(self) -> None:
        """Give up the oldest pictures, up to the next keyframe."""
        given = self._drop()
        while self._queue:
            publisher, what = self._queue[0]
            if isinstance(what, Packet) and what.kind == "video" and what.keyframe:
                self._queue[0] = publisher, replace(what, missing=what.missing + given)
                return
            given += self._drop()
        self._is_dry, self._dry, self.thirsty = True, given, True

    def _drop(self) -> int:
        _, what = self._queue.popleft()
        if isinstance(what, Over):
            return 0
        self._bytes -= len(what.data)
        self.counts["overrun"] += 1
        return what.kind == "video"

    # --- the thread that records ---------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether somebody sends, or something is left to be recorded."""
        with self._changed:
            live = self.publisher is not None and self.publisher.connected
            return live or any(isinstance(what, Packet) for _, what in self._queue)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A recorder is there while the block lasts."""
        with self._changed:
            self._readers += 1
            packets = (what for _, what in self._queue if isinstance(what, Packet))
            first = next((one for one in packets if one.kind == "video"), None)
            self.thirsty = first is None or not first.keyframe
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._left_s = self._steady()

    def take(self, wait_s: float) -> tuple[Publisher, Packet | Over] | None:
        """The next there is, None if nothing comes within `wait_s`."""
        with self._changed:
            if not self._queue:
                self._changed.wait(wait_s)
            if not self._queue:
                return None
            found = self._queue.popleft()
            if isinstance(found[1], Packet):
                self._bytes -= len(found[1].data)
            return found

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        with self._changed:
            publisher = self.publisher
            state = "waiting"
            if publisher is not None:
                state = "live" if publisher.connected else "connecting"
            return {
                "state": state,
                "reason": self.reason,
                "from": publisher.address if publisher else None,
                **(publisher.facts if publisher else {}),
                "counts": dict(self.counts),
            }
