"""What is wrong with a publisher, and what to do: both languages."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fieldlink.edge.source.url import is_whip

if TYPE_CHECKING:
    from fieldlink.edge.config import EdgeSettings

__all__ = [
    "FLOODED",
    "GONE",
    "NOTHING_CAME",
    "NO_UDP",
    "REFUSED",
    "UNWANTED",
    "brief",
    "hints",
    "token_lines",
]

NO_UDP = (
    "no UDP came through between publisher and kit; open UDP in the firewall, or bring both into "
    "one network UDP 不通：请在防火墙放行 UDP，或让两端在同一网络"
)
FLOODED = "it sends as too many sources at once 推流来源过多"
GONE = "the publisher is gone, or its network is; it may come again 推流中断"
NOTHING_CAME = (
    "it is connected and sends no picture; start its camera 已连接但没有画面，请打开摄像头"
)
UNWANTED = (
    'no device of this name waits for WHIP; add a [[device]] with url = "whip:" and fieldlink edge '
    "reload 配置中没有使用 whip: 的同名设备"
)
REFUSED = {
    "codec": "this kit records H.264 with Opus or G.711 只录制 H.264 视频和 Opus/G.711 声音",
    "media": "offer one video to send, and at most one sound 只能发送一路视频和至多一路声音",
    "sdp": "the offer is malformed SDP 提交的 SDP 有误",
}
_STATES = {
    "waiting": "nobody publishes 无人推流",
    "connecting": "connecting 连接中",
    "live": "LIVE 推流中",
}
_MOST = 4


def brief(report: Mapping[str, Any]) -> str:
    """All publishers in one line."""
    mounts = report["mounts"]
    parts = [f"{name} {_STATES[one['state']]}" for name, one in list(mounts.items())[:_MOST]]
    if (more := len(mounts) - _MOST) > 0:
        parts.append(f"and {more} more 另有 {more} 路")
    if not mounts:
        parts.append('no [[device]] has url = "whip:" 没有使用 whip: 的设备')
    return ", ".join(parts)


def token_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Everybody who may publish, with what came of it."""
    if not found["enabled"]:
        yield "WHIP is off: set enabled = true in [whip] WHIP 未启用"
    if not found["publishers"]:
        yield "nobody may publish yet; fieldlink edge whip add NAME 尚未登记推流"
    for one in found["publishers"]:
        now = one.get("now")
        yield "  ".join([f"{one['name']:<32}", *(_now(now) if now else [])]).rstrip()


def _now(one: Mapping[str, Any]) -> Iterator[str]:
    yield _STATES[one["state"]]
    if one["from"]:
        yield f"from 来自 {one['from']}"
        yield f"lost packets 丢包 {one.get('packets_lost', 0)}"
        if one.get("jitter_ms") is not None:
            yield f"jitter 抖动 {one['jitter_ms']} ms"
    if one["reason"]:
        yield str(one["reason"])


def hints(settings: "EdgeSettings", name: str) -> Iterator[str]:
    """What is still missing before `name` can publish."""
    device = next((one for one in settings.device if one.name == name), None)
    if not settings.whip.enabled:
        yield "set enabled = true in [whip], else nothing listens 请启用 [whip]"
    if device is None:
        yield f'add a [[device]] with name = "{name}", url = "whip:" 请在配置中加入该设备'
    elif not is_whip(device.url):
        yield f'{name} is a [[device]] with another url; set url = "whip:" 请将其 url 改为 whip:'
