"""Long work in short pieces, the loop free between them: a batch of thousands of locations holds up
nobody's call for help.
"""

import asyncio
from collections import deque
from typing import Protocol

__all__ = ["MOST_BEHIND", "PIECE", "Turns", "Worker"]

PIECE = 32
"""Locations taken at once: about 5 ms when every alarm bit of each flips (one core of an x86-64
server, Python 3.11), 20 ms on a kit a quarter as fast."""

MOST_BEHIND = 16_384
"""Locations of one terminal that wait for their turn. A message of 256 KiB, the largest that is put
together, has at most 8,738 (28 bytes and a length each); terminals in the field send 5 to 50."""


class Worker(Protocol):
    """One whose work comes in pieces."""

    def work(self) -> bool:
        """Do the next piece; whether more waits."""


class Turns:
    """Lets workers work, one piece each, one after the other. Belongs to the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Worker] = deque()
        self._news = asyncio.Event()

    def add(self, worker: Worker) -> None:
        """`worker` has work; not to be called again before it has none."""
        self._waiting.append(worker)
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._news.wait()
            if not self.step():
                self._news.clear()
            await asyncio.sleep(0)

    def step(self) -> bool:
        """One piece of whoever's turn it is; whether anybody waits after it."""
        if self._waiting:
            worker = self._waiting.popleft()
            if worker.work():
                self._waiting.append(worker)
        return bool(self._waiting)
