"""`fieldlink sim sensor`: simulated stations."""

import asyncio
import contextlib
import json
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fieldlink.edge.simulate.sensor import SensorPlan

__all__ = ["sensor"]


class Station(StrEnum):
    """What it measures."""

    RAIN = "rain"
    WATER = "water"
    DISPLACEMENT = "displacement"
    DAM = "dam"
    GAS = "gas"
    WEATHER = "weather"


class Way(StrEnum):
    """How a simulated station is reached."""

    MODBUS_TCP = "modbus-tcp"
    MODBUS_RTU = "modbus-rtu"
    TEXT_TCP = "text-tcp"
    TEXT_SERIAL = "text-serial"


class Fault(StrEnum):
    """How a simulated station fails."""

    FROZEN = "frozen"
    SILENCE = "silence"
    BURST = "burst"
    SPIKE = "spike"
    MISSING = "missing"


def sensor(
    kinds: Annotated[
        list[Station], typer.Argument(help="One or several; on Modbus the units 1, 2, ...")
    ],
    transport: Annotated[Way, typer.Option(help="How they are reached.")] = Way.MODBUS_TCP,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses one.")] = 0,
    serial: Annotated[
        str, typer.Option(help="Serial port to play on; without it a pair of pseudo terminals.")
    ] = "",
    seed: Annotated[int, typer.Option(help="The same seed plays the same.")] = 1,
    speed: Annotated[
        float, typer.Option(min=0.1, max=3600, help="So many times as fast: 60 plays 1 h a minute.")
    ] = 1.0,
    fault: Annotated[Fault | None, typer.Option(help="How they fail.")] = None,
    fault_after: Annotated[float, typer.Option(min=0, help="From so many seconds on.")] = 0.0,
    settings: Annotated[
        bool, typer.Option("--settings", help="Print the settings that read them, for edge.toml.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Stations: rain, water level, displacement, dam, gas, weather. 传感器模拟

    The first lines printed are their URLs; it runs until Ctrl-C. To have a kit read them:

    fieldlink sim sensor rain water --settings --port 15020 | tee -a edge.toml

    fieldlink edge reload

    Two storms pass within three hours, the river rises,
    a slope creeps and slips after two, gas leaks from the sixth minute on.
    """
    from fieldlink.edge.simulate.sensor import SensorPlan
    from fieldlink.edge.simulate.sensor_series import SensorFault, SensorFaults

    plan = SensorPlan(
        kinds=[kind.value for kind in kinds],
        transport=transport.value,
        host=host,
        port=port,
        path=serial,
        seed=seed,
        speed=speed,
        faults=SensorFaults(SensorFault(fault.value) if fault else None, fault_after),
    )
    asyncio.run(_run(plan, settings, as_json))


async def _run(plan: "SensorPlan", settings: bool, as_json: bool) -> None:
    from fieldlink.edge.simulate.sensor import play_sensors
    from fieldlink.edge.simulate.sensor_kinds import settings_text

    def ready(stations: list[tuple[str, str]]) -> None:
        text = "\n".join(
            settings_text(kind, f"{kind}-{number}", url)
            for number, (kind, url) in enumerate(stations, 1)
        )
        if as_json:
            urls = [{"kind": kind, "url": url} for kind, url in stations]
            typer.echo(json.dumps({"stations": urls, "settings": text}, ensure_ascii=False))
        else:
            typer.echo(text if settings else "\n".join(url for _, url in stations))

    task = asyncio.ensure_future(play_sensors(plan, ready))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
