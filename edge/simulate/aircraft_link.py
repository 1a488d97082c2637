"""A simulated aircraft on a real link: any connection that a kit or a ground station has."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.fault import FieldlinkError
from fieldlink.drone.connection.open import make_connection
from fieldlink.drone.connection.ports import Connection, Way
from fieldlink.edge.simulate.aircraft import Aircraft
from fieldlink.edge.simulate.aircraft_answers import Answers
from fieldlink.edge.simulate.aircraft_plan import AircraftPlan

__all__ = ["Ready", "fly"]

_TICK_S = 0.1
_AGAIN_S = 1.0

Ready = Callable[[int], None]
"""Told the port that is listened on, when the aircraft is on its link."""


class _Link:
    """The aircraft's side of its connection."""

    def __init__(self, craft: Aircraft, ready: Ready) -> None:
        self.connection: Connection | None = None
        self._on_ready: Ready | None = ready
        self._answers = Answers(craft)
        self._ways: dict[Way, Any] = {}
        self.heard_messages = self.sent = self.unsent = 0
        self._craft = craft

    def joined(self, way: Way) -> None:
        parser = dialect.MAVLink(None)
        parser.robust_parsing = True
        self._ways[way] = parser

    def heard(self, way: Way, chunks: list[bytes]) -> bool:
        if way not in self._ways:
            self.joined(way)
        for chunk in chunks:
            for message in self._ways[way].parse_buffer(chunk) or ():
                if message.get_type() != "BAD_DATA":
                    self.heard_messages += 1
                    self._answers.heard(message)
        return True

    def ready(self, way: Way) -> None:
        pass

    def left(self, way: Way) -> None:
        self._ways.pop(way, None)

    def tick(self, after_s: float) -> None:
        """Say what is due."""
        frames = self._craft.say(after_s, time.time_ns() // 1000)
        self._answers.due()
        port = getattr(self.connection, "port", 0)
        if self._on_ready is not None and (port or self._ways):
            self._on_ready(port)
            self._on_ready = None
        for way in self._ways:
            if frames and way.ready:
                way.send(frames)
                self.sent += len(frames)
            else:
                self.unsent += len(frames)


async def fly(
    plan: AircraftPlan,
    connect: str,
    *,
    seconds: float | None = None,
    ready: Ready = lambda port: None,
    down: Callable[[str], None] = lambda reason: None,
) -> dict[str, Any]:
    """Fly until cancelled, or for `seconds`; a summary. `down` is told why the link does not work.

    Raises:
        ValueError: `connect` is no connection.
    """
    craft = Aircraft(plan)
    link = _Link(craft, ready)
    tasks = [
        asyncio.create_task(_connected(connect, link, down)),
        asyncio.create_task(_flown(link)),
    ]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        pass  # that is how it ends when somebody presses Ctrl-C
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
            raise end
    return {
        "flights": craft.flight.flights,
        "photos": craft.photos,
        "frames": link.sent,
        "heard": link.heard_messages,
    }


async def _flown(link: _Link) -> None:
    began_s = time.monotonic()
    while True:
        link.tick(time.monotonic() - began_s)
        await asyncio.sleep(_TICK_S)


async def _connected(connect: str, link: _Link, down: Callable[[str], None]) -> None:
    while True:
        link.connection = make_connection(connect)
        try:
            await link.connection.run(link)
        except (FieldlinkError, OSError) as error:
            down(str(error))
        await asyncio.sleep(_AGAIN_S)
