"""What waits to be sent to one endpoint: bounded, and when not all fits, the best of it."""

from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.router.rates import Bucket
from fieldlink.drone.router.values import REST, STATE, value_of

__all__ = ["Outbox"]

FRESH_US = 3_000_000
"""Older than this, a state is not worth sending: a newer one is on its way."""

_KEPT = 3 / 4


class Outbox:
    """Frames in the order they came. Nothing waits longer than the endpoint stands still."""

    def __init__(self, max_bytes: int, bucket: Bucket | None = None) -> None:
        self.max_bytes = max_bytes
        self.dropped = 0
        self.stale = 0
        self._bucket = bucket
        self.bytes = 0
        self._need = 0  # before the budget has so much, nothing that waits can go
        self._waiting: list[tuple[Frame, int]] = []

    def change(self, max_bytes: int, bucket: Bucket | None) -> None:
        """Other bounds from now on."""
        self.max_bytes, self._bucket, self._need = max_bytes, bucket, 0
        if self.bytes > max_bytes:
            self._shrink()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, frame: Frame, now_us: int) -> None:
        """Add `frame`; too much, and the oldest of the lowest value goes."""
        self._waiting.append((frame, now_us))
        self.bytes += len(frame.raw)
        self._need = min(self._need, len(frame.raw))
        if self.bytes > self.max_bytes:
            self._shrink()

    def _shrink(self) -> None:
        # A quarter at once: the work is shared by all the frames that made it.
        over = self.bytes - int(self.max_bytes * _KEPT)
        waiting = self._waiting
        worst_first = sorted(range(len(waiting)), key=lambda at: -value_of(waiting[at][0].msgid))
        doomed: set[int] = set()
        for at in worst_first:  # sort is stable: of one value, the oldest first
            if over <= 0:
                break
            doomed.add(at)
            over -= len(waiting[at][0].raw)
        self.dropped += len(doomed)
        self._keep([entry for at, entry in enumerate(waiting) if at not in doomed])

    def take(self, max_bytes: int, now_us: int) -> list[bytes]:
        """What may be sent now, at most `max_bytes`, and at least one frame if any."""
        if not self._waiting:
            return []
        if now_us - self._waiting[0][1] > FRESH_US:
            self._drop_stale(now_us)
        if self._bucket is not None:
            return self._within(self._bucket, max_bytes, now_us)
        if self.bytes <= max_bytes:
            taken = [frame.raw for frame, _ in self._waiting]
            self._keep([])
            return taken
        size = count = 0
        for frame, _ in self._waiting:
            size += len(frame.raw)
            if size > max_bytes and count:
                break
            count += 1
        taken = [frame.raw for frame, _ in self._waiting[:count]]
        self._keep(self._waiting[count:])
        return taken

    def _within(self, bucket: Bucket, max_bytes: int, now_us: int) -> list[bytes]:
        if not bucket.has(self._need, now_us):  # sorting for each frame that comes costs too much
            return []
        # The best first; among equals, in order. sort is stable.
        order = sorted(range(len(self._waiting)), key=self._value)
        gone: set[int] = set()
        size = need = 0
        for at in order:
            raw = self._waiting[at][0].raw
            if size + len(raw) > max_bytes and gone:
                break
            if not bucket.take(len(raw), now_us):
                need = len(raw)
                break
            gone.add(at)
            size += len(raw)
        taken = [self._waiting[at][0].raw for at in sorted(gone)]
        self._keep([entry for at, entry in enumerate(self._waiting) if at not in gone])
        self._need = need
        return taken

    def _value(self, at: int) -> int:
        return value_of(self._waiting[at][0].msgid)

    def _drop_stale(self, now_us: int) -> None:
        kept = [
            (frame, at_us)
            for frame, at_us in self._waiting
            if now_us - at_us <= FRESH_US or not STATE <= value_of(frame.msgid) <= REST
        ]
        self.stale += len(self._waiting) - len(kept)
        self._keep(kept)

    def _keep(self, entries: list[tuple[Frame, int]]) -> None:
        self._waiting, self._need = entries, 0
        self.bytes = sum(len(frame.raw) for frame, _ in entries)

    def clear(self) -> None:
        """Forget everything: whoever was there is gone."""
        self.dropped += len(self._waiting)
        self._keep([])
