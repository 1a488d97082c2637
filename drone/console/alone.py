"""A router and the vehicles' state without a kit around them: for whoever stands beside a radio."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import ValidationError

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.router import EndpointSettings, Router, RouterSettings
from fieldlink.drone.router.policy import policy_of
from fieldlink.drone.router.profiles import PROFILES
from fieldlink.drone.vehicle import Fleet

__all__ = ["Alone", "endpoints_of", "running"]

_LOST_US = 5_000_000
_TICK_S = 0.5


def endpoints_of(urls: Sequence[str]) -> tuple[EndpointSettings, ...]:
    """Connections as people type them, each with `@profile` behind it where it is no `lan`.

    Raises:
        ConfigError: one is none; it says which, and the forms there are.
    """
    found = []
    for number, url in enumerate(urls, 1):
        connect, at, profile = url.rpartition("@")
        if not at or profile not in PROFILES:
            connect, profile = url, "lan"
        values = {"name": f"link-{number}", "connect": connect, "profile": profile}
        try:
            found.append(EndpointSettings.model_validate(values))
        except ValidationError as error:
            raise ConfigError(
                f"{connect}: {error.errors()[0]['msg'].partition(', ')[2]}"
            ) from error
    return tuple(found)


class Alone:
    """Records nothing; nothing leaves but what is routed. `names` are vehicles' by system."""

    def __init__(self, settings: RouterSettings, names: Mapping[int, str] | None = None) -> None:
        self.router = Router(settings)
        self._names = names or {}
        lost_us = {one.name: policy_of(one).lost_after_us for one in settings.endpoint}
        self.fleet = Fleet(lambda link: lost_us.get(link.partition(" ")[0], _LOST_US))
        self.router.tap(self._heard)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.router.run(lambda: None))
            group.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self.fleet.tick(_now_us())
            await asyncio.sleep(_TICK_S)

    def _heard(self, frame: Frame) -> None:
        self.fleet.take(frame, _now_us())

    def report(self) -> dict[str, Any]:
        """As the kit's agent has it; `recording` is None."""
        router = self.router.report()
        vehicles = [
            {"name": self._names.get(one["system"], f"mav-{one['system']}"), **one}
            for one in self.fleet.report(_now_us())
        ]
        return {**router, "running": False, "vehicles": vehicles, "recording": None}

    @property
    def over(self) -> bool:
        """Whether all that there was to hear were files, and they have ended."""
        states = [endpoint.state for endpoint in self.router.endpoints if not endpoint.again]
        return bool(states) and all(state in ("ended", "down") for state in states)


@asynccontextmanager
async def running(alone: Alone) -> AsyncIterator[Alone]:
    """`alone` at work while the block runs."""
    task = asyncio.create_task(alone.run())
    try:
        yield alone
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _now_us() -> int:
    return time.monotonic_ns() // 1000
