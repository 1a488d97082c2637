"""The router at work: sockets and clocks around `Core`.

`Router` is what the kit runs and what recorders and state read from (`tap`). It works with no
aircraft attached, and an endpoint that takes nothing costs the others nothing.
"""

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.connection.open import make_connection
from fieldlink.drone.connection.ports import Connection, Way
from fieldlink.drone.router.core import Core, Reach, Tap
from fieldlink.drone.router.endpoint import Endpoint
from fieldlink.drone.router.policy import Policy
from fieldlink.drone.router.port import Port
from fieldlink.drone.router.settings import EndpointSettings, RouterSettings
from fieldlink.systemd.durable import write_durably

__all__ = ["Router", "read_key"]

_log = logging.getLogger(__name__)
_TICK_S = 0.1
_SEND_BYTES = 16_384
_KEEP_S = 20.0
_HEX_KEY = re.compile(rb"[0-9A-Fa-f]{64}")
_MAX_KEY_BYTES = 4096
_TIME_FILE = "mavlink-signing-time"


def read_key(path: Path) -> bytes:
    """The signing key in a file: 64 hexadecimal digits, or a passphrase of 8 characters at least.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_KEY_BYTES + 1).strip()
    except OSError as error:
        raise ConfigError(f"drone.signing_key_file: {path}: {error.strerror or error}") from error
    if _HEX_KEY.fullmatch(text):
        return bytes.fromhex(text.decode("ascii"))
    if not 8 <= len(text) <= _MAX_KEY_BYTES:
        raise ConfigError(
            f"drone.signing_key_file: {path} holds no key; write 64 hexadecimal digits, or a"
            " passphrase of 8 characters or more"
        )
    return hashlib.sha256(text).digest()


class Router:
    """`run` until cancelled. `state_dir` is where the time of signatures is kept over restarts;
    `healthy` says whether the kit is well: while it is not, it sends no HEARTBEAT.
    """

    name = "drone"

    def __init__(
        self,
        settings: RouterSettings,
        *,
        state_dir: Path | None = None,
        utc_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        healthy: Callable[[], bool] = lambda: True,
        make: Callable[[str], Connection] = make_connection,
    ) -> None:
        self.settings = settings
        self.utc_us = utc_us
        self._healthy = healthy
        self._time_path = state_dir / _TIME_FILE if state_dir is not None else None
        file = settings.signing_key_file
        key = read_key(file) if file is not None else None
        self.core = Core(settings, key=key, signing_time=self._kept_time())
        self._kept = self._kept_time()
        self._ways: dict[int, Way] = {}
        self.endpoints = [Endpoint(entry, self, make) for entry in settings.endpoint]

    def tap(self, on_frame: Tap, *, ground: bool = False) -> Callable[[], None]:
        """Have `on_frame` called with every frame that came in from an aircraft (`ground`: and
        from ground stations), once whatever the links, on the event loop's thread. It must not
        wait. The function that is returned ends it.
        """
        return self.core.tap(on_frame, ground=ground)

    def reaches(self, target: tuple[int, int], *, thin: bool = False) -> list[Reach]:
        """The links over which a component can be spoken to, the best first; `thin`: and those
        where it may be silent until it is told to speak.
        """
        return self.core.reaches(target, _now_us(), thin=thin)

    def send(self, raw: bytes, over: int | None = None) -> int:
        """Route a frame of the kit's own, from `settings.sysid` and `compid`, to the link `over`
        alone if one is given; over how many links it goes. It is signed where signatures are
        required. Answers come to the taps.

        Raises:
            ValueError: it is no frame.
        """
        links = self.core.send(raw, _now_us(), self.utc_us(), over)
        self.flush()
        return links

    def policy(self, name: str) -> Policy | None:
        """What an endpoint is given at present; None: there is none of that name."""
        found = (one.policy for one in self.endpoints if one.settings.name == name)
        return next(found, None)

    def change(self, name: str, settings: EndpointSettings) -> None:
        """Give an endpoint other rates from now on, until this router ends.

        Raises:
            KeyError: there is none of that name.
        """
        found = {endpoint.settings.name: endpoint for endpoint in self.endpoints}
        found[name].change(settings, _now_us())
        self.flush()

    async def run(self, beat: Callable[[], None]) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for endpoint in self.endpoints:
                group.create_task(endpoint.run(), name=f"drone {endpoint.settings.name}")
            group.create_task(self._tick(beat), name="drone tick")

    async def _tick(self, beat: Callable[[], None]) -> None:
        kept_s = 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                beat()
                self.core.tick(_now_us(), self.utc_us(), healthy=self._healthy())
                self.flush()
                if loop.time() - kept_s > _KEEP_S:
                    kept_s = loop.time()
                    await asyncio.to_thread(self._keep_time)
                await asyncio.sleep(_TICK_S)
        finally:
            self._keep_time()

    def opened(self, endpoint: Endpoint, way: Way) -> Port:
        """A way of an endpoint is there."""
        name = endpoint.settings.name
        if endpoint.ports or getattr(endpoint.connection, "port", None) is not None:
            name = f"{name} {way.name}"  # one of several
        port = self.core.attach(name, endpoint.policy, _now_us())
        self._ways[port.number] = way
        return port

    def closed(self, port: Port) -> None:
        """A way is gone."""
        self.core.detach(port)
        self._ways.pop(port.number, None)

    def received(self, port: Port, frames: list[Frame]) -> None:
        """Frames came; they go on at once."""
        self.core.receive(port, frames, _now_us())
        self.flush()

    def flush(self) -> None:
        """Send what waits and may go, to whoever can take it."""
        now_us = _now_us()
        for number, port in list(self.core.ports.items()):
            if not port.outbox.bytes:
                continue
            way = self._ways[number]
            while way.ready:
                frames = port.take(_SEND_BYTES, now_us)
                if not frames:
                    break
                way.send(frames)

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs; `line` of a link is for those who know MAVProxy."""
        now_us = _now_us()
        endpoints = [endpoint.report(now_us) for endpoint in self.endpoints]
        down = [found["name"] for found in endpoints if found["state"] == "down"]
        return {
            "state": "degraded" if down else "ok",
            "reason": f"down: {', '.join(down)}" if down else "",
            "vehicles": [
                {"system": vehicle.sysid, "component": vehicle.compid}
                for vehicle in self.core.vehicles.alive(now_us)
            ],
            "endpoints": endpoints,
        }

    def _kept_time(self) -> int:
        if self._time_path is None:
            return 0
        try:
            text = self._time_path.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return 0
        return int(text) if text.isdecimal() and len(text) <= 15 else 0

    def _keep_time(self) -> None:
        verifier = self.core.verifier
        if verifier is None or self._time_path is None or verifier.timestamp == self._kept:
            return
        timestamp = verifier.timestamp
        try:
            write_durably(self._time_path, str(timestamp).encode("ascii"))
        except OSError as error:  # a full disk must not end the router; it is tried again
            _log.warning("the time of signatures is not kept: %s: %s", self._time_path, error)
        else:
            self._kept = timestamp


def _now_us() -> int:
    return time.monotonic_ns() // 1000
