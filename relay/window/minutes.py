"""Minute by minute, the best that there is of a stream. Pure."""

from collections.abc import Mapping, Sequence

from fieldlink.codecs.bundle import Gap, Layer
from fieldlink.relay.window.held import THIN
from fieldlink.relay.window.spans import Span, SpanSet, clipped
from fieldlink.relay.window.view import Minute

__all__ = ["COMING_US", "MAX_MINUTES", "MINUTE_US", "best_minutes", "gap_spans"]

MINUTE_US = 60_000_000
MAX_MINUTES = 24 * 60
COMING_US = 90_000_000
"""What has only just passed is on its way: pieces are cut, encoded and sent."""

# So much of a minute without a gap, or less, is not worth a picture.
_LEAST_US = 5_000_000
_BEST_FIRST = (
    (Layer.ORIGINAL.value, Minute.ORIGINAL),
    (Layer.PROXY.value, Minute.PROXY),
    (THIN, Minute.THIN),
    (Layer.STILL.value, Minute.STILL),
)


def best_minutes(
    held: Mapping[str, Sequence[Span]],
    late: Mapping[str, Sequence[Span]],
    gaps: Sequence[Span],
    start_us: int,
    end_us: int,
    *,
    coming: bool,
    began_us: int | None,
) -> str:
    """One character (`Minute`) for each minute from `start_us` to `end_us`, at most a day.

    Video counts when it covers half of what the minute has without `gaps`, a still when there
    is one. `coming`: what has just passed is not missing yet. Minutes before `began_us` are
    before the stream.
    """
    count = min(-(-max(0, end_us - start_us) // MINUTE_US), MAX_MINUTES)
    parts_us = [min(end_us - start_us - at * MINUTE_US, MINUTE_US) for at in range(count)]
    gone_us = _covered(gaps, start_us, end_us, count)
    free_us = [max(0, part - gone) for part, gone in zip(parts_us, gone_us, strict=True)]
    first = -1 if began_us is None else (began_us - start_us) // MINUTE_US
    if began_us is not None and 0 <= first < count:  # of that minute there is no more than the rest
        free_us[first] = max(0, free_us[first] - (began_us - start_us) % MINUTE_US)
    best = [Minute.NONE] * count
    for layers, forced in ((late, Minute.LATE), (held, None)):
        for layer, mark in reversed(_BEST_FIRST):
            still = layer == Layer.STILL
            for at in _present(layers.get(layer, ()), (start_us, end_us), free_us, still=still):
                best[at] = forced or mark
    for at in range(count):
        if best[at] is not Minute.NONE:
            continue
        minute_us = start_us + at * MINUTE_US
        if gone_us[at] and free_us[at] <= _LEAST_US:
            best[at] = Minute.GAP
        elif began_us is not None and minute_us + parts_us[at] <= began_us:
            best[at] = Minute.BEFORE
        elif coming and minute_us + MINUTE_US > end_us - COMING_US:
            best[at] = Minute.COMING
    return "".join(best)


def gap_spans(gaps: Sequence[Gap]) -> list[Span]:
    """The spans in which nothing at all was there, joined."""
    return list(SpanSet(0, ((gap.start_us, gap.end_us) for gap in gaps if not gap.layer)))


def _present(
    spans: Sequence[Span], shown: Span, free_us: Sequence[int], *, still: bool
) -> list[int]:
    start_us, end_us = shown
    if still:
        touched = set[int]()
        for first_us, last_us in clipped(spans, start_us, end_us - 1):
            touched.update(
                range((first_us - start_us) // MINUTE_US, (last_us - start_us) // MINUTE_US + 1)
            )
        return sorted(touched)
    covered_us = _covered(spans, start_us, end_us, len(free_us))
    return [
        at
        for at, (here_us, need_us) in enumerate(zip(covered_us, free_us, strict=True))
        if here_us and here_us * 2 >= need_us
    ]


def _covered(spans: Sequence[Span], start_us: int, end_us: int, count: int) -> list[int]:
    """How much of each minute the disjoint `spans` cover."""
    covered_us = [0] * count
    for first_us, last_us in clipped(spans, start_us, min(end_us, start_us + count * MINUTE_US)):
        at = (first_us - start_us) // MINUTE_US
        while at < count and start_us + at * MINUTE_US < last_us:
            minute_us = start_us + at * MINUTE_US
            covered_us[at] += min(last_us, minute_us + MINUTE_US) - max(first_us, minute_us)
            at += 1
    return covered_us
