"""The publishers' part of `fieldlink edge check`: as the running agent has each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.control import ask_agent
from fieldlink.edge.finding import Finding
from fieldlink.edge.whip.tokens import Tokens

__all__ = ["check_publisher"]

_ASK_S = 5.0


def check_publisher(name: str, control_path: Path, folder: Path) -> Finding:
    """Whether somebody publishes as device `name`; `folder` is <state_dir>/whip."""
    try:
        has_token = any(one.name == name for one in Tokens(folder).list())
    except ConfigError as error:
        return Finding("source", False, f"{error}.", f"{name}：令牌文件无法读取。")
    if not has_token:
        return Finding(
            "source",
            False,
            f"{name} waits for WHIP and nobody has its token; fieldlink edge whip add {name}.",
            f"{name}：尚未登记推流；请执行 fieldlink edge whip add {name}。",
        )
    device = _asked(control_path).get(name)
    if device is None:
        return Finding(
            "source",
            True,
            f"{name} waits for WHIP; the agent is not running, start it: fieldlink edge run.",
            f"{name}：等待推流；程序未运行，请执行 fieldlink edge run。",
        )
    return _told(name, device.get("received") or {}, str(device.get("state")))


def _told(name: str, received: Mapping[str, Any], state: str) -> Finding:
    if state == "live":
        lost, all_ = received.get("packets_lost") or 0, received.get("packets") or 0
        return Finding(
            "source",
            True,
            f"{name}: live from {received.get('from')}; {lost} of {lost + all_} packets lost.",
            f"{name}：画面正常，来自 {received.get('from')}，丢包 {lost}。",
        )
    why = str(received.get("reason") or "nobody publishes to it")
    if received.get("state") == "connecting":
        why = "a publisher is connecting; when that lasts, UDP does not come through the firewall"
    return Finding(
        "source",
        False,
        f"{name}: {why}; see URL, token and network of the publisher.",
        f"{name}：没有推流画面；请检查推流端的地址、令牌和网络。",
    )


def _asked(control_path: Path) -> Mapping[str, Any]:
    """The devices of the running agent; none if none runs."""
    try:
        answer = ask_agent(control_path, "status", timeout_s=_ASK_S)
    except ConfigError:
        return {}
    found = ((answer or {}).get("status") or {}).get("devices")
    return found if isinstance(found, dict) else {}
