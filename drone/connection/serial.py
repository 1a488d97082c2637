"""Serial ports: /dev/ttyX,baud."""

import asyncio
import errno
import os

import serial

from fieldlink.codecs.fault import SourceError
from fieldlink.drone.connection.ports import Host
from fieldlink.drone.connection.stream import StreamWay, serve

__all__ = ["SerialPort"]

_OPENING = {
    errno.ENOENT: ("not-found", "is not there; plug it in, or see its name"),
    errno.ENODEV: ("not-found", "is not there; plug it in, or see its name"),
    errno.EACCES: ("permission", "may not be opened; put this user into the group dialout"),
    errno.EBUSY: ("busy", "is used by another program; end that"),
    errno.EAGAIN: ("busy", "is used by another program; end that"),
}


class SerialPort:
    """For this program alone: two readers would each get half of the frames."""

    def __init__(self, path: str, baud: int) -> None:
        self._path, self._baud = path, baud

    async def run(self, host: Host) -> None:
        """Open the port and work.

        Raises:
            SourceError: it cannot be opened, or is gone.
        """
        port = await asyncio.to_thread(self._open)
        os.set_blocking(port.fileno(), False)
        way = StreamWay(self._path, port.fileno(), host)
        why = await serve(way, host, port.close)
        raise SourceError("unplugged", f"{self._path}: {why}; see its cable")

    def _open(self) -> serial.Serial:
        try:
            return serial.Serial(self._path, self._baud, timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            known = _OPENING.get(getattr(error, "errno", None) or 0)
            reason, advice = known or ("failed", f"cannot be opened ({error})")
            raise SourceError(reason, f"{self._path} {advice}") from error
