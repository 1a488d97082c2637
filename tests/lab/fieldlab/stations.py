"""Stations for the tests of sensors: an unmodified pymodbus server on TCP or on a serial line, and
settings as a file has them.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from fieldlink.codecs.settings import load_settings
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.sensors.settings import SensorSettings

__all__ = [
    "registers_of",
    "rtu_station",
    "sensor_of",
    "station",
    "tcp_station",
    "text_station",
    "until",
]


def sensor_of(text: str, url: str = "modbus-tcp://127.0.0.1:502/1") -> SensorSettings:
    """The one sensor in `text`, the inside of a `[[sensor]]` table; name and url are given."""
    whole = f'[[sensor]]\nname = "station-1"\nurl = "{url}"\n{text}'
    return load_settings(EdgeSettings, whole, "test").sensor[0]


def registers_of(form: str, value: float, *, little: bool = False) -> list[int]:
    """`value` packed as `form` of struct, as registers; `little`: the low word first."""
    packed = struct.pack(f">{form}", value)
    words = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    return words[::-1] if little else words


def station(
    unit: int,
    holding: Sequence[tuple[int, list[int]]],
    inputs: Sequence[tuple[int, list[int]]] = ((0, [0]),),
    bits: Sequence[bool] = (False,) * 16,
) -> SimDevice:
    """A Modbus device with runs of registers at addresses; between them there is nothing."""

    def runs(blocks: Sequence[tuple[int, list[int]]]) -> list[SimData]:
        return [
            SimData(at, values=list(values), datatype=DataType.REGISTERS) for at, values in blocks
        ]

    flags = [SimData(0, values=list(bits), datatype=DataType.BITS)]
    again = [SimData(0, values=list(bits), datatype=DataType.BITS)]
    return SimDevice(unit, (flags, again, runs(holding), runs(inputs)))


@asynccontextmanager
async def tcp_station(*devices: SimDevice, **options: Any) -> AsyncIterator[int]:
    """A pymodbus server on a free port of this machine; its port."""
    server = ModbusTcpServer(list(devices), address=("127.0.0.1", 0), **options)
    await server.serve_forever(background=True)
    transport: Any = server.transport
    try:
        yield transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def rtu_station(path: str, *devices: SimDevice) -> AsyncIterator[None]:
    """A pymodbus server on the serial port `path`: a line on which a unit that is not there says
    nothing, as on a real one.
    """
    units = {device.id for device in devices}
    asked = [0]

    def hear(sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            asked[0] = pdu.dev_id
        return pdu

    def say(sending: bool, data: bytes) -> bytes:
        return b"" if sending and asked[0] not in units else data

    server = ModbusSerialServer(
        list(devices), port=path, baudrate=9600, trace_pdu=hear, trace_packet=say
    )
    await server.serve_forever(background=True)
    try:
        yield
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def text_station(
    speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A station that `speak`s to each that connects by TCP; its port."""
    connected: list[tuple[asyncio.StreamWriter, asyncio.Task[None]]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await speak(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append((writer, asyncio.ensure_future(serve(reader, writer))))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer, task in connected:
            task.cancel()
            writer.transport.abort()
        await asyncio.sleep(0.01)


async def until(condition: Callable[[], object], limit_s: float = 5.0) -> None:
    """Wait until `condition` holds.

    Raises:
        TimeoutError: it does not within `limit_s`.
    """
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.005)
