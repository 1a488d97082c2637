"""What people ask to be done with an aircraft: one verb on the control socket, `drone-do`, for all
of it.

    {"do": "drone-do", "what": "param.download", "vehicle": "m300-1"}

A part of the kit that can do something gives its verbs (`Doer`) by name, made for a `Deck`: the
router, whoever asks over it, and the names of aircraft. `ask` has it done by the running agent; or
where none runs, by a router of the same settings, opened for as long as it takes.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from fieldlink.codecs.fault import ConfigError, FieldlinkError
from fieldlink.drone.commanding import Commander, CommandError
from fieldlink.drone.router import Router
from fieldlink.drone.vehicle import Fleet, Measured
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import Caller, ask_agent_long, caller
from fieldlink.edge.drone.media import Media
from fieldlink.edge.drone.settings import DroneSettings

__all__ = ["VERB", "Deck", "Doer", "Told", "ask", "do", "progress"]

T = TypeVar("T")
VERB = "drone-do"
Key: TypeAlias = tuple[int, int]
Doer: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Does it and says what came of it, in plain values. CommandError, ConfigError, SourceError and
LinkError are answers as well; ValueError and KeyError of what was asked are not, so check it."""
Told: TypeAlias = Callable[[dict[str, Any]], None]
"""Given what `progress` says while it is done."""

_ALONE_HEAR_S = 10.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Deck:
    """What verbs are made for. `fleet` is the state of who is heard, `names` gives those by their
    device names, `event` keeps a sentence as one of an aircraft's texts, for good. `tell` takes
    what else is said of aircraft, `media` records video, None where nothing is recorded; `alone`:
    no agent runs.
    """

    settings: DroneSettings
    state_dir: Path
    router: Router
    commander: Commander
    fleet: Fleet
    names: Callable[[], Mapping[str, Key]]
    event: Callable[[Key, str], None]
    tell: Callable[[list[Measured]], None] = lambda _: None
    media: Media | None = None
    alone: bool = False
    parts: dict[object, Any] = field(default_factory=dict, compare=False)

    def part(self, make: "Callable[[Deck], T]") -> T:
        """What `make` makes of this, the same each time: verbs and rows of one part share it."""
        if make not in self.parts:
            self.parts[make] = make(self)
        found: T = self.parts[make]
        return found

    def find(self, asked: Mapping[str, Any]) -> tuple[str, Key]:
        """The aircraft that is meant by `vehicle`: its device and who it is. Without a name it is
        the only one there is.

        Raises:
            CommandError: "not-heard", or which one of several is not said.
        """
        names, name = self.names(), str(asked.get("vehicle") or "")
        if not name and len(names) == 1:
            return next(iter(names.items()))
        if name in names:
            return name, names[name]
        heard = ", ".join(sorted(names)) or "none 无"
        if not name and names:
            raise CommandError("not-heard", f"say which with --vehicle 请指定: {heard}")
        raise CommandError(
            "not-heard", f"{name or 'no aircraft'} is not heard 未收到; there is 现有: {heard}"
        )


async def do(doers: Mapping[str, Doer], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `asked`; what went wrong on purpose is `ok: false` with `reason` and `said`."""
    what = asked.get("what")
    doer = doers.get(what) if isinstance(what, str) else None
    if doer is None:
        return {"ok": False, "reason": "unknown", "said": f"use one of {sorted(doers)}"}
    try:
        return {"ok": True, **await doer(asked)}
    except CommandError as error:
        result = error.answer.result if error.answer is not None else None
        return {"ok": False, "reason": error.reason, "said": error.detail, "result": result}
    except FieldlinkError as error:
        reason = getattr(error, "reason", "")
        return {"ok": False, "reason": reason or "refused", "said": str(error)}


def progress(**fields: Any) -> None:
    """Tell whoever asked how far it is; nobody listens to most of it."""
    who = caller.get()
    if who is not None:
        who.tell(fields)


async def ask(
    settings: EdgeSettings, what: str, *, told: Told | None = None, **fields: Any
) -> dict[str, Any]:
    """Have `what` done with `fields`, by the agent or alone; `told` is given what it says on the
    way. Ends the work when cancelled.

    Raises:
        ConfigError: nothing can be asked here.
        CommandError: it was not done.
    """
    tell = told or _nothing
    asked = {**fields, "what": what, "login": _login()}
    answer = await ask_agent_long(settings.control_path, VERB, asked, tell)
    if answer is None:
        answer = await _alone(settings, asked, tell)
    if not answer.pop("ok", False):
        said = str(answer.get("said", ""))
        if "no such command" in said:
            raise ConfigError(
                "the agent that runs here has no [[drone.endpoint]]; set one, then"
                " fieldlink edge reload; was it told to reload just now, ask again"
                " 没有配置链路；刚重新加载时请重试"
            )
        raise CommandError(str(answer.get("reason") or "failed"), said)
    return answer


async def _alone(
    settings: EdgeSettings, asked: Mapping[str, Any], tell: Told
) -> dict[str, Any]:  # fmt: skip
    from fieldlink.drone.console.alone import running
    from fieldlink.edge.drone.parts import make_doers
    from fieldlink.edge.drone.reports import alone_of

    if not settings.drone.endpoint:
        raise ConfigError(
            "no agent runs here, and there is no [[drone.endpoint]] to ask over 没有程序运行，"
            "也没有配置链路"
        )
    async with running(alone_of(settings)) as alone:

        def names() -> dict[str, Key]:
            return {
                one["name"]: (one["system"], one["component"]) for one in alone.report()["vehicles"]
            }

        commander = Commander(alone.router)
        deck = Deck(
            settings.drone,
            settings.state_dir,
            alone.router,
            commander,
            alone.fleet,
            names,
            _unkept,
            alone=True,
        )
        tell({"alone": True})
        await _heard(names, str(asked.get("vehicle") or ""))
        caller.set(Caller(os.getuid(), os.getpid(), tell))
        return await do(make_doers(deck), asked)


async def _heard(names: Callable[[], Mapping[str, Key]], wanted: str) -> None:
    """Aircraft speak once a second; one that is not named may be the second of two."""
    loop = asyncio.get_running_loop()
    began_s, first_s = loop.time(), 0.0
    while loop.time() - began_s < _ALONE_HEAR_S:
        found = names()
        if wanted in found:
            return
        if found and not wanted:
            first_s = first_s or loop.time()
            if loop.time() - first_s > 1.5:
                return
        await asyncio.sleep(_LOOK_S)


def _login() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("LOGNAME") or ""


def _nothing(_: dict[str, Any]) -> None:
    """Nobody wants to know."""


def _unkept(_: Key, __: str) -> None:
    """Without an agent there are no texts of an aircraft to add to."""
