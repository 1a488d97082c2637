"""How much of what was asked for has come. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fieldlink.codecs.bundle import Gap, Layer
from fieldlink.relay.catalogue import SpanRow, StoredWant

__all__ = ["Progress", "progress_of", "wanted_layer"]

# Between two pieces of a stream there may be a frame or two; the ends are cut at key frames.
_TOUCH_US = 1_500_000
_SLACK_US = 1_500_000

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """Of `asked_us` microseconds (of all streams meant) `held_us` have come; `missing_us` have
    not and are in no gap on record either. `complete`: nothing more can come.
    """

    asked_us: int
    held_us: int
    missing_us: int
    complete: bool


def wanted_layer(want: StoredWant) -> str:
    """The layer that fulfils `want`: the original where any was asked for."""
    return want.layer or Layer.ORIGINAL.value


def progress_of(
    want: StoredWant,
    rows: Iterable[SpanRow],
    gaps: Iterable[Gap],
    now_us: int,
    streams: Iterable[tuple[str, str]] = (),
) -> Progress:
    """The progress of `want`, whose kit sent `rows` and has `gaps` (others are left out) and
    has `streams`, also when nothing of the layer wanted has come of them.
    """
    layer = wanted_layer(want)
    held: dict[tuple[str, str], list[Span]] = {key: [] for key in streams}
    for row in rows:
        spans = held.setdefault((row.device, row.stream), [])
        # Whoever asks for proxies wants better than what was thinned to be in time.
        if row.layer == layer and (row.thin is None or layer != Layer.PROXY):
            spans.append((row.start_us, row.end_us))
    lost: dict[tuple[str, str], list[Span]] = {}
    for gap in gaps:
        if gap.layer in {"", layer}:
            key = (gap.device, gap.stream)
            lost.setdefault(key, []).append((gap.start_us, gap.end_us))
    meant = _streams(want, {*held, *lost})
    length_us = want.to_us - want.from_us
    asked_us = held_us = missing_us = 0
    complete = bool(meant) and want.to_us <= now_us
    for key in meant:
        here_us = covered_us(held.get(key, ()), want.from_us, want.to_us)
        gone = [*held.get(key, ()), *lost.get(key, ())]
        left_us = length_us - covered_us(gone, want.from_us, want.to_us)
        asked_us, held_us, missing_us = (
            asked_us + length_us,
            held_us + here_us,
            missing_us + left_us,
        )
        complete = complete and left_us <= _SLACK_US
    return Progress(asked_us or length_us, held_us, missing_us if meant else length_us, complete)


def covered_us(spans: Sequence[Span], from_us: int, to_us: int) -> int:
    """How much of [from_us, to_us) `spans` cover; what lies between close ones counts."""
    total_us, at_us = 0, None
    for start_us, end_us in sorted(spans):
        begin_us = start_us if at_us is None or start_us - at_us > _TOUCH_US else at_us
        first, last = max(begin_us, from_us, at_us or 0), min(end_us, to_us)
        total_us += max(0, last - first)
        at_us = end_us if at_us is None else max(at_us, end_us)
    return total_us


def _streams(want: StoredWant, seen: set[tuple[str, str]]) -> list[tuple[str, str]]:
    if want.device and want.stream:
        return [(want.device, want.stream)]
    return sorted(key for key in seen if want.device in {"", key[0]})
