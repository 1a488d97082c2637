"""What `fieldlink edge status` and `metrics` say of telemetry."""

import re
import time
from typing import Any
from unicodedata import east_asian_width

from fieldlink.codecs.telemetry import POSITION, VITALS, AlarmKind
from fieldlink.edge.metrics import metrics_lines
from fieldlink.edge.show import status_lines
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.ports import Reading, Source
from fieldlink.edge.telemetry.roster import Roster
from fieldlink.edge.telemetry.status import brief_telemetry, device_rows
from fieldlink.edge.telemetry.wording import ALARMS

NOW_US = time.time_ns() // 1000


def _devices(count: int) -> list[Device]:
    devices = []
    for number in range(count):
        device = Device(Source(f"soldier-{number}", "soldier", "mqtt"))
        device.hear(NOW_US - number * 5_000_000, 1.0)
        for schema, values in (
            (POSITION, {"lat": 34.2, "lon": 108.9, "speed": 1}),
            (VITALS, {"heart_rate": 71}),
        ):
            series = device.stream(schema, 1)
            assert series is not None
            device.sample(series, Reading(values), None, NOW_US, 1)
        devices.append(device)
    return devices


def _telemetry(count: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "stored": 1234, "lost": 0, "repeated": 5, "thin": 0, "detail": "full", "fault": "",
        "devices": device_rows(_devices(count), NOW_US), "strangers": [],
        "alarms": {"open": [], "fault": ""}, **fields,
    }  # fmt: skip


def _lines(telemetry: dict[str, Any]) -> list[str]:
    status = {"running": True, "kit": "kit-1", "spool": None, "telemetry": telemetry}
    return list(status_lines(status))


def test_devices_are_listed_with_what_they_said_last_and_an_end() -> None:
    text = "\n".join(_lines(_telemetry(200)))
    assert "200 devices 设备, 12 heard this minute" in text
    assert re.search(r"soldier-0  soldier  mqtt  \S+( ago)?  34.20000,108.90000  71 /min", text)
    assert "and 180 more 另有 180 项" in text


def test_alarms_come_first_and_no_line_is_wider_than_the_terminal() -> None:
    alarm = {
        "device": "soldier-0", "kind": "low-air", "subject": "air.pressure", "value": "55",
        "limit": "60", "unit": "bar", "text": "word " * 40, "at_us": NOW_US, "id": "00" * 8,
    }  # fmt: skip
    lines = _lines(_telemetry(alarms={"open": [alarm], "fault": ""}, detail="last"))
    assert lines[1].startswith("ALARM 告警    LOW AIR 空气不足  soldier-0  air.pressure  55 bar")
    assert any("THIN: the last known now" in line for line in lines)
    widths = [sum(1 + (east_asian_width(one) in "WF") for one in line) for line in lines]
    assert max(widths) <= 80


def test_how_long_ago_is_by_the_kits_clock_and_not_by_a_wrong_one_of_the_system() -> None:
    telemetry = _telemetry(40)
    hour_us = 3_600_000_000
    for device in telemetry["devices"].values():
        device["heard_us"] += hour_us  # the system's clock is an hour behind
    status = {"running": True, "kit": "kit-1", "spool": None, "telemetry": telemetry}
    clock: dict[str, Any] = {
        "error_us": None,
        "against": None,
        "correction_us": hour_us,
        "contradicts": [],
    }
    for known, shown in ((None, "now"), (clock, r"\d+\w* ago")):
        text = "\n".join(status_lines({**status, "clock": known} if known else status))
        assert re.search(rf"soldier-1  soldier  mqtt  {shown}", text)


def test_every_kind_of_alarm_has_words_in_both_languages() -> None:
    assert ALARMS.keys() == {kind.value for kind in AlarmKind}


def test_what_was_refused_is_said_with_its_reason() -> None:
    stranger = {"from": "10.0.0.9", "reason": "json", "count": 3}
    telemetry = _telemetry(strangers=[stranger])
    telemetry["devices"]["soldier-0"]["refused"] = {"sequence": 7}
    text = "\n".join(_lines(telemetry))
    assert "soldier-0  sequence  x7" in text
    assert "10.0.0.9  json  x3" in text


def test_the_centre_hears_counts_and_metrics_are_figures() -> None:
    telemetry = _telemetry(200)
    roster = Roster()
    for number in range(200):
        device = roster.meet(Source(f"soldier-{number}", "soldier", "mqtt"), 0)
        assert device is not None
        device.hear(NOW_US - number * 5_000_000, 1.0)
        device.refuse("json: no")
    roster.refuse("10.0.0.1", "json: no")
    brief = brief_telemetry(roster, NOW_US, {"stored": 1234, "detail": "full"})
    assert (brief["devices"], brief["heard"], brief["refused"]) == (200, 12, 201)
    assert len(str(brief)) < 200
    lines = list(metrics_lines({"running": True, "telemetry": telemetry}))
    assert 'fieldlink_telemetry_devices{state="silent"} 188' in lines
    assert "fieldlink_telemetry_stored_total 1234" in lines
    assert "fieldlink_telemetry_detail 0" in lines
