"""Where candidates wait: lanes of what is alike, ordered by time, in tiers that go one by one.

A lane's ends cost nothing to look at, and its middle a binary search, however long it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sortedcontainers import SortedList

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.edge.planner.candidate import Candidate, Group, Key

__all__ = ["Edge", "Lane", "LaneKey", "Tier", "Turns"]

_DAY_US = 86_400_000_000
_NOTHING: Key = (-1, -1, b"")

LaneKey: TypeAlias = tuple[Group, int, Precedence, str, str, Layer]


class Lane:
    """Candidates that are alike, by time; `left_bytes` are those that they have to send.

    `oldest` and `newest` are its ends in time; a lane in a `SpoolState` is never empty.
    """

    __slots__ = ("_begun", "_keys", "_known", "device", "key", "layer", "left_bytes", "newest",
                 "oldest", "precedence", "stream")  # fmt: skip

    oldest: Candidate
    newest: Candidate

    def __init__(self, key: LaneKey, known: Mapping[bytes, Candidate]) -> None:
        self.key = key
        _, _, self.precedence, self.device, self.stream, self.layer = key
        self.left_bytes = 0
        self._known = known
        self._keys: SortedList[Key] = SortedList()
        self._begun: SortedList[Key] = SortedList()

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Candidate]:
        return (self._known[key[2]] for key in self._keys)

    def at(self, place: int) -> Candidate:
        """The candidate at `place`, the oldest at 0 and the newest at -1."""
        return self._known[self._keys[place][2]]

    @property
    def oldest_begun(self) -> Candidate | None:
        """The first in time of those that are partly sent."""
        return self._known[self._begun[0][2]] if self._begun else None

    @property
    def newest_begun(self) -> Candidate | None:
        """The last in time of those that are partly sent."""
        return self._known[self._begun[-1][2]] if self._begun else None

    def add(self, candidate: Candidate) -> None:
        """Put `candidate` in its place."""
        self._keys.add(candidate.key)
        if candidate.begun:
            self._begun.add(candidate.key)
        self._look()

    def remove(self, candidate: Candidate) -> None:
        """Take `candidate` out; it has to be in."""
        self._keys.remove(candidate.key)
        if candidate.begun:
            self._begun.discard(candidate.key)
        if self._keys:
            self._look()

    def begin(self, candidate: Candidate) -> None:
        """Some of `candidate` has been sent."""
        self._begun.add(candidate.key)

    def _look(self) -> None:
        self.oldest = self._known[self._keys[0][2]]
        self.newest = self._known[self._keys[-1][2]]


@dataclass(slots=True)
class Tier:
    """The lanes of one group, by level; `left_bytes` are those that they have to send."""

    levels: dict[int, dict[LaneKey, Lane]] = field(default_factory=dict)
    left_bytes: int = 0

    def lanes(self) -> Iterator[Lane]:
        """All lanes, those of the first level first."""
        for level in sorted(self.levels):
            yield from self.levels[level].values()

    def lane(self, key: LaneKey, known: Mapping[bytes, Candidate]) -> Lane:
        """The lane of `key`, made when there is none."""
        level = self.levels.setdefault(key[1], {})
        if key not in level:
            level[key] = Lane(key, known)
        return level[key]

    def drop(self, key: LaneKey) -> None:
        """Forget an empty lane."""
        del self.levels[key[1]][key]
        if not self.levels[key[1]]:
            del self.levels[key[1]]


class Turns:
    """Fair shares between devices: whoever was given the least goes first.

    Start-time fair queueing (Goyal, Vin and Cheng 1996), a bundle at a time: one that begins
    moves its device's tag on by its size. A device that had nothing waiting starts where the
    least of the others stands, neither with a debt nor with a claim.
    """

    __slots__ = ("_now", "_tags")

    def __init__(self) -> None:
        self._tags: dict[str, int] = {}
        self._now = 0

    def tag(self, device: str) -> int:
        """Where `device` stands; the least is next."""
        return max(self._tags.get(device, 0), self._now)

    def give(self, device: str, size: int, waiting: Iterable[str]) -> None:
        """A bundle of `device` begins, one of those that are `waiting`."""
        self._now = min((self.tag(one) for one in waiting), default=self._now)
        self._tags[device] = self.tag(device) + size


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


def _newer(one: Key, other: Key) -> bool:
    return one[0] > other[0] or (other[0] - one[0] > _DAY_US and one[1] > other[1])
