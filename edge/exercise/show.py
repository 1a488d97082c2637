"""What an exercise shows while it runs and at its end, in a terminal or a log. 中文 and English."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from fieldlink.edge.exercise.summary import StreamResult, Summary
from fieldlink.edge.exercise.telemetry import DeviceResult, TelemetryResult
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
_DEVICE_COLUMNS = (
    ("device\n设备", "left"),
    ("kind\n类型", "left"),
    ("position\n位置", "left"),
    ("age\n时延", "right"),
    ("confirmed\n已确认", "right"),
    ("arrived\n已到达", "right"),
)
_KINDS = {
    "soldier": "soldier 单兵",
    "vehicle": "vehicle 车辆",
    "sensor": "sensor 传感器",
    "drone": "drone 无人机",
}


def _empty(columns: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for title, side in columns:
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=True)
    return table


def _table(streams: Iterable[StreamResult]) -> Table:
    table = _empty(_COLUMNS)
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


def _device_table(devices: Iterable[DeviceResult]) -> Table:
    table = _empty(_DEVICE_COLUMNS)
    for one in devices:
        table.add_row(
            Text(printable(one.device)),
            _KINDS.get(one.kind, one.kind),
            "—" if one.lat is None else f"{one.lat:.5f}, {one.lon:.5f}",
            "—" if one.age_s is None else f"{one.age_s:.1f} s",
            "—" if one.confirmed is None else str(one.confirmed),
            "—" if one.arrived is None else str(one.arrived),
        )
    return table


def _sos_text(telemetry: TelemetryResult) -> Text:
    sos = telemetry.sos
    if sos is None:
        return Text("no SOS yet  尚无求救信号")
    said = f"SOS 求救 {printable(sos.device)}: on the page {sos.after_s:.2f} s after the button"
    return Text(f"{said}  按下后 {sos.after_s:.2f} 秒到达页面", style="bold")


def _arrived_text(telemetry: TelemetryResult) -> Text:
    age_s = telemetry.newest_age_s
    newest = "" if age_s is None else f", newest {age_s:.1f} s old 最新"
    text = f"{telemetry.positions} positions 定位{newest}; "
    return Text(f"{text}{telemetry.arrived} of {telemetry.stored} samples 数据, each once 各一次")


def progress_view(
    summary: Summary, where: Mapping[str, str], left_s: float | None, phase: str
) -> RenderableType:
    """The screen while the exercise runs: what has arrived, where to look, how to end it."""
    clock = "Ctrl-C ends it  按 Ctrl-C 结束" if left_s is None else f"{left_s:.0f} s left  剩余"
    lines = [Text(f"{phase}   {clock}", style="bold")]
    lines += [Text(f"{key}: {value}") for key, value in where.items()]
    views: list[RenderableType] = [*lines, _table(summary.streams)]
    if (telemetry := summary.telemetry) is not None:
        views += [_device_table(telemetry.devices), _sos_text(telemetry)]
    return Group(*views)


def plain_line(summary: Summary, phase: str) -> str:
    """One line for a log instead of a screen."""
    parts = [
        f"{stream.device} {stream.stills} stills, {stream.proxy_s:.0f} s proxy, "
        f"{stream.original_s:.0f} s original, {stream.pending_bundles} to go"
        for stream in summary.streams
    ]
    if (telemetry := summary.telemetry) is not None:
        parts.append(f"positions of {telemetry.positions} devices, {_sos_text(telemetry).plain}")
    return printable(f"{phase}: " + ("; ".join(parts) or "no stream yet"))


def final_report(
    console: Console, summary: Summary, gap_reasons: Iterable[str], where: Mapping[str, Any]
) -> None:
    """Print the result for people."""
    console.print(_table(summary.streams))
    if (telemetry := summary.telemetry) is not None:
        console.print(_device_table(telemetry.devices))
        console.print(_arrived_text(telemetry))
        console.print(_sos_text(telemetry))
    for reason in gap_reasons:
        console.print(Text(f"gap 缺口  {printable(reason)}", style="red"))
    for key, value in where.items():
        console.print(Text(f"{key}: {value}"))
    if summary.ok:
        everything = "Every stream and every sample reached the centre; nothing lost."
        console.print(everything, style="bold green")
        console.print("各路图像和数据均已完整送达中心，无丢失。", style="bold green")
        return
    lacking = [s.device for s in summary.streams if not s.whole] + _lacking(telemetry)
    lacking = lacking if summary.streams else ["no stream came at all"]
    console.print(
        Text(
            f"Not whole 不完整: {', '.join(map(printable, lacking))}; lost: {summary.lost_bundles}"
        ),
        style="bold red",
    )


def _lacking(telemetry: TelemetryResult | None) -> list[str]:
    """What of telemetry did not come."""
    if telemetry is None or telemetry.ok:
        return []
    found = [
        f"{one.device} (no {'data' if not one.arrived else 'position'})"
        for one in telemetry.devices
        if not one.arrived or one.lat is None
    ]
    if telemetry.sos is None:
        found.append("the SOS 求救信号")
    if telemetry.stored != telemetry.arrived or telemetry.lost:
        found.append(f"{telemetry.lost} samples 数据")
    return found
