"""A line of text: a serial port or a TCP connection that a station speaks on."""

import asyncio
from contextlib import suppress
from typing import Protocol

import serial

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.sensors.address import Address
from fieldlink.edge.sensors.modbus_port import serial_fault

__all__ = ["TextPort", "open_text_port"]

_READ_BYTES = 4096
_CONNECT_S = 10.0


class TextPort(Protocol):
    """An open line."""

    async def read(self) -> bytes:
        """Some bytes.

        Raises:
            SourceError: the line has ended.
        """

    async def write(self, data: bytes) -> None:
        """Say `data`.

        Raises:
            SourceError: the line has ended, or takes nothing.
        """

    def close(self) -> None:
        """End it."""


async def open_text_port(address: Address) -> TextPort:
    """The line at `address`.

    Raises:
        SourceError: it cannot be opened at present.
    """
    if address.path:
        return await _SerialPort.open(address)
    try:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, limit=_READ_BYTES
            )
    except ConnectionRefusedError as error:
        raise SourceError("refused", f"{address.place}: nothing listens there") from error
    except TimeoutError as error:
        raise SourceError(
            "timeout", f"{address.place}: does not answer; check power and cable"
        ) from error
    except OSError as error:
        raise SourceError("failed", f"{address.place}: {error}; check its url") from error
    return _TcpPort(reader, writer, address.place)


class _TcpPort:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: str
    ) -> None:
        self._reader, self._writer, self._place = reader, writer, place

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(_READ_BYTES)
        except OSError as error:
            raise SourceError("closed", f"{self._place}: {error}") from error
        if not data:
            raise SourceError("closed", f"{self._place}: the station ended the connection")
        return data

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            async with asyncio.timeout(_CONNECT_S):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise SourceError("closed", f"{self._place}: takes nothing more") from error

    def close(self) -> None:
        self._writer.transport.abort()


class _SerialPort:
    """Reads when the kernel has something, no more than is asked for: the kernel's buffer is the
    bound, and what is beyond it is lost there, as on any serial line.
    """

    def __init__(self, port: serial.Serial, path: str) -> None:
        self._port, self._path = port, path

    @classmethod
    async def open(cls, address: Address) -> "_SerialPort":
        def opened() -> serial.Serial:
            return serial.Serial(
                address.path,
                baudrate=address.baud,
                bytesize=address.bits,
                parity=address.parity,
                stopbits=address.stop,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )

        try:
            return cls(await asyncio.to_thread(opened), address.path)
        except (OSError, ValueError) as error:
            raise serial_fault(address.path, error) from error

    async def read(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        number = self._port.fileno()
        loop.add_reader(number, _set, ready)
        try:
            await ready
            return bytes(self._port.read(_READ_BYTES))
        except OSError as error:  # SerialException is one
            raise self._ended() from error
        finally:
            loop.remove_reader(number)

    async def write(self, data: bytes) -> None:
        try:
            with suppress(serial.SerialTimeoutException):  # full: the station is asked again
                self._port.write(data)
        except OSError as error:
            raise self._ended() from error

    def _ended(self) -> SourceError:
        return SourceError("closed", f"{self._path}: unplugged, or its adapter failed")

    def close(self) -> None:
        self._port.close()


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
