"""Looks after the adapters: runs each, runs it again when it fails, and exchanges those whose
settings change while the agent runs.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldlink.codecs.fault import LinkError, SourceError
from fieldlink.edge.attached import WAYS, Adapter, make_adapters, ways_off
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.sensors.service import end_forgotten
from fieldlink.edge.telemetry.ports import Intake, KitTime
from fieldlink.systemd.service import Beat

__all__ = ["Attendant"]

_log = logging.getLogger(__name__)
_STALE_S = 30.0
_FIRST_S, _LONGEST_S = 0.5, 15.0
_LASTED_S = 30.0  # who worked for so long begins again with short pauses
_APART = frozenset(
    {"kit", "state_dir", "spool", "capture", "device", "bearer", "telemetry", "clock"}
)

Make = Callable[[EdgeSettings, Intake, KitTime], list[Adapter]]


class _Kept:
    """An adapter, its task, and how it goes."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.task: asyncio.Task[None] | None = None
        self.reason = ""
        self.failures = 0
        self.beat_s = time.monotonic()

    def beat(self) -> None:
        self.beat_s = time.monotonic()


class Attendant:
    """Keeps the adapters of the configuration running. `make` gives them, not started yet."""

    def __init__(
        self,
        settings: EdgeSettings,
        intake: Intake,
        time_: KitTime,
        make: Make = make_adapters,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._settings, self._intake, self._time = settings, intake, time_
        self._make, self._sleep = make, sleep
        self._kept: dict[str, _Kept] = {}
        self._lock = asyncio.Lock()
        self._running = False

    def report(self) -> dict[str, dict[str, Any]]:
        """How each adapter is, by name."""
        return {
            name: {
                **kept.adapter.report(),
                **({"state": "down", "reason": kept.reason} if kept.reason else {}),
                "failures": kept.failures,
            }
            for name, kept in self._kept.items()
        }

    def ways_down(self) -> dict[str, str]:
        """The ways (`via`) that do not work at present, none of their adapters, with an adapter of
        each.
        """
        down, up = dict[str, str](), set[str]()
        for name, one in self.report().items():
            if (way := WAYS.get(name)) is not None:
                if one.get("state") == "down":
                    down.setdefault(way, name)
                else:
                    up.add(way)
        return {way: name for way, name in down.items() if way not in up}

    async def ask(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the adapter that has the command `name` answers to it."""
        for kept in self._kept.values():
            command = getattr(kept.adapter, "commands", {}).get(name)
            if command is not None:
                answer: dict[str, Any] = await command(asked)
                return answer
        return {"ok": False, "said": f"there is no such command here: {name}"}

    async def run(self, beat: Beat) -> None:
        """Look after them until cancelled. A service's row.

        Raises:
            Exception: what an adapter raised that is not weather.
        """
        try:
            self._running = True
            await self.change(self._settings)
            while True:
                self._look(beat)
                await asyncio.sleep(0.5)
        finally:
            self._running = False
            await asyncio.shield(self._stop(list(self._kept)))

    async def change(self, settings: EdgeSettings) -> None:
        """Run the adapters of `settings` from now on; those of equal settings go on."""
        async with self._lock:
            before, self._settings = self._settings, settings
            if not self._running:
                return
            wanted = {one.name: one for one in self._make(settings, self._intake, self._time)}
            same = _attached(before) == _attached(settings)
            gone = [
                name
                for name, kept in self._kept.items()
                if not _is_same(kept.adapter, wanted.get(name), same)
            ]
            await self._stop(gone)
            end_forgotten(settings.sensor, self._intake)
            for way in ways_off(settings):
                self._intake.keep(way, lambda _: False)
            for kept in self._kept.values():
                if (reloaded := getattr(kept.adapter, "reloaded", None)) is not None:
                    reloaded()
            for name, adapter in wanted.items():
                if name not in self._kept:
                    kept = self._kept[name] = _Kept(adapter)
                    kept.task = asyncio.create_task(self._keep(kept), name=f"adapter {name}")

    async def _keep(self, kept: _Kept) -> None:
        pause_s = _FIRST_S
        while True:
            began_s = time.monotonic()
            try:
                await kept.adapter.run(kept.beat)
                kept.reason = "ended: it stopped by itself"
            except (SourceError, LinkError, OSError) as error:
                kept.reason = str(error) or type(error).__name__
            kept.failures += 1
            if time.monotonic() - began_s > _LASTED_S:
                pause_s = _FIRST_S
            _log.warning("%s: %s", kept.adapter.name, kept.reason)
            await self._wait(kept, pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause_s = min(pause_s * 2, _LONGEST_S)
            kept.reason = ""

    async def _wait(self, kept: _Kept, pause_s: float) -> None:
        kept.beat()  # waiting for better weather is healthy
        await self._sleep(pause_s)
        kept.beat()

    def _look(self, beat: Beat) -> None:
        now_s = time.monotonic()
        fresh = True
        for kept in self._kept.values():
            if kept.task is not None and kept.task.done():
                kept.task.result()  # it ends by itself only with an error
            fresh = fresh and now_s - kept.beat_s < _STALE_S
        if fresh:
            beat()

    async def _stop(self, names: Sequence[str]) -> None:
        # Nobody looks after them any more: one that has ended already did not end by itself.
        stopped = [self._kept.pop(name) for name in names]
        tasks = [kept.task for kept in stopped if kept.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise error


def _attached(settings: EdgeSettings) -> dict[str, Any]:
    """What adapters are made of."""
    return {name: value for name, value in settings if name not in _APART}


def _is_same(old: Adapter, new: Adapter | None, same: bool) -> bool:
    """Whether the running one does what `new` would; `same`: nothing changed for any of them."""
    if new is None:
        return False
    if not (hasattr(old, "settings") and hasattr(new, "settings")):
        return same
    return bool(old.settings == new.settings)
