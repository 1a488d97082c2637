"""Which bearers there are, while settings change and a hand holds one."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fieldlink.edge.bearer.bearer import Bearer, Shared
from fieldlink.edge.bearer.keeper import Keeper
from fieldlink.edge.bearer.measure import Measure
from fieldlink.edge.bearer.meter import Meter
from fieldlink.edge.bearer.pace import Pace
from fieldlink.edge.bearer.settings import BearerSettings

__all__ = ["Members"]


class Members:
    """The bearers, in the configuration's order; each runs once `start` was given a group."""

    def __init__(
        self,
        folder: Path,
        shared: Shared,
        clock: Callable[[], int],
        settings: Sequence[BearerSettings],
    ) -> None:
        self._folder, self._shared, self._clock = folder, shared, clock
        self._held: dict[str, bool] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._lock = asyncio.Lock()  # one bearer's lines take seconds to end
        self._bearers = {one.name: self._make(one) for one in settings}

    def __iter__(self) -> Iterator[Bearer]:
        return iter(list(self._bearers.values()))

    def get(self, name: str) -> Bearer | None:
        """The bearer of that name."""
        return self._bearers.get(name)

    @property
    def up(self) -> list[Bearer]:
        """Those that have a line to the centre."""
        return [bearer for bearer in self if bearer.up]

    def start(self, group: asyncio.TaskGroup) -> None:
        """Let them run in `group`."""
        self._group = group
        for bearer in self:
            self._start(bearer)

    def hold(self, name: str, on: bool) -> bool:
        """Stop using a bearer, or use it again; whether there is one."""
        bearer = self._bearers.get(name)
        if bearer is not None:
            self._held[name] = bearer.held = on
            bearer.look()
        return bearer is not None

    async def change(self, settings: Sequence[BearerSettings]) -> None:
        """Bearers come and go; those whose settings are the same go on. Whoever stops waiting for
        it does not stop it half way.
        """
        await asyncio.shield(self._change_in_turn(settings))

    async def _change_in_turn(self, settings: Sequence[BearerSettings]) -> None:
        async with self._lock:
            await self._change(settings)

    async def _change(self, settings: Sequence[BearerSettings]) -> None:
        kept = {b.name: b for b in self if b.settings in settings}
        for name in [bearer.name for bearer in self if bearer.name not in kept]:
            task = self._tasks.pop(name, None)
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        self._bearers = {one.name: kept.get(one.name) or self._make(one) for one in settings}
        for bearer in self:
            if bearer.name not in kept:
                self._start(bearer)

    def _make(self, settings: BearerSettings) -> Bearer:
        pace = Pace(settings.first_window, settings.largest_window)
        path = self._folder / f"{settings.name}.meter"
        meter = Meter(path, settings.budget, settings.budget_per)
        meter.open(self._clock())
        held = self._held.get(settings.name, False)
        return Bearer(settings, self._shared, Measure(pace, meter), held=held)

    def _start(self, bearer: Bearer) -> None:
        if self._group is not None:
            task = self._group.create_task(Keeper(bearer).run(), name=f"bearer {bearer.name}")
            self._tasks[bearer.name] = task
