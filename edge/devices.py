"""The recorders of a kit: one per device, started, stopped and changed while the agent runs."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from fieldlink.edge.capture.before import Recorded
from fieldlink.edge.capture.ports import Clock, GapSink, PoseAt, Sink, nowhere
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.shot import Shot
from fieldlink.edge.capture.thinner import UNTHINNED, Thinner
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.url import place_of
from fieldlink.edge.telemetry.places import Mount
from fieldlink.systemd.service import Beat

__all__ = ["Devices", "Recall"]

Recall: TypeAlias = Callable[[Sequence[str], str], Mapping[str, Recorded]]
"""Until when devices are on record, by name; the second argument says why nothing came after."""

_STALE_S = 30.0
_NOT_VISITING = "agent: it was not there, or sent no video"


class _Running:
    """A recorder, its task, and when it last beat."""

    def __init__(self, device: DeviceSettings, recorder: Recorder) -> None:
        self.device = device
        self.recorder = recorder
        self.beat_s = time.monotonic()
        self.task: asyncio.Task[None] | None = None

    def beat(self) -> None:
        self.beat_s = time.monotonic()


class Devices:
    """Keeps one recorder per device of the configuration running."""

    def __init__(
        self,
        devices: Sequence[DeviceSettings],
        capture: CaptureSettings,
        *,
        sink: Sink,
        gap: GapSink,
        clock: Clock,
        recall: Recall,
        pose_at: PoseAt = nowhere,
        make: Callable[..., Recorder] = Recorder,
    ) -> None:
        self._configured = list(devices)
        self._visiting: dict[str, DeviceSettings] = {}
        self._drained = self._over = False
        self._wanted = {device.name: device for device in devices}
        self._capture = capture
        self._make = partial(make, sink=sink, gap=gap, clock=clock, pose_at=pose_at)
        self._recall = recall
        self._away = "agent: not running"
        self._thinner = UNTHINNED
        self._adjusted: dict[str, CaptureSettings] = {}
        self._running: dict[str, _Running] = {}
        self._lock = asyncio.Lock()

    @property
    def kinds(self) -> dict[str, str]:
        """What each device is, by name."""
        return {device.name: device.kind.value for device in self._wanted.values()}

    def mount(self, name: str) -> Mount:
        """Who carries that device, and what lens it has; safe to ask on any thread."""
        device = self._wanted.get(name)
        return Mount() if device is None else Mount(device.carrier, device.hfov)

    @property
    def configured(self) -> Sequence[str]:
        """The names of those of the configuration."""
        return [device.name for device in self._configured]

    @property
    def capture(self) -> CaptureSettings:
        """The settings for all devices, as configured."""
        return self._capture

    def thin(self, thinner: Thinner) -> None:
        """Let the live proxies and stills be no thicker than `thinner` allows from now on."""
        self._thinner = thinner
        for running in self._running.values():
            running.recorder.thin(thinner)

    def report(self) -> dict[str, dict[str, Any]]:
        """How each device is, by name."""
        return {
            name: {
                "kind": running.device.kind.value,
                **({"carrier": running.device.carrier} if running.device.carrier else {}),
                **running.recorder.report(),
            }
            for name, running in self._running.items()
        }

    async def run(self, beat: Beat) -> None:
        """Record until cancelled; then hand over what is under way. A service's row.

        Raises:
            Exception: whatever a recorder raised.
        """
        try:
            await self.change(self._configured, self._capture)
            while True:
                self._look(beat)
                await asyncio.sleep(0.5)
        finally:
            self._over = True  # who goes now must not have the others begun again
            await asyncio.shield(self._stop(list(self._running)))

    async def change(self, devices: Sequence[DeviceSettings], capture: CaptureSettings) -> None:
        """Record these devices with these settings from now on; those that stay go on, and so do
        those that are visiting.
        """
        async with self._lock:
            self._configured, self._capture = list(devices), capture
            await self._arrange()

    async def attach(self, device: DeviceSettings) -> bool:
        """Record a device that has just come, until `detach`. False: one of the configuration has
        its name or its URL, or recording has stopped.
        """
        async with self._lock:
            if self._is_configured(device) or self._drained:
                return False
            self._visiting[device.name] = device
            await self._arrange()
            return True

    async def detach(self, name: str) -> None:
        """A device that was attached is gone; nothing if it is not there."""
        async with self._lock:
            if self._visiting.pop(name, None) is not None:
                await self._arrange()

    def _is_configured(self, device: DeviceSettings) -> bool:
        place = place_of(device.url)
        return any(
            device.name == one.name or place == place_of(one.url) for one in self._configured
        )

    def adjust(self, name: str, capture: CaptureSettings | None) -> CaptureSettings | None:
        """Record a device as `capture` says where it says something, until the agent ends; None:
        as configured. What it is recorded with then, None: it is not recorded.
        """
        running = self._running.get(name)
        if running is None:
            return None
        self._adjusted.pop(name, None)
        if capture is not None:
            self._adjusted[name] = capture
        return running.recorder.adjust(capture)

    async def shot(self, name: str, patience_s: float) -> Shot | None:
        """The next good picture of a device in full size; None: it is not recorded, or none came
        in time.
        """
        running = self._running.get(name)
        if running is None:
            return None
        coming = running.recorder.shot()
        if coming.cancelled():  # too many wait for one
            return None
        try:
            async with asyncio.timeout(patience_s):
                return await asyncio.wrap_future(coming)
        except TimeoutError:
            return None

    async def drain(self) -> None:
        """Record nothing more, whoever comes."""
        self._drained = True
        async with self._lock:
            self._configured = []
            self._visiting.clear()
            await self._arrange()

    async def _arrange(self) -> None:
        """Have those recorded that are configured or visiting. Under the lock."""
        # A device of the configuration that is new has its name before a visitor.
        guests = {k: one for k, one in self._visiting.items() if not self._is_configured(one)}
        self._wanted = guests | {device.name: device for device in self._configured}
        if self._over:
            return
        gone = [
            name
            for name, running in self._running.items()
            if running.device != self._wanted.get(name)
        ]
        await self._stop(gone)
        new = [name for name in self._wanted if name not in self._running]
        before = await asyncio.to_thread(self._recalled, new) if new else {}
        self._away = "agent: this device was not configured, or its settings changed"
        for device in self._wanted.values():
            self._start_or_change(device, before.get(device.name))

    def _recalled(self, new: Sequence[str]) -> dict[str, Recorded]:
        """Until when these are on record; on a thread."""
        visiting = [name for name in new if name in self._visiting]
        configured = [name for name in new if name not in self._visiting]
        found = dict(self._recall(configured, self._away)) if configured else {}
        return found | dict(self._recall(visiting, _NOT_VISITING) if visiting else {})

    def _start_or_change(self, device: DeviceSettings, before: Recorded | None) -> None:
        running = self._running.get(device.name)
        if running is not None:
            running.recorder.reconfigure(self._capture)
            return
        running = _Running(device, self._make(device, self._capture, before=before))
        running.recorder.thin(self._thinner)
        if device.name in self._adjusted:
            running.recorder.adjust(self._adjusted[device.name])
        task = asyncio.create_task(
            running.recorder.run(running.beat), name=f"recorder {device.name}"
        )
        running.task = task
        self._running[device.name] = running

    def _look(self, beat: Beat) -> None:
        now_s = time.monotonic()
        fresh = True
        for running in self._running.values():
            if running.task is not None and running.task.done():
                running.task.result()  # a recorder ends by itself only with an error
            fresh = fresh and now_s - running.beat_s < _STALE_S
        if fresh:
            beat()

    async def _stop(self, names: Sequence[str]) -> None:
        tasks = [task for name in names if (task := self._running[name].task) is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for name in names:
            running = self._running.pop(name, None)
            task = running.task if running is not None else None
            if task is not None and not task.cancelled() and (error := task.exception()):
                raise error
