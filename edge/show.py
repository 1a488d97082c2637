"""What `fieldlink edge status` prints for people: plain words, both languages where it counts."""

from collections.abc import Iterator, Mapping
from typing import Any

from fieldlink.edge.clock.wording import clock_words
from fieldlink.edge.telemetry.wording import telemetry_entries
from fieldlink.edge.wording import ago, layer_text, rate_text, size_text
from fieldlink.systemd.terminal import columns, wrapped

__all__ = ["status_lines"]

_STATES = {
    "live": "live 在线",
    "ok": "ok 正常",
    "up": "up 正常",
    "down": "DOWN 中断",
    "connecting": "connecting 连接中",
    "ended": "ended 已结束",
}
_VERDICTS = {
    "kept": "all will be in time 均可按时送达",
    "at-risk": "AT RISK: see fieldlink edge plan 有风险，请看发送计划",
    "will-miss": "SOME WILL BE LATE: see fieldlink edge plan 部分来不及，请看发送计划",
}
# What to do about a device, by the first word of its reason.
_ADVICE = {
    "refused": "连接被拒绝：摄像机开机了吗？",
    "unauthorized": "用户名或密码不对：请改 url。",
    "not-found": "没有这个设备、文件或路径：请检查 url。",
    "permission": "没有权限打开：请检查权限。",
    "timeout": "没有应答：请检查电源、网线和地址。",
    "hung": "没有应答：请检查电源、网线和地址。",
    "closed": "摄像机断开了连接：请检查摄像机和网线。",
    "nobody": "无人推流：请检查推流端的地址、令牌和网络。",
    "not-media": "对方发来的不是视频：请检查 url。",
}
_LINK_ADVICE = {
    "identity": "尚未入网：请执行 fieldlink edge join 入网码。",
    "link": "链路不通：请检查网线、SIM 卡、天线，以及指挥中心是否在运行。",
}
_MARGIN = 14
_MOST_VALUES = 6


def status_lines(status: Mapping[str, Any], width: int = 80) -> Iterator[str]:
    """`status` (of `full_status`, or of a kit whose agent does not run) as lines of at most
    `width` columns where words allow.
    """
    for label, *texts in _entries(status):
        for text in texts:
            for line in wrapped(text, width - _MARGIN):
                yield label + " " * (_MARGIN - columns(label)) + line
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
    ahead_us = (status.get("clock") or {}).get("correction_us", 0)  # the agent's clock is
    for name, device in status.get("devices", {}).items():
        yield "device 设备", *_device(name, device, ahead_us)
    for bearer in status.get("bearers", []):
        yield "link 链路", *_bearer(bearer, ahead_us)
    for name, adapter in status.get("attached", {}).items():
        yield "attached 外接", *_adapter(name, adapter)
    if (telemetry := status.get("telemetry")) is not None:
        yield from telemetry_entries(telemetry, ahead_us)
    if (clock := status.get("clock")) is not None:
        yield "clock 时钟", clock_words(clock)
    yield from _spool(status.get("spool"))
    if (plan := status.get("plan")) is not None:
        yield "window 时限", _VERDICTS[plan["verdict"]]
    for finding in status.get("findings", []):
        yield "found 发现", str(finding)


def _device(name: str, device: Mapping[str, Any], ahead_us: int) -> Iterator[str]:
    state = str(device.get("state"))
    parts = [name, _STATES.get(state, state)]
    if (fps := device.get("fps")) is not None:
        parts.append(f"{fps:.0f}/s")
    if (last_us := device.get("last_packet_us")) is not None and state != "live":
        parts.append(f"last picture 最后画面 {ago(last_us, ahead_us)}")
    if lost := (device.get("received") or {}).get("packets_lost"):
        parts.append(f"lost packets 丢包 {lost}")
    if klv := device.get("klv"):
        bad = sum(klv["bad"].values())
        parts.append(f"KLV 元数据 {klv['sets']}" + (f", bad 坏 {bad}" if bad else ""))
    yield "  ".join(parts)
    reason = str(device.get("reason") or "")
    if reason and state == "down":
        yield reason
        if advice := _ADVICE.get(reason.partition(":")[0]):
            yield advice


def _adapter(name: str, adapter: Mapping[str, Any]) -> Iterator[str]:
    state, reason = str(adapter.get("state", "")), str(adapter.get("reason") or "")
    good = state in ("live", "ok", "up")
    if said := adapter.get("said"):
        yield f"{name}  {said}"
        return
    values = [str(one["text"]) for one in adapter.get("values", ())] if good else []
    yield "  ".join([name, _STATES.get(state, state), *values[:_MOST_VALUES]])
    if reason and not good:
        yield reason


def _bearer(bearer: Mapping[str, Any], ahead_us: int) -> Iterator[str]:
    if bearer.get("held"):
        yield f"{bearer['name']}  held 已暂停: fieldlink edge bearer release {bearer['name']}"
        return
    if not bearer["up"]:
        yield f"{bearer['name']}  DOWN 不通"
        yield str(bearer["reason"])
        yield _LINK_ADVICE.get(str(bearer.get("down_by")), _LINK_ADVICE["link"])
        return
    centre = bearer.get("centre")
    answers = f"centre 指挥中心 {centre}" if centre else "waiting for the centre 等待指挥中心应答"
    parts = [f"{bearer['name']}  up 通  {answers}", f"{rate_text(bearer['rate_bps'])} now"]
    if bearer.get("stalled"):
        parts.append("STALLED 无应答")
    if bearer.get("rtt_ms") is not None:
        parts.append(f"round trip 往返 {bearer['rtt_ms']} ms")
    if bearer.get("loss"):
        parts.append(f"loss 丢包 {bearer['loss']:.1%}")
    if bearer.get("last_custody_us") is not None:
        parts.append(f"last receipt 最近签收 {ago(bearer['last_custody_us'], ahead_us)}")
    yield "  ".join(parts)
    yield from _limits(bearer)


def _limits(bearer: Mapping[str, Any]) -> Iterator[str]:
    """What keeps a bearer that is up from carrying everything."""
    if (budget := bearer.get("budget_bytes")) is not None:
        used, per = size_text(bearer["used_bytes"]), bearer.get("budget_per")
        yield f"budget 流量 {used} of {size_text(budget)} this {per} 已用"
    if bearer.get("admits") in ("flash", "immediate"):
        yield "only what is urgent goes by it now 目前仅送紧急信息"
    if bearer.get("congestion_refused"):
        yield (
            f"the system refuses this user BBR and uses {bearer['congestion']}: lossy links will be"
            " slow; see Congestion control in operations.md 系统不允许 BBR，链路会变慢"
        )


def _spool(spool: Mapping[str, Any] | None) -> Iterator[tuple[str, ...]]:
    if spool is None:
        yield "spool 存储", "empty 空"
        return
    for label, key in (("waiting 待送", "pending"), ("sent 已送达", "custody")):
        layers = spool[key]
        text = ", ".join(
            f"{count['bundles']} {layer_text(layer)} ({size_text(count['bytes'])})"
            for layer, count in layers.items()
        )
        yield label, text or "-"
    yield (
        "disk 磁盘",
        f"{size_text(spool['used_bytes'])} used 已用,"
        f" {size_text(spool['disk_free_bytes'])} free 可用",
        f"gaps 缺口 {spool['gaps']}, refused 被拒 {spool['refused']},"
        f" given up 已放弃 {spool['given_up']}",
    )
