"""The question, and its answer: for this line, now, which bytes next?

The order: alarms; what is IMMEDIATE; reports and gaps; a fresh still of every device; stills and
proxies that were asked for; thin renditions of minutes that would be missing; pictures, of each
device first the proxies newer than all that was sent of their stream, the newest first, then its
older stills and proxies by deadline; originals that were asked for; what a thinner rendition
covers; the other originals. Between devices, whoever was given the least goes first. What has
begun is finished before another like it begins.

A planner is a function of the spool's state, the line's state and the time, without memory or
side effects.
"""

from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Protocol

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.edge.planner.candidate import Candidate, Group
from fieldlink.edge.planner.lanes import Lane
from fieldlink.edge.planner.pictures import Chosen, fresh, in_time, next_picture, rushed
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
    if (found := _first_still(spool, admits)) is not None:
        return found
    for group in (Group.MARKED, Group.COVER):
        if (found := _fairest(spool, group, admits, now_us)) is not None:
            return found
    if (found := _pictures(spool, bearer, admits, now_us)) is not None:
        return found
    for group in (Group.WANTED, Group.LATER, Group.ORIGINAL):
        if (found := _fairest(spool, group, admits)) is not None:
            return found
    return None


def _first_still(spool: SpoolState, admits: Precedence) -> Chosen:
    lanes = spool.tiers[Group.STILL].lanes()
    if admits < Precedence.PRIORITY:
        # The reserve is for the first of a device, not for the next every half a minute.
        lanes = (
            lane
            for lane in lanes
            if lane.precedence <= admits and spool.shown_us(lane.device) is None
        )
    return fresh(spool, lanes)


def _pictures(spool: SpoolState, bearer: BearerState, admits: Precedence, now_us: int) -> Chosen:
    stills = [lane for lane in spool.tiers[Group.STILL].lanes() if _may(lane, admits)]
    proxies = [lane for lane in spool.tiers[Group.PROXY].lanes() if _may(lane, admits)]
    if not stills and not proxies:
        return None
    hurry = rushed(spool, bearer.rate_bps, now_us)
    return next_picture(spool, stills + proxies, now_us, by_deadline=hurry)


def _fairest(
    spool: SpoolState, group: Group, admits: Precedence, now_us: int | None = None
) -> Chosen:
    """Of the first level of `group`, what has begun, or the oldest of whoever was given least.

    With `now_us`, what is not too late by then goes before what is.
    """
    turns = spool.turns[group]
    for _, lanes in sorted(spool.tiers[group].levels.items(), key=itemgetter(0)):
        best: Chosen = None
        least: tuple[bool, bool, int, int] | None = None
        for lane in lanes.values():
            if not _may(lane, admits):
                continue
            one, late = (lane.oldest, False) if now_us is None else in_time(spool, lane, now_us)
            begun = lane.oldest_begun
            one = one if begun is None else begun
            rank = begun is None, late, turns.tag(lane.device), spool.due_us(one)
            if least is None or rank < least:
                best, least = one, rank
        if best is not None:
            return best
    return None


def _may(lane: Lane, admits: Precedence) -> bool:
    precedence = lane.precedence
    if lane.layer is Layer.STILL and precedence is Precedence.IMMEDIATE:
        precedence = Precedence.PRIORITY  # every still is marked so; only a first one is
    return precedence <= admits
