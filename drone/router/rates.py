"""How often something may pass, in times that are arguments: nothing here looks at a clock.

A message passes when it is not much earlier than its turn: half an interval is forgiven, and taken
off the next turn. So a message that comes once a second, a little early or late, passes every time
at 1 Hz, one that comes at 3 Hz passes at 1 Hz and not at 0.75 Hz, and over time there are never
more than asked for. (Leaky bucket as a meter, ITU-T I.371 annex A, with half an interval's
tolerance.)
"""

__all__ = ["Bucket", "Meter"]

_MAX_KEYS = 4096


class Meter:
    """Turns of many kinds of messages. Bounded: the kind added first is forgotten when there are
    too many, and begins anew.
    """

    def __init__(self, max_keys: int = _MAX_KEYS) -> None:
        self._turns: dict[object, int] = {}
        self._max_keys = max_keys

    def __len__(self) -> int:
        return len(self._turns)

    def passes(self, key: object, interval_us: int, now_us: int) -> bool:
        """Whether one of `key` may pass now; if so it has."""
        turn_us = self._turns.get(key)
        early_us = interval_us // 2
        if turn_us is None:
            if len(self._turns) >= self._max_keys:
                del self._turns[next(iter(self._turns))]
            turn_us = now_us
        elif now_us < turn_us - early_us:
            return False
        # Whoever was silent has no more to come than half a turn: no burst after a pause.
        self._turns[key] = max(turn_us, now_us - early_us) + interval_us
        return True


class Bucket:
    """A budget in bytes per second, empty at first. What is not used in two seconds is gone."""

    def __init__(self, bytes_s: float, now_us: int) -> None:
        self.bytes_s = bytes_s
        # Whatever the rate, the longest frame there is has to fit.
        self._most = max(2.0 * bytes_s, 300.0)
        self._left = 0.0
        self._at_us = now_us

    def take(self, size_bytes: int, now_us: int) -> bool:
        """Whether so many bytes may go now; if so they have."""
        self._fill(now_us)
        if size_bytes > self._left:
            return False
        self._left -= size_bytes
        return True

    def has(self, size_bytes: int, now_us: int) -> bool:
        """Whether so many bytes might go now."""
        self._fill(now_us)
        return size_bytes <= self._left

    def charge(self, size_bytes: int) -> None:
        """So many bytes went, whether or not there was room."""
        self._left -= size_bytes

    def debt_s(self, now_us: int) -> float:
        """How long nothing may go until all that went is paid for."""
        self._fill(now_us)
        return max(0.0, -self._left) / self.bytes_s

    def _fill(self, now_us: int) -> None:
        self._left = min(self._most, self._left + (now_us - self._at_us) * self.bytes_s / 1e6)
        self._at_us = now_us
