"""The bytes of a receiver: from a serial port, read on a thread of its own, or from TCP."""

import asyncio
import errno
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import serial

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.clock.clock import steady_us

__all__ = ["QUIET_S", "Port", "open_serial", "open_socket"]

QUIET_S = 0.25
"""Nothing for so long: what an instant had to say is said."""

_CONNECT_S = 5.0
_MAX_READ_BYTES = 4096

_OPENING = {
    errno.ENOENT: ("not-found", "is not there; plug the receiver in, or see gnss.url"),
    errno.ENODEV: ("not-found", "is not there; plug the receiver in, or see gnss.url"),
    errno.EACCES: ("permission", "may not be opened; put this user into the group dialout"),
    errno.EBUSY: ("busy", "is used by another program; end that, or let gpsd share it"),
    errno.EAGAIN: ("busy", "is used by another program; end that, or let gpsd share it"),
}


class Port(Protocol):
    """Where bytes come from."""

    async def read(self) -> tuple[bytes, int]:
        """What came, and when the first byte of it did by the steady clock; empty after
        `QUIET_S` without any.

        Raises:
            SourceError: the port is gone.
        """

    async def close(self) -> None:
        """Let go of it."""


class _SerialPort:
    """pyserial blocks, so it has a thread; that is never more than `QUIET_S` from ending."""

    def __init__(self, path: str, port: serial.Serial) -> None:
        self._path, self._port = path, port
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gnss")

    async def read(self) -> tuple[bytes, int]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    def _read(self) -> tuple[bytes, int]:
        try:
            first = self._port.read(1)
            at_us = steady_us()
            waiting = min(self._port.in_waiting, _MAX_READ_BYTES) if first else 0
            return first + (self._port.read(waiting) if waiting else b""), at_us
        except (OSError, TypeError) as error:  # TypeError: pyserial, when it is closed meanwhile
            raise SourceError("unplugged", f"{self._path} is gone; see its cable") from error

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._port.close)
        self._thread.shutdown(wait=False)


class _SocketPort:
    """TCP, as serial servers and receivers on the network have it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> tuple[bytes, int]:
        try:
            async with asyncio.timeout(QUIET_S):
                data = await self._reader.read(_MAX_READ_BYTES)
        except TimeoutError:
            return b"", steady_us()
        except OSError as error:
            raise SourceError("closed", f"the connection broke ({error})") from error
        if not data:
            raise SourceError("closed", "the other end closed the connection")
        return data, steady_us()

    async def close(self) -> None:
        self._writer.close()


async def open_serial(path: str, baud: int) -> Port:
    """The serial port at `path`, 8N1, for nobody else meanwhile.

    Raises:
        SourceError: it cannot be opened.
    """
    return await asyncio.to_thread(_open_serial, path, baud)


def _open_serial(path: str, baud: int) -> Port:
    try:
        # Exclusive: two readers would each get half of the sentences, and neither a whole one.
        port = serial.Serial(path, baud, timeout=QUIET_S, exclusive=True)
    except (OSError, ValueError) as error:
        known = _OPENING.get(getattr(error, "errno", None) or 0)
        reason, advice = known or ("failed", f"cannot be opened ({error})")
        raise SourceError(reason, f"{path} {advice}") from error
    return _SerialPort(path, port)


async def open_socket(host: str, port: int) -> Port:
    """A TCP connection that gives NMEA.

    Raises:
        SourceError: there is none.
    """
    return _SocketPort(*await connect(host, port))


async def connect(
    host: str, port: int, limit: int = 65_536
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TCP connection whose lines have at most `limit` bytes.

    Raises:
        SourceError: there is none.
    """
    try:
        async with asyncio.timeout(_CONNECT_S):
            return await asyncio.open_connection(host, port, limit=limit)
    except TimeoutError as error:
        raise SourceError("timeout", f"{host}:{port} does not answer; see its power") from error
    except OSError as error:
        raise SourceError("refused", f"{host}:{port}: {error.strerror or error}") from error
