"""A kit's aircraft in one line."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["summary"]

_MOST_SAID = 4


def summary(
    vehicles: Sequence[Mapping[str, Any]],
    endpoints: Sequence[Mapping[str, Any]],
    recording: Mapping[str, Any] | None,
    reason: str,
) -> str:
    """A line for who stands beside the kit."""
    heard = [one for one in vehicles if one["state"] == "heard"]
    up = sum(one["state"] in ("open", "ended") for one in endpoints)
    parts = [f"{len(heard)} aircraft 架在线, {up} of {len(endpoints)} links up 链路正常"]
    for one in vehicles[:_MOST_SAID]:
        words = [one["name"], "LOST 失联" if one["state"] == "lost" else str(one["mode"] or "?")]
        if one.get("two"):
            words.append("TWO AIRCRAFT 两机同号")
        if one["armed"]:
            words.append("armed 已解锁")
        if one["battery"] is not None:
            words.append(f"{one['battery']:.0f} %")
        parts.append(" ".join(words))
    if recording is not None:
        state = "NOT RECORDING 未记录" if recording["reason"] else "recording 记录中"
        parts.append(state)
    return "; ".join([*parts, reason] if reason else parts)
