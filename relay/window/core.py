"""The window view of an incident: what has come, what is promised, what will miss and why. Pure.

A stream keeps its window when every minute of it has a picture in some layer before the window
ends; originals may follow later. A kit knows its links and its spool, so its plan is believed
while it is heard; the centre's own forecast speaks when it is not, or when the two differ.
"""

from collections.abc import Sequence
from dataclasses import replace

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.window.foresee import FRESH_US, foresee, judged, told_us, verdict_of, worst
from fieldlink.relay.window.held import LAYERS, THIN
from fieldlink.relay.window.minutes import (
    COMING_US,
    MAX_MINUTES,
    MINUTE_US,
    best_minutes,
    gap_spans,
)
from fieldlink.relay.window.plans import MAX_ROWS, KitVerdict, PlanRow
from fieldlink.relay.window.spans import Span, SpanSet, clipped, coarser, overlap_us
from fieldlink.relay.window.view import (
    KitFacts,
    KitWindow,
    LayerWindow,
    Minute,
    Reason,
    StreamFacts,
    StreamWindow,
    Verdict,
    WindowFacts,
    WindowView,
)

__all__ = ["window_view"]

_DRAWN = 240
# What is recorded now is sent within this, when nothing older waits.
_LIVE_US = 120_000_000
_PICTURES = frozenset({Minute.ORIGINAL, Minute.PROXY, Minute.THIN, Minute.STILL})


def window_view(facts: WindowFacts) -> WindowView:
    """The view of `facts`."""
    incident, now_us = facts.incident, facts.now_us
    ends = [now_us, incident.closed_us, incident.due_us]
    end_us = max(incident.start_us, min(end for end in ends if end is not None))
    from_us = max(incident.start_us, end_us - MAX_MINUTES * MINUTE_US)
    # What was captured before an incident was closed may come until its window ends.
    last_us = incident.closed_us if incident.due_us is None else incident.due_us
    over = last_us is not None and now_us >= last_us
    kits = {kit: foresee(each, facts, _first_of(kit, facts)) for kit, each in facts.kits.items()}
    unheard = KitFacts("")
    streams = [
        _stream(
            each,
            facts.kits.get(each.kit, unheard),
            kits.get(each.kit) or foresee(unheard, facts, None),
            facts,
            (from_us, end_us),
            over=over,
        )
        for each in facts.streams
    ]
    counts = {verdict.value: 0 for verdict in Verdict}
    for stream in streams:
        counts[stream.verdict] += 1
    return WindowView(
        incident=incident.id,
        name=incident.name,
        start_us=incident.start_us,
        from_us=from_us,
        due_us=incident.due_us,
        closed_us=incident.closed_us,
        now_us=now_us,
        elapsed_us=end_us - incident.start_us,
        over=over,
        verdict=worst(*(each.verdict for each in streams)) if streams else Verdict.UNKNOWN,
        counts=counts,
        streams=streams,
        kits=list(kits.values()),
    )


def _first_of(kit: str, facts: WindowFacts) -> int | None:
    firsts = [each.first_picture_us for each in facts.streams if each.kit == kit]
    return min((first for first in firsts if first is not None), default=None)


def _stream(
    stream: StreamFacts,
    kit: KitFacts,
    foreseen: KitWindow,
    facts: WindowFacts,
    shown: Span,
    *,
    over: bool,
) -> StreamWindow:
    gaps = gap_spans(stream.gaps)
    rows = _rows(stream, kit)
    minutes = best_minutes(
        stream.held,
        stream.late,
        gaps,
        *shown,
        coming=not over and facts.now_us - shown[1] <= COMING_US,
        began_us=_began_us(stream, kit, rows, facts, over=over),
    )
    present = sum(minutes.count(mark) for mark in _PICTURES)
    late = minutes.count(Minute.LATE)
    wanted = present + late + minutes.count(Minute.NONE)
    verdict, reason = _verdict(
        wanted - present, late, wanted, rows, kit, foreseen, facts, over=over
    )
    first_us = stream.first_picture_us
    return StreamWindow(
        kit=stream.kit,
        device=stream.device,
        stream=stream.stream,
        kind=stream.kind,
        minutes=minutes,
        present=present,
        late=late,
        wanted=wanted,
        share=present / wanted if wanted else None,
        first_picture_s=None if first_us is None else (first_us - facts.incident.start_us) / 1e6,
        layers=[
            _layer(layer, stream, rows, kit, shown, facts.incident.due_us)
            for layer in (*reversed(LAYERS), Layer.REPORT.value)
            if layer in stream.held or layer in stream.late or _row(layer, rows)
        ],
        verdict=verdict,
        reason=reason,
    )


def _rows(stream: StreamFacts, kit: KitFacts) -> list[PlanRow] | None:
    """What the kit's plan says of the stream; None: nothing is known of it."""
    if kit.plan is None:
        return None
    names = (stream.device, stream.stream)
    found = [row for row in kit.plan.rows if (row.device, row.stream) == names]
    # A full plan may have left it out; one with room says that nothing is pending.
    return found if found or len(kit.plan.rows) < MAX_ROWS else None


def _row(layer: str, rows: Sequence[PlanRow] | None) -> PlanRow | None:
    return next((row for row in rows or () if row.layer == layer), None)


def _began_us(
    stream: StreamFacts,
    kit: KitFacts,
    rows: list[PlanRow] | None,
    facts: WindowFacts,
    *,
    over: bool,
) -> int | None:
    """Since when there is something of the stream; None: earlier parts may still come.

    Newest goes first: only when the kit has nothing old of it to send is the first picture that
    came the first that there was. When the window is over, what waits for another is none of it.
    """
    plan_us = kit.plan_us
    fresh = over or (plan_us is not None and abs(facts.now_us - plan_us) <= FRESH_US)
    if rows is None or kit.plan is None or not fresh:
        return None
    other = over and kit.plan.due_us not in {None, facts.incident.due_us}
    if not (other or _caught_up(rows, kit)):
        return None
    starts = [
        *(spans[0][0] for home in (stream.held, stream.late) for spans in home.values() if spans),
        *(gap.start_us for gap in stream.gaps),
    ]
    return min(starts, default=None)


def _verdict(
    missing: int,
    late: int,
    wanted: int,
    rows: list[PlanRow] | None,
    kit: KitFacts,
    foreseen: KitWindow,
    facts: WindowFacts,
    *,
    over: bool,
) -> tuple[Verdict, Reason]:
    if facts.incident.due_us is None and not over:
        return Verdict.UNKNOWN, Reason("no-window")
    if over:
        if missing:
            return Verdict.WILL_MISS, Reason("missed", minutes=missing, late=late)
        return (Verdict.KEPT, Reason("done")) if wanted else (Verdict.UNKNOWN, Reason("nothing"))
    if facts.incident.closed_us is not None and wanted and not missing:
        return Verdict.KEPT, Reason("done")
    fresh = kit.plan_us is not None and abs(facts.now_us - kit.plan_us) <= FRESH_US
    if rows is None or not fresh or foreseen.silent_since_us is not None:
        return _by_forecast(rows, foreseen)
    return _by_plan(rows, kit, foreseen, missing, facts.incident.due_us)


def _by_plan(
    rows: list[PlanRow], kit: KitFacts, foreseen: KitWindow, missing: int, due_us: int | None
) -> tuple[Verdict, Reason]:
    """The kit's word, held against what came and what arrives."""
    needed = [row for row in rows if row.layer != Layer.ORIGINAL]
    last = max(needed, key=lambda row: (judged(row, kit, due_us), row.done_us or 0), default=None)
    at_us = None if last is None else told_us(kit, last.done_us)
    said = KitVerdict.KEPT if last is None else judged(last, kit, due_us)
    if last is not None and said is not KitVerdict.KEPT:
        code = "promised-late" if last.verdict is KitVerdict.KEPT else "kit"
        return verdict_of(said), Reason(code, text=last.reason, at_us=at_us)
    if _caught_up(rows, kit):
        if missing:
            return Verdict.AT_RISK, Reason("unexplained", minutes=missing)
        return Verdict.KEPT, Reason("complete")
    # While a kit thins what is left, not all that is pending has to come in time.
    doubt = foreseen.reason
    if doubt.code == "stalled" or (doubt.code in {"rate", "tight"} and not foreseen.fit):
        return Verdict.AT_RISK, replace(doubt, code=f"differ-{doubt.code}")
    return Verdict.KEPT, Reason("promised", at_us=at_us)


def _caught_up(rows: list[PlanRow], kit: KitFacts) -> bool:
    """Whether a kit has nothing of a stream to send but what it records just now."""
    plan = kit.plan
    return plan is not None and all(
        row.layer == Layer.ORIGINAL
        or not row.pending_bytes
        or (row.done_us is not None and row.done_us - plan.at_us <= _LIVE_US)
        for row in rows
    )


def _by_forecast(rows: list[PlanRow] | None, foreseen: KitWindow) -> tuple[Verdict, Reason]:
    """The centre's forecast of the kit as that of a stream."""
    verdict, reason = foreseen.verdict, foreseen.reason
    nothing_left = rows is not None and all(row.layer == Layer.ORIGINAL for row in rows)
    if verdict is Verdict.WILL_MISS and nothing_left:
        # Others of the kit will miss; of this one all was there when the kit was last heard.
        since_us = foreseen.silent_since_us
        return Verdict.AT_RISK, reason if since_us is None else Reason("silent", at_us=since_us)
    return verdict, reason


def _layer(
    layer: str,
    stream: StreamFacts,
    rows: list[PlanRow] | None,
    kit: KitFacts,
    shown: Span,
    due_us: int | None,
) -> LayerWindow:
    start_us, end_us = shown
    spans = SpanSet(0, [*stream.held.get(layer, ()), *stream.late.get(layer, ())])
    held_us = overlap_us(spans, start_us, end_us)
    free_us = end_us - start_us - overlap_us(gap_spans(stream.gaps), start_us, end_us)
    # A kit does not tell thinned proxies from others.
    row = None if layer == THIN else _row(layer, rows)
    return LayerWindow(
        layer=layer,
        spans=coarser(clipped(spans, *shown), (end_us - start_us) // _DRAWN),
        held_us=held_us,
        share=min(1.0, held_us / free_us) if free_us > 0 else None,
        pending_bytes=_still_to_come(layer, row, rows),
        verdict=verdict_of(judged(row, kit, due_us)) if row else None,
        done_us=told_us(kit, row.done_us) if row else None,
        reason=row.reason if row else "",
    )


def _still_to_come(layer: str, row: PlanRow | None, rows: list[PlanRow] | None) -> int | None:
    if row is not None:
        return row.pending_bytes
    return None if rows is None or layer == THIN else 0
