"""`fieldlink sim dji-rc`: a DJI remote controller with an aircraft that flies and is live."""

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.edge.simulate.dji_rc import DjiFault, DjiRcPlan
from fieldlink.edge.simulate.login import told_uri

if TYPE_CHECKING:
    from fieldlink.edge.device_api.credentials import Credentials

__all__ = ["dji_rc"]


def dji_rc(
    uri: Annotated[
        str,
        typer.Option(
            help="The uri of `fieldlink edge device add NAME --dji SN --json`. It holds the"
            " password: - reads it from standard input, and without this option it is"
            " FIELDLINK_DEVICE_URI's."
        ),
    ] = "",
    config: Annotated[
        Path | None, typer.Option(help="The kit's settings file: registers it by itself.")
    ] = None,
    name: Annotated[str, typer.Option(help="Its name, with --config.")] = "drone-1",
    rc: Annotated[str, typer.Option(help="The controller's serial number.")] = "9N9CN2J0012CXY",
    aircraft: Annotated[
        str, typer.Option(help="The aircraft's serial number.")
    ] = "1581F5BMD228Q00A82XX",
    host: Annotated[str, typer.Option(help="The kit's address, with --config.")] = "127.0.0.1",
    lat: Annotated[float, typer.Option(min=-85, max=85, help="Where it begins, deg.")] = 34.23,
    lon: Annotated[float, typer.Option(min=-180, max=180, help="Where it begins, deg.")] = 108.95,
    seed: Annotated[int, typer.Option(help="Another seed flies other ways.")] = 1,
    fault: Annotated[
        list[DjiFault] | None, typer.Option(help="How it fails; may be given several times.")
    ] = None,
    quick: Annotated[
        bool, typer.Option(help="Be silent, and late, only as long as it takes to be noticed.")
    ] = False,
    quick_s: Annotated[
        float,
        typer.Option(min=0.1, help="With --quick, how late: just more than the kit waits."),
    ] = 3.2,
    bring: Annotated[
        list[str] | None,
        typer.Option(
            help="A photo that it brings to the kit, by its name, or a video (.MP4) in parts; may"
            " be given several times. 回传原片"
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; without it at Ctrl-C.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """A DJI remote controller as DJI Pilot 2 speaks, with an aircraft and its video. 大疆遥控器

    It says who it is, flies, and pushes its camera over RTMP when the kit asks for it. DJI's
    protocol has no mark for an exercise: use it where nobody takes it for a real one.
    """
    plan = DjiRcPlan(
        rc=rc,
        aircraft=aircraft,
        seed=seed,
        lat=lat,
        lon=lon,
        faults=frozenset(fault or ()),
        quick=quick,
        quick_s=quick_s,
        files=tuple(bring or ()),
    )
    found = asyncio.run(_run(plan, _login(uri, config, name, rc, host), seconds))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        typer.echo(", ".join(f"{key} {value}" for key, value in found.items() if value != []))


def _login(uri: str, config: Path | None, name: str, rc: str, host: str) -> "Credentials":
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.device_api.beside import add_device
    from fieldlink.edge.device_api.credentials import Credentials

    uri = uri if config else told_uri(uri)
    if bool(uri) == bool(config):
        raise typer.BadParameter("give --uri or --config, one of them")
    if config is not None:
        uri = add_device(load_edge_settings(config), name, "drone", host, rc)[0]["uri"]
    return Credentials.parse(uri)


async def _run(plan: DjiRcPlan, login: "Credentials", seconds: float | None) -> dict[str, Any]:
    from fieldlink.edge.simulate.dji_link import run_dji_rc

    task = asyncio.ensure_future(run_dji_rc(plan, login, seconds=seconds))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
