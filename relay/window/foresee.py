"""The centre's own forecast of a kit, from what it last heard and what arrives. Pure.

It knows less than the kit, and says what it knows when the kit is silent.
"""

from dataclasses import replace

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.window.plans import MAX_ROWS, KitVerdict, Plan, PlanRow
from fieldlink.relay.window.view import KitFacts, KitWindow, Reason, Verdict, WindowFacts

__all__ = ["FRESH_US", "SILENT_US", "foresee", "judged", "told_us", "verdict_of", "worst"]

SILENT_US = 60_000_000
"""A kit says how it is every few seconds; silent for so long, its link is down."""

FRESH_US = 600_000_000
"""A plan older than this is no longer believed."""

_MARGIN = 1.25
# A bundle counts when all of it is there; on a thin link one takes a while.
_STALLED_US = 120_000_000
_LEAST_MEASURED_US = 30_000_000
_LEAST_OFFSET_US = 5_000_000
_ORDER = (Verdict.KEPT, Verdict.UNKNOWN, Verdict.AT_RISK, Verdict.WILL_MISS)


def worst(*verdicts: Verdict) -> Verdict:
    """The one that somebody has to look at first."""
    return max(verdicts, key=_ORDER.index)


def verdict_of(said: KitVerdict) -> Verdict:
    """A kit's verdict as the centre's."""
    return (Verdict.KEPT, Verdict.AT_RISK, Verdict.WILL_MISS)[said]


def judged(row: PlanRow, facts: KitFacts, due_us: int | None) -> KitVerdict:
    """A kit's word on a layer, for the window that ends at `due_us`: it works in one window at
    a time, the newest incident's.
    """
    meant_us = None if facts.plan is None else facts.plan.due_us
    # Its clock may be wrong: it believes that the same window ends at another time.
    if due_us is None or meant_us is None or told_us(facts, meant_us) == due_us:
        return row.verdict
    stood_in = row.verdict is KitVerdict.KEPT and (row.done_us is None or row.done_us > meant_us)
    if stood_in or not row.pending_bytes:  # something thinner goes first
        return KitVerdict.KEPT
    done_us = told_us(facts, row.done_us)
    if done_us is None:
        return KitVerdict.AT_RISK
    return KitVerdict.WILL_MISS if done_us > due_us else KitVerdict.KEPT


def told_us(facts: KitFacts, at_us: int | None) -> int | None:
    """A time of the kit's clock by the centre's, where theirs are known to differ."""
    offset_us = facts.clock_offset_us
    if at_us is None or offset_us is None or abs(offset_us) < _LEAST_OFFSET_US:
        return at_us
    return at_us + offset_us


def foresee(facts: KitFacts, window: WindowFacts, first_picture_us: int | None) -> KitWindow:
    """What the centre expects of a kit."""
    now_us, due_us = window.now_us, window.incident.due_us
    needed = _pending(facts, originals=False)
    rate_bps = _arrival_bps(facts, now_us)
    silent_us = facts.last_heard_us
    if silent_us is not None and abs(now_us - silent_us) <= SILENT_US:
        silent_us = None
    plan = facts.plan
    verdict, reason, done_us = _judge(facts, needed, rate_bps, silent_us, now_us, due_us)
    delay = None if first_picture_us is None else first_picture_us - window.incident.start_us
    return KitWindow(
        kit=facts.kit,
        last_heard_us=facts.last_heard_us,
        silent_since_us=silent_us,
        plan_us=facts.plan_us,
        plan_age_us=None if facts.plan_us is None else max(0, now_us - facts.plan_us),
        fit=None if plan is None else plan.fit,
        rate_bps=None if plan is None else plan.rate_bps,
        low_bps=None if plan is None else plan.low_bps,
        arrival_bps=rate_bps,
        pending_bytes=needed,
        pending_all_bytes=_pending(facts, originals=True),
        done_us=done_us,
        first_picture_s=None if delay is None else delay / 1e6,
        heard_on=facts.heard_on,
        verdict=verdict,
        reason=reason,
    )


def _judge(
    facts: KitFacts,
    needed: int | None,
    rate_bps: int | None,
    silent_us: int | None,
    now_us: int,
    due_us: int | None,
) -> tuple[Verdict, Reason, int | None]:
    if due_us is None:
        return Verdict.UNKNOWN, Reason("no-window"), None
    if facts.last_heard_us is None:
        return Verdict.UNKNOWN, Reason("never-heard"), None
    if silent_us is not None:
        return _silent(facts, needed, rate_bps, silent_us, now_us, due_us)
    if needed is None:
        return Verdict.UNKNOWN, Reason("no-word"), None
    if not needed:
        return Verdict.KEPT, Reason("complete"), now_us
    if not rate_bps or facts.arrived_us is None or now_us - facts.arrived_us > _STALLED_US:
        return Verdict.AT_RISK, Reason("stalled", at_us=facts.arrived_us, size_bytes=needed), None
    done_us = now_us + round(needed * 8 / rate_bps * 1e6)
    reason = Reason("coming", at_us=done_us, size_bytes=needed, rate_bps=rate_bps)
    if done_us > due_us:
        return _unless_thinned(facts), replace(reason, code="rate"), done_us
    if now_us + (done_us - now_us) * _MARGIN > due_us:
        return Verdict.AT_RISK, replace(reason, code="tight"), done_us
    return Verdict.KEPT, reason, done_us


def _silent(
    facts: KitFacts,
    needed: int | None,
    rate_bps: int | None,
    silent_us: int,
    now_us: int,
    due_us: int,
) -> tuple[Verdict, Reason, int | None]:
    plan = facts.plan
    best_bps = max(rate_bps or 0, (plan.rate_bps or 0) if plan else 0)
    if needed and best_bps and needed * 8 / best_bps * 1e6 > due_us - now_us:
        reason = Reason("silent-too-long", at_us=silent_us, size_bytes=needed, rate_bps=best_bps)
        return _unless_thinned(facts), reason, None
    return Verdict.AT_RISK, Reason("silent", at_us=silent_us, size_bytes=needed), None


def _unless_thinned(facts: KitFacts) -> Verdict:
    """A miss; a risk while the kit thins: not all that is pending has to come in time then."""
    thinned = facts.plan is not None and facts.plan.fit
    return Verdict.AT_RISK if thinned else Verdict.WILL_MISS


def _arrival_bps(facts: KitFacts, now_us: int) -> int | None:
    since_us = facts.arrived_since_us
    if since_us is None:
        return None
    measured_us = max(now_us - since_us, _LEAST_MEASURED_US)
    return round(facts.arrived_bytes * 8 / measured_us * 1e6)


def _pending(facts: KitFacts, *, originals: bool) -> int | None:
    def counts(layer: str) -> bool:
        return originals or layer != Layer.ORIGINAL

    # A full plan may have left something out; the report has the sums.
    plan = facts.plan
    if plan is not None and (facts.pending is None or len(plan.rows) < MAX_ROWS):
        return _sum(plan, originals=originals)
    if facts.pending is None:
        return None
    return sum(size for layer, size in facts.pending.items() if counts(layer))


def _sum(plan: Plan, *, originals: bool) -> int:
    return sum(row.pending_bytes for row in plan.rows if originals or row.layer != Layer.ORIGINAL)
