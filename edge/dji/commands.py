"""`fieldlink edge dji`: aircraft by DJI controllers. Each parses, calls, prints."""

from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="DJI aircraft, by their remote controllers and docks: docs/dji.md. 大疆无人机",
)


@app.command("list")
def list_gateways(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """The registered controllers, their aircraft and live video. 遥控器列表"""
    from fieldlink.edge.dji.wording import gateway_lines

    found = _ask(config, act="list")
    if as_json:
        say_json(found)
        return
    if not found.get("ok"):
        _tell(found, as_json)
    for line in gateway_lines(found):
        say(line)


@app.command("quality")
def quality(
    name: Annotated[str, typer.Argument(help="The aircraft's name.")],
    level: Annotated[int, typer.Argument(min=0, max=4, help="0 as the controller likes, 1 to 4.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask the controller of NAME for another quality of its live video. 调整清晰度"""
    _tell(_ask(config, act="quality", name=name, quality=level), as_json)


@app.command("lens")
def lens(
    name: Annotated[str, typer.Argument(help="The aircraft's name.")],
    which: Annotated[str, typer.Argument(help="normal, wide, zoom or thermal.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask the controller of NAME to show another lens. 切换镜头"""
    _tell(_ask(config, act="lens", name=name, lens=which), as_json)


def _ask(config: Any, **fields: Any) -> dict[str, Any]:
    from fieldlink.edge.beside import tell_agent
    from fieldlink.edge.config import load_edge_settings

    return tell_agent(load_edge_settings(config), "dji", **fields)


def _tell(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(answer)
    else:
        say(str(answer.get("said", "")))
    if not answer.get("ok"):
        raise typer.Exit(2)
