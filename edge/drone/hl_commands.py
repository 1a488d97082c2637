"""`fieldlink drone hl`: an aircraft's HIGH_LATENCY2, on, off or by itself."""

from pathlib import Path
from typing import Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile
from fieldlink.edge.drone.asking import Vehicle, answered

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="""An aircraft's HIGH_LATENCY2 on a thin link (BeiDou, Iridium). 高延迟模式

    The aircraft then says one short message every few seconds there, and takes commands. An answer
    over such a link may take two minutes, and is asked for twice. 应答可能需要两分钟。""",
)
_SAID = {
    "on": "high latency is on 高延迟模式已开启",
    "off": "high latency is off 高延迟模式已关闭",
    "auto": "the kit switches it by itself 由设备箱自动切换",
}


@app.command("on")
def on(vehicle: Vehicle = "", config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Have it speak by HIGH_LATENCY2 now; ends `auto`. 开启"""
    _set("on", vehicle, config, as_json)


@app.command("off")
def off(vehicle: Vehicle = "", config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Have it stop that now; ends `auto`. 关闭"""
    _set("off", vehicle, config, as_json)


@app.command("auto")
def auto(vehicle: Vehicle = "", config: ConfigFile = None, as_json: AsJson = False) -> None:
    """On when no other link hears the aircraft any more, off when one does again. 自动

    On 15 s after it was lost on every lan, lte and sat link; off when one of them has heard it
    again for 15 s. It needs an endpoint of profile beidou and the running agent, and holds until
    `on` or `off`, restarts too. 其他链路全部失联 15 秒后开启，恢复 15 秒后关闭；重启后仍有效。
    """
    _set("auto", vehicle, config, as_json)


@app.command("show")
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What was chosen for which aircraft, and what it accepted last. 查看"""

    def lines(found: dict[str, Any]) -> list[str]:
        told = [_chosen(one) for one in found["vehicles"]]
        return told or ["nothing was chosen for any aircraft 未设置"]

    answered(config, as_json, lines, "hl.show")


def _chosen(one: dict[str, Any]) -> str:
    state = {True: "on 已开启", False: "off 已关闭"}.get(one["on"], "not told yet 尚未下达")
    why = f"; {one['reason']}" if one["reason"] else ""
    return f"{one['vehicle']}: {one['mode']}, {state}{why}"


def _set(mode: str, vehicle: str, config: Path | None, as_json: bool) -> None:
    def lines(found: dict[str, Any]) -> list[str]:
        return [f"{found['vehicle']}: {_SAID[mode]}"]

    answered(config, as_json, lines, "hl.set", vehicle=vehicle, mode=mode)
