"""What people ask of a running agent: each command is one method that answers with plain values."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError, SpoolError
from fieldlink.edge.attendant import Attendant
from fieldlink.edge.bearer.service import Fleet
from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.config import EdgeSettings, load_edge_settings
from fieldlink.edge.control import Command
from fieldlink.edge.devices import Devices
from fieldlink.edge.importing.service import Importing
from fieldlink.edge.klv.crossing import VIA as KLV
from fieldlink.edge.marks import Marks, asked_mark, mark_bundle
from fieldlink.edge.planning import Planning
from fieldlink.edge.report import full_status
from fieldlink.edge.spool import Spool
from fieldlink.edge.telemetry.service import Telemetry

__all__ = ["Desk"]

# An adapter answers these, if the configuration has it.
_ASKED_OF_ADAPTERS = (
    *("device-add", "device-remove", "device-list"),
    *("whip", "whip-add", "whip-remove", "whip-list"),
    *("jt808-list", "jt808-text", "dji", "drone", "drone-do"),
)
_DRAINING = (
    "recording has stopped; what was recorded is being sent, devices are still heard"
    " 已停止记录，终端仍在接收"
)
_log = logging.getLogger(__name__)


class Desk:
    """Answers the control socket's commands."""

    def __init__(
        self,
        settings: EdgeSettings,
        config: Path | None,
        *,
        kit: str,
        spool: Spool,
        devices: Devices,
        fleet: Fleet,
        attendant: Attendant,
        telemetry: Telemetry,
        planning: Planning,
        marks: Marks,
        on_marks: Callable[[], None],
        clock: KitClock,
        importing: Importing,
    ) -> None:
        self._settings, self._config, self._kit = settings, config, kit
        self._spool, self._devices, self._fleet = spool, devices, fleet
        self._planning, self._marks, self._on_marks = planning, marks, on_marks
        self._attendant, self._telemetry = attendant, telemetry
        self._clock, self._importing = clock, importing
        self._started_us = clock.now_us()
        self._draining = False

    @property
    def commands(self) -> Mapping[str, Command]:
        """Every command by its name."""
        return {
            "status": self.status,
            "plan": self.plan,
            "reload": self.reload,
            "drain": self.drain,
            "hold": self.hold,
            "mark": self.mark,
            **self._importing.commands,
            **{name: partial(self._attendant.ask, name) for name in _ASKED_OF_ADAPTERS},
        }

    async def status(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """How the kit is."""
        totals = await asyncio.to_thread(self._spool.totals)
        status = full_status(
            kit=self._kit,
            devices=self._devices.report(),
            totals=totals,
            findings=self._findings,
            bearers=self._fleet.report(),
            odd=self._fleet.odd(),
            plan=self._planning.report(),
            attached=self._attendant.report(),
            telemetry=self._telemetry.report(),
            clock=self._clock.report(),
        )
        return {
            "ok": True,
            "status": {**status, "started_us": self._started_us, "draining": self._draining},
        }

    @property
    def _findings(self) -> list[str]:
        marks, telemetry = self._marks.findings, self._telemetry.findings
        return [*self._spool.findings, *marks, *telemetry]

    async def plan(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """What is still to go, and whether it is in time."""
        return {"ok": True, "plan": self._planning.report()}

    async def reload(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """Read the configuration again."""
        try:
            settings = await asyncio.to_thread(load_edge_settings, self._config)
        except ConfigError as error:
            said = f"nothing was changed: {error}"
            _log.error("%s", said)
            return {"ok": False, "said": said}
        if not self._draining:
            await self._devices.change(settings.device, settings.capture)
        await self._fleet.change(settings.bearer)
        await self._attendant.change(settings)
        self._telemetry.intake.keep(KLV, self._devices.kinds.__contains__)
        fixed = [
            name
            for name in ("kit", "state_dir", "spool", "telemetry", "clock")
            if getattr(settings, name) != getattr(self._settings, name)
        ]
        where = self._config or "the defaults"
        said = f"devices, what else is attached, capture and bearers are as in {where}"
        if fixed:
            said += f"; a restart is needed for: {', '.join(fixed)}"
        _log.info("%s", said)
        return {"ok": True, "said": said}

    async def drain(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        """Stop recording; what was recorded goes on being sent."""
        self._draining = True
        await self._devices.drain()
        return {"ok": True, "said": _DRAINING}

    async def hold(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Stop using a bearer, or use it again."""
        name, on = asked.get("bearer"), bool(asked.get("on"))
        if not isinstance(name, str) or not self._fleet.hold(name, on):
            known = ", ".join(str(one["name"]) for one in self._fleet.report())
            return {"ok": False, "said": f"there is no such bearer; this kit has {known}"}
        said = f"{name} is held: nothing goes by it until it is released"
        return {"ok": True, "said": said if on else f"{name} is used again"}

    async def mark(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Bookmark a span: it goes sooner and is kept longest."""
        try:
            want, note = asked_mark(asked, self._devices.kinds)
            await asyncio.to_thread(self._marks.add, want)
            self._on_marks()
            for device in [want.device] if want.device else sorted(self._devices.kinds):
                made = mark_bundle(device, want, note, self._clock.now_us())
                await asyncio.to_thread(self._spool.add, *made)
        except (ConfigError, OSError, SpoolError) as error:
            return {"ok": False, "said": str(error)}
        said = "bookmarked: it goes sooner, and is kept longest when the disk is short"
        return {"ok": True, "said": said}
