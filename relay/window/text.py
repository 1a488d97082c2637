"""The window as plain text of at most 80 columns, in 中文 and English."""

from collections.abc import Iterator

from fieldlink.relay.window import words
from fieldlink.relay.window.minutes import MINUTE_US
from fieldlink.relay.window.view import (
    KitWindow,
    LayerWindow,
    Minute,
    Reason,
    StreamWindow,
    Verdict,
    WindowView,
)

__all__ = ["MINUTE_KEYS", "scaled", "text_lines"]

_WIDTH = 80
_CELLS = 60
_MARKS = {
    Verdict.KEPT: "+",
    Verdict.AT_RISK: "!",
    Verdict.WILL_MISS: "X",
    Verdict.UNKNOWN: "?",
}
MINUTE_KEYS = {
    Minute.ORIGINAL: "window.minute.o",
    Minute.PROXY: "window.minute.p",
    Minute.THIN: "window.minute.t",
    Minute.STILL: "window.minute.s",
    Minute.LATE: "window.minute.l",
    Minute.GAP: "window.minute.g",
    Minute.NONE: "window.minute.none",
    Minute.COMING: "window.minute.coming",
    Minute.BEFORE: "window.minute.before",
}
"""What each character of `StreamWindow.minutes` means, as the page's words say it."""

# A cell that stands for several minutes shows the one that somebody has to look at.
_WORST_FIRST = ".l>gstpo-"


def text_lines(view: WindowView) -> Iterator[str]:
    """`view` as lines."""
    yield from words.cut(f"{view.name}  ({view.incident})", _WIDTH)
    yield from _window(view)
    yield "  ".join(
        f"{_MARKS[verdict]} {view.counts[verdict]} {_verdict(verdict, view)}"
        for verdict in Verdict
        if view.counts[verdict]
    )
    if not view.streams:
        yield words.both("window.empty")
    for stream in view.streams:
        yield ""
        yield from _stream(stream, view)
    for kit in view.kits:
        yield ""
        yield from _kit(kit, view)
    if view.streams:
        yield ""
        yield from _legend(view)


def scaled(minutes: str, cells: int, whole: int) -> str:
    """`minutes` of a window of `whole` of them on at most `cells` cells, the worst of each."""
    count = min(cells, max(1, whole))
    shown = []
    for cell in range(count):
        part = minutes[cell * whole // count : max((cell + 1) * whole // count, 1)]
        shown.append(min(part, key=_WORST_FIRST.index) if part else " ")
    return "".join(shown)


def _window(view: WindowView) -> Iterator[str]:
    yield f"T0 {words.date_and_time(view.start_us)}"
    if view.due_us is None:
        yield words.both("window.reason.no-window")
        return
    due = f"{words.both('window.due')} {words.time_of_day(view.due_us)}"
    left_us = view.due_us - view.now_us
    key = "clock.remaining" if left_us >= 0 else "clock.overdue"
    yield f"{due}  {words.both(key)} {words.duration(abs(left_us))}"


def _verdict(verdict: Verdict, view: WindowView) -> str:
    said = [words.verdict(language, verdict, over=view.over) for language in ("en", "zh")]
    return " ".join(said)


def _stream(stream: StreamWindow, view: WindowView) -> Iterator[str]:
    name = f"{_MARKS[stream.verdict]} {stream.device}/{stream.stream}  {stream.kit}"
    yield _ends(name, _verdict(stream.verdict, view))
    end_us = view.due_us or view.start_us + view.elapsed_us
    whole = -(-max(MINUTE_US, end_us - view.from_us) // MINUTE_US)
    bar = scaled(stream.minutes, _CELLS, max(whole, len(stream.minutes)))
    share = f"{stream.present}/{stream.wanted} min" if stream.wanted else "-"
    yield f"  |{bar}| {share}"
    yield f"  {_first(stream.first_picture_s)}"
    for layer in stream.layers:
        yield from words.cut(f"  {_layer(layer, view)}", _WIDTH)
    yield from _reason(stream.reason)


def _first(first_s: float | None) -> str:
    if first_s is None:
        return words.both("window.first.none")
    return f"{words.both('window.first')} T0 +{words.duration(round(first_s * 1e6))}"


def _layer(layer: LayerWindow, view: WindowView) -> str:
    share = "-" if layer.share is None else f"{layer.share:4.0%}"
    said = f"{words.both(f'layer.{layer.layer}')} {share}"
    if not layer.pending_bytes:
        return said
    said += f"  {words.size(layer.pending_bytes)} {words.both('window.short.pending')}"
    if layer.done_us is None:
        return said
    late = view.due_us is not None and layer.done_us > view.due_us
    when = words.time_of_day(layer.done_us)
    return f"{said}, {words.both('window.short.by')} {when}{' !' if late else ''}"


def _reason(why: Reason) -> Iterator[str]:
    for said in words.reasons(why):
        yield from (f"    {line}" for line in words.cut(said, _WIDTH - 4))


def _kit(kit: KitWindow, view: WindowView) -> Iterator[str]:
    yield _ends(f"{_MARKS[kit.verdict]} {kit.kit}", _heard(kit, view))
    plan = words.both("window.plan.none")
    if kit.plan_age_us is not None:
        plan = f"{words.both('window.short.plan')} {_ago(kit.plan_age_us)}"
    if kit.fit:
        plan += f", {words.both('window.short.fit')} {kit.fit}"
    yield f"  {plan}"
    own = words.both("window.own.nothing")
    if kit.arrival_bps:
        own = f"{words.rate(kit.arrival_bps)} {words.both('window.short.arriving')}"
    if kit.pending_all_bytes is not None:
        left = words.size(kit.pending_all_bytes)
        own += f", {left} {words.both('window.short.pending')}"
    yield f"  {words.both('window.own')}: {own}"
    yield from _reason(kit.reason)


def _heard(kit: KitWindow, view: WindowView) -> str:
    if kit.last_heard_us is None:
        return words.both("kits.never")
    return f"{words.both('window.short.heard')} {_ago(view.now_us - kit.last_heard_us)}"


def _ago(length_us: int) -> str:
    return f"{words.duration(length_us)} {words.both('window.short.ago')}"


def _legend(view: WindowView) -> Iterator[str]:
    seen = {mark for stream in view.streams for mark in stream.minutes}
    said = [f"{mark.value} {words.both(key)}" for mark, key in MINUTE_KEYS.items() if mark in seen]
    line = ""
    for each in said:
        longer = f"{line}   {each}" if line else each
        if words.columns(longer) > _WIDTH:
            yield line
            longer = each
        line = longer
    if line:
        yield line


def _ends(left: str, right: str) -> str:
    space = _WIDTH - words.columns(left) - words.columns(right)
    return f"{left}{' ' * max(2, space)}{right}"
