"""Two serial ports joined by a cable, without hardware: what goes into one comes out of the other.

Each is a pseudo terminal that any program opens by its path, as it would open /dev/ttyUSB0.
"""

import asyncio
import os
import tty
from contextlib import suppress

__all__ = ["PtyPair"]

_READ_BYTES = 4096


class PtyPair:
    """`near` and `far` are the paths of the ports. It belongs to the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._masters, self._slaves = [], []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(slave)  # kept open, so that a port survives its users
        self.near, self.far = (os.ttyname(slave) for slave in self._slaves)
        self._loop.add_reader(self._masters[0], self._pass, 0, 1)
        self._loop.add_reader(self._masters[1], self._pass, 1, 0)

    def _pass(self, source: int, sink: int) -> None:
        # A port that nobody reads loses what comes, as a serial line does.
        with suppress(OSError):
            os.write(self._masters[sink], os.read(self._masters[source], _READ_BYTES))

    def write(self, data: bytes) -> int:
        """Put `data` on the near port as if the far end had sent it; how much it took."""
        try:
            return os.write(self._masters[0], data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Pull the cable and both ports."""
        for master in self._masters:
            self._loop.remove_reader(master)
        for number in (*self._masters, *self._slaves):
            os.close(number)
        self._masters, self._slaves = [], []
