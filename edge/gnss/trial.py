"""The receiver's part of `fieldlink edge check`: as the agent has it, else by trying it."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.codecs.telemetry import Schema
from fieldlink.edge.control import ask_agent
from fieldlink.edge.finding import Finding
from fieldlink.edge.gnss.adapter import Gnss
from fieldlink.edge.gnss.settings import GnssSettings
from fieldlink.edge.gnss.wording import advice
from fieldlink.edge.telemetry.ports import Done, Notice, Raised, Reading, Source

__all__ = ["check_gnss"]

_ASK_S = 5.0
_TRY_S = 15.0


class _Nobody:
    """An intake that keeps nothing."""

    def record(
        self,
        source: Source,
        schema: Schema,
        readings: Sequence[Reading],
        done: Done | None = None,
    ) -> None:
        """Nothing."""

    def notify(self, source: Source, notice: Notice, done: Done | None = None) -> None:
        """Nothing."""

    def alarms(self) -> Sequence[Raised]:
        """None."""
        return ()

    def keep(self, via: str, speaks: Callable[[str], bool]) -> None:
        """Nothing."""

    def refuse(self, device: str, reason: str) -> None:
        """Nothing."""


def check_gnss(
    settings: GnssSettings, control_path: Path, *, try_s: float = _TRY_S
) -> list[Finding]:
    """Whether the receiver has a fix; nothing without one in the settings."""
    if not settings.url:
        return []
    report = _asked(control_path) or asyncio.run(_tried(settings, try_s))
    good = report["state"] == "live"
    said = str(report["said"])
    if good:
        return [Finding("gnss", True, f"{said}.", "卫星定位正常。")]
    reason = str(report["reason"])
    far = reason.partition(":")[0] in ("refused", "timeout", "closed", "not-gpsd")
    remedy = "see gnss.url, and whether gpsd runs" if far else "see its cable and antenna"
    english = f"{reason or 'no fix'}; {remedy}."
    return [Finding("gnss", False, english, advice(reason))]


def _asked(control_path: Path) -> dict[str, Any] | None:
    try:
        answer = ask_agent(control_path, "status", timeout_s=_ASK_S)
    except ConfigError:
        return None
    found = ((answer or {}).get("status") or {}).get("attached", {}).get(Gnss.name)
    return found if isinstance(found, dict) and {"state", "said"} <= found.keys() else None


async def _tried(settings: GnssSettings, try_s: float) -> dict[str, Any]:
    """The report of a receiver that was tried until it had a fix, or for `try_s`."""
    gnss, until_s = Gnss(settings, _Nobody(), None), time.monotonic() + try_s
    while time.monotonic() < until_s and gnss.report()["state"] != "live":
        task = asyncio.create_task(gnss.run(lambda: None))
        while not task.done() and time.monotonic() < until_s:
            await asyncio.wait([task], timeout=0.1)
            if gnss.report()["state"] == "live":
                break
        report = gnss.report()
        task.cancel()
        with contextlib.suppress(SourceError, asyncio.CancelledError):
            await task
        if not report["reason"].startswith(("no-nmea", "silent")):
            break  # another speed will not help
    return gnss.report()
