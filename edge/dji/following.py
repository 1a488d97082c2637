"""What comes of what people asked of a live stream: followed until its pictures prove it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.dji.wording import stream_line

__all__ = ["OFF", "follow_live", "is_so", "reports"]

OFF = (
    "the agent that runs here hears no DJI aircraft; set enabled = true below [dji], then"
    " fieldlink edge reload 未启用 [dji]，请在配置中启用"
)

_EVERY_S = 1.0
_FRESH_S = 4.0
_EMPTY: dict[str, Any] = {
    "ok": False, "gateways": {}, "name_taken": [], "uploads": None, "flights": None,
}  # fmt: skip


async def reports(settings: EdgeSettings) -> AsyncIterator[dict[str, Any]]:
    """The running agent's word, every second; while none runs, that none does.

    Raises:
        ConfigError: none runs at first, or this user may not ask.
    """
    told = await asyncio.to_thread(_ask, settings)
    if told is None:
        raise ConfigError(
            f"{settings.control_path}: no agent runs here; start it with fieldlink edge run"
        )
    while True:
        yield told
        await asyncio.sleep(_EVERY_S)
        try:
            told = await asyncio.to_thread(_ask, settings)
        except ConfigError as error:
            told = {**_EMPTY, "reason": str(error)}
        told = told or {**_EMPTY, "reason": "the agent has ended 程序已停止"}


def _ask(settings: EdgeSettings) -> dict[str, Any] | None:
    answer = ask_agent(settings.control_path, "dji", {"act": "list"}, timeout_s=5.0)
    if answer is not None and "there is no such command" in str(answer.get("said")):
        raise ConfigError(OFF)
    if answer is not None and not answer.get("ok"):
        return {**_EMPTY, "reason": str(answer.get("said", ""))}
    return answer


def is_so(stream: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a stream is as it was asked to be: its pictures arrive now, and what was to change
    was answered and is no longer open.
    """
    received = stream.get("received") or {}
    age_s = received.get("age_s")
    live = stream["stage"] == "live" and (not received or (age_s or 0.0) <= _FRESH_S)
    if "quality" in asked and stream["quality"] != asked["quality"]:
        return False
    if "lens" in asked and stream["lens"] != asked["lens"]:
        return False
    return bool(live and not stream["changing"])


def follow_live(
    ask: Callable[[], dict[str, Any]],
    name: str,
    asked: Mapping[str, Any],
    wait_s: float,
    say: Callable[[str], object] | None,
    sleep: Callable[[float], object] = time.sleep,
    clock_s: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Ask how `name` is until every stream is as `asked`, at most `wait_s`; each change is said.
    The last state, `ok` and what to say of it.
    """
    end_s, last = clock_s() + wait_s, ""
    while True:
        found = ask()
        gateway = found.get("gateways", {}).get(name, {})
        streams = gateway.get("live", [])
        lines = "\n".join(stream_line(one) for one in streams)
        if say is not None and lines and lines != last:
            say(lines)
            last = lines
        good = bool(streams) and all(is_so(one, asked) for one in streams)
        if good or clock_s() >= end_s:
            break
        sleep(_EVERY_S)
    if good:
        said = "its pictures arrive 画面已到达"
    else:
        why = "; ".join(one["reason"] for one in streams if one["reason"])
        why = why or (found.get("reason") or "no aircraft that can be live is there 无可直播飞机")
        said = f"not yet 尚未成功: {why}"
    return {"ok": good, "said": said, "name": name, "live": streams}
