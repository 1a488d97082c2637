"""What the centre was shown: of each device the newest still, of each stream the newest proxy."""

from collections.abc import Iterator

from sortedcontainers import SortedList

from fieldlink.edge.planner.candidate import Candidate

__all__ = ["FRESH_US", "Edge", "FreshStills"]

FRESH_US = 30_000_000
"""A device's still is fresh again when it is this much newer than the last one shown."""


class Edge:
    """The newest piece of something that the centre was shown: has, or is being sent.

    Newer is later in time; or recorded later, when it happened, though earlier by the clock: that
    was set back.
    """

    __slots__ = ("_held", "_sent", "_top")

    def __init__(self) -> None:
        self._held: Candidate | None = None
        self._sent: dict[bytes, Candidate] = {}
        self._top: Candidate | None = None

    @property
    def at_us(self) -> int | None:
        """When that piece begins; None when nothing was shown."""
        return None if self._top is None else self._top.start_us

    def before(self, candidate: Candidate) -> bool:
        """Whether `candidate` is newer."""
        return _newer(candidate, self._top)

    def sent(self, candidate: Candidate) -> None:
        """All of `candidate` is under way."""
        self._sent[candidate.bundle] = candidate
        if _newer(candidate, self._top):
            self._top = candidate

    def lost(self, candidate: Candidate) -> None:
        """Some of it has to be sent again."""
        if self._sent.pop(candidate.bundle, None) is self._top:
            self._top = self._held
            for one in self._sent.values():
                if _newer(one, self._top):
                    self._top = one

    def settled(self, candidate: Candidate) -> None:
        """The centre has it; nothing happens unless all of it was under way."""
        if self._sent.pop(candidate.bundle, None) and _newer(candidate, self._held):
            self._held = candidate


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


def _newer(one: Candidate, other: Candidate | None) -> bool:
    if other is None or one.start_us > other.start_us:
        return True
    return one.prompt and one.sequence > other.sequence
