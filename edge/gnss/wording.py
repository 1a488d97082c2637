"""How the receiver is, in words for both languages."""

from collections.abc import Mapping
from typing import Any

__all__ = ["advice", "receiver_words"]

_FIXES = {
    1: "fix 已定位",
    2: "differential fix 差分定位",
    3: "precise fix 精密定位",
    4: "RTK fix 厘米级定位",
    5: "RTK float 浮点解",
    6: "dead reckoning 航位推算",
    7: "set by hand 手动设定",
    8: "SIMULATED 模拟",
}
_ADVICE = {
    "not-found": "没有找到接收机：请检查 USB 线。",
    "permission": "没有权限打开串口：请把用户加入 dialout 组。",
    "busy": "串口被其他程序占用。",
    "unplugged": "接收机已拔出：请检查 USB 线。",
    "silent": "接收机没有数据：请检查电源和接线。",
    "no-nmea": "没有读到 NMEA 语句：请检查波特率。",
    "no-receiver": "gpsd 没有接收机：请检查 USB 线。",
    "refused": "连接被拒绝：请检查地址和端口。",
    "timeout": "没有应答：请检查电源、网线和地址。",
    "closed": "对方断开了连接。",
    "not-gpsd": "对方不是 gpsd：请检查 url。",
}


def advice(reason: str) -> str:
    """What to do about `reason`, a word and a detail, in Chinese."""
    return _ADVICE.get(reason.partition(":")[0], "没有定位：请检查接收机和天线。")


def receiver_words(report: Mapping[str, Any]) -> str:
    """One line for people: what it has, by how many satellites, how long ago it spoke."""
    state = report["state"]
    if state == "connecting":
        return "connecting 连接中"
    if state == "down":
        reason = str(report["reason"])
        return f"DOWN 中断: {reason} {_ADVICE.get(reason.partition(':')[0], '')}".rstrip()
    parts = [_FIXES.get(report["fix"] or 0, "NO FIX: see antenna and sky 未定位：请检查天线和遮挡")]
    if (used := report["satellites"]) is not None:
        view = report["in_view"]
        parts.append(f"{used} satellites 颗卫星" + ("" if view is None else f" of 可见 {view}"))
    if (age_s := report["age_s"]) is not None:
        parts.append(f"last sentence 最近语句 {age_s:.0f} s ago 秒前")
    if "ANT" in (words := str(report["receiver_says"])).upper() and "OK" not in words.upper():
        parts.append(f"receiver says 接收机提示: {words}")
    if report["unbelieved_dates"]:
        parts.append("its date is not believed 日期不可信")
    return ", ".join(parts)
