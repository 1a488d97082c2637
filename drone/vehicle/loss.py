"""How much of what one sender sent did not come, by its numbers in sequence."""

__all__ = ["Loss"]

_SPAN_US = 30_000_000
_SPREAD_US = 10_000_000


class Loss:
    """Of the last half to whole minute. Unknown while it is heard over several links: an autopilot
    numbers each of its ports for itself.
    """

    def __init__(self) -> None:
        self._seq: int | None = None
        self._link, self._other_us = "", -_SPREAD_US
        self._now, self._before = [0, 0], [0, 0]  # came, lost
        self._turned_us = 0

    def count(self, seq: int, link: str, now_us: int) -> None:
        """A frame came."""
        if link != self._link:
            if self._link:
                self._other_us = now_us
            self._link, self._seq = link, None
        if now_us - self._turned_us > _SPAN_US:
            self._before = self._now if now_us - self._turned_us < 2 * _SPAN_US else [0, 0]
            self._now, self._turned_us = [0, 0], now_us
        if self._seq is not None:
            gap = (seq - self._seq - 1) & 0xFF
            if gap >= 128:  # one that was overtaken
                return
            self._now[1] += gap
        self._now[0] += 1
        self._seq = seq

    def percent(self, now_us: int) -> float | None:
        """The share that was lost."""
        if now_us - self._other_us < _SPREAD_US:
            return None
        came, lost = (a + b for a, b in zip(self._now, self._before, strict=True))
        return 100.0 * lost / (came + lost) if came else None
