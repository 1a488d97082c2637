"""`fieldlink drone`: aircraft at a terminal. Each parses, calls, prints."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.dji.commands import app as dji_app
from fieldlink.edge.drone.camera_commands import camera_app, gimbal_app
from fieldlink.edge.drone.doctor_commands import doctor
from fieldlink.edge.drone.download_commands import fence_app, mission_app, param_app, rally_app
from fieldlink.edge.drone.file_commands import import_file, replay
from fieldlink.edge.drone.fly_commands import app as fly_app
from fieldlink.edge.drone.hl_commands import app as hl_app
from fieldlink.edge.drone.rates_commands import app as rates_app
from fieldlink.edge.drone.record_commands import app as record_app
from fieldlink.edge.drone.sign_commands import app as sign_app
from fieldlink.edge.drone.video_commands import video_app

__all__ = ["app", "live"]

app = typer.Typer(
    no_args_is_help=True,
    help="""Aircraft that speak MAVLink: links, state, recordings, files. 无人机

    From the cable to the centre (docs/drones.md) 从接线到指挥中心:

    fieldlink drone doctor                        what is wrong, and what to do about it

    fieldlink drone connect /dev/ttyACM0,115200   look at a radio or autopilot, without a kit

    fieldlink drone connect udpin:0.0.0.0:14550   or wait for whoever sends there

    fieldlink drone links                         the kit's links, as MAVProxy shows them

    fieldlink drone watch                         its aircraft, every second, until Ctrl-C

    fieldlink drone record list                   the flights that it recorded

    fieldlink drone replay FLIGHT.tlog            fly one again, on this screen

    fieldlink drone import DJI_0001.SRT           where an aircraft was, of a card's file

    fieldlink drone mission download -o M.plan    what it has been told to fly; fence, rally, param

    fieldlink drone hl auto                       a BeiDou link when every other is gone; fly return

    fieldlink drone video list                    its video; snapshot, quality, add

    fieldlink drone camera info                   photo, record, zoom; gimbal point

    fieldlink drone dji status                    DJI aircraft: live start, stop, quality, lens

    fieldlink drone sign new                      a key for links that strangers may reach

    With an agent running these ask it; with none they open the links of the settings themselves.
    Nothing here moves an aircraft unless the settings allow it. 未经设置允许不控制飞机。""",
)
app.add_typer(rates_app, name="rates")
app.add_typer(record_app, name="record")
app.command("replay")(replay)
app.command("import")(import_file)
app.command("doctor")(doctor)
app.add_typer(sign_app, name="sign")
app.add_typer(dji_app, name="dji")
app.add_typer(mission_app, name="mission")
app.add_typer(fence_app, name="fence")
app.add_typer(rally_app, name="rally")
app.add_typer(param_app, name="param")
app.add_typer(video_app, name="video")
app.add_typer(camera_app, name="camera")
app.add_typer(gimbal_app, name="gimbal")
app.add_typer(hl_app, name="hl")
app.add_typer(fly_app, name="fly")

_Wait = Annotated[
    float, typer.Option(min=0, max=600, help="Without an agent: listen so many seconds first.")
]


@app.command("links")
def links(config: ConfigFile = None, wait: _Wait = 3.0, as_json: AsJson = False) -> None:
    """One line for each link, as MAVProxy has it. 链路

    State, packets, bytes, delay (behind the quickest link that brings the same), lost, rate, and
    how many messages were refused for their signature. OK: heard lately, as that link may be.
    """
    from fieldlink.drone.console.wording import link_lines

    found = _once(config, wait)
    if as_json:
        say_json({"running": found["running"], "endpoints": found["endpoints"]})
        return
    _say_all(link_lines(found))


@app.command("vehicles")
def vehicles(config: ConfigFile = None, wait: _Wait = 3.0, as_json: AsJson = False) -> None:
    """One line for each aircraft: mode, arming, position, battery. 飞机列表"""
    from fieldlink.drone.console.wording import vehicle_lines

    found = _once(config, wait)
    if as_json:
        say_json({"running": found["running"], "vehicles": found["vehicles"]})
        return
    _say_all(vehicle_lines(found))


@app.command("watch")
def watch(
    vehicle: Annotated[str, typer.Option(help="Only this aircraft, by its name.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Aircraft and links on a screen that is new every second, until Ctrl-C. 实时查看

    Mode, arming, position, battery, link, alarms, and the last things that each said. With --json
    one object a second, each on a line.
    """
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.drone.reports import reports

    live(reports(load_edge_settings(config)), vehicle, as_json)


@app.command("connect")
def connect(
    url: Annotated[
        list[str],
        typer.Argument(
            help="udpin:host:port, udpout:host:port, tcp:host:port, tcpin:host:port,"
            " /dev/ttyX,baud, or a .tlog, .bin, .ulg or .srt file; @lte, @sat or @beidou behind it"
            " thins what is sent there."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """A router and a screen without a kit: what comes on one goes to the others. 直接连接

    fieldlink drone connect /dev/ttyUSB0,57600 tcpin:0.0.0.0:5760

    lets a ground station connect by TCP to the radio on ttyUSB0, and shows what flies. Nothing is
    recorded. A serial port that the agent uses cannot be opened twice. 不记录。
    """
    from fieldlink.drone.console.alone import Alone, endpoints_of
    from fieldlink.drone.router import RouterSettings
    from fieldlink.edge.drone.reports import alone_reports

    alone = Alone(RouterSettings(endpoint=endpoints_of(url)))
    live(alone_reports(alone), "", as_json)


def _once(config: Path | None, wait_s: float) -> dict[str, Any]:
    from fieldlink.drone.console.screen import until_interrupted
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.drone.reports import reports

    found: list[dict[str, Any]] = []

    async def first() -> None:
        told = reports(load_edge_settings(config), first_s=wait_s)
        try:
            found.append(await anext(told))
        finally:
            await told.aclose()  # type: ignore[attr-defined]

    until_interrupted(first())
    if not found:
        raise typer.Exit(130)
    return found[0]


def live(told: Any, vehicle: str, as_json: bool) -> None:
    """Show what is told until it ends or somebody ends it."""
    from fieldlink.drone.console.screen import Screen, until_interrupted
    from fieldlink.drone.console.wording import watch_lines

    async def follow() -> None:
        if as_json:
            async for report in told:
                say_json(_only(report, vehicle))
            return
        lines: Callable[[Any], Sequence[str]] = lambda report: watch_lines(report, vehicle)  # noqa: E731
        with Screen() as screen:
            await screen.follow(told, lines)

    until_interrupted(follow())


def _only(report: dict[str, Any], vehicle: str) -> dict[str, Any]:
    if not vehicle:
        return report
    return {**report, "vehicles": [v for v in report["vehicles"] if v["name"] == vehicle]}


def _say_all(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)
