"""Counting what was refused and what went wrong, and turning it into a bounded stream of events."""

import threading
from collections import Counter

from fieldlink.relay.catalogue import Event

__all__ = ["GOOD_NEWS", "Tally"]

GOOD_NEWS = frozenset({"admitted", "joined", "mark", "put-out", "recovered"})
"""Kinds of events that are no trouble."""

_QUIET_US = 10_000_000
_MOST_KINDS = 1_000


class Tally:
    """Counts by kind and kit; the first of a kind is an event at once, the next within ten
    seconds are one event with their count. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str | None]] = Counter()
        self._told_us: dict[tuple[str, str | None], int] = {}
        self._held: dict[tuple[str, str | None], tuple[int, str]] = {}
        self._ready: list[Event] = []

    def note(self, kind: str, kit: str | None, text: str, now_us: int, *, count: int = 1) -> None:
        """`count` things of `kind` happened with `kit` (None: no kit that is known)."""
        with self._lock:
            key = (kind, kit)
            if key not in self._told_us and len(self._told_us) >= _MOST_KINDS:
                key = (kind, None)  # names from outside must not fill the memory
            self._counts[key] += count
            if key in self._told_us and self._quiet(key, now_us):
                self._held[key] = (self._held.get(key, (0, ""))[0] + count, text)
            else:
                self._told_us[key] = now_us
                self._ready.append(Event(0, now_us, kind, key[1], text, count))

    def take(self, now_us: int, *, everything: bool = False) -> list[Event]:
        """The events that are due; with `everything` those that were held back, too."""
        with self._lock:
            taken, self._ready = self._ready, []
            for key, (count, text) in list(self._held.items()):
                if everything or not self._quiet(key, now_us):
                    del self._held[key]
                    self._told_us[key] = now_us
                    taken.append(Event(0, now_us, key[0], key[1], text, count))
        return taken

    def _quiet(self, key: tuple[str, str | None], now_us: int) -> bool:
        # A clock that was set back must not keep events back for as long.
        return 0 <= now_us - self._told_us[key] < _QUIET_US

    def counts(self) -> dict[str, int]:
        """How often each kind happened since the start."""
        with self._lock:
            sums: Counter[str] = Counter()
            for (kind, _kit), count in self._counts.items():
                sums[kind] += count
            return dict(sums)
