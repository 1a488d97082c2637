"""How DJI gateways are, in words for people; both languages."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["brief", "gateway_lines"]

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
    for name, found in report["gateways"].items():
        model = found["model"] or found["role"]
        yield f"{name}  {model}  {found['sn']}  {_STATES.get(found['state'], found['state'])}"
        for craft in found["aircraft"]:
            yield f"    {craft['model']}  {craft['sn']}  {craft['mode']}".rstrip()
        for live in found["live"]:
            words = [live["video"], _STAGES.get(live["stage"], live["stage"])]
            words += [f"quality 清晰度 {live['quality']}"]
            yield "    " + "  ".join([*words, *([live["reason"]] if live["reason"] else [])])
        if found["health"]:
            yield f"    health 健康告警 {', '.join(found['health'])}"
    for name in report["name_taken"]:
        yield f"{name}: a [[device]] has this name, its video is not recorded 与已配置设备重名"
    if not report["gateways"]:
        yield brief(report)
