"""What `fieldlink edge plan` prints for people: what is still to go, and whether it is in time."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from fieldlink.edge.wording import layer_text, rate_text, size_text
from fieldlink.systemd.terminal import columns, wrapped

__all__ = ["plan_lines"]

_VERDICTS = {
    "kept": "in time 按时",
    "at-risk": "AT RISK 有风险",
    "will-miss": "TOO LATE 来不及",
}
# What to do, by the first word of a forecast's reason.
_ADVICE = {
    "rate": "链路太慢：请增加链路，或等待程序降低清晰度。",
    "no-link": "没有可用链路：请检查天线、SIM 卡和网线。",
    "outages": "链路时断时续：请固定天线或换一条链路。",
    "budget": "流量限额已用完：请放宽限额或增加链路。",
    "clock": "时钟不可信：请校准设备箱时钟。",
}
_MARGIN = 14


def plan_lines(plan: Mapping[str, Any], width: int = 80) -> Iterator[str]:
    """`plan` (of `plan_report`) as lines of at most `width` columns where words allow."""
    yield _line("window 时限", _window(plan))
    yield _line("links 链路", _links(plan))
    fit = plan.get("fit") or {}
    if fit.get("level"):
        for number, text in enumerate(wrapped(_fit(fit), width - _MARGIN)):
            yield _line("fit 压缩" if not number else "", text)
    rows = plan.get("streams", [])
    if not rows:
        yield _line("to send 待送", "nothing: the centre has everything 没有，中心已全部收妥")
    for row in rows:
        yield from _row(row, width)


def _line(label: str, text: str) -> str:
    return label + " " * (_MARGIN - columns(label)) + text


def _window(plan: Mapping[str, Any]) -> str:
    due_us = plan.get("due_us")
    if due_us is None:
        return "no incident is open: each piece is due two hours after it was taken 无进行中的事件"
    until = time.strftime("%H:%M", time.localtime(due_us / 1e6))
    hours, minutes = divmod(int(due_us - plan["at_us"]) // 60_000_000, 60)
    if hours < 0:
        return f"over since {until} 已过时限"
    return f"{hours} h {minutes} min left 剩余, until {until}"


def _links(plan: Mapping[str, Any]) -> str:
    rate, low = plan.get("rate_bps"), plan.get("low_bps")
    if rate is None:
        return "not measured yet 尚未测得"
    text = f"{rate_text(rate)} expected 预计"
    return text if low is None else f"{text}, at least {rate_text(low)} 至少"


def _fit(fit: Mapping[str, Any]) -> str:
    level, rate, fps = fit["level"], fit.get("rate_bps"), fit.get("fps")
    if level >= 4:
        return "only reports go; pictures stay on the kit 仅送报告，画面留在设备箱"
    if level == 3 or rate is None:
        return f"one still every {fit.get('still_every_s') or '?'} s 仅送静图"
    thin = "thinner video 降低码率" if level == 1 else "fewer pictures 降低帧率"
    return f"{thin}, {rate_text(rate)}, {fps}/s; originals stay in the queue 原始画面稍后补送"


def _row(row: Mapping[str, Any], width: int) -> Iterator[str]:
    done_us, verdict = row.get("done_us"), str(row["verdict"])
    when = "-" if done_us is None else time.strftime("%H:%M:%S", time.localtime(done_us / 1e6))
    what = f"{row['device']}/{row['stream']} {layer_text(str(row['layer']))}"
    if row["layer"] == "original" and verdict == "will-miss":
        # They may follow after the window: nothing to worry about, and nothing to do.
        yield _line("", f"{what}  {size_text(row['pending_bytes'])}  to follow 稍后补送")
        return
    said = _VERDICTS.get(verdict, verdict)
    yield _line("", f"{what}  {size_text(row['pending_bytes'])}  {said}  {when}")
    reason = str(row.get("reason") or "")
    if reason and verdict != "kept":
        for text in (*wrapped(reason, width - _MARGIN - 2), _ADVICE.get(reason.partition(":")[0])):
            if text:
                yield _line("", f"  {text}")
