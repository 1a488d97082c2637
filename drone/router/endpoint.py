"""One endpoint at work: its connection, the ports of those who came by it, and trying again."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any, Protocol

from fieldlink.codecs.fault import LinkError, SourceError
from fieldlink.codecs.mavlink import Frame, Framer
from fieldlink.drone.connection.address import parse_address
from fieldlink.drone.connection.open import make_connection
from fieldlink.drone.connection.ports import Connection, Way
from fieldlink.drone.router.policy import policy_of
from fieldlink.drone.router.port import Port
from fieldlink.drone.router.settings import EndpointSettings

__all__ = ["Endpoint", "Switch"]

_log = logging.getLogger(__name__)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 5.0
_STEADY_S = 10.0


class Switch(Protocol):
    """What an endpoint needs of the router."""

    def opened(self, endpoint: "Endpoint", way: Way) -> Port:
        """A way is there."""

    def closed(self, port: Port) -> None:
        """A way is gone."""

    def received(self, port: Port, frames: list[Frame]) -> None:
        """Frames came."""

    def flush(self) -> None:
        """Something may be sent again."""

    def utc_us(self) -> int:
        """The time."""


class Endpoint:
    """Its own `Host`. `connection` is the one at work."""

    def __init__(
        self,
        settings: EndpointSettings,
        switch: Switch,
        make: Callable[[str], Connection] = make_connection,
    ) -> None:
        self.settings = self.now = settings
        """As configured, and as it is at present (`change`)."""
        self.policy = policy_of(settings)
        self.state, self.reason = "opening", ""
        self.connection = make(settings.connect)
        self.ports: dict[Way, tuple[Port, Framer]] = {}
        self._switch = switch
        address = parse_address(settings.connect)
        # A file that is damaged is damaged the next time too.
        self.again = address.kind != "file" or address.loop

    async def run(self) -> None:
        """Keep the connection up until cancelled. A file that is over stays over."""
        loop = asyncio.get_running_loop()
        wait_s = _FIRST_WAIT_S
        while True:
            began_s = loop.time()
            self.state = "open" if self.ports else "opening"
            try:
                await self.connection.run(self)
            except (LinkError, SourceError, OSError) as error:
                if self.reason != str(error):
                    _log.warning("drone endpoint %s is down: %s", self.settings.name, error)
                self.state, self.reason = "down", str(error)
            else:
                self.state, self.reason = "ended", "the file is over"
            if not self.again:
                await loop.create_future()
            if loop.time() - began_s > _STEADY_S:
                wait_s = _FIRST_WAIT_S
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311  # not a secret
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def joined(self, way: Way) -> None:
        """There is a way."""
        port = self._switch.opened(self, way)
        self.ports[way] = port, Framer(port.name)
        self.state, self.reason = "open", ""

    def heard(self, way: Way, chunks: list[bytes]) -> bool:
        """Bytes came. Who sends no frames in datagrams is not given any either."""
        found = self.ports.get(way)
        if found is None:
            if not any(frame.known for chunk in chunks for frame in Framer().datagram(chunk)):
                return False
            self.joined(way)
            found = self.ports[way]
        port, framer = found
        at_us = self._switch.utc_us()
        if way.whole:
            frames = [frame for chunk in chunks for frame in framer.datagram(chunk, at_us)]
        else:
            frames = [frame for chunk in chunks for frame in framer.feed(chunk, at_us)]
        if frames:
            self._switch.received(port, frames)
        return True

    def ready(self, way: Way) -> None:
        """It can be sent to again."""
        self._switch.flush()

    def left(self, way: Way) -> None:
        """The way is gone, and what waited for it."""
        found = self.ports.pop(way, None)
        if found is not None:
            self._switch.closed(found[0])
        if not self.ports and self.state == "open":
            self.state = "opening"

    def change(self, settings: EndpointSettings, now_us: int) -> None:
        """Other rates for the ways that are there and those to come; its connection stays."""
        self.now = settings
        self.policy = policy_of(settings)
        for port, _ in self.ports.values():
            port.change(self.policy, now_us)

    def report(self, now_us: int) -> dict[str, Any]:
        """How it is."""
        listening = self.state == "opening" and bool(getattr(self.connection, "port", 0))
        return {
            "name": self.settings.name,
            "connect": self.settings.connect,
            "profile": self.now.profile,
            "state": "listening" if listening else self.state,
            "reason": self.reason,
            "turned_away": getattr(self.connection, "turned_away", 0),
            "links": [
                _link(way, port, framer, now_us) for way, (port, framer) in self.ports.items()
            ],
        }


def _link(way: Way, port: Port, framer: Framer, now_us: int) -> dict[str, Any]:
    stats, outbox, counts = port.stats, port.outbox, framer.counts
    silent_us = None if stats.heard_us is None else now_us - stats.heard_us
    return {
        "link": port.name,
        "peer": way.name,
        "state": port.state(now_us),
        "packets": stats.packets,
        "bytes": stats.bytes,
        "bytes_s": round(stats.rate_bytes_s(now_us), 1),
        "silent_s": None if silent_us is None else silent_us / 1e6,
        "delay_s": round(stats.late_us / 1e6, 3),
        "lost": stats.lost,
        "loss_percent": round(stats.loss_percent, 2),
        "duplicates": stats.duplicates,
        "filtered": stats.filtered,
        "no_route": stats.no_route,
        "unknown": counts.unknown,
        "bad": counts.bad,
        "garbage_bytes": counts.garbage_bytes,
        "signing_rejects": stats.signing_rejects,
        "refused": dict(stats.refused),
        "sent_packets": stats.sent_packets,
        "sent_bytes": stats.sent_bytes,
        "thinned": stats.thinned,
        "waiting_bytes": outbox.bytes,
        "dropped": outbox.dropped,
        "stale": outbox.stale,
        "line": stats.line(port.name, port.state(now_us), now_us),
    }
