"""The same frame over two links: the first counts, the others are dropped.

The same means every byte, so with the number in sequence, the checksum and a signature that it may
have. An autopilot that numbers each of its ports for itself sends different frames on each.
"""

__all__ = ["Duplicates"]

_MAX_FRAMES = 100_000


class Duplicates:
    """Remembers what came in the last `window_us`."""

    def __init__(self, window_us: int) -> None:
        self._window_us = window_us
        self._new: dict[bytes, tuple[int, int]] = {}
        self._old: dict[bytes, tuple[int, int]] = {}
        self._turned_us = 0

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def first(self, raw: bytes, now_us: int) -> tuple[int, int] | None:
        """Which link `raw` came by first, and when; None if it did not."""
        found = self._new.get(raw) or self._old.get(raw)
        return found if found and now_us - found[1] <= self._window_us else None

    def add(self, raw: bytes, link: int, now_us: int) -> None:
        """`raw` came by `link`, which is a number of the caller's."""
        if now_us - self._turned_us > self._window_us or len(self._new) > _MAX_FRAMES:
            self._old, self._new = self._new, {}
            if now_us - self._turned_us > 2 * self._window_us:
                self._old = {}
            self._turned_us = now_us
        self._new[raw] = link, now_us
