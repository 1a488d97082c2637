"""The window as one HTML page: nothing from elsewhere, both languages, fit to be printed.

Every text from outside goes through `html.escape`; the plot is SVG inside the page.
"""

from collections.abc import Callable, Iterator
from html import escape

from fieldlink.relay.window import words
from fieldlink.relay.window.minutes import MINUTE_US
from fieldlink.relay.window.text import MINUTE_KEYS
from fieldlink.relay.window.view import (
    KitWindow,
    LayerWindow,
    Minute,
    Reason,
    StreamWindow,
    Verdict,
    WindowView,
)

__all__ = ["html_page"]

_PLOT_PX = 1000
_LEFT_PX = 190
_ROW_PX = 46
_HEAD_PX = 26
_MARKS = {
    Verdict.KEPT: "✔",
    Verdict.AT_RISK: "▲",
    Verdict.WILL_MISS: "✖",
    Verdict.UNKNOWN: "?",
}
_FILLS = {
    Minute.ORIGINAL: "#12806a",
    Minute.PROXY: "#2b7bc4",
    Minute.THIN: "#8fbce6",
    Minute.STILL: "#a98be0",
    Minute.LATE: "#e0a33a",
    Minute.GAP: "url(#gap)",
    Minute.NONE: "#d6403a",
    Minute.COMING: "#d9dee4",
    Minute.BEFORE: "#f1f3f5",
}
_LAYER_FILLS = {"original": "#12806a", "proxy": "#2b7bc4", "thin": "#8fbce6", "still": "#a98be0"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:24px auto;max-width:1080px;padding:0 20px;background:#fff;color:#17212b;
 font:14px/1.45 system-ui,"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif}
h1{font-size:24px;margin:0}h2{font-size:16px;margin:28px 0 8px}p{margin:4px 0}
.soft{color:#5a6875}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:7px 10px 7px 0;border-top:1px solid #d9dee4}
th{font-weight:600;color:#5a6875;border-top:0}
td.n{white-space:nowrap;font-variant-numeric:tabular-nums}
.v{font-weight:650;white-space:nowrap}.kept{color:#12703a}.at_risk{color:#9a6200}
.will_miss{color:#b3221c}.unknown{color:#5a6875}
.key{display:inline-block;margin:0 16px 6px 0;white-space:nowrap}
.key svg{width:14px;height:10px;margin-right:6px}
svg text{font:12px system-ui,"Noto Sans CJK SC",sans-serif;fill:#17212b}
svg .dim{fill:#5a6875}svg{width:100%;height:auto;display:block}.key svg{display:inline-block}
td{overflow-wrap:anywhere}td:nth-child(1){width:17%}td:nth-child(3){width:36%}
@media print{body{margin:0;max-width:none;padding:0;font-size:11px}
 tr,.row{break-inside:avoid}h2{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def html_page(view: WindowView, centre: str) -> str:
    """`view` as a page, made at the centre named `centre`."""
    return "\n".join(_page(view, centre))


def _page(view: WindowView, centre: str) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    yield "style-src 'unsafe-inline'; img-src data:\">"
    yield f"<title>{escape(view.name)} · Fieldlink</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{escape(view.name)} {_verdict(view.verdict, view)}</h1>"
    yield f'<p class="soft">{escape(view.incident)} · {escape(centre)} · {_window(view)}</p>'
    counts = [
        f"{_verdict(each, view)} {view.counts[each]}" for each in Verdict if view.counts[each]
    ]
    yield f"<p>{' &nbsp; '.join(counts)}</p>"
    if not view.streams:
        yield f"<p>{_both('window.empty')}</p></body></html>"
        return
    yield from _plot(view)
    yield from _legend()
    yield from _streams(view)
    yield from _kits(view)
    yield "</body></html>"


def _both(key: str, **values: object) -> str:
    return escape(words.both(key, **values))


def _window(view: WindowView) -> str:
    said = [f"T0 {words.date_and_time(view.start_us)}"]
    if view.due_us is not None:
        said.append(f"{words.both('window.due')} {words.time_of_day(view.due_us)}")
    said.append(words.both("window.updated", time=words.time_of_day(view.now_us)))
    return escape(" · ".join(said))


def _verdict(verdict: Verdict, view: WindowView) -> str:
    said = " ".join(words.verdict(language, verdict, over=view.over) for language in ("zh", "en"))
    return f'<span class="v {verdict}">{_MARKS[verdict]} {escape(said)}</span>'


def _reason(why: Reason) -> str:
    return "<br>".join(map(escape, words.reasons(why)))


def _plot(view: WindowView) -> Iterator[str]:
    height = _HEAD_PX + _ROW_PX * len(view.streams) + 8
    yield f'<svg viewBox="0 0 {_PLOT_PX} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
    yield (
        '<defs><pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/>'
        '<rect width="3" height="6" fill="#8b97a3"/></pattern></defs>'
    )
    now_us = view.start_us + view.elapsed_us
    end_us = max(view.due_us or 0, now_us, view.from_us + MINUTE_US)
    scale = (_PLOT_PX - _LEFT_PX - 8) / (end_us - view.from_us)

    def x(at_us: int) -> float:
        return round(_LEFT_PX + (min(max(at_us, view.from_us), end_us) - view.from_us) * scale, 2)

    for part in range(5):
        at_us = view.from_us + (end_us - view.from_us) * part // 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        time = words.time_of_day(at_us)
        yield f'<text class="dim" x="{x(at_us)}" y="14" text-anchor="{anchor}">{time}</text>'
        yield (f'<line x1="{x(at_us)}" x2="{x(at_us)}" y1="18" y2="{height}" stroke="#e3e7eb"/>')
    for number, stream in enumerate(view.streams):
        yield from _row(stream, view, _HEAD_PX + number * _ROW_PX, x)
    now_x = x(now_us)
    yield f'<line x1="{now_x}" x2="{now_x}" y1="18" y2="{height}" stroke="#17212b"/></svg>'


def _row(
    stream: StreamWindow, view: WindowView, y: int, x: Callable[[int], float]
) -> Iterator[str]:
    mark = _MARKS[stream.verdict]
    name = escape(f"{mark} {stream.device}/{stream.stream}"[:26])
    yield f'<g class="row"><text x="0" y="{y + 16}" class="{stream.verdict}">{name}</text>'
    yield f'<text class="dim" x="16" y="{y + 31}">{escape(stream.kit)}</text>'
    for first, last, code in _runs(stream.minutes):
        left, right = x(view.from_us + first * MINUTE_US), x(view.from_us + last * MINUTE_US)
        yield (
            f'<rect x="{left}" y="{y + 4}" width="{max(0.5, round(right - left, 2))}" height="14" '
            f'fill="{_FILLS[Minute(code)]}"/>'
        )
    for number, layer in enumerate(stream.layers[:4]):
        fill = _LAYER_FILLS.get(layer.layer, "#8b97a3")
        top = y + 21 + number * 5
        for start_us, end_us in layer.spans:
            width = max(1.0, round(x(end_us) - x(start_us), 2))
            yield f'<rect x="{x(start_us)}" y="{top}" width="{width}" height="4" fill="{fill}"/>'
    yield "</g>"


def _runs(minutes: str) -> Iterator[tuple[int, int, str]]:
    first = 0
    for at in range(1, len(minutes) + 1):
        if at == len(minutes) or minutes[at] != minutes[first]:
            yield first, at, minutes[first]
            first = at


def _legend() -> Iterator[str]:
    yield "<p>"
    for mark, key in MINUTE_KEYS.items():
        box = f'<svg viewBox="0 0 14 10"><rect width="14" height="10" fill="{_FILLS[mark]}"/></svg>'
        yield f'<span class="key">{box}{_both(key)}</span>'
    yield "</p>"


def _streams(view: WindowView) -> Iterator[str]:
    yield f"<h2>{_both('window.title')}</h2><table>"
    yield f"<tr><th></th><th>{_both('window.first')}</th><th></th><th></th></tr>"
    for stream in view.streams:
        first = stream.first_picture_s
        after = "–" if first is None else f"T0 +{words.duration(round(first * 1e6))}"
        share = f"{stream.present}/{stream.wanted} min" if stream.wanted else "–"
        layers = "<br>".join(escape(_layer(layer)) for layer in stream.layers)
        yield (
            f"<tr><td><b>{escape(stream.device)}/{escape(stream.stream)}</b><br>"
            f'<span class="soft">{escape(stream.kit)}</span></td>'
            f'<td class="n">{after}<br>{share}</td>'
            f"<td>{layers}</td>"
            f"<td>{_verdict(stream.verdict, view)}<br>{_reason(stream.reason)}</td></tr>"
        )
    yield "</table>"


def _layer(layer: LayerWindow) -> str:
    share = "–" if layer.share is None else f"{layer.share:.0%}"
    said = f"{words.both(f'layer.{layer.layer}')} {share}"
    if layer.pending_bytes:
        said += f" · {words.size(layer.pending_bytes)} {words.both('window.short.pending')}"
        if layer.done_us is not None:
            said += f", {words.both('window.short.by')} {words.time_of_day(layer.done_us)}"
    return said


def _kits(view: WindowView) -> Iterator[str]:
    yield f"<h2>{_both('kits.title')}</h2><table>"
    yield (
        f"<tr><th></th><th>{_both('window.first')}</th><th>{_both('window.plan')}</th>"
        f"<th>{_both('window.own')}</th></tr>"
    )
    for kit in view.kits:
        first = kit.first_picture_s
        after = "–" if first is None else f"T0 +{words.duration(round(first * 1e6))}"
        heard = (
            _both("kits.never")
            if kit.last_heard_us is None
            else _both("window.heard", age=words.duration(view.now_us - kit.last_heard_us))
        )
        yield (
            f'<tr><td><b>{escape(kit.kit)}</b><br><span class="soft">{heard}</span></td>'
            f'<td class="n">{after}</td><td>{_plan(kit)}</td>'
            f"<td>{_verdict(kit.verdict, view)}<br>{_reason(kit.reason)}</td></tr>"
        )
    yield "</table>"


def _plan(kit: KitWindow) -> str:
    if kit.plan_age_us is None:
        return _both("window.plan.none")
    said = [words.both("window.plan.age", age=words.duration(kit.plan_age_us))]
    if kit.fit:
        said.append(f"{words.both('window.short.fit')} {kit.fit}")
    if kit.rate_bps is not None:
        said.append(words.rate(kit.rate_bps))
    if kit.pending_all_bytes is not None:
        left = words.size(kit.pending_all_bytes)
        said.append(f"{left} {words.both('window.short.pending')}")
    return "<br>".join(map(escape, said))
