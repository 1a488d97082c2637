"""Telemetry as commands print it, beside a running centre: from the catalogue alone."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.relay.catalogue import Catalogue, StoredAlarm
from fieldlink.relay.telemetry.board import Board
from fieldlink.relay.telemetry.history import History, Query
from fieldlink.relay.telemetry.rendering import marks_of
from fieldlink.relay.telemetry.words import KIND_WORDS

__all__ = [
    "alarm_lines",
    "chosen_alarm",
    "device_lines",
    "history_document",
    "history_lines",
    "latest_document",
]

_ID = re.compile(r"[0-9a-f]{1,16}")
_STATES = {"active": "active 未处理", "acknowledged": "seen 已确认", "cleared": "over 已解除"}


def latest_document(catalogue: Catalogue, now_us: int, kit: str | None) -> dict[str, Any]:
    """What GET /api/telemetry/latest says, as of the last store."""
    board = Board(now_us)
    states = catalogue.latest_states()
    chosen = {key: state for key, state in states.items() if kit is None or key[0] == kit}
    board.load(chosen, catalogue.active_alarms())
    found: dict[str, Any] = json.loads(board.answer(now_us))
    found["devices"].sort(key=lambda device: (device["kit"], device["device"]))
    return found


def device_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The latest as a table."""
    yield (
        "kit 设备箱      device 设备          kind       "
        " age 时间  position 位置                battery  alarms 告警"
    )
    for device in document["devices"]:
        names = f"{device['kit']:<15} {device['device']:<20} {device['kind']:<10}"
        age = _age(document["now_us"] - device["heard_us"])
        battery = device["streams"].get("battery", {}).get("values", {}).get("level")
        level = "-" if battery is None else f"{battery:.0f} %"
        alarms = device["alarms"] or "-"
        yield f"{names} {age:>8}  {_place(device):<28} {level:>7}  {alarms}"


def _place(device: Mapping[str, Any]) -> str:
    position = device["position"]
    if position is None:
        return "unknown 未知"
    lost = " no fix 无定位" if device["fix_lost_us"] is not None else ""
    return f"{position['lat']:.6f} {position['lon']:.6f}{lost}"


def _age(age_us: int) -> str:
    age_s = max(0, age_us // 1_000_000)
    if age_s < 120:
        return f"{age_s} s"
    return f"{age_s // 60} min" if age_s < 7200 else f"{age_s // 3600} h"


def alarm_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Alarms, two lines each."""
    for row in rows:
        kind = KIND_WORDS[AlarmKind(row["kind"])]
        drill = "  exercise 演练" if row["exercise"] else ""
        state = _STATES[row["state"]]
        yield f"{row['id']}  {state}  {row['kit']}/{row['device']}  {kind}{drill}"
        parts = [
            _time(row["raised_us"]),
            " ".join(filter(None, (row["subject"], row["value"], row["unit"]))),
            f"limit 限值 {row['limit']}" if row["limit"] else "",
            row["text"],
            f"seen by 确认 {row['acknowledged_by']}" if row["acknowledged_by"] else "",
            f"ended by 解除 {row['cleared_by']}" if row["cleared_by"] else "",
            row["note"],
        ]
        yield f"{'':18}{'  '.join(filter(None, parts))}"


def chosen_alarm(catalogue: Catalogue, start: str) -> StoredAlarm:
    """The one alarm whose id begins with `start`.

    Raises:
        ConfigError: that is no id.
        ArchiveError: there is none such, or more than one.
    """
    if not _ID.fullmatch(start.lower()):
        raise ConfigError(f"{start[:40]!r} is no alarm's id; `fieldlink relay alarms` lists them")
    found = catalogue.find_alarms(start.lower())
    if len(found) != 1:
        many = "several alarms' ids begin" if found else "no alarm's id begins"
        raise ArchiveError(f"{many} with {start}; `fieldlink relay alarms --all` lists them")
    return found[0]


def history_document(catalogue: Catalogue, query: Query, now_us: int) -> dict[str, Any]:
    """What GET /api/telemetry/history says, as of the last store."""
    found = History(catalogue).find(query, now_us)
    return {
        "columns": [{"name": c.name, "unit": c.unit, "scale": c.scale} for c in found.columns],
        "samples": found.rows,
        "gaps": [{"from_us": g.from_us, "to_us": g.to_us, "why": g.why} for g in found.gaps],
        "truncated": found.truncated,
    }


def history_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Samples, a line each, with the gaps where they are."""
    names = [f"{c['name']} {c['unit']}".strip() for c in document["columns"]]
    if not document["samples"]:
        yield "nothing of that time is here 没有该时段的数据"
        return
    yield "  ".join(["time 时间 (UTC)        ", *names])
    gaps = list(document["gaps"])
    for row in document["samples"]:
        while gaps and gaps[0]["to_us"] <= row[0]:
            yield _gap_line(gaps.pop(0))
        values = ["-" if value is None else str(value) for value in row[4:]]
        yield "  ".join([_time(row[0]), *values, *marks_of(row[3])])
    yield from map(_gap_line, gaps)
    if document["truncated"]:
        yield "there is more; ask for less, or with --every 数据未完, 请缩小范围"


def _gap_line(gap: Mapping[str, Any]) -> str:
    why = "not here yet 尚未到达" if gap["why"] == "missing" else "silent 无数据"
    return f"  -- {why}: {_time(gap['from_us'])} to {_time(gap['to_us'])}"


def _time(at_us: int) -> str:
    try:
        at = datetime.fromtimestamp(at_us / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{at_us} us"
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
