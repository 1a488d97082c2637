"""The question, and its first answer: by precedence, then by deadline, then in order of recording.

A planner is a function of the spool's state, the bearer's state and the time, without memory or
side effects; a cleverer one replaces `PrecedencePlanner` and nothing else.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from fieldlink.codecs.bundle import Precedence
from fieldlink.edge.planner.state import Candidate, SpoolState

__all__ = ["BearerState", "ChunkOrder", "Planner", "PrecedencePlanner", "Role"]


class Role(Enum):
    """What a line is for: everything, only what is urgent, or everything else."""

    ALL = "all"
    URGENT = "urgent"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class BearerState:
    """A line of a bearer as measured: None is unknown, not zero.

    `chunk_bytes` is how long one chunk should be, `room_bytes` how many more bytes this line may
    hand to the network now: at 0 or less only FLASH goes, and the line decides how far that may
    exceed. `admits` is the lowest precedence that the bearer may carry now: ROUTINE is anything,
    IMMEDIATE only its reserve, None nothing at all (held, or its budget is spent).
    """

    name: str
    chunk_bytes: int
    room_bytes: int
    role: Role = Role.ALL
    admits: Precedence | None = Precedence.ROUTINE
    rate_bps: float | None = None
    rtt_s: float | None = None


@dataclass(frozen=True, slots=True)
class ChunkOrder:
    """Send `length` bytes of `candidate` from `offset` on."""

    candidate: Candidate
    offset: int
    length: int


class Planner(Protocol):
    """Chooses what a bearer carries next."""

    def next_chunk(self, spool: SpoolState, bearer: BearerState, now_us: int) -> ChunkOrder | None:
        """The next bytes for `bearer` at `now_us`; None when nothing is to go now."""
        ...


class PrecedencePlanner:
    """Highest precedence first, then the earliest deadline, then the lowest sequence."""

    def next_chunk(self, spool: SpoolState, bearer: BearerState, now_us: int) -> ChunkOrder | None:
        """The next bytes for `bearer`; `now_us` does not matter to this planner."""
        heads = (lane.first for lane in spool.lanes)
        first = min((one for one in heads if _may(one, bearer)), key=_urgency, default=None)
        span = first.next_span() if first is not None else None
        if first is None or span is None:
            return None
        return ChunkOrder(first, span[0], min(span[1] - span[0], bearer.chunk_bytes))


def _may(candidate: Candidate, bearer: BearerState) -> bool:
    precedence = candidate.precedence
    if bearer.admits is None or precedence > bearer.admits:
        return False
    if bearer.room_bytes <= 0 and precedence is not Precedence.FLASH:
        return False
    urgent = precedence <= Precedence.IMMEDIATE
    return bearer.role is Role.ALL or urgent == (bearer.role is Role.URGENT)


def _urgency(candidate: Candidate) -> tuple[int, int, int]:
    return candidate.urgency
