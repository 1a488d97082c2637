"""`fieldlink drone dji`, and `fieldlink edge dji`: aircraft by DJI controllers. Each parses, calls,
prints.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="""DJI aircraft, by their remote controllers and docks: docs/dji.md. 大疆无人机

    fieldlink drone dji status                 controllers, aircraft, live video, originals

    fieldlink drone dji status --watch         the same, new every second, until Ctrl-C

    fieldlink drone dji live stop drone-1      no video from it until it is started again

    fieldlink drone dji live start drone-1     and until its pictures arrive

    fieldlink drone dji live quality drone-1 1

    fieldlink drone dji live lens drone-1 zoom

    The kit starts live video by itself. Nothing here moves an aircraft. 只看不控。""",
)
live_app = typer.Typer(
    no_args_is_help=True,
    help="Live video: done when its pictures arrive, not when somebody says so. 直播",
)
app.add_typer(live_app, name="live")

_Name = Annotated[str, typer.Argument(help="The aircraft's name, as in status.")]
_Wait = Annotated[
    float, typer.Option(min=0, max=600, help="Wait so many seconds for the pictures; 0: do not.")
]
_Level = Annotated[
    int,
    typer.Argument(
        min=0,
        max=4,
        help="0 as the controller likes, 1 960x540 at 0.5 Mbit/s, 2 and 3 1280x720 at 1 and 1.5, "
        "4 1920x1080 at 3.",
    ),
]
_Lens = Annotated[str, typer.Argument(metavar="LENS", help="normal, wide, zoom or thermal.")]


@app.command("status")
def status(
    watch: Annotated[
        bool, typer.Option("--watch", help="New every second, until Ctrl-C. 实时刷新")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Controllers with their aircraft, live video, flights and originals. 状态

    With --watch and --json one object a second, each on a line.
    """
    if watch:
        _watch(config, as_json)
        return
    from fieldlink.edge.dji.wording import gateway_lines

    found = _ask(config, act="list")
    if as_json:
        say_json(found)
        return
    if not found.get("ok"):
        _tell(found, as_json)
    for line in gateway_lines(found):
        say(line)


@live_app.command("start")
def start(
    name: _Name, wait: _Wait = 60.0, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Want the video of NAME (again), and wait until its pictures arrive. 开始直播

    Controllers often fail at first: the kit tries again by itself, and each reason is printed.
    Exit status 1: no picture came in time; the kit goes on trying.
    """
    _until(config, as_json, wait, name, act="start")


@live_app.command("stop")
def stop(name: _Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Want no video of NAME until it is started, or the agent is started anew. 停止直播"""
    _tell(_ask(config, act="stop", name=name), as_json)


@live_app.command("quality")
def quality(
    name: _Name,
    level: _Level,
    wait: _Wait = 30.0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask the controller of NAME for another quality, and wait until it is. 调整清晰度"""
    _until(config, as_json, wait, name, act="quality", quality=level)


@live_app.command("lens")
def lens(
    name: _Name,
    which: _Lens,
    wait: _Wait = 30.0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask the controller of NAME to show another lens, and wait until it does. 切换镜头"""
    _until(config, as_json, wait, name, act="lens", lens=which)


@live_app.command("watch")
def live_watch(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """All of it on a screen that is new every second. 实时查看"""
    _watch(config, as_json)


@app.command("first")
def first(
    name: _Name,
    flight: Annotated[str, typer.Argument(help="The task's flight_id, as the dock gave it.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Have a dock bring the files of a task before all others. 优先回传"""
    _tell(_ask(config, act="first", name=name, flight=flight), as_json)


# As they were called before.
app.command("list", hidden=True)(status)
app.command("quality", hidden=True)(quality)
app.command("lens", hidden=True)(lens)


def _ask(config: Path | None, **fields: Any) -> dict[str, Any]:
    from fieldlink.codecs.fault import ConfigError
    from fieldlink.edge.beside import tell_agent
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.dji.following import OFF

    answer = tell_agent(load_edge_settings(config), "dji", **fields)
    if "there is no such command" in str(answer.get("said")):
        raise ConfigError(OFF)
    return answer


def _tell(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(answer)
    else:
        say(str(answer.get("said", "")))
    if not answer.get("ok"):
        raise typer.Exit(2)


def _until(config: Path | None, as_json: bool, wait_s: float, name: str, **asked: Any) -> None:
    """Ask, then follow what comes of it."""
    from fieldlink.edge.dji.following import follow_live

    answer = _ask(config, name=name, **asked)
    if not answer.get("ok") or not wait_s:
        _tell(answer, as_json)
        return
    if not as_json:
        say(str(answer["said"]))
    found = follow_live(
        lambda: _ask(config, act="list"), name, asked, wait_s, say if not as_json else None
    )
    if as_json:
        say_json(found)
    else:
        say(str(found["said"]))
    if not found["ok"]:
        raise typer.Exit(1)


def _watch(config: Path | None, as_json: bool) -> None:
    from fieldlink.drone.console.screen import Screen, until_interrupted
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.dji.following import reports
    from fieldlink.edge.dji.wording import gateway_lines

    told = reports(load_edge_settings(config))

    async def follow() -> None:
        if as_json:
            async for report in told:
                say_json(report)
            return
        with Screen() as screen:
            await screen.follow(told, lambda report: list(gateway_lines(report)))

    until_interrupted(follow())
