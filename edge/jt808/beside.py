"""Commands beside a running agent: ask it about its terminals, and show what it says."""

from collections.abc import Iterator, Mapping
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.beside import tell_agent
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.wording import ago

__all__ = ["ask_terminals", "terminal_lines"]


def ask_terminals(settings: EdgeSettings, command: str, **fields: Any) -> dict[str, Any]:
    """What the running agent answers to `command`.

    Raises:
        ConfigError: no agent runs, or it serves no terminals.
    """
    if not settings.jt808.enabled:
        raise ConfigError("jt808.enabled = false: this kit serves no terminals; set it to true")
    return tell_agent(settings, command, **fields)


def terminal_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The terminals, a line or two each."""
    terminals = found.get("terminals", {})
    if not terminals:
        yield f"no terminal was heard yet on port {found.get('port')} 尚无终端接入"
    for name, one in sorted(terminals.items()):
        here = f"{one['by']} from {one['from']}" if one.get("connected") else "not connected 离线"
        heard = f"heard 最近 {ago(one['heard_us'])}" if one.get("heard_us") else "not heard 未收到"
        yield f"{name}  {one['kind']}  {one['number']}  {here}  {heard}"
        yield f"    {_counted(one)}"
        if one.get("alarms"):
            yield f"    ALARM 告警 {', '.join(one['alarms'])}"
        if parameters := one.get("parameters"):
            said = ", ".join(f"{key} {value}" for key, value in parameters.items())
            yield f"    set to 参数 {said}"


def _counted(one: Mapping[str, Any]) -> str:
    parts = [f"{one['locations']} positions 定位"]
    for key, words in (
        ("backfilled", "filled in 补传"),
        ("repeated", "repeated 重复"),
        ("without_fix", "without a fix 未定位"),
        ("parts_lost", "split messages lost 分包丢失"),
    ):
        if one.get(key):
            parts.append(f"{one[key]} {words}")
    if one.get("plate"):
        parts.append(f"plate 车牌 {one['plate']}")
    if one.get("exercise"):
        parts.append("EXERCISE 演练")
    return ", ".join(parts)
