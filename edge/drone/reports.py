"""How aircraft and their links are, once a second: from the running agent, or by listening."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.console.alone import Alone, running
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent

__all__ = ["alone_of", "alone_reports", "reports"]

_ASK_S = 5.0
_ENDED = "the agent has ended 程序已停止; see journalctl -u fieldlink-edge"
_SILENT: dict[str, Any] = {"running": False, "vehicles": [], "endpoints": [], "recording": None}
_NOTHING = (
    "no agent runs here, and there is no [[drone.endpoint]] to listen to; look without a kit with"
    " fieldlink drone connect udpin:0.0.0.0:14550"
)


async def reports(
    settings: EdgeSettings, every_s: float = 1.0, first_s: float = 0.0
) -> AsyncIterator[dict[str, Any]]:
    """The agent's word every `every_s`. Where none runs, the endpoints of the settings are opened
    here; the first word then comes after `first_s`, for aircraft speak once a second.

    Raises:
        ConfigError: no agent, and nothing to listen to; or this user may not ask.
    """
    told = await asyncio.to_thread(_ask, settings)
    if told is None:
        if not settings.drone.endpoint:
            raise ConfigError(_NOTHING)
        async for report in alone_reports(alone_of(settings), every_s, first_s):
            yield report
        return
    while True:
        yield told
        await asyncio.sleep(every_s)
        told = await asyncio.to_thread(_ask_again, settings)


def alone_of(settings: EdgeSettings) -> Alone:
    """A router of the kit's settings, without the kit."""
    return Alone(settings.drone, {one.sysid: one.name for one in settings.drone.vehicle})


async def alone_reports(
    alone: Alone, every_s: float = 1.0, first_s: float = 0.0
) -> AsyncIterator[dict[str, Any]]:
    """What `alone` hears, until files are over."""
    async with running(alone):
        await asyncio.sleep(first_s)
        while not alone.over:
            yield alone.report()
            await asyncio.sleep(every_s)
        yield alone.report()


def _ask_again(settings: EdgeSettings) -> dict[str, Any]:
    """What it says, or that it says nothing: an agent that is started again comes back."""
    try:
        told = _ask(settings)
    except ConfigError as error:
        return {**_SILENT, "reason": str(error)}
    return told or {**_SILENT, "reason": _ENDED}


def _ask(settings: EdgeSettings) -> dict[str, Any] | None:
    answer = ask_agent(settings.control_path, "drone", timeout_s=_ASK_S)
    if answer is None:
        return None
    if not answer.get("ok"):
        raise ConfigError(
            "the agent that runs here has no [[drone.endpoint]]; set one, then"
            " fieldlink edge reload; or look without it: fieldlink drone connect"
        )
    return {**answer["drone"], "running": True}
