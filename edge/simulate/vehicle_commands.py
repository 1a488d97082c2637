"""`fieldlink sim vehicle`: vehicles with terminals that speak JT/T 808."""

import asyncio
import json
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.edge.simulate.vehicle import VehicleFault, VehiclePlan
from fieldlink.systemd.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["vehicle"]


class Way(StrEnum):
    """How it reaches the kit."""

    TCP = "tcp"
    UDP = "udp"


class Edition(StrEnum):
    """Which edition of the standard it speaks."""

    V2013 = "2013"
    V2019 = "2019"


def vehicle(
    host: Annotated[str, typer.Option(help="The kit's address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The kit's JT/T 808 port.")] = 6808,
    transport: Annotated[Way, typer.Option(help="TCP or UDP.")] = Way.TCP,
    edition: Annotated[Edition, typer.Option(help="Edition of the standard.")] = Edition.V2013,
    phone: Annotated[str, typer.Option(help="Terminal number; with --count from it on.")] = (
        "13800138000"
    ),
    count: Annotated[int, typer.Option(min=1, max=500, help="How many vehicles.")] = 1,
    lat: Annotated[float, typer.Option(min=-85, max=85, help="Where they begin, deg.")] = 34.23,
    lon: Annotated[float, typer.Option(min=-180, max=180, help="Where they begin, deg.")] = 108.95,
    every: Annotated[
        float, typer.Option(min=0.05, max=3600, help="Seconds between two positions.")
    ] = 5.0,
    seed: Annotated[int, typer.Option(help="Another seed drives other ways.")] = 1,
    sos_after: Annotated[
        float | None, typer.Option(help="They press the button after so many seconds.")
    ] = None,
    fault: Annotated[VehicleFault | None, typer.Option(help="How they fail.")] = None,
    fault_after: Annotated[float, typer.Option(min=0, help="After so many seconds.")] = 30.0,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; without it at Ctrl-C.")
    ] = None,
    settings: Annotated[
        bool, typer.Option("--settings", help="Print the settings that admit them, for edge.toml.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Vehicles that drive around, report, store while there is no link, and fill in after it. 车辆

    Each speaks JT/T 808 and is marked as an exercise. The kit has to know them:

    fieldlink sim vehicle --count 3 --settings >> edge.toml; fieldlink edge reload

    fieldlink sim vehicle --count 3 --sos-after 20
    """
    from fieldlink.edge.simulate.telling import summary_lines
    from fieldlink.edge.simulate.vehicle_fleet import numbers

    if not (phone.isascii() and phone.isdecimal()) or len(phone) > 12:
        raise typer.BadParameter(f"{phone!r}: a terminal's number has up to 12 digits")
    phones = numbers(phone, count)
    if settings:
        typer.echo("[jt808]\nenabled = true\n")
        for one in phones:
            typer.echo(f'[[jt808.terminal]]\nphone = "{one}"')
        return
    plans = [
        VehiclePlan(
            number=one,
            is_2019=edition is Edition.V2019,
            seed=seed,
            lat=lat,
            lon=lon,
            every_s=every,
            sos_after_s=sos_after,
            fault=fault,
            fault_after_s=fault_after,
        )
        for one in phones
    ]
    found = asyncio.run(_run(plans, host, port, transport is Way.UDP, seconds))
    for line in [json.dumps(found, ensure_ascii=False)] if as_json else summary_lines(found):
        typer.echo(line)


async def _run(
    plans: "Sequence[VehiclePlan]", host: str, port: int, udp: bool, seconds: float | None
) -> dict[str, Any]:
    from fieldlink.edge.simulate.telling import tell_connected
    from fieldlink.edge.simulate.vehicle_fleet import drive

    def told(number: str, text: str) -> None:
        typer.echo(f"{number}: {printable(text)}", err=True)

    driving = drive(plans, host, port, udp=udp, seconds=seconds, on_text=told, tell=tell_connected)
    task = asyncio.ensure_future(driving)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
