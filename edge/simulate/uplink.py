"""A simulated device's connection to the kit: kept up, its outbox emptied into it."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

from fieldlink.codecs.fault import LinkError
from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.simulate.outbox import Outbox
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.tls import TlsPeer

__all__ = ["Uplink"]

_TICK_S = 0.05
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0


class Uplink:
    """`run` sends what is in `outbox`; `acknowledged(stream, message)` hears what the kit has."""

    def __init__(
        self,
        login: Credentials,
        outbox: Outbox,
        acknowledged: Callable[[str, dict[str, Any]], None] = lambda stream, message: None,
    ) -> None:
        self._login, self._outbox, self._acknowledged = login, outbox, acknowledged
        self.silent = False  # while true nothing is sent; what is said is kept
        self.up = self.tried = False
        self.reason = "not connected yet"

    async def run(self) -> None:
        """Connect, send, and connect again, until cancelled."""
        wait_s = _SHORTEST_WAIT_S
        while True:
            self.up = False
            try:
                await self._live()
            except LinkError as error:
                self.reason, self.tried = str(error), True
                self._outbox.lost()
            wait_s = _SHORTEST_WAIT_S if self.up else min(_LONGEST_WAIT_S, wait_s * 2)
            await asyncio.sleep(random.uniform(0.5, 1) * wait_s)  # noqa: S311  # jitter, no secret

    async def _live(self) -> None:
        login, loop = self._login, asyncio.get_running_loop()

        def came(_topic: str, data: bytes) -> None:
            loop.call_soon_threadsafe(self._receipt, data)

        tls = TlsPeer(pin=login.pin) if login.tls is not None else None
        link = await MqttConnection.open(
            login.host,
            login.port,
            client_id="",
            tls=tls,
            subscriptions=[f"fl/dev/{login.name}/receipt"],
            on_message=came,
            login=(login.name, login.password),
            timeout_s=10,
        )
        self.up, self.reason = True, ""
        closed = asyncio.create_task(link.closed())
        try:
            while not closed.done():
                if not self.silent:
                    for parcel in self._outbox.due(time.monotonic()):
                        topic = f"fl/dev/{login.name}/{parcel.stream}"
                        link.publish(topic, json.dumps(parcel.content).encode())
                await asyncio.wait([closed], timeout=_TICK_S)
            raise LinkError(closed.result())
        finally:
            closed.cancel()
            await link.close()

    def _receipt(self, data: bytes) -> None:
        try:
            told = json.loads(data)
        except ValueError:
            return
        for stream, message in self._outbox.receipt(told):
            self._acknowledged(stream, message)
