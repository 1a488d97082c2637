"""Telemetry in words, for who stands beside the kit: both languages, the alarms first."""

from collections.abc import Iterator, Mapping
from typing import Any

from fieldlink.edge.wording import ago

__all__ = ["ALARMS", "telemetry_entries"]

ALARMS = {
    "sos": "SOS 求救",
    "man-down": "MAN DOWN 人员倒地",
    "gas": "GAS 气体超限",
    "low-air": "LOW AIR 空气不足",
    "vitals": "VITALS 体征异常",
    "threshold": "LIMIT PASSED 超限",
    "rate": "CHANGES TOO FAST 变化过快",
    "silence": "SILENT 失联",
    "low-battery": "LOW BATTERY 电量低",
    "geofence": "GEOFENCE 越界",
    "failsafe": "FAILSAFE 失控保护",
    "device": "SAYS 设备告警",
}
_DETAILS = {
    "full": "in full 全部发送",
    "seconds_5": "THIN: one in 5 s now, all later 精简：每 5 秒一次，其余随后补发",
    "change": "THIN: changes now, all later 精简：只发变化，其余随后补发",
    "last": "THIN: the last known now, all later 精简：只发最新，其余随后补发",
}
_MOST_ALARMS, _MOST_DEVICES, _MOST_REFUSED = 20, 20, 6
_FRESH_S = 60.0
# What is worth a word in a line: column, unit, decimals.
_SHOWN = (
    ("vitals", "heart_rate", "/min", 0),
    ("vitals", "spo2", "% SpO2", 0),
    ("air", "pressure", "bar", 0),
    ("battery", "level", "%", 0),
)


def telemetry_entries(telemetry: Mapping[str, Any], ahead_us: int = 0) -> Iterator[tuple[str, ...]]:
    """`telemetry` (of `Telemetry.report`): of each entry its label and its texts. The kit's clock
    is `ahead_us` ahead of the system's.
    """
    alarms = telemetry["alarms"]
    if alarms["open"]:
        rows = sorted(alarms["open"], key=lambda row: -row["at_us"])
        texts = [_alarm(row, ahead_us) for row in rows[:_MOST_ALARMS]]
        yield "ALARM 告警", *texts, *_more(len(rows) - len(texts))
    devices = telemetry["devices"]
    heard = sum((one["age_s"] or 0) < _FRESH_S for one in devices.values())
    counts = f"{len(devices)} devices 设备, {heard} heard this minute 一分钟内有数据"
    stored = f"{telemetry['stored']} samples stored 已存"
    texts = [f"{counts}; {stored}", _DETAILS.get(telemetry["detail"], telemetry["detail"])]
    if telemetry["fault"] or alarms["fault"]:
        texts.append(f"NOT STORED 未能存储: {alarms['fault'] or telemetry['fault']}")
    yield "data 遥测", *texts
    if devices:
        ordered = sorted(devices.items(), key=lambda item: item[1]["age_s"] or 0)
        texts = [_device(name, device, ahead_us) for name, device in ordered[:_MOST_DEVICES]]
        yield "heard 设备", *texts, *_more(len(devices) - len(texts))
    if refused := list(_refused(telemetry)):
        yield "refused 拒收", *refused[:_MOST_REFUSED], *_more(len(refused) - _MOST_REFUSED)


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield f"and {count} more 另有 {count} 项: fieldlink edge status --json"


def _alarm(row: Mapping[str, Any], ahead_us: int) -> str:
    parts = [ALARMS.get(row["kind"], row["kind"]), row["device"]]
    if row["subject"]:
        parts.append(row["subject"])
    if row["value"]:
        limit = f" (limit 限值 {row['limit']})" if row["limit"] else ""
        parts.append(f"{row['value']} {row['unit']}".rstrip() + limit)
    if row["text"]:
        parts.append(f"“{row['text']}”")
    return "  ".join([*parts, ago(row["at_us"], ahead_us)])


def _device(name: str, device: Mapping[str, Any], ahead_us: int) -> str:
    parts = [name, device["kind"], device["via"]]
    if device["heard_us"] is not None:
        parts.append(ago(device["heard_us"], ahead_us))
    streams = device["streams"]
    if (position := streams.get("position")) is not None:
        values = position["values"]
        if "lat" in values and "lon" in values:
            parts.append(f"{values['lat']:.5f},{values['lon']:.5f}")
        else:
            parts.append("no fix 未定位")
        if "jump" in position["marks"]:
            parts.append("JUMP 位置跳变")
    for stream, column, unit, decimals in _SHOWN:
        value = streams.get(stream, {}).get("values", {}).get(column)
        if value is not None:
            parts.append(f"{value:.{decimals}f} {unit}")
    marks = {mark for one in streams.values() for mark in one["marks"]}
    if "frozen" in marks:
        parts.append("FROZEN 数据停滞")
    if "clock" in marks:
        parts.append("CLOCK 时钟错误")
    return "  ".join(parts)


def _refused(telemetry: Mapping[str, Any]) -> Iterator[str]:
    for name, device in telemetry["devices"].items():
        for reason, count in device["refused"].items():
            yield f"{name}  {reason}  x{count}"
    for one in telemetry["strangers"]:
        yield f"{one['from']}  {one['reason']}  x{one['count']}"
