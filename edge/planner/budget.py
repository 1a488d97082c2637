"""Which bearer may carry what: cheap ones first, a reserve for what is urgent, never over budget.

The answer for each bearer is the lowest precedence that it may carry now: ROUTINE is anything,
IMMEDIATE only what its reserve is for, FLASH only alarms, None nothing. A pure function; who
counts the bytes and asks again is the bearers' service.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fieldlink.codecs.bundle import Precedence

__all__ = ["OVERDRAFT", "BearerFacts", "admitted", "cheapest", "longest_chunk_bytes"]

OVERDRAFT = 0.01
"""The share of a budget that alarms may use beyond it: with what is under way, less than 2 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerFacts:
    """What the price order and the budget have to know of a bearer.

    `price` only orders bearers: those of one price are used together, a lower one first.
    `used_bytes` are those handed to the network in the budget's present period, `budget_bytes`
    its size, None without one; `reserve` is the share of it (0 to 1) that is kept for IMMEDIATE
    and above. `rate_bps` is what it delivers, None when unknown.
    """

    name: str
    up: bool
    held: bool = False
    price: float = 0.0
    used_bytes: int = 0
    budget_bytes: int | None = None
    reserve: float = 0.0
    rate_bps: float | None = None


def admitted(bearers: Sequence[BearerFacts], suffices: bool) -> dict[str, Precedence | None]:
    """The lowest precedence that each of `bearers` may carry now, by name.

    `suffices` says that the cheapest ones alone (`cheapest`) keep the window. A dearer bearer is
    open for everything only while no cheaper one is up and within its budget, or they do not
    suffice; else it carries IMMEDIATE and above.
    """
    allowed = {bearer.name: _by_budget(bearer) for bearer in bearers}
    first = set(cheapest(bearers))
    for bearer in bearers:
        if allowed[bearer.name] is Precedence.ROUTINE and bearer.name not in first and suffices:
            allowed[bearer.name] = Precedence.IMMEDIATE
    return allowed


def cheapest(bearers: Iterable[BearerFacts]) -> tuple[str, ...]:
    """The bearers of the lowest price among those that may carry everything now."""
    open_ = [bearer for bearer in bearers if _by_budget(bearer) is Precedence.ROUTINE]
    least = min((_price(bearer) for bearer in open_), default=0.0)
    return tuple(bearer.name for bearer in open_ if _price(bearer) <= least)


def longest_chunk_bytes(bearer: BearerFacts) -> int | None:
    """How long a chunk on `bearer` may be, so that it ends what may be used, not far beyond.

    None without a budget. One that is nearly used up still takes chunks of half a percent.
    """
    if bearer.budget_bytes is None:
        return None
    used, budget = max(bearer.used_bytes, 0), max(bearer.budget_bytes, 0)
    ends = (budget * (1 - _reserve(bearer)), budget, budget * (1 + OVERDRAFT))
    left = next((end - used for end in ends if used < end), 0)
    return max(int(left), budget // 200, 1)


def _by_budget(bearer: BearerFacts) -> Precedence | None:
    if bearer.held or not bearer.up:
        return None
    if bearer.budget_bytes is None:
        return Precedence.ROUTINE
    used, budget = max(bearer.used_bytes, 0), max(bearer.budget_bytes, 0)
    if used < budget * (1 - _reserve(bearer)):
        return Precedence.ROUTINE
    if used < budget:
        return Precedence.IMMEDIATE
    return Precedence.FLASH if used < budget * (1 + OVERDRAFT) else None


def _reserve(bearer: BearerFacts) -> float:
    return min(max(bearer.reserve, 0.0), 1.0) if math.isfinite(bearer.reserve) else 1.0


def _price(bearer: BearerFacts) -> float:
    # A price that is no number is a mistake somewhere: it never makes a bearer cheap.
    return bearer.price if math.isfinite(bearer.price) else math.inf
