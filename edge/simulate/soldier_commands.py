"""`fieldlink sim soldier`: people with sensors that speak the device API."""

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.edge.simulate.login import told_uri
from fieldlink.edge.simulate.soldier import Fault, SoldierPlan

if TYPE_CHECKING:
    from fieldlink.edge.device_api.credentials import Credentials

__all__ = ["soldier"]


def soldier(
    uri: Annotated[
        str,
        typer.Option(
            help="What `fieldlink edge device add` printed. It holds the password: - reads it from"
            " standard input, and without this option it is FIELDLINK_DEVICE_URI's."
        ),
    ] = "",
    config: Annotated[
        Path | None, typer.Option(help="The kit's settings file: registers them by itself.")
    ] = None,
    name: Annotated[str, typer.Option(help="Their name; with --count NAME-1, NAME-2, ...")] = (
        "soldier"
    ),
    count: Annotated[int, typer.Option(min=1, max=300, help="How many, with --config.")] = 1,
    host: Annotated[str, typer.Option(help="The kit's address, with --config.")] = "127.0.0.1",
    lat: Annotated[float, typer.Option(min=-85, max=85, help="Where they begin, deg.")] = 34.23,
    lon: Annotated[float, typer.Option(min=-180, max=180, help="Where they begin, deg.")] = 108.95,
    every: Annotated[
        float, typer.Option(min=0.05, max=3600, help="Seconds between two positions.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed walks other ways.")] = 1,
    sos_after: Annotated[
        float | None, typer.Option(help="They press the button after so many seconds.")
    ] = None,
    down_after: Annotated[
        float | None, typer.Option(help="They lie still after so many seconds.")
    ] = None,
    fault: Annotated[Fault | None, typer.Option(help="How they fail.")] = None,
    fault_after: Annotated[float, typer.Option(min=0, help="After so many seconds.")] = 30.0,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; without it at Ctrl-C.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """People on foot with position, vitals, air and battery, and a button for help. 单兵

    Each speaks the device API over MQTT, and sends again what has no receipt; all is marked as
    an exercise. On the kit's machine, with [device_api] enabled in its settings:

    fieldlink sim soldier --config edge.toml --count 3 --sos-after 20
    """
    from fieldlink.edge.simulate.telling import summary_lines

    plan = SoldierPlan(
        name=name,
        seed=seed,
        lat=lat,
        lon=lon,
        every_s=every,
        sos_after_s=sos_after,
        down_after_s=down_after,
        fault=fault,
        fault_after_s=fault_after,
    )
    found = asyncio.run(_run(plan, _logins(uri, config, name, count, host), seconds))
    for line in [json.dumps(found, ensure_ascii=False)] if as_json else summary_lines(found):
        typer.echo(line)


def _logins(uri: str, config: Path | None, name: str, count: int, host: str) -> "list[Credentials]":
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.device_api.beside import add_device
    from fieldlink.edge.device_api.credentials import Credentials

    uri = uri if config else told_uri(uri)
    if bool(uri) == bool(config):
        raise typer.BadParameter(
            "give --uri (what fieldlink edge device add printed; - reads it from standard input) or"
            " --config (the kit's settings file), one of them 请给出 --uri 或 --config"
        )
    if config is None:
        return [Credentials.parse(uri)]
    settings = load_edge_settings(config)
    names = [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]
    made = [add_device(settings, one, "soldier", host)[0]["uri"] for one in names]
    return [Credentials.parse(one) for one in made]


async def _run(
    plan: SoldierPlan, logins: "list[Credentials]", seconds: float | None
) -> dict[str, Any]:
    from fieldlink.edge.simulate.squad import run_squad
    from fieldlink.edge.simulate.telling import tell_connected

    task = asyncio.ensure_future(run_squad(plan, logins, seconds=seconds, tell=tell_connected))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
