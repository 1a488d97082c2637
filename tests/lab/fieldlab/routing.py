"""A router's core in virtual time, with links to put frames in and take them out."""

from collections.abc import Iterable
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlab.aircraft import peer
from fieldlink.codecs.mavlink import Frame, Framer
from fieldlink.drone.router.core import Core
from fieldlink.drone.router.policy import policy_of
from fieldlink.drone.router.port import Port
from fieldlink.drone.router.settings import RouterSettings

__all__ = ["Bench", "Speaker", "decoded", "settings"]

UTC_US = 1_800_000_000_000_000


def settings(*endpoints: dict[str, Any], **other: Any) -> RouterSettings:
    """Settings of endpoints that need no connection."""
    whole = [{"connect": "udpin:127.0.0.1:0", **endpoint} for endpoint in endpoints]
    return RouterSettings.model_validate({"heartbeat": False, **other, "endpoint": whole})


class Speaker:
    """A component that says things."""

    def __init__(self, sysid: int = 1, compid: int = 1, version: int = 2) -> None:
        self.made = peer(sysid, compid)
        self._version = version

    def say(self, name: str, *values: Any, **named: Any) -> bytes:
        """A frame of a message by its name: `say("heartbeat", 2, 3, 0, 0, 4)`."""
        message = getattr(self.made, f"{name}_encode")(*values, **named)
        raw = bytes(message.pack(self.made, force_mavlink1=self._version == 1))
        self.made.seq = (self.made.seq + 1) % 256
        return raw

    def beat(self) -> bytes:
        """An autopilot's heartbeat, or a ground station's for 255 and 254."""
        if self.made.srcSystem >= 254:
            return self.say("heartbeat", 6, 8, 0, 0, 4)
        return self.say("heartbeat", 2, 3, 81, 4, 4)


class Bench:
    """A core, and a link for each endpoint of its settings."""

    def __init__(self, made: RouterSettings, *, key: bytes | None = None) -> None:
        self.core = Core(made, key=key)
        self.now_us = 1_000_000
        self.ports: dict[str, Port] = {
            entry.name: self.core.attach(entry.name, policy_of(entry), self.now_us)
            for entry in made.endpoint
        }
        self.tapped: list[Frame] = []
        self.core.tap(self.tapped.append)

    def put(self, link: str, *raws: bytes) -> None:
        """Bytes came over a link, a datagram each."""
        framer = Framer(link)
        frames = [frame for raw in raws for frame in framer.datagram(raw, UTC_US + self.now_us)]
        self.core.receive(self.ports[link], frames, self.now_us)

    def out(self, link: str) -> list[bytes]:
        """What goes out over a link now."""
        return self.ports[link].take(1_000_000, self.now_us)

    def clear(self) -> None:
        """Forget what waits for every link."""
        for port in self.ports.values():
            port.take(10_000_000, self.now_us)

    def play(
        self,
        link: str,
        timeline: Iterable[tuple[int, bytes]],
        until_s: float,
        tick_us: int = 100_000,
    ) -> dict[str, list[tuple[int, bytes]]]:
        """Play frames with their times into `link`; when what went out over each link."""
        sent: dict[str, list[tuple[int, bytes]]] = {name: [] for name in self.ports}
        start_us, next_us = self.now_us, 0
        for at_us, raw in [*timeline, (round(until_s * 1e6), b"")]:
            while next_us <= at_us:
                self.now_us = start_us + next_us
                self.core.tick(self.now_us, UTC_US + self.now_us, healthy=True)
                self._drain(sent, start_us)
                next_us += tick_us
            self.now_us = start_us + at_us
            if raw:
                self.put(link, raw)
            self._drain(sent, start_us)
        return sent

    def _drain(self, sent: dict[str, list[tuple[int, bytes]]], start_us: int) -> None:
        for name, went in sent.items():
            went += [(self.now_us - start_us, raw) for raw in self.out(name)]


def decoded(raws: Iterable[bytes]) -> list[Any]:
    """What pymavlink reads."""
    reader = dialect.MAVLink(None)
    reader.robust_parsing = True
    return [message for raw in raws for message in reader.parse_buffer(raw) or []]
