"""How the command imports a file: into the running agent's spool, or where none runs, the kit's."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.clock.dated import dated
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent_long
from fieldlink.edge.drone.roster import Roster
from fieldlink.edge.importing.held import HeldFile, hold
from fieldlink.edge.importing.importer import import_file, whole_add
from fieldlink.edge.importing.ledger import find_import, note_import
from fieldlink.edge.importing.order import KINDS, Order, Place, read_order
from fieldlink.edge.importing.passing import Shelf
from fieldlink.edge.importing.service import VERB
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.edge.starting import kit_name, make_state_dir

__all__ = ["import_path", "subtitles_beside"]

Told = Callable[[dict[str, Any]], None]
Work = Callable[[Place], dict[str, Any]]

_TELL_S = 0.3
_STOPPED = "stopped; what is stored stays, and is stored once when it is imported again"
_PASSES = {"log": 3, "video": 4, "subtitles": 2, "photo": 2}
"""How often the bytes of a file are read, about."""


def subtitles_beside(path: Path) -> Path | None:
    """The .SRT file that DJI's aircraft write beside a video, by its name."""
    if KINDS.get(path.suffix.lower()) != "video":
        return None
    for ending in (".SRT", ".srt", ".Srt"):
        if (found := path.with_suffix(ending)).is_file():
            return found
    return None


def import_path(settings: EdgeSettings, path: Path, told: Told, **fields: Any) -> dict[str, Any]:
    """Import `path` and what is beside it; what came of it. `told` hears how far it is.

    Raises:
        ConfigError, SourceError: it was not imported.
        FieldlinkError: the spool cannot take it.
    """
    order = read_order({**fields, "name": path.name})
    beside_path = subtitles_beside(path)
    file, beside = hold(path), None
    stop = threading.Event()
    file.told = _Progress(order, file.size, told, stop)
    try:
        beside = hold(beside_path) if beside_path is not None else None

        def work(place: Place) -> dict[str, Any]:
            return import_file(file, beside, order, place).to_dict()

        result = asyncio.run(_beside_agent(settings, work, stop))
        return _alone(settings, work, told) if result is None else result
    finally:
        _close(file, beside)


def _close(*files: HeldFile | None) -> None:
    for one in files:
        if one is not None:
            one.close()


class _Progress:
    """Tells now and then how much of a file was read; ends the work when `stop` is set."""

    def __init__(self, order: Order, size: int, told: Told, stop: threading.Event) -> None:
        self._stop = stop
        self._name, self._of, self._told = order.name, size * _PASSES[order.kind], told
        self._done, self._told_s = 0, 0.0

    def __call__(self, count: int) -> None:
        if self._stop.is_set():
            raise ConfigError(_STOPPED)
        self._done += count
        now_s = time.monotonic()
        if now_s - self._told_s >= _TELL_S:
            self._told_s = now_s
            done = min(self._done, self._of)
            self._told({"name": self._name, "done": done, "of": self._of})


async def _beside_agent(
    settings: EdgeSettings, work: Work, stop: threading.Event
) -> dict[str, Any] | None:
    """Do `work` with the running agent's spool; None: no agent runs. Cancelled, as by Ctrl-C, it
    sets `stop`, and nothing more is stored.
    """
    loop = asyncio.get_running_loop()
    lent: asyncio.Future[str] = loop.create_future()

    def heard(said: dict[str, Any]) -> None:
        if "give" in said and not lent.done():
            lent.set_result(str(said["give"]))

    asking = asyncio.ensure_future(ask_agent_long(settings.control_path, VERB, {}, heard))
    try:
        both: list[asyncio.Future[Any]] = [asking, lent]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not lent.done():
            answer = asking.result()
            if answer is None:
                return None
            raise ConfigError(str(answer.get("said") or "the agent takes no import"))
        result = await asyncio.to_thread(_with_shelf, settings, lent.result(), work, stop)
        await asking
        return result
    except asyncio.CancelledError:
        stop.set()
        raise
    finally:
        asking.cancel()


def _with_shelf(
    settings: EdgeSettings, path: str, work: Work, stop: threading.Event
) -> dict[str, Any]:
    shelf = Shelf(path)

    def add(draft: Draft, content: bytes) -> Any:
        if stop.is_set():
            raise ConfigError(_STOPPED)
        return shelf.add(draft, content)

    try:
        return work(
            Place(
                add=whole_add(add),
                add_gap=shelf.add_gap,
                clock=_now_us,  # the agent dates what it stores by its own
                name_of=Roster(settings.drone).name,
                find=shelf.find,
                note=shelf.note,
            )
        )
    finally:
        shelf.close()


def _alone(settings: EdgeSettings, work: Work, told: Told) -> dict[str, Any]:
    """Into the spool of a kit whose agent does not run.

    Raises:
        ConfigError: this user must not.
        FieldlinkError: the spool cannot be opened, or cannot take it.
    """
    told({"alone": True})
    _own(settings.state_dir)
    kit = kit_name(settings)
    make_state_dir(settings.state_dir)
    policy = RetentionPolicy.from_settings(settings.spool)
    clock = KitClock(settings.clock.drift_ppm)
    spool = Spool.open(settings.spool_dir, kit=kit, policy=policy, clock=clock.now_us)
    try:
        return work(
            Place(
                add=whole_add(dated(spool.add, clock.error_us)),
                add_gap=spool.add_gap,
                clock=clock.now_us,
                name_of=Roster(settings.drone).name,
                find=partial(find_import, settings.state_dir),
                note=partial(note_import, settings.state_dir),
            )
        )
    finally:
        spool.close()


def _own(folder: Path) -> None:
    """What is written into the spool must be the agent's own, or it could not read it later."""
    try:
        owner = folder.stat().st_uid
    except FileNotFoundError:
        return
    if owner != os.geteuid():
        raise ConfigError(
            f"{folder} is another user's, and no agent runs; start the agent, or run this as that"
            f" user: sudo -u '#{owner}' fieldlink drone import ..."
        )


def _now_us() -> int:
    return time.time_ns() // 1000
