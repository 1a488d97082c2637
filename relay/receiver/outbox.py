"""Answers on their way to kits: those about ranges are gathered for a moment and sent together."""

import threading
from collections.abc import Callable, Iterable, Sequence

from fieldlink.codecs.wire import Ack, AckItem, Frame, Verdict

__all__ = ["Outbox", "Send", "Stamp", "acks"]

Send = Callable[[str, str, Frame], None]
"""send(kit, kind, frame): publish to a kit; what cannot be sent is dropped, kits ask again."""

HOLD_US = 50_000
PART_HOLD_US = 700_000
"""How long an answer about a part may wait: most bundles are whole by then, and need none. Less
than a kit's patience, which is a second and four round trips."""

# 64 answers of 64 spans each still fit a frame's header.
_MOST_ITEMS = 64


class Stamp:
    """The times of answers: the centre's clock, but each later than the one before.

    Kits tell an old answer from a new one by them, also after that clock was set back.
    Thread-safe.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last_us = 0

    def __call__(self) -> int:
        with self._lock:
            self._last_us = max(self._clock(), self._last_us + 1)
            return self._last_us


class Outbox:
    """Gathers one answer for each bundle, the newest, for a moment; used by one thread."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._items: dict[str, dict[bytes, AckItem]] = {}
        self.due_us: int | None = None

    def put(self, kit: str, item: AckItem, now_us: int) -> None:
        """Answer soon: that a part is held within 700 ms, anything else within 50 ms."""
        self._items.setdefault(kit, {})[item.bundle] = item
        is_part = item.verdict is Verdict.HAVE and bool(item.ranges)
        due_us = now_us + (PART_HOLD_US if is_part else HOLD_US)
        if self.due_us is None or self.due_us > due_us:
            self.due_us = due_us

    def due(self, now_us: int) -> bool:
        """Whether it is time to `flush`; a clock that was set back delays nothing."""
        return self.due_us is not None and not 0 < self.due_us - now_us <= PART_HOLD_US

    def withdraw(self, kit: str, bundle_id: bytes) -> None:
        """A better answer comes from elsewhere."""
        self._items.get(kit, {}).pop(bundle_id, None)

    def flush(self) -> None:
        """Send everything that was gathered."""
        waiting, self._items, self.due_us = self._items, {}, None
        for kit, items in waiting.items():
            for ack in acks(list(items.values())):
                self._send(kit, "ack", ack)


def acks(items: Sequence[AckItem]) -> Iterable[Ack]:
    """`items` as frames of bounded size."""
    for at in range(0, len(items), _MOST_ITEMS):
        yield Ack(tuple(items[at : at + _MOST_ITEMS]))
