"""What the planner sees of the spool: the bundles that have bytes to send, in lanes.

A lane holds what is alike (device, stream, layer, precedence), most urgent first. There are a
few dozen lanes however long the backlog, so a planner looks at their ends and never at all of
100,000 bundles. Everything here runs on one thread.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from fieldlink.codecs.bundle import Layer, Manifest, Precedence, Ranges

__all__ = ["Candidate", "Lane", "LaneKey", "Rank", "SpoolState"]

LaneKey: TypeAlias = tuple[Precedence, Layer, str, str]
_NEVER_US = 2**63


class Rank(Enum):
    """Where a bundle stands among its like.

    WANTED: the centre asked for it, or somebody put a bookmark there. COVER: a thin rendition
    without which a minute of a stream would be missing. LATER: a thinner rendition covers its
    span; it is still to be sent, before the rest of the originals.
    """

    WANTED = "wanted"
    COVER = "cover"
    NORMAL = "normal"
    LATER = "later"


@dataclass(slots=True, eq=False)
class Candidate:
    """A bundle in the spool that is not in the centre's custody.

    `covered` are the bytes that need not be sent now: under way, or held by the centre.
    `doubtful` says that an earlier run of the agent may have sent some of it already.
    """

    bundle: bytes
    precedence: Precedence
    layer: Layer
    device: str
    stream: str
    sequence: int
    start_us: int
    end_us: int
    deadline_us: int | None
    size: int
    doubtful: bool = False
    rank: Rank = Rank.NORMAL
    covered: Ranges = field(default_factory=Ranges)
    done: bool = False

    @classmethod
    def of(cls, bundle: bytes, manifest: Manifest, *, doubtful: bool = False) -> "Candidate":
        """The candidate for `bundle`, whose manifest is `manifest`."""
        return cls(
            bundle=bundle,
            precedence=manifest.precedence,
            layer=manifest.layer,
            device=manifest.device,
            stream=manifest.stream,
            sequence=manifest.sequence,
            start_us=manifest.start_us,
            end_us=manifest.end_us,
            deadline_us=manifest.deadline_us,
            size=manifest.size,
            doubtful=doubtful,
        )

    @property
    def urgency(self) -> tuple[int, int, int]:
        """Sorts by precedence, then deadline (none comes last), then sequence."""
        deadline_us = _NEVER_US if self.deadline_us is None else self.deadline_us
        return self.precedence, deadline_us, self.sequence

    @property
    def lane(self) -> LaneKey:
        """The key of the lane that it waits in."""
        return self.precedence, self.layer, self.device, self.stream

    def next_span(self) -> tuple[int, int] | None:
        """The first bytes that have to be sent; None when there are none."""
        if self.size == 0:
            return None if self.done else (0, 0)
        return next(self.covered.missing(self.size), None)


class Lane:
    """Candidates that are alike, by urgency."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Candidate] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._waiting)

    @property
    def first(self) -> Candidate:
        """The most urgent one; a lane in a `SpoolState` is never empty."""
        return self._waiting[0]

    def add(self, candidate: Candidate) -> None:
        """Put `candidate` in its place."""
        insort(self._waiting, candidate, key=lambda item: item.urgency)

    def remove(self, candidate: Candidate) -> None:
        """Take `candidate` out; it has to be in."""
        at = bisect_left(self._waiting, candidate.urgency, key=lambda item: item.urgency)
        while self._waiting[at] is not candidate:  # sequences of two spools may be equal
            at += 1
        del self._waiting[at]


class SpoolState:
    """All bundles not in custody; those with bytes to send wait in lanes."""

    def __init__(self) -> None:
        self._known: dict[bytes, Candidate] = {}
        self._waiting: set[bytes] = set()
        self._lanes: dict[LaneKey, Lane] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def lanes(self) -> Iterable[Lane]:
        """Every lane that has somebody waiting."""
        return self._lanes.values()

    @property
    def waiting(self) -> int:
        """How many bundles have bytes to send now."""
        return len(self._waiting)

    def get(self, bundle: bytes) -> Candidate | None:
        """The candidate for `bundle`, waiting or not."""
        return self._known.get(bundle)

    def add(self, candidate: Candidate) -> None:
        """A bundle was recorded; adding it twice changes nothing."""
        if candidate.bundle not in self._known:
            self._known[candidate.bundle] = candidate
            self._queue(candidate)

    def discard(self, bundle: bytes) -> None:
        """A bundle is in custody, refused or gone: forget it."""
        candidate = self._known.pop(bundle, None)
        if candidate is not None:
            self._unqueue(candidate)

    def cover(self, candidate: Candidate, start: int, end: int) -> None:
        """The bytes from `start` to `end` are on their way."""
        candidate.covered.add(start, end)
        candidate.done = candidate.size == 0
        if candidate.next_span() is None:
            self._unqueue(candidate)

    def set_rank(self, bundle: bytes, rank: Rank) -> None:
        """`bundle` stands at `rank` from now on; nothing happens when it is not known."""
        candidate = self._known.get(bundle)
        if candidate is not None:
            candidate.rank = rank

    def hold(self, candidate: Candidate) -> None:
        """Nothing of `candidate` is to be sent until it is released."""
        self._unqueue(candidate)

    def release(self, candidate: Candidate, covered: Ranges) -> None:
        """All of `candidate` but `covered` is to be sent."""
        self._unqueue(candidate)
        candidate.covered = Ranges(covered)
        candidate.done = False
        if candidate.bundle in self._known and candidate.next_span() is not None:
            self._queue(candidate)

    def _queue(self, candidate: Candidate) -> None:
        self._waiting.add(candidate.bundle)
        self._lanes.setdefault(candidate.lane, Lane()).add(candidate)

    def _unqueue(self, candidate: Candidate) -> None:
        if candidate.bundle not in self._waiting:
            return
        self._waiting.discard(candidate.bundle)
        lane = self._lanes[candidate.lane]
        lane.remove(candidate)
        if not len(lane):
            del self._lanes[candidate.lane]
