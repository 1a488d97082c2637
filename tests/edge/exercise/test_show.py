"""What an exercise says at its end, to people."""

import io

from rich.console import Console, RenderableType

from fieldlink.edge.exercise.show import final_report, plain_line, progress_view
from fieldlink.edge.exercise.summary import StreamResult, Summary
from fieldlink.edge.exercise.telemetry import DeviceResult, SosResult, TelemetryResult

_STREAM = StreamResult("ball-1", "video", 3.5, 2, 14.0, 14.0, 13, 0, 0)
_SOLDIER = DeviceResult("rescuer-1", "soldier", 34.23, 108.95, 0.7, 30, 30, 0)
_VEHICLE = DeviceResult("truck-1", "vehicle", 34.22, 108.95, 1.2, 14, 15, 0)
_SOS = SosResult("rescuer-1", 0.06)


def said(telemetry: TelemetryResult, view: RenderableType | None = None) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80)
    if view is None:
        final_report(console, Summary((_STREAM,), 0, telemetry), [], {})
    else:
        console.print(view)
    return out.getvalue()


def test_a_whole_exercise_says_what_arrived_in_both_languages_on_80_columns() -> None:
    text = said(TelemetryResult((_SOLDIER, _VEHICLE), _SOS, 45, 45))
    assert "soldier 单兵" in text
    assert "2 positions 定位, newest 0.7 s old 最新; 45 of 45 samples" in text
    assert "SOS 求救 rescuer-1: on the page 0.06 s after the button" in text
    assert "按下后 0.06 秒到达页面" in text
    assert "Every stream and every sample reached the centre" in text
    assert "无丢失" in text


def test_what_did_not_come_is_named() -> None:
    lost = DeviceResult("truck-1", "vehicle", None, None, None, 14, 12, 2)
    text = " ".join(said(TelemetryResult((_SOLDIER, lost), None, 45, 42)).split())
    assert "Not whole 不完整: truck-1 (no position), the SOS 求救信号, 3 samples 数据" in text
    silent = DeviceResult("water-1", "sensor", None, None, None, None, 0, 0)
    assert "water-1 (no data)" in said(TelemetryResult((silent,), _SOS, 0, 0))


def test_while_it_runs_a_line_or_a_screen_has_telemetry_too() -> None:
    telemetry = TelemetryResult((_SOLDIER,), None, None, None)
    summary = Summary((_STREAM,), 0, telemetry)
    line = plain_line(summary, "recording")
    assert line.endswith("positions of 1 devices, no SOS yet  尚无求救信号")
    screen = progress_view(summary, {"page 页面": "https://x"}, 3.0, "recording")
    assert "34.23000, 108.95000" in said(telemetry, screen)
