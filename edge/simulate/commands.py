"""`fieldlink sim`: simulated devices, for exercises and tests."""

import asyncio
import contextlib
import json
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from zlib import crc32

import typer

from fieldlink.edge.simulate.dji_rc_commands import dji_rc
from fieldlink.edge.simulate.drone_commands import drone
from fieldlink.edge.simulate.sensor_commands import sensor
from fieldlink.edge.simulate.soldier_commands import soldier
from fieldlink.edge.simulate.vehicle_commands import vehicle

if TYPE_CHECKING:
    from fieldlink.edge.simulate.camera import CameraPlan
    from fieldlink.edge.simulate.studio import Look

__all__ = ["app"]

_TONES_HZ = (262.0, 330.0, 392.0, 440.0, 523.0, 659.0, 784.0)

app = typer.Typer(help="Simulated devices, for exercises and tests.", no_args_is_help=True)
app.command()(sensor)


class Transport(StrEnum):
    """How a simulated camera is reached."""

    RTSP = "rtsp"
    TS_TCP = "ts-tcp"
    TS_UDP = "ts-udp"


@app.callback()
def _main() -> None:
    """Simulated devices, for exercises and tests."""


app.command()(soldier)
app.command()(vehicle)
app.command()(drone)
app.command("dji-rc")(dji_rc)


@app.command()
def camera(
    name: Annotated[str, typer.Option(help="Burnt into the picture, and the URL's path.")] = "cam",
    pattern: Annotated[
        str, typer.Option(help="testsrc2, mandelbrot, ...; auto: one by the camera's name.")
    ] = "auto",
    size: Annotated[str, typer.Option(help="Picture size, WIDTHxHEIGHT, even.")] = "960x540",
    fps: Annotated[int, typer.Option(min=1, max=60, help="Pictures a second.")] = 15,
    rate: Annotated[str, typer.Option(help='Bit rate of the video: "1500kbit/s".')] = "1500kbit/s",
    tone: Annotated[
        float, typer.Option(min=-1, max=8000, help="Tone in Hz; 0: none; -1: by the name.")
    ] = -1.0,
    host: Annotated[str, typer.Option(help="Address to listen on (ts-udp: to send to).")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.")] = 0,
    transport: Annotated[Transport, typer.Option(help="How it is reached.")] = Transport.RTSP,
    mpegts: Annotated[bool, typer.Option("--mpegts", help="The same as ts-tcp.")] = False,
    clip: Annotated[str | None, typer.Option(help="Play this H.264 file over and over.")] = None,
    drop_after: Annotated[
        float | None, typer.Option(help="Cut every connection so many seconds after PLAY.")
    ] = None,
    freeze_after: Annotated[
        float | None, typer.Option(help="After so many seconds the picture stands still.")
    ] = None,
    stall_after: Annotated[
        float | None, typer.Option(help="After so many seconds nothing is sent any more.")
    ] = None,
    black: Annotated[bool, typer.Option("--black", help="Black pictures.")] = False,
    hang: Annotated[bool, typer.Option("--hang", help="Accept connections, say nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the URL as JSON.")] = False,
) -> None:
    """A camera: moving pictures with clock, name and tone, as H.264 and AAC.

    The first line printed is its URL. It runs until Ctrl-C, and can fail as real ones do.
    """
    from fieldlink.edge.simulate.camera import CameraPlan
    from fieldlink.edge.simulate.faults import Faults

    plan = CameraPlan(
        look=_look(name, pattern, size, fps, rate, tone),
        faults=Faults(drop_after, freeze_after, stall_after, black, hang),
        host=host,
        port=port,
        transport=Transport.TS_TCP.value if mpegts else transport.value,
        clip=clip,
    )
    asyncio.run(_run(plan, as_json))


def _look(name: str, pattern: str, size: str, fps: int, rate: str, tone: float) -> "Look":
    from pydantic import TypeAdapter, ValidationError

    from fieldlink.codecs.settings import Rate
    from fieldlink.edge.simulate.painter import PATTERNS
    from fieldlink.edge.simulate.studio import Look

    width, cross, height = size.partition("x")
    good = cross and width.isdigit() and height.isdigit()
    if not good or int(width) % 2 or int(height) % 2 or not 64 <= int(width) <= 7680:
        raise typer.BadParameter(f"{size!r}: write WIDTHxHEIGHT, both even, like 960x540")
    number = crc32(name.encode())
    pattern = PATTERNS[number % len(PATTERNS)] if pattern == "auto" else pattern
    tone = _TONES_HZ[number % len(_TONES_HZ)] if tone < 0 else tone
    if pattern not in PATTERNS:
        raise typer.BadParameter(f"{pattern!r}: use one of {', '.join(PATTERNS)}")
    try:
        rate_bps = TypeAdapter(Rate).validate_python(rate)
    except ValidationError as error:
        raise typer.BadParameter(
            f'{rate!r}: write a rate with a unit, like "1500kbit/s"'
        ) from error
    return Look(name, pattern, int(width), int(height), fps, rate_bps, tone)


async def _run(plan: "CameraPlan", as_json: bool) -> None:
    from fieldlink.edge.simulate.camera import Camera

    def ready(url: str) -> None:
        typer.echo(json.dumps({"url": url, "name": plan.look.name}) if as_json else url)

    task = asyncio.ensure_future(Camera(plan).run(ready))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
