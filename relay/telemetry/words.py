"""What a duty officer reads of alarms, in 中文 and in English. Pure."""

from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.relay.catalogue import StoredAlarm

__all__ = ["KIND_WORDS", "described", "measured"]

KIND_WORDS = {
    AlarmKind.SOS: "SOS 求救",
    AlarmKind.MAN_DOWN: "man down 人员倒地",
    AlarmKind.GAS: "gas 气体",
    AlarmKind.LOW_AIR: "low air 气瓶压力低",
    AlarmKind.VITALS: "vital signs 生命体征",
    AlarmKind.THRESHOLD: "over the limit 超限",
    AlarmKind.RATE: "changes too fast 变化过快",
    AlarmKind.SILENCE: "silent 失联",
    AlarmKind.LOW_BATTERY: "low battery 电量低",
    AlarmKind.GEOFENCE: "left its area 越界",
    AlarmKind.FAILSAFE: "acts on its own 失控保护",
    AlarmKind.DEVICE: "device alarm 设备告警",
}
_CHANGES = {
    "raised": "raised 触发",
    "ended": "ended on site 现场解除",
    "acknowledged": "acknowledged 已确认",
    "cleared": "cleared at the centre 中心解除",
}


def measured(alarm: StoredAlarm) -> str:
    """What an alarm is about, with value and limit; empty when it does not say."""
    value = f" {alarm.value} {alarm.unit}".rstrip() if alarm.value else ""
    limit = f" (limit 限值 {alarm.bound} {alarm.unit})".replace(" )", ")") if alarm.bound else ""
    return f"{alarm.subject}{value}{limit}".strip()


def described(alarm: StoredAlarm, change: str) -> str:
    """The words for an event: what happened to which alarm, and who did it."""
    kind = KIND_WORDS[AlarmKind(alarm.kind)]
    who = {"acknowledged": alarm.acknowledged_by, "cleared": alarm.cleared_by}.get(change, "")
    parts = [
        f"{alarm.device}: {kind}, {_CHANGES[change]}",
        f"by 由 {who}" if who else "",
        measured(alarm) if change == "raised" else "",
        alarm.text if change == "raised" else alarm.note if who else "",
        "exercise 演练" if alarm.flags & Flag.EXERCISE else "",
    ]
    return "; ".join(part for part in parts if part) + f" [{alarm.ident.hex()}]"
