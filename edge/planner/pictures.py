"""Stills and proxies: which are fresh, which are live, and which are history and due when."""

from itertools import islice
from typing import TypeAlias

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.edge.planner.candidate import NEVER_US, Candidate, Group
from fieldlink.edge.planner.lanes import Lane
from fieldlink.edge.planner.state import SpoolState, believed_bps

__all__ = [
    "LOOK_AT",
    "Chosen",
    "fresh",
    "in_time",
    "may",
    "next_picture",
    "rushed",
    "soonest",
]

LOOK_AT = 16
"""How many that have begun are looked at before the turns decide, and how many devices for one of
which something is not too late yet."""

_GUARD_US = 10_000_000
_HURRY_US = 1_000_000  # for so long it stays as it was

Chosen: TypeAlias = Candidate | None


def may(lane: Lane, admits: Precedence) -> bool:
    """Whether what waits in `lane` may go where `admits` is the lowest precedence."""
    precedence = lane.precedence
    if lane.layer is Layer.STILL and precedence is Precedence.IMMEDIATE:
        precedence = Precedence.PRIORITY  # every still is marked so; only a first one is
    return precedence <= admits


def fresh(spool: SpoolState, admits: Precedence) -> Chosen:
    """A still that shows a device as no still before: whose last one is oldest, newest first.

    A reserve is for the first of a device, not for the next every half a minute.
    """
    for device in spool.fresh:
        first = spool.shown_us(device) is None
        for lane in spool.pictures.of(device):
            if lane.layer is not Layer.STILL:
                continue
            if may(lane, admits) or (first and lane.precedence <= admits):
                still = lane.lead(spool.is_fresh)
                if still is not None:
                    return still
    return None


def next_picture(spool: SpoolState, admits: Precedence, now_us: int) -> Chosen:
    """A still or proxy: what has begun, or of whoever is next what is live, then its history.

    Live is a proxy newer than all that was sent of its stream, the newest first; history goes by
    deadline, and what is too late already last of all.
    """
    for key in islice(reversed(spool.pictures.begun), LOOK_AT):
        begun, lane = spool.get(key[2]), spool.lane_of(key[2])
        if begun is None or lane is None or not may(lane, admits):
            continue
        newest = _live(spool, [one for one in spool.pictures.of(lane.device) if may(one, admits)])
        if spool.due_us(begun) > now_us and newest in (begun, None):
            return begun
    last: Chosen = None
    looked = 0
    for lanes in spool.pictures.in_turn():
        found, late = _of_device(spool, [lane for lane in lanes if may(lane, admits)], now_us)
        if found is not None and not late:
            return found
        last, looked = last or found, looked + (found is not None)
        if looked >= LOOK_AT:
            break
    return last


def soonest(spool: SpoolState, admits: Precedence, now_us: int) -> Chosen:
    """The still or proxy that is due next, whosever it is."""
    lanes = [lane for lane in spool.pictures.lanes() if may(lane, admits)]
    return _history(spool, lanes, now_us, finish=False)[0]


def _of_device(spool: SpoolState, lanes: list[Lane], now_us: int) -> tuple[Chosen, bool]:
    newest = _live(spool, lanes)
    if newest is not None:
        return newest, False
    return _history(spool, lanes, now_us, finish=True)


def _live(spool: SpoolState, lanes: list[Lane]) -> Chosen:
    newest: Chosen = None
    for lane in lanes:
        proxy = lane.lead(spool.is_live) if lane.layer is Layer.PROXY else None
        if proxy is not None and (newest is None or _before(proxy, newest)):
            newest = proxy
    return newest


def _before(one: Candidate, other: Candidate) -> bool:
    return (one.begun, one.start_us) > (other.begun, other.start_us)


def _history(
    spool: SpoolState, lanes: list[Lane], now_us: int, *, finish: bool
) -> tuple[Chosen, bool]:
    """What is due first, and whether it is too late; of a lane, what has begun if `finish`.

    Of what is due at once, as all is in an incident, stills go before proxies: for a tenth of the
    bytes there is something of every minute.
    """
    best: Chosen = None
    least: tuple[bool, int, bool, int] | None = None
    for lane in lanes:
        picture, late = in_time(spool, lane, now_us)
        begun = lane.oldest_begun if finish else None
        if begun is not None and (late or spool.due_us(begun) > now_us):
            picture = begun
        moving = lane.layer is Layer.PROXY
        rank = late, spool.due_us(picture), moving, picture.start_us
        if least is None or rank < least:
            best, least = picture, rank
    return best, least is not None and least[0]


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
    a rate that can be believed nobody knows, and they do. It is looked at once a second.
    """
    rate_bps = spool.rate_bps if spool.rate_bps is not None else believed_bps(bearer_bps)
    if rate_bps is None:
        return False
    if spool.hurry is not None:
        at_us, then_bps, pressing = spool.hurry
        still = pressing is None or spool.lane_of(pressing) is not None
        if still and then_bps == rate_bps and 0 <= now_us - at_us < _HURRY_US:
            return pressing is not None
    pressing = _pressing(spool, rate_bps, now_us)
    spool.note_hurry(now_us, rate_bps, pressing)
    return pressing is not None


def _pressing(spool: SpoolState, rate_bps: float, now_us: int) -> bytes | None:
    """The picture whose deadline presses, if any does."""
    starts_us, first_us, last_us, pressing = NEVER_US, NEVER_US, -1, b""
    for lane in spool.pictures.lanes():
        first, late = in_time(spool, lane, now_us)
        if late:
            continue
        due_us = spool.due_us(first)
        first_us = min(first_us, due_us)
        due_us -= int(2 * first.size * 8e6 / rate_bps)
        if due_us < starts_us:
            starts_us, pressing = due_us, first.bundle
        due_us = spool.due_us(lane.newest)
        if due_us < NEVER_US:
            last_us = max(last_us, due_us)
    groups = (Group.COVER, Group.STILL, Group.PROXY)
    left = sum(spool.tiers[group].left_bytes for group in groups)
    hopeless = now_us + left * 8e6 / rate_bps > last_us
    close = starts_us - now_us < _GUARD_US and first_us < last_us
    return pressing if close and not hopeless else None
