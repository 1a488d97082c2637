"""What people read about sensors: alarms, reasons, values; in English and in 中文."""

import math

from fieldlink.codecs.settings import format_duration
from fieldlink.codecs.telemetry import Flag
from fieldlink.edge.sensors.limits import Verdict
from fieldlink.edge.sensors.settings import LimitSettings, SensorSettings, ValueSettings
from fieldlink.edge.sensors.values import Measured
from fieldlink.edge.telemetry.ports import Notice

__all__ = ["measured_text", "notice_of", "reason_text", "unit_text", "value_text"]

_PER = {"min": "min", "h": "h", "d": "d"}
_PAST = {
    "high": ("is at or over", "达到或超过"),
    "low": ("is at or under", "达到或低于"),
    "rise": ("rises by", "上升"),
    "fall": ("falls by", "下降"),
    "change": ("changes by", "变化"),
}
_UNITS = {"Cel": "°C", "[ppm]": "ppm", "%{LEL}": "%LEL", "m3": "m³", "m3/s": "m³/s", "deg": "°"}
_REFUSALS = {
    1: ("it knows no such function", "不支持该功能码"),
    2: ("it has no such register", "没有这个寄存器"),
    3: ("it takes no such request", "请求不被接受"),
    4: ("it failed, or has no such unit", "设备故障或单元号不对"),
    5: ("it is still working on it", "设备处理中"),
    6: ("it is busy", "设备忙"),
    8: ("its memory is damaged", "存储校验错"),
    10: ("its gateway has no way there", "网关无路径"),
    11: ("its gateway got no answer", "网关后的设备无应答"),
}
_REASONS = {
    "missing": ("the station says it has none", "站点报告无数据"),
    "range": ("not possible, taken for unknown", "超出可能范围，按未知处理"),
    "number": ("not a number", "不是数字"),
    "settling": ("counting has just begun", "刚开始计数"),
    "garbled": ("the answer makes no sense", "应答无法识别"),
    "no-line": ("no line had it yet", "尚未收到"),
}


def reason_text(reason: str) -> str:
    """A reason of `Measured` in both languages."""
    word, _, code = reason.partition("-")
    if word == "refused" and code.isdigit():
        english, chinese = _REFUSALS.get(int(code), ("it refuses", "被拒绝"))
        return f"refused ({code}): {english} {chinese}"
    english, chinese = _REASONS.get(reason, (reason, ""))
    return f"{reason}: {english} {chinese}".rstrip()


def unit_text(unit: str) -> str:
    """A unit of UCUM as people write it."""
    return _UNITS.get(unit, unit)


def value_text(value: ValueSettings, number: float) -> str:
    """`number` with the value's decimals, no more."""
    return f"{number:.{value.decimals}f}"


def measured_text(value: ValueSettings, measured: Measured) -> str:
    """A value as a line of a report shows it: "水位 level 3.62 m", or why there is none."""
    name = f"{value.label} {value.name}".strip()
    if measured.value is None:
        return f"{name} unknown 未知 ({reason_text(measured.reason)})"
    return f"{name} {value_text(value, measured.value)} {unit_text(value.unit)}".rstrip()


def notice_of(sensor: SensorSettings, verdict: Verdict) -> Notice:
    """`verdict` as the alarm that goes to the centre."""
    value, limit, unit, text = _words(sensor, verdict)
    return Notice(
        verdict.kind,
        verdict.active,
        subject=verdict.subject,
        value=value[:48],
        limit=limit[:48],
        unit=unit[:48],
        text=text[:256],
        lat=sensor.lat,
        lon=sensor.lon,
        flags=Flag.EXERCISE if sensor.exercise else Flag.NONE,
    )


def _words(sensor: SensorSettings, verdict: Verdict) -> tuple[str, str, str, str]:
    if verdict.limit is None or verdict.value is None:
        return _silence(sensor, verdict)
    value, limit = verdict.value, verdict.limit
    unit = f"{value.unit or '1'}/{_PER[limit.per]}" if limit.is_rate else value.unit
    measured = _measured(verdict.measured, value, limit)
    bound = _measured(limit.at, value, limit)
    return measured, bound, unit, _sentence(verdict, measured, bound, unit)


def _sentence(verdict: Verdict, measured: str, bound: str, unit: str) -> str:
    value, limit = verdict.value, verdict.limit
    assert value is not None and limit is not None  # noqa: S101, PT018 - silence went another way
    name, called = value.name, value.label or value.name
    english, chinese = _PAST[limit.which]
    shown = unit_text(value.unit) + unit.removeprefix(value.unit)
    size, most = f"{measured} {shown}".rstrip(), f"{bound} {shown}".rstrip()
    own = f"{limit.text}: " if limit.text else ""
    if not verdict.active:
        return f"{own}{name} is back at {size} (limit {most}) {called}恢复到 {size}，限值 {most}"
    if limit.is_rate:
        return (
            f"{own}{name} {english} {size}, limit {most} {called}{chinese}速率 {size}，限值 {most}"
        )
    return f"{own}{name} {size} {english} {most} {called} {size}，{chinese} {most}"


def _measured(number: float, value: ValueSettings, limit: LimitSettings) -> str:
    # A rate has the decimals of its value, and enough to show small ones.
    if not limit.is_rate or number == 0:
        return value_text(value, number)
    digits = max(value.decimals, min(6, 1 - math.floor(math.log10(abs(number)))))
    return f"{number:.{digits}f}"


def _silence(sensor: SensorSettings, verdict: Verdict) -> tuple[str, str, str, str]:
    after_s = sensor.silent_after_s or 0.0
    who = verdict.value.name if verdict.value else sensor.name
    called = (verdict.value.label or who) if verdict.value else sensor.name
    long = format_duration(round(verdict.measured))
    if verdict.active:
        text = f"no reading of {who} for {long} {called} 已 {long} 没有读数"
    else:
        text = f"{who} is heard again {called} 恢复读数"
    return f"{verdict.measured:.0f}", f"{after_s:g}", "s", text
