"""How the command has a file imported: by the agent, or where none runs, into the spool itself."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.clock.dated import dated
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent_long
from fieldlink.edge.drone.roster import Roster
from fieldlink.edge.importing.handover import give_files
from fieldlink.edge.importing.held import HeldFile, hold
from fieldlink.edge.importing.importer import import_file, whole_add
from fieldlink.edge.importing.order import KINDS, Place, read_order
from fieldlink.edge.importing.service import VERB, Watch
from fieldlink.edge.records import Records
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.edge.starting import kit_name, make_state_dir

__all__ = ["import_path", "place_of", "subtitles_beside"]

Told = Callable[[dict[str, Any]], None]


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
    beside_path = subtitles_beside(path)
    fields |= {"name": path.name, "beside": beside_path.name if beside_path is not None else ""}
    read_order(fields)  # what is wrong with it is said before anybody is asked
    file = hold(path)
    beside = None
    try:
        beside = hold(beside_path) if beside_path is not None else None
        answer = asyncio.run(_ask(settings, [file, beside], fields, told))
        if answer is not None:
            return answer
        return _alone(settings, file, beside, fields, told)
    finally:
        file.close()
        if beside is not None:
            beside.close()


async def _ask(
    settings: EdgeSettings, files: list[HeldFile | None], fields: dict[str, Any], told: Told
) -> dict[str, Any] | None:
    """The agent's answer; None: none runs."""
    handles = [one.handle for one in files if one is not None]

    def heard(said: dict[str, Any]) -> None:
        if "give" in said:
            give_files(str(said["give"]), handles)
        else:
            told(said)

    answer = await ask_agent_long(settings.control_path, VERB, fields, heard)
    if answer is None:
        return None
    if not answer.pop("ok", False):
        said = str(answer.get("said", ""))
        if answer.get("reason", "refused") == "refused":
            raise ConfigError(said)
        raise SourceError(str(answer["reason"]), said.removeprefix(f"{answer['reason']}: "))
    return answer


def _alone(
    settings: EdgeSettings,
    file: HeldFile,
    beside: HeldFile | None,
    fields: dict[str, Any],
    told: Told,
) -> dict[str, Any]:
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
        records = Records(dated(spool.add, clock.error_us), spool.add_gap, spool.read)
        order = read_order(fields)
        watch = Watch(order, file.size, told)
        file.told = watch
        place = place_of(settings, records, clock.now_us)
        return import_file(file, beside, order, watch.guarded(place)).to_dict()
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


def place_of(settings: EdgeSettings, records: Records, clock: Callable[[], int]) -> Place:
    """Where imports of a kit go."""
    roster = Roster(settings.drone)
    return Place(settings.state_dir, records, whole_add(records), clock, roster.name)
