"""Sensors of a kit at work beside stations, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.stations import sensor_of, tcp_station
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.sensors.service import make_sensors
from fieldlink.edge.sensors.settings import SensorSettings

__all__ = ["FAST", "beside", "play", "running", "table_of"]

FAST = 'period = "200ms"\ntimeout = "200ms"\n'


def table_of(name: str, **keys: object) -> str:
    """A `[[sensor.value]]` table."""
    lines = [f'[[sensor.value]]\nname = "{name}"']
    lines += [f"{key} = {_toml(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


@asynccontextmanager
async def running(*sensors: SensorSettings) -> AsyncIterator[tuple[list[Any], FakeIntake]]:
    """The adapters of `sensors` at work, each run once."""
    intake = FakeIntake()
    adapters = make_sensors(sensors, intake, FakeTime())
    tasks = [asyncio.ensure_future(adapter.run(lambda: None)) for adapter in adapters]
    try:
        yield [(adapter, task) for adapter, task in zip(adapters, tasks, strict=True)], intake
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, SourceError):
                await task


@asynccontextmanager
async def beside(
    device: Any, text: str, unit: int = 1, **options: Any
) -> AsyncIterator[tuple[list[Any], FakeIntake]]:
    """A station on TCP, and the sensor of `text` that reads it."""
    async with (
        tcp_station(device, **options) as port,
        running(sensor_of(text, f"modbus-tcp://127.0.0.1:{port}/{unit}")) as found,
    ):
        yield found


def play(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's coroutine with a limit."""
    asyncio.run(asyncio.wait_for(test(), 20))
