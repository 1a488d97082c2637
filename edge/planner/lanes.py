"""Where candidates wait: lanes of what is alike, ordered by time, in tiers that go one by one.

A lane's ends cost nothing to look at, and its middle a binary search, however long it is. Whose
turn it is among the devices of a level is kept in order too, so that a choice looks at one or two
of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sortedcontainers import SortedList

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.edge.planner.candidate import Candidate, Group, Key

__all__ = ["Lane", "LaneKey", "Level", "Tier", "Turns"]

_MOST_TAGS = 1_024
_STALE_US = 600_000_000  # what was begun so long before the newest is history

LaneKey: TypeAlias = tuple[Group, int, Precedence, str, str, Layer]


class Turns:
    """Fair shares between devices: whoever was given the least goes first.

    Start-time fair queueing (Goyal, Vin and Cheng 1996), a bundle at a time: one that begins
    moves its device's tag on by its size. A device that had nothing waiting starts where the
    least of the others stands, neither with a debt nor with a claim. `begun` are those partly
    sent, by time.
    """

    __slots__ = ("_lanes", "_now", "_order", "_tags", "begun")

    def __init__(self) -> None:
        self._lanes: dict[str, list[Lane]] = {}
        self._order: SortedList[tuple[int, str]] = SortedList()
        self._tags: dict[str, int] = {}
        self._now = 0
        self.begun: SortedList[Key] = SortedList()

    def enter(self, lane: "Lane") -> None:
        """Somebody waits in `lane`, in which nobody did."""
        if lane.device not in self._lanes:
            self._lanes[lane.device] = []
            self._tags[lane.device] = max(self._tags.get(lane.device, 0), self._now)
            self._order.add((self._tags[lane.device], lane.device))
        self._lanes[lane.device].append(lane)

    def leave(self, lane: "Lane") -> None:
        """Nobody waits in `lane` any more."""
        lanes = self._lanes[lane.device]
        lanes.remove(lane)
        if not lanes:
            del self._lanes[lane.device]
            self._order.remove((self._tags[lane.device], lane.device))

    def give(self, device: str, size: int) -> None:
        """A bundle of `device`, one of those that wait, begins."""
        self._now = self._order[0][0]
        tag = self._tags[device]
        self._order.remove((tag, device))
        self._tags[device] = tag + size
        self._order.add((tag + size, device))
        if len(self._tags) > _MOST_TAGS + len(self._lanes):
            gone = [one for one in self._tags if one not in self._lanes]
            for one in gone:
                del self._tags[one]

    def in_turn(self) -> "Iterator[list[Lane]]":
        """The lanes of each device that waits, whoever is next first."""
        return (self._lanes[device] for _, device in self._order)

    def of(self, device: str) -> "Sequence[Lane]":
        """The lanes in which something of `device` waits."""
        return self._lanes.get(device, ())

    def lanes(self) -> "Iterator[Lane]":
        """All lanes in which somebody waits."""
        return (lane for lanes in self._lanes.values() for lane in lanes)


class Lane:
    """Candidates that are alike, by time; `left_bytes` are those that they have to send.

    `oldest` and `newest` are its ends in time; a lane in a `SpoolState` is never empty.
    """

    __slots__ = ("_begun", "_keys", "_known", "device", "key", "layer", "left_bytes", "newest",
                 "oldest", "precedence", "stream", "turns")  # fmt: skip

    oldest: Candidate
    newest: Candidate

    def __init__(self, key: LaneKey, known: Mapping[bytes, Candidate], turns: Turns) -> None:
        self.key = key
        _, _, self.precedence, self.device, self.stream, self.layer = key
        self.left_bytes = 0
        self.turns = turns
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

    def lead(self, passes: Callable[[Candidate], bool]) -> Candidate | None:
        """The newest one if it passes, or before it one that was begun shortly before and does."""
        newest, begun = self.newest, self.newest_begun
        if begun is not None and newest.start_us - begun.start_us <= _STALE_US and passes(begun):
            return begun
        return newest if passes(newest) else None

    def add(self, candidate: Candidate) -> None:
        """Put `candidate` in its place."""
        self._keys.add(candidate.key)
        if candidate.begun:
            self.begin(candidate)
        self._look()

    def remove(self, candidate: Candidate) -> None:
        """Take `candidate` out; it has to be in."""
        self._keys.remove(candidate.key)
        if candidate.begun:
            self._begun.discard(candidate.key)
            self.turns.begun.discard(candidate.key)
        if self._keys:
            self._look()

    def begin(self, candidate: Candidate) -> None:
        """Some of `candidate` has been sent."""
        self._begun.add(candidate.key)
        self.turns.begun.add(candidate.key)

    def _look(self) -> None:
        self.oldest = self._known[self._keys[0][2]]
        self.newest = self._known[self._keys[-1][2]]


@dataclass(slots=True)
class Level:
    """The lanes of one level of a group, and whose turn it is among them."""

    turns: Turns
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)


class Tier:
    """The lanes of one group, by level; `left_bytes` are those that they have to send.

    With `turns` all its levels share those, which are another tier's too.
    """

    def __init__(self, turns: Turns | None = None) -> None:
        self.left_bytes = 0
        self._turns = turns
        self._levels: dict[int, Level] = {}
        self._active: SortedList[int] = SortedList()

    def levels(self) -> Iterator[Level]:
        """Those in which somebody waits, the first first."""
        return (self._levels[number] for number in self._active)

    def lanes(self) -> Iterator[Lane]:
        """All lanes, those of the first level first."""
        for level in self.levels():
            yield from level.lanes.values()

    def lane(self, key: LaneKey, known: Mapping[bytes, Candidate]) -> Lane:
        """The lane of `key`, made when there is none."""
        number = key[1]
        if number not in self._levels:
            self._levels[number] = Level(self._turns or Turns())
        level = self._levels[number]
        if key not in level.lanes:
            if not level.lanes:
                self._active.add(number)
            level.lanes[key] = lane = Lane(key, known, level.turns)
            level.turns.enter(lane)
        return level.lanes[key]

    def drop(self, lane: Lane) -> None:
        """Forget an empty lane."""
        level = self._levels[lane.key[1]]
        del level.lanes[lane.key]
        level.turns.leave(lane)
        if not level.lanes:
            self._active.remove(lane.key[1])
