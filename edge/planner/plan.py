"""The question, and its first answer: by precedence, then by deadline, then in order of recording.

A planner is a function of the spool's state, the bearer's state and the time, without memory or
side effects; a cleverer one replaces `PrecedencePlanner` and nothing else.
"""

from dataclasses import dataclass
from typing import Protocol

from fieldlink.codecs.bundle import Precedence
from fieldlink.edge.planner.state import Candidate, SpoolState

__all__ = ["BearerState", "ChunkOrder", "Planner", "PrecedencePlanner"]


@dataclass(frozen=True, slots=True)
class BearerState:
    """A bearer as measured: None is unknown, not zero.

    `window_bytes` is how much may be under way unanswered, `in_flight_bytes` how much is,
    `chunk_bytes` how long one chunk should be.
    """

    name: str
    window_bytes: int
    in_flight_bytes: int
    chunk_bytes: int
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
    """Highest precedence first, then the earliest deadline, then the lowest sequence.

    A chunk goes while less than the window is under way. FLASH traffic may use half a window
    more: an alarm does not wait for a backlog's answers.
    """

    def next_chunk(self, spool: SpoolState, bearer: BearerState, now_us: int) -> ChunkOrder | None:
        """The next bytes for `bearer`; `now_us` does not matter to this planner."""
        first = min((lane.first for lane in spool.lanes), key=_urgency, default=None)
        span = first.next_span() if first is not None else None
        if first is None or span is None:
            return None
        length = min(span[1] - span[0], bearer.chunk_bytes)
        window = bearer.window_bytes
        if first.precedence is Precedence.FLASH:
            window += window // 2
        if bearer.in_flight_bytes >= window:
            return None
        return ChunkOrder(first, span[0], length)


def _urgency(candidate: Candidate) -> tuple[int, int, int]:
    return candidate.urgency
