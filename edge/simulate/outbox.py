"""What a device has said and has no receipt for: kept, bounded, and sent again until it has one.

The rules that every device has to follow, as a device in Python: docs/devices.md. Time is given as
seconds of any clock that only goes on.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

__all__ = ["Outbox", "Parcel"]

_AGAIN_S = 10.0  # a message without a receipt after so long is sent again
_STORED_S = 5.0  # what comes later than that says that it was stored: rule 5 of docs/devices.md
_BATCH = 100
_URGENT = ("sos", "man_down")


@dataclass(slots=True)
class _Entry:
    stream: str
    message: dict[str, Any]
    said_s: float
    sent_s: float | None = None
    sends: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be published: one message or a batch, under an id that its receipt echoes."""

    stream: str
    content: Any
    ident: int


class Outbox:
    """At most `largest` messages; the oldest that is no call for help gives way, and is counted."""

    def __init__(self, largest: int = 3_600) -> None:
        self._largest = largest
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._under_way: dict[int, list[int]] = {}
        self._number = self._ident = 0
        self.confirmed: Counter[str] = Counter()  # receipts that came, by stream
        self.said = self.acknowledged = self.refused = self.given_up = self.repeats = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, stream: str, message: dict[str, Any], now_s: float) -> None:
        """Say `message`: it stays until its receipt."""
        self.said += 1
        self._number += 1
        self._entries[self._number] = _Entry(stream, message, now_s)
        if len(self._entries) > self._largest:
            old = (n for n, entry in self._entries.items() if entry.stream not in _URGENT)
            del self._entries[next(old, next(iter(self._entries)))]
            self.given_up += 1

    def due(self, now_s: float) -> Iterator[Parcel]:
        """What is to be sent now, calls for help first; what has gathered goes as one."""
        waiting = [
            (number, entry)
            for number, entry in self._entries.items()
            if entry.sent_s is None or now_s - entry.sent_s >= _AGAIN_S
        ]
        waiting.sort(key=lambda one: one[1].stream not in _URGENT)  # stable: else in order
        streams = dict.fromkeys(entry.stream for _, entry in waiting)
        for stream in streams:
            mine = iter([one for one in waiting if one[1].stream == stream])
            while some := list(islice(mine, _BATCH)):
                yield self._parcel(stream, some, now_s)

    def _parcel(self, stream: str, some: list[tuple[int, _Entry]], now_s: float) -> Parcel:
        self._ident += 1
        messages = []
        for _, entry in some:
            self.repeats += entry.sends > 0
            entry.sends += 1
            entry.sent_s = now_s
            late = {"stored": True} if now_s - entry.said_s > _STORED_S else {}
            messages.append({**entry.message, **late, "id": self._ident})
        self._under_way[self._ident] = [number for number, _ in some]
        while len(self._under_way) > self._largest:
            del self._under_way[next(iter(self._under_way))]
        return Parcel(stream, messages[0] if len(messages) == 1 else messages, self._ident)

    def lost(self) -> None:
        """The connection is gone: whatever has no receipt is due at once on the next."""
        for entry in self._entries.values():
            entry.sent_s = None
        self._under_way.clear()

    def receipt(self, told: Any) -> list[tuple[str, dict[str, Any]]]:
        """Take a receipt in; the messages that the kit has now, with their streams."""
        ident = told.get("id") if isinstance(told, dict) else None
        numbers = self._under_way.pop(ident, None) if isinstance(ident, int) else None
        if numbers is None:
            return []
        if not told.get("ok") and told.get("again"):
            return []  # it is due again after a while, as if nothing had come
        found = [self._entries.pop(number) for number in numbers if number in self._entries]
        if not told.get("ok"):
            self.refused += len(found)
            return []
        self.acknowledged += len(found)
        self.confirmed.update(entry.stream for entry in found)
        return [(entry.stream, entry.message) for entry in found]
