"""Stills and proxies: which are fresh, which are live, and which are history and due when."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import TypeAlias

from fieldlink.codecs.bundle import Layer
from fieldlink.edge.planner.candidate import NEVER_US, Candidate, Group
from fieldlink.edge.planner.lanes import Lane
from fieldlink.edge.planner.state import SpoolState, believed_bps

__all__ = ["Chosen", "fresh", "in_time", "next_picture", "rushed"]

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


def next_picture(spool: SpoolState, lanes: Lanes, now_us: int, *, by_deadline: bool) -> Chosen:
    """A still or proxy of the device that was given the least: what is live, then its history.

    Live is a proxy newer than all that was sent of its stream, the newest first; history goes by
    deadline, and what is too late already last of all. `by_deadline`: the soonest due of all.
    """
    turns = spool.turns[Group.PROXY]
    best: Chosen = None
    least: tuple[int, ...] | None = None
    for lane in lanes:
        tag = turns.tag(lane.device)
        rank: tuple[int, ...]
        live = None
        if lane.layer is Layer.PROXY and not by_deadline:
            live = _lead(lane, spool.is_live)
        if live is not None:
            picture, rank = live, (0, not live.begun, tag, 0, -live.start_us, 0)
        else:
            picture, late = _soonest(spool, lane, now_us)
            due_us, new = spool.due_us(picture), not picture.begun
            if by_deadline:
                rank = late, due_us, picture.start_us, new, tag, 0
            else:
                rank = late, new, tag, 1, due_us, picture.start_us
        if least is None or rank < least:
            best, least = picture, rank
    return best


def _soonest(spool: SpoolState, lane: Lane, now_us: int) -> tuple[Candidate, bool]:
    picture, late = in_time(spool, lane, now_us)
    begun = lane.oldest_begun
    if begun is not None and (late or spool.due_us(begun) > now_us):
        picture = begun
    return picture, late


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
    """Whether older pictures go before live ones, lest they miss their deadline.

    So it is when the next deadline is close and live pictures have longer: with the same deadline
    for all, whichever goes first, as much is there by then. If all that waits takes longer than
    until the last deadline, the order saves nothing, and live pictures go first as well. Without
    a rate that can be believed nobody knows, and they do.
    """
    rate_bps = spool.rate_bps if spool.rate_bps is not None else believed_bps(bearer_bps)
    if rate_bps is None:
        return False
    tiers = spool.tiers
    starts_us, first_us, last_us = NEVER_US, NEVER_US, -1
    for lane in chain(tiers[Group.STILL].lanes(), tiers[Group.PROXY].lanes()):
        first, late = in_time(spool, lane, now_us)
        if late:
            continue
        due_us = spool.due_us(first)
        first_us = min(first_us, due_us)
        starts_us = min(starts_us, due_us - int(2 * first.size * 8e6 / rate_bps))
        due_us = spool.due_us(lane.newest)
        if due_us < NEVER_US:
            last_us = max(last_us, due_us)
    left = sum(tiers[group].left_bytes for group in (Group.COVER, Group.STILL, Group.PROXY))
    hopeless = now_us + left * 8e6 / rate_bps > last_us
    return starts_us - now_us < _GUARD_US and first_us < last_us and not hopeless


def _lead(lane: Lane, passes: Callable[[Candidate], bool]) -> Chosen:
    newest = lane.newest
    begun = lane.newest_begun
    if begun is not None and newest.start_us - begun.start_us <= _STALE_US and passes(begun):
        return begun
    return newest if passes(newest) else None
