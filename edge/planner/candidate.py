"""One bundle as the planner sees it, and the group that it waits in."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TypeAlias

from fieldlink.codecs.bundle import IMPORTED, Layer, Manifest, Precedence, Ranges

__all__ = ["NEVER_US", "Candidate", "Group", "Key", "Rank", "Track", "group_of"]

_PROMPT_US = 120_000_000

NEVER_US = 2**63
"""Later than every deadline."""

Key: TypeAlias = tuple[int, int, bytes]
"""Orders bundles by time: start, sequence, id."""

Track: TypeAlias = tuple[str, str, Layer]
"""Device, stream and layer."""


class Rank(Enum):
    """Where a bundle stands among its like.

    WANTED: the centre asked for it, or somebody put a bookmark there. COVER: a thin rendition
    without which a minute of a stream would be missing. LATER: a thinner rendition covers its
    span, or it was imported; it is still to be sent, before the rest of the originals.
    """

    WANTED = "wanted"
    COVER = "cover"
    NORMAL = "normal"
    LATER = "later"


class Group(IntEnum):
    """What is waited in, in the order of going. A fresh still goes in the place of STILL, the other
    stills take turns with the proxies. RECORD are reports that nobody waits for: more than a thin
    link carries, they would keep every picture back.
    """

    ALARM = 0
    URGENT = 1
    REPORT = 2
    STILL = 3
    RECORD = 4
    MARKED = 5
    COVER = 6
    PROXY = 7
    WANTED = 8
    LATER = 9
    ORIGINAL = 10


_BY_LAYER = {Layer.STILL: Group.STILL, Layer.PROXY: Group.PROXY, Layer.ORIGINAL: Group.ORIGINAL}


@dataclass(slots=True, eq=False)
class Candidate:
    """A bundle in the spool that is not in the centre's custody.

    `covered` are the bytes that need not be sent now (under way, or held by the centre), `begun`
    says that some of it is and the rest goes before another like it. `doubtful` says that an
    earlier run of the agent may have sent some of it already, `prompt` that it was recorded when it
    happened, and is no thinner copy or import of something older. `want` is the place of the want
    that it answers, the most urgent 0. What stands in a `SpoolState` is changed by that alone.
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
    prompt: bool = True
    rank: Rank = Rank.NORMAL
    want: int | None = None
    begun: bool = False
    covered: Ranges = field(default_factory=Ranges)
    done: bool = False
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        self.key = (self.start_us, self.sequence, self.bundle)

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
            prompt=manifest.recorded_us - manifest.end_us < _PROMPT_US,
            # Pictures and samples of another time; its originals wait among the others.
            rank=Rank.LATER
            if IMPORTED in manifest.meta and manifest.layer is not Layer.ORIGINAL
            else Rank.NORMAL,
        )

    @property
    def track(self) -> Track:
        """The track that it is a piece of."""
        return self.device, self.stream, self.layer

    @property
    def left_bytes(self) -> int:
        """How many bytes have to be sent."""
        return self.size - self.covered.held_bytes

    def next_span(self) -> tuple[int, int] | None:
        """The first bytes that have to be sent; None when there are none."""
        if self.size == 0:
            return None if self.done else (0, 0)
        return next(self.covered.missing(self.size), None)


def group_of(candidate: Candidate) -> tuple[Group, int]:
    """The group of `candidate`, and its level in it: the lower goes first.

    Recorders mark every still IMMEDIATE; which of them is urgent depends on what has been shown,
    so that the mark alone raises none of them.
    """
    precedence = candidate.precedence
    if precedence is Precedence.FLASH:
        return Group.ALARM, 0
    if precedence is Precedence.IMMEDIATE and candidate.layer is not Layer.STILL:
        return Group.URGENT, 0
    if candidate.layer is Layer.REPORT and candidate.rank is not Rank.LATER:
        routine = precedence is Precedence.ROUTINE
        return (Group.RECORD if routine else Group.REPORT), int(precedence)
    if candidate.want is not None or candidate.rank is Rank.WANTED:
        group = Group.WANTED if candidate.layer is Layer.ORIGINAL else Group.MARKED
        return group, -1 if candidate.want is None else candidate.want
    if candidate.rank is Rank.COVER:
        return Group.COVER, 0
    if candidate.rank is Rank.LATER:
        return Group.LATER, 0
    group = _BY_LAYER[candidate.layer]
    return group, int(precedence) if group is Group.ORIGINAL else 0
