"""What `fieldlink edge status` prints for people: plain words, both languages where it counts."""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from unicodedata import east_asian_width

from fieldlink.codecs.settings import format_duration

__all__ = ["status_lines"]

_STATES = {
    "live": "live 在线",
    "down": "DOWN 中断",
    "connecting": "connecting 连接中",
    "ended": "ended 已结束",
}
_LAYERS = {"report": "报告", "still": "静图", "proxy": "预览", "original": "原始"}
# What to do about a device, by the first word of its reason.
_ADVICE = {
    "refused": "连接被拒绝：摄像机开机了吗？",
    "unauthorized": "用户名或密码不对：请改 url。",
    "not-found": "没有这个设备、文件或路径：请检查 url。",
    "permission": "没有权限打开：请检查权限。",
    "timeout": "没有应答：请检查电源、网线和地址。",
    "hung": "没有应答：请检查电源、网线和地址。",
    "closed": "摄像机断开了连接：请检查摄像机和网线。",
    "not-media": "对方发来的不是视频：请检查 url。",
}
_LINK_ADVICE = {
    "identity": "尚未入网：请执行 fieldlink edge join 入网码。",
    "link": "链路不通：请检查网线、SIM 卡、天线，以及指挥中心是否在运行。",
}
_MARGIN = 14


def status_lines(status: Mapping[str, Any], width: int = 80) -> Iterator[str]:
    """`status` (of `full_status`, or of a kit whose agent does not run) as lines of at most
    `width` columns where words allow.
    """
    for label, *texts in _entries(status):
        for text in texts:
            for line in _wrapped(text, width - _MARGIN):
                yield label + " " * (_MARGIN - _columns(label)) + line
                label = ""


def _entries(status: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """What is on each line: its label, and texts that each begin a line of their own."""
    kit = str(status.get("kit") or "not joined 未入网")
    if not status["running"]:
        advice = "the agent is not running 程序未运行; start it: fieldlink edge run"
        yield "kit 设备箱", kit, advice
    elif status.get("draining"):
        yield "kit 设备箱", f"{kit}  draining: recording has stopped 已停止记录，正在送完"
    else:
        yield "kit 设备箱", kit
    for name, device in status.get("devices", {}).items():
        yield "device 设备", *_device(name, device)
    for bearer in status.get("bearers", []):
        yield "link 链路", *_bearer(bearer)
    yield from _spool(status.get("spool"))
    for finding in status.get("findings", []):
        yield "found 发现", str(finding)


def _device(name: str, device: Mapping[str, Any]) -> Iterator[str]:
    state = str(device.get("state"))
    parts = [name, _STATES.get(state, state)]
    if (fps := device.get("fps")) is not None:
        parts.append(f"{fps:.0f}/s")
    if (last_us := device.get("last_packet_us")) is not None and state != "live":
        parts.append(f"last picture 最后画面 {_ago(last_us)}")
    yield "  ".join(parts)
    reason = str(device.get("reason") or "")
    if reason and state == "down":
        yield reason
        if advice := _ADVICE.get(reason.partition(":")[0]):
            yield advice


def _bearer(bearer: Mapping[str, Any]) -> Iterator[str]:
    if not bearer["up"]:
        yield f"{bearer['name']}  DOWN 不通"
        yield str(bearer["reason"])
        yield _LINK_ADVICE.get(str(bearer.get("down_by")), _LINK_ADVICE["link"])
        return
    centre = bearer.get("centre")
    answers = f"centre 指挥中心 {centre}" if centre else "waiting for the centre 等待指挥中心应答"
    parts = [f"{bearer['name']}  up 通  {answers}", f"{_rate(bearer['rate_bps'])} now"]
    if bearer.get("rtt_ms") is not None:
        parts.append(f"round trip 往返 {bearer['rtt_ms']} ms")
    if bearer.get("last_custody_us") is not None:
        parts.append(f"last receipt 最近签收 {_ago(bearer['last_custody_us'])}")
    yield "  ".join(parts)


def _spool(spool: Mapping[str, Any] | None) -> Iterator[tuple[str, ...]]:
    if spool is None:
        yield "spool 存储", "empty 空"
        return
    for label, key in (("waiting 待送", "pending"), ("sent 已送达", "custody")):
        layers = spool[key]
        text = ", ".join(
            f"{count['bundles']} {layer} {_LAYERS.get(layer, '')} ({_size(count['bytes'])})"
            for layer, count in layers.items()
        )
        yield label, text or "-"
    yield (
        "disk 磁盘",
        f"{_size(spool['used_bytes'])} used 已用, {_size(spool['disk_free_bytes'])} free 可用",
        f"gaps 缺口 {spool['gaps']}, refused 被拒 {spool['refused']},"
        f" given up 已放弃 {spool['given_up']}",
    )


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes: Chinese characters take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and _columns(longer.rstrip()) > width:
            yield line.rstrip()
            longer = word
        line = longer
    yield line.rstrip()


def _ago(at_us: int) -> str:
    seconds = max(0, round(time.time() - at_us / 1e6))
    if seconds >= 120:
        seconds -= seconds % 60
    return f"{format_duration(seconds)} ago" if seconds else "now"


def _size(count: int) -> str:
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


def _rate(rate_bps: float) -> str:
    if rate_bps >= 1e6:
        return f"{rate_bps / 1e6:.1f} Mbit/s"
    return f"{rate_bps / 1e3:.0f} kbit/s"
