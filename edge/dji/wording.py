"""How DJI gateways are, in words for people; both languages."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["brief", "gateway_lines", "stream_line"]

_STATES = {"online": "online 在线", "stale": "quiet 数据中断", "offline": "offline 离线"}
_STAGES = {
    "opening": "getting ready 准备中",
    "asked": "asked to start 请求直播",
    "proving": "waiting for pictures 等待画面",
    "live": "LIVE 直播中",
    "resting": "tried again soon 稍后重试",
}
_MOST = 4


def brief(report: Mapping[str, Any]) -> str:
    """All gateways in one line."""
    gateways = report["gateways"]
    if not gateways:
        return "no controller is registered 尚未登记: fieldlink edge device add NAME --dji SERIAL"
    parts = []
    for name, found in list(gateways.items())[:_MOST]:
        live = [_STAGES.get(one["stage"], one["stage"]) for one in found["live"]]
        parts.append("  ".join([name, _STATES.get(found["state"], found["state"]), *live]))
    if (more := len(gateways) - _MOST) > 0:
        parts.append(f"and {more} more 另有 {more} 台")
    if reason := report["reason"]:
        parts.append(reason)
    return ", ".join(parts)


def gateway_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Each gateway with its aircraft and streams."""
    if reason := report["reason"]:
        yield str(reason)
    flying = (report.get("flights") or {}).get("flying", {})
    for name, found in report["gateways"].items():
        model = found["model"] or found["role"]
        yield f"{name}  {model}  {found['sn']}  {_STATES.get(found['state'], found['state'])}"
        for craft in found["aircraft"]:
            yield f"    {craft['model']}  {craft['sn']}  {craft['mode']}".rstrip()
        for live in found["live"]:
            yield f"    {stream_line(live)}"
        if not found.get("wanted", 1):
            yield "    live video was stopped here 已停止直播"
        if ident := flying.get(name):
            yield f"    in flight, recorded as 飞行中 {ident}"
        if found["health"]:
            yield f"    health 健康告警 {', '.join(found['health'])}"
    if uploads := report.get("uploads"):
        yield _uploads_line(uploads)
    for name in report["name_taken"]:
        yield f"{name}: a [[device]] has this name, its video is not recorded 与已配置设备重名"
    if not report["gateways"]:
        yield brief(report)


def stream_line(live: Mapping[str, Any]) -> str:
    """A live stream: what is asked of it, and what is received."""
    words = [live["video"], _STAGES.get(live["stage"], live["stage"])]
    words.append(f"quality 清晰度 {live['quality']}")
    if live.get("lens"):
        words.append(f"lens 镜头 {live['lens']}")
    received = live.get("received") or {}
    if received.get("fps") is not None and received.get("age_s") is not None:
        words.append(f"{received['fps']:g} pictures/s 帧/秒, {received['age_s']:g} s ago 秒前")
    if live.get("changing"):
        words.append("changing 切换中")
    if live["reason"]:
        words.append(live["reason"])
    return "  ".join(words)


def _uploads_line(uploads: Mapping[str, Any]) -> str:
    line = f"originals 原片: {uploads['files']} files, {uploads['bytes'] / 1e6:.1f} MB stored 已存"
    if uploads["uploads"]:
        waiting = uploads["waiting_bytes"] / 1e6
        line += f"; {uploads['uploads']} on their way, {waiting:.1f} MB 上传中"
    refused = sum(uploads["refused"].values())
    if refused:
        line += f"; {refused} requests refused 被拒"
    return f"{line}; {uploads['reason']}" if uploads["reason"] else line
