"""Aircraft on the other side of a router in one process, over links that lose: by pymavlink's
messages, with answers that a test writes.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.drone.connection.ports import Host
from fieldlink.drone.router import Router, RouterSettings

__all__ = ["Airborne", "flying"]

_DELAY_S = 0.02

Reply = Iterable[Any]
"""Messages of pymavlink's dialect."""


class Airborne:
    """One autopilot (ArduPilot's copter unless said otherwise) and its link: a connection, and
    its one way. `answers` has a function by the name of each message that it understands. `loss`
    is the part of all frames that is lost, in both directions, by `seed`.
    """

    whole = True
    ready = True

    def __init__(
        self,
        sysid: int = 7,
        *,
        kind: int = 2,
        autopilot: int = 3,
        loss: float = 0.0,
        seed: int = 1,
        name: str = "air",
    ) -> None:
        self.name = name
        self.maker: Any = dialect.MAVLink(None, srcSystem=sysid, srcComponent=1)
        self.kind, self.autopilot, self.mode = kind, autopilot, 4
        self.answers: dict[str, Callable[[Any], Reply]] = {}
        self.got: list[Any] = []
        self.loss = loss
        self.high_latency = False
        """Whether it says HIGH_LATENCY2 in place of HEARTBEAT."""
        self.silent = False
        self._rng = random.Random(seed)
        self._parser: Any = dialect.MAVLink(None)
        self._parser.robust_parsing = True
        self._host: Host | None = None

    async def run(self, host: Host) -> None:
        """Be a connection, until cancelled."""
        self._host = host
        host.joined(self)
        try:
            while True:
                if not self.silent:
                    self.beat()
                await asyncio.sleep(1.0)
        finally:
            host.left(self)

    def beat(self) -> None:
        """Say that it is there."""
        self.say(self._sign_of_life(), sure=True)

    def _sign_of_life(self) -> Any:
        if self.high_latency:
            numbers = [0, 0, self.kind, self.autopilot, *[0] * 23]
            return dialect.MAVLink_high_latency2_message(*numbers)
        return dialect.MAVLink_heartbeat_message(self.kind, self.autopilot, 81, self.mode, 4, 3)

    def say(self, message: Any, *, sure: bool = False) -> None:
        """A message goes to the router; `sure`: it is not lost."""
        raw = bytes(message.pack(self.maker))
        self.maker.seq = (self.maker.seq + 1) % 256
        if self._host is not None and (sure or self._rng.random() >= self.loss):
            asyncio.get_running_loop().call_later(_DELAY_S, self._host.heard, self, [raw])

    def send(self, frames: list[bytes]) -> None:
        """The router sends."""
        for raw in frames:
            if self._rng.random() < self.loss:
                continue
            for message in self._parser.parse_buffer(raw) or ():
                self._take(message)

    def _take(self, message: Any) -> None:
        if message.get_type() == "HEARTBEAT":
            return
        self.got.append(message)
        answer = self.answers.get(message.get_type())
        for reply in answer(message) if answer is not None else ():
            self.say(reply)

    def count(self, name: str) -> int:
        """How many messages of a name came."""
        return sum(message.get_type() == name for message in self.got)


@asynccontextmanager
async def flying(*aircraft: Airborne, **profiles: str) -> AsyncIterator[Router]:
    """A router with a link to each, heard already; `profiles` by the name of the link."""
    links = {f"udpin:127.0.0.1:{number}": one for number, one in enumerate(aircraft, 1)}
    endpoints = [
        {"name": one.name, "connect": url, "profile": profiles.get(one.name, "lan")}
        for url, one in links.items()
    ]
    settings = RouterSettings.model_validate({"endpoint": endpoints, "heartbeat": False})
    router = Router(settings, make=lambda url: links[url])
    task = asyncio.ensure_future(router.run(lambda: None))
    try:
        await asyncio.sleep(0.5)
        yield router
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
