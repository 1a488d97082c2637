"""Stills and proxies: which are fresh, which are live, and which are history and due when."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import TypeAlias

from fieldlink.edge.planner.candidate import NEVER_US, Candidate, Group
from fieldlink.edge.planner.lanes import Lane
from fieldlink.edge.planner.state import SpoolState, believed_bps

__all__ = ["Chosen", "fresh", "in_time", "live", "past", "rushed"]

_STALE_US = 600_000_000  # what was begun so long before the newest is history
_GUARD_US = 10_000_000

Lanes: TypeAlias = Iterable[Lane]
Chosen: TypeAlias = Candidate | None


def fresh(spool: SpoolState, lanes: Lanes) -> Chosen:
    """A still that shows a device as no still before: whose last one is oldest, newest first."""
    best: Chosen = None
    least: tuple[bool, int, int] | None = None
    for lane in lanes:
        still = _lead(lane, spool.is_fresh)
        if still is None:
            continue
        shown_us = spool.shown_us(still.device)
        rank = not still.begun, -1 if shown_us is None else shown_us, -still.start_us
        if least is None or rank < least:
            best, least = still, rank
    return best


def live(spool: SpoolState, lanes: Lanes) -> Chosen:
    """A proxy newer than all that was sent of its stream, the newest first."""
    turns = spool.turns[Group.PROXY]
    best: Chosen = None
    least: tuple[bool, int, int] | None = None
    for lane in lanes:
        proxy = _lead(lane, spool.is_live)
        if proxy is None:
            continue
        rank = not proxy.begun, turns.tag(lane.device), -proxy.start_us
        if least is None or rank < least:
            best, least = proxy, rank
    return best


def past(spool: SpoolState, lanes: Lanes, now_us: int, *, by_deadline: bool) -> Chosen:
    """Of what is still to be shown, the soonest due of the device that was given the least.

    `by_deadline`: the soonest due of all. What is too late already comes last.
    """
    best: Chosen = None
    least: tuple[bool, ...] | tuple[int, ...] | None = None
    for lane in lanes:
        picture, late = in_time(spool, lane, now_us)
        begun = lane.oldest_begun
        if begun is not None and (late or spool.due_us(begun) > now_us):
            picture = begun
        due_us = spool.due_us(picture)
        tag = spool.history.tag(lane.device)
        new = not picture.begun
        rank = (late, due_us, new, tag) if by_deadline else (late, new, tag, due_us)
        if least is None or rank < least:
            best, least = picture, rank
    return best


def in_time(spool: SpoolState, lane: Lane, now_us: int) -> tuple[Candidate, bool]:
    """The first of `lane` that is not too late, or its oldest and True when all are.

    Deadlines grow with time within a lane; where they do not, another one is found.
    """
    oldest = lane.oldest
    if spool.due_us(oldest) > now_us:
        return oldest, False
    if spool.due_us(lane.newest) <= now_us:
        return oldest, True
    low, high = 0, len(lane) - 1
    while low < high:
        middle = (low + high) // 2
        if spool.due_us(lane.at(middle)) > now_us:
            high = middle
        else:
            low = middle + 1
    return lane.at(low), False


def rushed(spool: SpoolState, bearer_bps: float | None, now_us: int) -> bool:
    """Whether older pictures would miss their deadlines if live ones went first.

    So it is when all that waits takes longer than until the last deadline, or the next one is
    close. Without a rate that can be believed nobody knows, and it is not.
    """
    rate_bps = spool.rate_bps if spool.rate_bps is not None else believed_bps(bearer_bps)
    if rate_bps is None:
        return False
    tiers = spool.tiers
    next_us, last_us = NEVER_US, -1
    for lane in chain(tiers[Group.STILL].lanes(), tiers[Group.PROXY].lanes()):
        first, late = in_time(spool, lane, now_us)
        if late:
            continue
        due_us = spool.due_us(first)
        next_us = min(next_us, due_us - int(2 * first.size * 8e6 / rate_bps))
        due_us = spool.due_us(lane.newest)
        if due_us < NEVER_US:
            last_us = max(last_us, due_us)
    left = sum(tiers[group].left_bytes for group in (Group.COVER, Group.STILL, Group.PROXY))
    return next_us - now_us < _GUARD_US or -1 < last_us < now_us + left * 8e6 / rate_bps


def _lead(lane: Lane, passes: Callable[[Candidate], bool]) -> Chosen:
    newest = lane.newest
    begun = lane.newest_begun
    if begun is not None and newest.start_us - begun.start_us <= _STALE_US and passes(begun):
        return begun
    return newest if passes(newest) else None
