"""What was said lately, to know it again: a terminal that heard no answer says everything twice.

JT/T 808 numbers frames with 16 bits that begin anew, so a location is known by its own bytes: time,
position, flags and all. The kit numbers the records.
"""

from typing import Final

from fieldlink.edge.telemetry.ports import Done

__all__ = ["Gathered", "Recent"]

_STORED: Final = None


class Recent:
    """The last `limit` things said, each under way to the spool or in it."""

    def __init__(self, limit: int = 2048) -> None:
        self._limit = limit
        self._known: dict[bytes, list[Done] | None] = {}

    def __len__(self) -> int:
        return len(self._known)

    def is_new(self, key: bytes, done: Done) -> bool:
        """Whether `key` is to be stored, after which `settle` has to be called. If not, `done` is
        told once the first one is in the spool, at once if it is already.
        """
        if key not in self._known:
            self._known[key] = [done]
            self._forget()
            return True
        waiting = self._known[key]
        if waiting is None:
            done(None)
        else:
            waiting.append(done)
        return False

    def settle(self, key: bytes, error: str | None) -> None:
        """Tell everybody who waits for `key`; what was refused may come again."""
        waiting = self._known.pop(key, None) or []
        if error is None:
            self._known[key] = _STORED
        for done in waiting:
            done(error)

    def _forget(self) -> None:
        while len(self._known) > self._limit:
            stored = (key for key, waiting in self._known.items() if waiting is _STORED)
            oldest = next(stored, None)
            if oldest is None:
                return  # all of them are under way, and those are bounded elsewhere
            del self._known[oldest]


class Gathered:
    """Calls `done` once, when everything that was begun with `one` has been told and `close` was
    called: with the first error, if there was any.
    """

    def __init__(self, done: Done) -> None:
        self._done = done
        self._left = 1
        self._error: str | None = None

    def one(self) -> Done:
        """For one more to be told of."""
        self._left += 1
        return self._told

    def close(self) -> None:
        """There are no more."""
        self._told(None)

    def _told(self, error: str | None) -> None:
        self._left -= 1
        self._error = self._error or error
        if self._left == 0:
            self._done(self._error)
