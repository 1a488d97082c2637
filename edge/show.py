"""What `fieldlink edge status` prints for people: plain words, both languages where it counts."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from fieldlink.codecs.settings import format_duration

__all__ = ["status_lines"]

_STATES = {
    "live": "live 在线",
    "down": "down 中断",
    "connecting": "connecting 连接中",
    "ended": "ended 已结束",
}


def status_lines(status: Mapping[str, Any]) -> Iterator[str]:
    """`status` (of `full_status`, or of a kit whose agent does not run) as lines."""
    kit = status.get("kit") or "not joined 未入网"
    if status["running"]:
        yield f"kit 设备箱    {kit}" + ("  (draining 停止记录)" if status.get("draining") else "")
    else:
        yield f"kit 设备箱    {kit}  the agent is not running 程序未运行; start: fieldlink edge run"
    for name, device in status.get("devices", {}).items():
        yield f"device 设备   {name}  {_device(device)}"
    for bearer in status.get("bearers", []):
        yield f"link 链路     {bearer['name']}  {_bearer(bearer)}"
    yield from _spool(status.get("spool"))
    for finding in status.get("findings", []):
        yield f"found 发现    {finding}"


def _device(device: Mapping[str, Any]) -> str:
    state = _STATES.get(str(device.get("state")), str(device.get("state")))
    parts = [state]
    if (fps := device.get("fps")) is not None:
        parts.append(f"{fps:.0f}/s")
    if device.get("state") != "live" and device.get("reason"):
        parts.append(str(device["reason"]))
    if (last_us := device.get("last_packet_us")) is not None and device.get("state") != "live":
        parts.append(f"last picture {_ago(last_us)}")
    return "  ".join(parts)


def _bearer(bearer: Mapping[str, Any]) -> str:
    if not bearer["up"]:
        return f"down 不通  {bearer['reason']}"
    parts = [f"up 通  {bearer.get('centre') or ''}".rstrip(), f"{_rate(bearer['rate_bps'])} now"]
    if bearer.get("rtt_ms") is not None:
        parts.append(f"round trip {bearer['rtt_ms']} ms")
    if bearer.get("last_custody_us") is not None:
        parts.append(f"last receipt {_ago(bearer['last_custody_us'])}")
    return "  ".join(parts)


def _spool(spool: Mapping[str, Any] | None) -> Iterator[str]:
    if spool is None:
        yield "spool 存储    empty 空"
        return
    for word, key in (("waiting 待送", "pending"), ("received 已送达", "custody")):
        layers = spool[key]
        text = ", ".join(
            f"{count['bundles']} {layer} ({_size(count['bytes'])})"
            for layer, count in layers.items()
        )
        yield f"{word}  {text or '-'}"
    yield (
        f"disk 磁盘     {_size(spool['used_bytes'])} used, {_size(spool['disk_free_bytes'])} free; "
        f"gaps 缺口 {spool['gaps']}, refused 被拒 {spool['refused']}, given up {spool['given_up']}"
    )


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
