"""Answers on their way to kits: those about ranges are gathered for a moment and sent together."""

from collections.abc import Callable, Iterable, Sequence

from fieldlink.codecs.wire import Ack, AckItem, Frame

__all__ = ["Outbox", "Send", "acks"]

Send = Callable[[str, str, Frame], None]
"""send(kit, kind, frame): publish to a kit; what cannot be sent is dropped, kits ask again."""

HOLD_US = 50_000
# 64 answers of 64 spans each still fit a frame's header.
_MOST_ITEMS = 64


class Outbox:
    """Gathers one answer for each bundle, the newest, for at most 50 ms; used by one thread."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._items: dict[str, dict[bytes, AckItem]] = {}
        self.due_us: int | None = None

    def put(self, kit: str, item: AckItem, now_us: int) -> None:
        """Answer soon."""
        self._items.setdefault(kit, {})[item.bundle] = item
        if self.due_us is None:
            self.due_us = now_us + HOLD_US

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
