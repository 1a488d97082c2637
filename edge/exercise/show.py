"""What an exercise shows while it runs and at its end, in a terminal or a log. 中文 and English."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from fieldlink.edge.exercise.summary import StreamResult, Summary
from fieldlink.systemd.terminal import printable

__all__ = ["final_report", "plain_line", "progress_view"]

_COLUMNS = (
    ("device\n设备", "left"),
    ("first\n首图", "right"),
    ("stills\n图片", "right"),
    ("proxy\n低码率", "right"),
    ("original\n原始", "right"),
    ("custody\n已接管", "right"),
    ("to go\n待送", "right"),
    ("gaps\n缺口", "right"),
)


def _table(streams: Iterable[StreamResult]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for title, side in _COLUMNS:
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=True)
    for stream in streams:
        first = stream.first_picture_s
        table.add_row(
            Text(printable(f"{stream.device}/{stream.stream}")),
            "—" if first is None else f"{first:.1f} s",
            str(stream.stills),
            f"{stream.proxy_s:.0f} s",
            f"{stream.original_s:.0f} s",
            str(stream.in_custody_bundles),
            str(stream.pending_bundles),
            Text(str(stream.gaps), style="bold red" if stream.gaps else ""),
        )
    return table


def progress_view(
    summary: Summary, where: Mapping[str, str], left_s: float | None, phase: str
) -> RenderableType:
    """The screen while the exercise runs: what has arrived, where to look, how to end it."""
    clock = "Ctrl-C ends it  按 Ctrl-C 结束" if left_s is None else f"{left_s:.0f} s left  剩余"
    lines = [Text(f"{phase}   {clock}", style="bold")]
    lines += [Text(f"{key}: {value}") for key, value in where.items()]
    return Group(*lines, _table(summary.streams))


def plain_line(summary: Summary, phase: str) -> str:
    """One line for a log instead of a screen."""
    parts = [
        f"{stream.device} {stream.stills} stills, {stream.proxy_s:.0f} s proxy, "
        f"{stream.original_s:.0f} s original, {stream.pending_bundles} to go"
        for stream in summary.streams
    ]
    return printable(f"{phase}: " + ("; ".join(parts) or "no stream yet"))


def final_report(
    console: Console, summary: Summary, gap_reasons: Iterable[str], where: Mapping[str, Any]
) -> None:
    """Print the result for people."""
    console.print(_table(summary.streams))
    for reason in gap_reasons:
        console.print(Text(f"gap 缺口  {printable(reason)}", style="red"))
    for key, value in where.items():
        console.print(Text(f"{key}: {value}"))
    if summary.ok:
        console.print("Every stream reached the centre whole; nothing lost.", style="bold green")
        console.print("各路信号均已完整送达中心，无丢失。", style="bold green")
        return
    lacking = [s.device for s in summary.streams if not s.whole] or ["no stream came at all"]
    console.print(
        Text(
            f"Not whole 不完整: {', '.join(map(printable, lacking))}; lost: {summary.lost_bundles}"
        ),
        style="bold red",
    )
