"""`fieldlink sim drone`: an aircraft that speaks MAVLink, with a gimbal and a camera."""

import asyncio
import json
import signal
from typing import Annotated, Any

import typer

from fieldlink.edge.simulate.aircraft_plan import AircraftFault, AircraftPlan
from fieldlink.edge.simulate.flight import FlightPlan
from fieldlink.systemd.terminal import printable

__all__ = ["drone"]


def drone(
    connect: Annotated[
        str,
        typer.Argument(
            help="udpout:HOST:PORT (the kit's udpin endpoint), tcp:HOST:PORT, tcpin:HOST:PORT,"
            " udpin:HOST:PORT or /dev/ttyX,BAUD."
        ),
    ] = "udpout:127.0.0.1:14550",
    sysid: Annotated[int, typer.Option(min=1, max=255, help="Its system in MAVLink.")] = 1,
    lat: Annotated[float, typer.Option(min=-85, max=85, help="Where it stands, deg.")] = 34.23,
    lon: Annotated[float, typer.Option(min=-180, max=180, help="Where it stands, deg.")] = 108.95,
    height: Annotated[float, typer.Option(min=5, max=2000, help="How high it flies, m.")] = 80.0,
    look: Annotated[
        float, typer.Option(min=5, help="How long it circles what it looks at, seconds.")
    ] = 240.0,
    begin: Annotated[float, typer.Option(min=1, help="It takes off after so many seconds.")] = 4.0,
    video: Annotated[
        str,
        typer.Option(
            help="on: a camera of its own, by RTSP; off: none; or the URL that its camera shows."
        ),
    ] = "on",
    video_host: Annotated[
        str, typer.Option(help="Address that its own camera listens on.")
    ] = "127.0.0.1",
    old_camera: Annotated[
        bool,
        typer.Option("--old-camera", help="Its camera knows the requests of before 2021 only."),
    ] = False,
    fault: Annotated[AircraftFault | None, typer.Option(help="How it fails.")] = None,
    fault_after: Annotated[float, typer.Option(min=0, help="After so many seconds.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Another seed has other noise.")] = 1,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; without it at Ctrl-C.")
    ] = None,
    settings: Annotated[
        bool, typer.Option("--settings", help="Print the settings that admit it, for edge.toml.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """An aircraft that takes off, circles, looks, and lands, over and over. 模拟无人机

    It speaks MAVLink as an ArduCopter with a gimbal and a camera: state, parameters, missions,
    commands to gimbal and camera, video by RTSP. The kit marks it as an exercise:

    fieldlink sim drone --settings >> edge.toml; fieldlink edge reload

    fieldlink sim drone                     then see fieldlink drone watch
    """
    if settings:
        typer.echo('[[drone.endpoint]]\nname = "sim"\nconnect = "udpin:127.0.0.1:14550"\n')
        typer.echo(f'[[drone.vehicle]]\nsysid = {sysid}\nname = "sim-{sysid}"\nexercise = true')
        return
    plan = AircraftPlan(
        sysid=sysid,
        seed=seed,
        flight=FlightPlan(lat=lat, lon=lon, height_m=height, look_s=look, begin_s=begin),
        old=old_camera,
        fault=fault,
        fault_after_s=fault_after,
    )
    try:
        found = asyncio.run(_run(plan, connect, video, video_host, seconds))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        counts = [f"{key} {value}" for key, value in found.items()]
        typer.echo(", ".join(counts))


async def _run(
    plan: AircraftPlan, connect: str, video: str, host: str, seconds: float | None
) -> dict[str, Any]:
    from fieldlink.edge.simulate.aircraft_link import fly
    from fieldlink.edge.simulate.aircraft_video import with_video

    said: set[str] = set()

    def ready(port: int) -> None:
        where = f"{connect}, port {port}" if port else connect
        typer.echo(f"system {plan.sysid} at 接入 {printable(where)}", err=True)

    def down(reason: str) -> None:
        if reason not in said:
            said.add(reason)
            typer.echo(f"not connected 未连接: {printable(reason)}", err=True)

    async def flown() -> dict[str, Any]:
        async with with_video(plan, video, host) as seen:
            return await fly(seen, connect, seconds=seconds, ready=ready, down=down)

    task = asyncio.ensure_future(flown())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
