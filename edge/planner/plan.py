"""The question, and its answer: for this line, now, which bytes next?

The order: alarms; what is IMMEDIATE; reports and gaps; a fresh still of every device; ROUTINE
reports (telemetry that waited, or of which the newest went already); stills and proxies that were
asked for; thin renditions of minutes that would be missing; pictures, of each device first the
proxies newer than all that was sent of their stream, the newest first, then its older stills and
proxies by deadline; originals that were asked for; what a thinner rendition covers; the other
originals. Between devices, whoever was given the least goes first. What has begun is finished
before another like it begins.

A planner is a function of the spool's state, the line's state and the time, without memory or
side effects.
"""

from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Protocol

from fieldlink.codecs.bundle import Precedence
from fieldlink.edge.planner.candidate import Candidate, Group
from fieldlink.edge.planner.lanes import Level
from fieldlink.edge.planner.pictures import (
    LOOK_AT,
    Chosen,
    fresh,
    in_time,
    may,
    next_picture,
    rushed,
    soonest,
)
from fieldlink.edge.planner.state import SpoolState

__all__ = ["BearerState", "ChunkOrder", "Planner", "Role", "WindowPlanner"]


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


class WindowPlanner:
    """Keeps the window: what a commander needs first, and every minute before any is complete."""

    def next_chunk(self, spool: SpoolState, bearer: BearerState, now_us: int) -> ChunkOrder | None:
        """The next bytes for `bearer` at `now_us`; None when nothing may go."""
        first = self._first(spool, bearer, now_us)
        span = first.next_span() if first is not None else None
        if first is None or span is None:
            return None
        return ChunkOrder(first, span[0], min(span[1] - span[0], max(bearer.chunk_bytes, 1)))

    def _first(self, spool: SpoolState, bearer: BearerState, now_us: int) -> Chosen:
        admits = bearer.admits
        if admits is None:
            return None
        if bearer.role is not Role.BULK:
            found = _fairest(spool, Group.ALARM, admits)
            if found is None and bearer.room_bytes > 0:
                found = _fairest(spool, Group.URGENT, admits)
            if found is not None or bearer.role is Role.URGENT:
                return found
        if bearer.room_bytes <= 0:
            return None
        return _bulk(spool, bearer, admits, now_us)


def _bulk(spool: SpoolState, bearer: BearerState, admits: Precedence, now_us: int) -> Chosen:
    if (found := _fairest(spool, Group.REPORT, admits)) is not None:
        return found
    if (found := fresh(spool, admits)) is not None:
        return found
    if (found := _fairest(spool, Group.RECORD, admits)) is not None:
        return found
    for group in (Group.MARKED, Group.COVER):
        if (found := _fairest(spool, group, admits, now_us)) is not None:
            return found
    if (found := _picture(spool, bearer, admits, now_us)) is not None:
        return found
    for group in (Group.WANTED, Group.LATER, Group.ORIGINAL):
        if (found := _fairest(spool, group, admits)) is not None:
            return found
    return None


def _picture(spool: SpoolState, bearer: BearerState, admits: Precedence, now_us: int) -> Chosen:
    if rushed(spool, bearer.rate_bps, now_us):
        return soonest(spool, admits, now_us)
    return next_picture(spool, admits, now_us)


def _fairest(
    spool: SpoolState, group: Group, admits: Precedence, now_us: int | None = None
) -> Chosen:
    """Of the first level of `group`, what has begun, or the oldest of whoever is next.

    With `now_us`, what is not too late by then goes before what is.
    """
    for level in spool.tiers[group].levels():
        found = _begun(spool, level, admits, now_us) or _next(spool, level, admits, now_us)
        if found is not None:
            return found
    return None


def _begun(spool: SpoolState, level: Level, admits: Precedence, now_us: int | None) -> Chosen:
    for key in islice(level.turns.begun, LOOK_AT):
        begun, lane = spool.get(key[2]), spool.lane_of(key[2])
        if begun is None or lane is None or not may(lane, admits):
            continue
        if now_us is None or spool.due_us(begun) > now_us:
            return begun
    return None


def _next(spool: SpoolState, level: Level, admits: Precedence, now_us: int | None) -> Chosen:
    last: Chosen = None
    looked = 0
    for lanes in level.turns.in_turn():
        best: Chosen = None
        least: tuple[bool, int, int] | None = None
        for lane in lanes:
            if not may(lane, admits):
                continue
            one, late = (lane.oldest, False) if now_us is None else in_time(spool, lane, now_us)
            rank = late, spool.due_us(one), one.start_us
            if least is None or rank < least:
                best, least = one, rank
        if least is not None and not least[0]:
            return best
        last, looked = last or best, looked + (best is not None)
        if looked >= LOOK_AT:
            break
    return last
