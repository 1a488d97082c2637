"""Simulated stations on the wire: a Modbus server on TCP or a serial line, or lines of text."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import serial
from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.simulate.pty_pair import PtyPair
from fieldlink.edge.simulate.sensor_kinds import encode_registers, station_settings, text_line
from fieldlink.edge.simulate.sensor_series import SensorFaults, Series

__all__ = ["SensorPlan", "play_sensors"]

# It tells whoever asks for a unit that is not there, and prints the bytes.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

_BAUD = 9600
_TABLES = {3: "holding", 4: "input"}
_SIZE = 32  # registers of a table
_LINES_HELD = 64


@dataclass(frozen=True, slots=True)
class SensorPlan:
    """Which stations, how they are reached ("modbus-tcp", "modbus-rtu", "text-tcp" or
    "text-serial"), and how they fail. Modbus stations are the units 1, 2, ... of one line. `port`
    0 chooses one; without a `path` a serial line is a pair of pseudo terminals.
    """

    kinds: Sequence[str]
    transport: str = "modbus-tcp"
    host: str = "127.0.0.1"
    port: int = 0
    path: str = ""
    seed: int = 1
    speed: float = 1.0
    every_s: float = 1.0
    faults: SensorFaults = field(default_factory=SensorFaults)


async def play_sensors(plan: SensorPlan, ready: Callable[[list[tuple[str, str]]], None]) -> None:
    """Play until cancelled; `ready` gets the kind and the URL of each station.

    Raises:
        OSError: the port is taken, or the serial line cannot be opened.
    """
    began_s = time.monotonic()
    series = [Series(kind, plan.seed, plan.faults, plan.speed) for kind in plan.kinds]
    async with AsyncExitStack() as stack:
        if plan.transport.startswith("modbus"):
            urls = await _modbus(plan, series, began_s, stack)
        else:
            urls = [
                await _text(plan, one, began_s, stack, number) for number, one in enumerate(series)
            ]
        ready(list(zip(plan.kinds, urls, strict=True)))
        await asyncio.Event().wait()


async def _modbus(
    plan: SensorPlan, series: Sequence[Series], began_s: float, stack: AsyncExitStack
) -> list[str]:
    # A Modbus station's answers do not depend on where it is; any url shapes the settings.
    shapes = [station_settings(kind, "sim", "modbus-tcp://sim/1") for kind in plan.kinds]
    devices = [
        _device(unit, shape, one, began_s)
        for unit, (shape, one) in enumerate(zip(shapes, series, strict=True), 1)
    ]
    mute = _Mute(series, began_s)
    hooks: dict[str, Any] = {"trace_pdu": mute.pdu, "trace_packet": mute.packet}
    server: ModbusTcpServer | ModbusSerialServer
    if plan.transport == "modbus-tcp":
        server = ModbusTcpServer(devices, address=(plan.host, plan.port), **hooks)
    else:
        path, shown = _line(plan.path, stack)
        server = ModbusSerialServer(devices, port=path, baudrate=_BAUD, **hooks)
    try:
        await server.serve_forever(background=True)
    except RuntimeError as error:  # pymodbus' only word for a port that cannot be had
        raise OSError(f"{plan.path or plan.port}: cannot be opened: {error}") from error
    stack.push_async_callback(server.shutdown)
    if plan.transport == "modbus-tcp":
        transport: Any = server.transport
        port = transport.sockets[0].getsockname()[1]
        return [f"modbus-tcp://{plan.host}:{port}/{unit}" for unit in range(1, len(devices) + 1)]
    return [f"modbus-rtu://{shown}?baud={_BAUD}&unit={unit}" for unit in range(1, len(devices) + 1)]


def _line(path: str, stack: AsyncExitStack) -> tuple[str, str]:
    """The serial port to play on, and the one to read from."""
    if path:
        return path, path
    pair = PtyPair()
    stack.callback(pair.close)
    return pair.far, pair.near


class _Mute:
    """Keeps a unit quiet that is silent or not there, as on a real line; pymodbus would say that
    there is no such unit.
    """

    def __init__(self, series: Sequence[Series], began_s: float) -> None:
        self._series, self._began_s, self._unit = series, began_s, 0

    def pdu(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        """Note who was asked."""
        if not sending:
            self._unit = pdu.dev_id
        return pdu

    def packet(self, sending: bool, data: bytes) -> bytes:
        """What goes out of `data`."""
        if not sending:
            return data
        there = 1 <= self._unit <= len(self._series)
        now_s = time.monotonic() - self._began_s
        return data if there and not self._series[self._unit - 1].silent(now_s) else b""


def _device(unit: int, shape: SensorSettings, series: Series, began_s: float) -> SimDevice:
    empty = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    tables = [[SimData(0, values=[0] * _SIZE, datatype=DataType.REGISTERS)] for _ in _TABLES]
    action = partial(_answer, shape, series, began_s)

    async def answer(
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        return action(function, registers, values)

    coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    return SimDevice(unit, (coils, empty, tables[0], tables[1]), action=answer)


def _answer(
    shape: SensorSettings,
    series: Series,
    began_s: float,
    function: int,
    registers: list[int],
    values: list[int] | list[bool] | None,
) -> ExcCodes | None:
    """Put what is measured now into the table that is asked for; nobody may write."""
    if values is not None:
        return ExcCodes.ILLEGAL_FUNCTION
    found = series.at(time.monotonic() - began_s)
    for value in shape.value:
        if value.table != _TABLES.get(function) or value.counter or value.address is None:
            continue
        number = found[value.name]
        if value.name == "total" and number is not None:
            number %= 65536 * value.scale
        registers[value.address : value.address + value.registers] = encode_registers(value, number)
    return None


async def _text(
    plan: SensorPlan, series: Series, began_s: float, stack: AsyncExitStack, number: int
) -> str:
    if plan.transport == "text-tcp":

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talk = asyncio.ensure_future(_serve(writer, plan, series, began_s))
            talks.add(talk)
            talk.add_done_callback(talks.discard)

        talks: set[asyncio.Future[None]] = set()
        port = plan.port + number if plan.port else 0
        server = await asyncio.start_server(serve, plan.host, port)
        stack.push_async_callback(_stop, server, talks)
        return f"tcp://{plan.host}:{server.sockets[0].getsockname()[1]}"
    path, shown = _line(plan.path, stack)
    line = serial.Serial(path, baudrate=_BAUD, write_timeout=0)
    stack.callback(line.close)
    task = asyncio.ensure_future(_talk(plan, series, began_s, partial(_put, line)))
    stack.callback(task.cancel)
    return f"serial://{shown}?baud={_BAUD}"


async def _stop(server: asyncio.Server, talks: set["asyncio.Future[None]"]) -> None:
    server.close()
    for talk in list(talks):
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


async def _serve(
    writer: asyncio.StreamWriter, plan: SensorPlan, series: Series, began_s: float
) -> None:
    async def send(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    try:
        await _talk(plan, series, began_s, send)
    finally:
        writer.transport.abort()


async def _put(line: serial.Serial, data: bytes) -> None:
    with suppress(serial.SerialTimeoutException):  # nobody reads; a station does not mind
        os.write(line.fileno(), data)


async def _talk(
    plan: SensorPlan, series: Series, began_s: float, say: Callable[[bytes], Any]
) -> None:
    """A line every `every_s`; what was held back goes out at once, as after a radio's outage."""
    held: list[bytes] = []
    with suppress(OSError):
        while True:
            now_s = time.monotonic() - began_s
            if not series.silent(now_s):
                await say(b"".join([*held, text_line(_said(series.at(now_s)))]))
                held.clear()
            elif len(held) < _LINES_HELD:
                held.append(text_line(_said(series.at(now_s))))
            await asyncio.sleep(plan.every_s)


def _said(values: dict[str, float | None]) -> dict[str, float | None]:
    """A rain gauge says its tips, not millimetres."""
    if "total" in values:
        total = values.pop("total")
        values["tips"] = None if total is None else round(total / 0.2) % 65536
    return values
