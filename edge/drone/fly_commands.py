"""`fieldlink drone fly`: what moves an aircraft. Off unless the settings say otherwise."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.drone.asking import answered

__all__ = ["app", "confirmed"]

app = typer.Typer(
    no_args_is_help=True,
    help="""Tell an aircraft to hold, return or land. Off unless allowed. 飞行指令

    Allowed by drone.flight_commands = true in the settings. Each is confirmed by typing the
    aircraft's name (--yes NAME in scripts), and recorded: who, when, what, and what the aircraft
    answered. It goes over one link, the best. 默认关闭；执行前须输入机名确认，并永久记录。""",
)
_Vehicle = Annotated[str, typer.Option("--vehicle", help="Its name, as in drone vehicles.")]
_Yes = Annotated[
    str, typer.Option("--yes", metavar="NAME", help="The name again: confirmed, for scripts.")
]
_WORDS = {
    "hold": "hold where it is 原地悬停",
    "return": "return to where it took off 返航",
    "land": "land where it is 就地降落",
}


@app.command("hold")
def hold(
    vehicle: _Vehicle, yes: _Yes = "", config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Stay where it is (BRAKE, AUTO.LOITER); a plane circles. 悬停"""
    _fly("hold", vehicle, yes, config, as_json)


@app.command("return")
def return_(
    vehicle: _Vehicle, yes: _Yes = "", config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Return to launch, as the aircraft is set up to (RTL). 返航"""
    _fly("return", vehicle, yes, config, as_json)


@app.command("land")
def land(
    vehicle: _Vehicle, yes: _Yes = "", config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Land where it is, at once. 降落"""
    _fly("land", vehicle, yes, config, as_json)


@app.command("log")
def log(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every flight command of this kit: when, who, what, and the answer. 指令记录"""
    from fieldlink.codecs.tracks import instant
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.drone.journal import read_journal

    records = list(read_journal(load_edge_settings(config).state_dir))
    if as_json:
        say_json({"records": records})
        return
    for one in records:
        when = instant(one["time_us"])
        say(f"{when}  {one['vehicle']}  {one['what']}  {one['who']}  {one['answer']}")
    if not records:
        say("there are none 没有记录")


def confirmed(vehicle: str, yes: str, what: str) -> str:
    """The name that somebody typed, which has to be that of the aircraft.

    Raises:
        typer.BadParameter: it is not, or nobody can be asked.
    """
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter(f"nobody is here to confirm; --yes {vehicle}")
        yes = typer.prompt(f"{vehicle} will {what}. Type its name to confirm 输入机名确认")
    if yes.strip() != vehicle:
        raise typer.BadParameter(f"{yes.strip()!r} is not {vehicle!r}: nothing was done 未执行")
    return vehicle


def _fly(move: str, vehicle: str, yes: str, config: Path | None, as_json: bool) -> None:
    from fieldlink.codecs.fault import ConfigError
    from fieldlink.edge.config import load_edge_settings

    # Said before anybody confirms; what counts is what the agent holds of it.
    if not load_edge_settings(config).drone.flight_commands:
        raise ConfigError(
            "this kit commands no aircraft; [drone] flight_commands = true allows it"
            " 本机未开启飞行控制"
        )
    name = confirmed(vehicle, yes, _WORDS[move])

    def lines(found: dict[str, Any]) -> list[str]:
        return [f"{found['vehicle']}: {move} accepted by {found['by']} 已接受"]

    answered(config, as_json, lines, "fly", vehicle=vehicle, move=move, yes=name)
