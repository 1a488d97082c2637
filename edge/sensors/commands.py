"""`fieldlink edge sensor`: each parses, calls one function, prints."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json

if TYPE_CHECKING:
    from fieldlink.edge.sensors.settings import SensorSettings
    from fieldlink.edge.sensors.trial import Trial

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The sensors: try their mapping. 传感器")


@app.callback()
def _main() -> None:
    """The sensors: try their mapping. 传感器"""


@app.command("try")
def try_(
    name: Annotated[str, typer.Argument(help="The sensor's name in the settings.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read a sensor once, and show every value with what the station said in the raw. 试读

    Exit status 0: every value is known; 1: some are not.
    """
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.sensors.trial import by_line, trial_lines

    sensors = load_edge_settings(config).sensor
    chosen = [sensor for sensor in sensors if everything or sensor.name == name]
    if not chosen:
        known = ", ".join(sensor.name for sensor in sensors) or "there is no [[sensor]]"
        raise typer.BadParameter(f"say which sensor, or --all; in the settings: {known}")
    trials = asyncio.run(_try(by_line(chosen)))
    if as_json:
        good = all(trial.ok for trial in trials)
        say_json({"ok": good, "sensors": [trial.as_json() for trial in trials]})
    else:
        for line in (line for trial in trials for line in trial_lines(trial)):
            say(line)
    if not all(trial.ok for trial in trials):
        raise typer.Exit(1)


async def _try(lines: "Sequence[Sequence[SensorSettings]]") -> "list[Trial]":
    from fieldlink.edge.sensors.trial import try_sensors

    async def tried(line: "Sequence[SensorSettings]") -> "list[Trial]":
        return [trial async for trial in try_sensors(line)]

    return [trial for done in await asyncio.gather(*map(tried, lines)) for trial in done]
