"""What the centre was shown: of each device the newest still, of each stream the newest proxy."""

from collections.abc import Iterator

from sortedcontainers import SortedList

from fieldlink.edge.planner.candidate import Candidate, Key

__all__ = ["FRESH_US", "Edge", "FreshStills"]

FRESH_US = 30_000_000
"""A device's still is fresh again when it is this much newer than the last one shown."""

_DAY_US = 86_400_000_000
_NOTHING: Key = (-1, -1, b"")


class Edge:
    """The newest piece of something that the centre was shown: has, or is being sent.

    Newer is later in time; or recorded later though a day or more earlier: the clock was set back.
    """

    __slots__ = ("_held", "_sent", "_top")

    def __init__(self) -> None:
        self._held = _NOTHING
        self._sent: dict[bytes, Key] = {}
        self._top = _NOTHING

    @property
    def at_us(self) -> int | None:
        """When that piece begins; None when nothing was shown."""
        return None if self._top is _NOTHING else self._top[0]

    def before(self, candidate: Candidate) -> bool:
        """Whether `candidate` is newer."""
        return _newer(candidate.key, self._top)

    def sent(self, candidate: Candidate) -> None:
        """All of `candidate` is under way."""
        self._sent[candidate.bundle] = candidate.key
        if _newer(candidate.key, self._top):
            self._top = candidate.key

    def lost(self, candidate: Candidate) -> None:
        """Some of it has to be sent again."""
        if self._sent.pop(candidate.bundle, None) == self._top:
            self._top = self._held
            for key in self._sent.values():
                if _newer(key, self._top):
                    self._top = key

    def settled(self, candidate: Candidate) -> None:
        """The centre has it; nothing happens unless all of it was under way."""
        key = self._sent.pop(candidate.bundle, None)
        if key is not None and _newer(key, self._held):
            self._held = key


class FreshStills:
    """The devices of which a fresh still waits, the one whose last was shown longest ago first."""

    __slots__ = ("_order", "_places")

    def __init__(self) -> None:
        self._order: SortedList[tuple[bool, int, int, str]] = SortedList()
        self._places: dict[str, tuple[bool, int, int, str]] = {}

    def place(self, device: str, still: Candidate | None, shown_us: int | None) -> None:
        """`still` is what waits of `device`, None: nothing that is fresh; one that was begun goes
        first, then the longest unseen, then the newest.
        """
        if (old := self._places.pop(device, None)) is not None:
            self._order.remove(old)
        if still is not None:
            shown = -1 if shown_us is None else shown_us
            new = not still.begun, shown, -still.start_us, device
            self._places[device] = new
            self._order.add(new)

    def __iter__(self) -> Iterator[str]:
        return (place[3] for place in self._order)


def _newer(one: Key, other: Key) -> bool:
    return one[0] > other[0] or (other[0] - one[0] > _DAY_US and one[1] > other[1])
