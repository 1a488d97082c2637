"""What people ask of DJI gateways on the control socket.

    {"do": "dji", "act": "list"}                          how everything is
    {"do": "dji", "act": "start", "name": NAME}           want its video again
    {"do": "dji", "act": "stop", "name": NAME}            want none until it is started
    {"do": "dji", "act": "quality", "name": NAME, "quality": 0 to 4}
    {"do": "dji", "act": "lens", "name": NAME, "lens": "normal" | "wide" | "zoom" | "thermal"}
    {"do": "dji", "act": "first", "name": NAME, "flight": TASK}   a dock brings that task's first

What was asked is wanted until the agent ends: over new connections, and over new starts of the
video. Whether it is so is in the list, by what is received.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fieldlink.codecs.fault import CodecError
from fieldlink.drone.dji import LiveNeeds
from fieldlink.drone.dji.gateway import Gateway

__all__ = ["do_asked"]

_USAGE = "ask for list, start, stop, quality (0 to 4), lens or first"

Doing = Callable[[Gateway, Mapping[str, Any], int, float], str | None]


def do_asked(
    asked: Mapping[str, Any],
    gateways: Mapping[str, Gateway],
    wishes: dict[str, LiveNeeds],
    cameras: int,
    now_s: float,
) -> dict[str, Any]:
    """Do it; `gateways` by name, `cameras` is how many of each go live. What is wished for stays in
    `wishes`, by serial number.
    """
    doing = _ACTS.get(str(asked.get("act")))
    gateway = gateways.get(str(asked.get("name")))
    if doing is None:
        return {"ok": False, "said": _USAGE}
    if gateway is None:
        names = ", ".join(gateways) or "none"
        return {"ok": False, "said": f"no such DJI gateway; known: {names} 没有该设备"}
    try:
        said = doing(gateway, asked, max(cameras, 1), now_s)
    except CodecError as error:
        return {"ok": False, "said": error.detail}
    if said is None:
        return {"ok": False, "said": _USAGE}
    wishes[gateway.sn] = gateway.live.needs
    return {"ok": True, "said": said}


def _start(gateway: Gateway, _asked: Mapping[str, Any], cameras: int, now_s: float) -> str:
    count = gateway.live.set_cameras(cameras, now_s)
    if not count:
        return "wanted; no aircraft is there that can be live yet 已设为直播，等待飞机上线"
    return f"{count} asked for 已请求直播"


def _stop(gateway: Gateway, _asked: Mapping[str, Any], _cameras: int, now_s: float) -> str:
    gateway.live.set_cameras(0, now_s)
    return "no video is wanted until it is started 已停止直播"


def _quality(gateway: Gateway, asked: Mapping[str, Any], _cameras: int, now_s: float) -> str | None:
    quality = asked.get("quality")
    if not isinstance(quality, int) or isinstance(quality, bool) or not 0 <= quality <= 4:
        return None
    count = gateway.live.set_quality(quality, now_s)
    return f"quality {quality} asked of {count} 已请求调整清晰度"


def _lens(gateway: Gateway, asked: Mapping[str, Any], _cameras: int, now_s: float) -> str | None:
    lens = asked.get("lens")
    if not isinstance(lens, str):
        return None
    return f"lens {lens} asked of {gateway.live.change_lens(lens, now_s)} 已请求切换镜头"


def _first(gateway: Gateway, asked: Mapping[str, Any], _cameras: int, now_s: float) -> str | None:
    flight = asked.get("flight")
    if not isinstance(flight, str):
        return None
    gateway.bring_first(flight, now_s)
    return f"asked to bring the files of {flight} first 已请求优先回传"


_ACTS: dict[str, Doing] = {
    "start": _start,
    "stop": _stop,
    "quality": _quality,
    "lens": _lens,
    "first": _first,
}
