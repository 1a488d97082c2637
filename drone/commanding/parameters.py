"""All parameters of an aircraft: asked for at once, and what was lost one by one.

PARAM_REQUEST_LIST makes the aircraft send all, without answers to answers; what did not come when
it has fallen silent is asked for by its number (PARAM_REQUEST_READ). Source: MAVLink developer
guide, Parameter Protocol.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import HEARTBEAT, HIGH_LATENCY2, Frame, id_of
from fieldlink.drone.commanding.commander import Commander, Heard, Key
from fieldlink.drone.commanding.errors import CommandError
from fieldlink.drone.commanding.values import Parameter, decode_value, encoded_bytewise
from fieldlink.drone.vehicle.reading import fields_of

__all__ = ["Progress", "download_parameters", "refuse_thin"]

Progress = Callable[[int, int], None]
"""Told how many there are, and of how many (0: not known yet)."""

_VALUE, _VERSION = id_of("PARAM_VALUE"), id_of("AUTOPILOT_VERSION")
_MAX_COUNT = 16_384
_TRIES, _WINDOW = 8, 8
_MAX_RESTARTS = 3
_NAME = re.compile(r"[!-~]{1,16}")
_NOT_IN_A_NAME = frozenset("#,\"'")


@dataclass
class _Found:
    """What has come so far: name, the four bytes and type, by number."""

    count: int = 0
    values: dict[int, tuple[str, bytes, int]] = field(default_factory=dict)
    autopilot: int | None = None
    restarts: int = 0

    @property
    def missing(self) -> list[int]:
        return [index for index in range(self.count) if index not in self.values]

    @property
    def whole(self) -> bool:
        return bool(self.count) and len(self.values) == self.count


async def download_parameters(
    commander: Commander,
    target: Key,
    told: Progress = lambda *_: None,
    autopilot: int | None = None,
) -> list[Parameter]:
    """Every parameter, in the aircraft's own order. `autopilot` is its MAV_AUTOPILOT if known.

    Raises:
        CommandError: it did not answer, or not with a list that can be.
    """
    refuse_thin(commander, target, "parameters")
    async with commander.turn((target, "parameters")):
        capabilities = await _capabilities(commander, target)
        found = _Found(autopilot=autopilot)

        def is_wanted(frame: Frame) -> bool:
            said = frame.msgid in (_VALUE, HEARTBEAT, HIGH_LATENCY2)
            return said and commander.is_from(frame, target)

        with commander.hear(is_wanted, _MAX_COUNT) as heard:
            await _list(commander, target, heard, found, told)
            await _gaps(commander, target, heard, found, told)
    values = [(raw, type_) for _, raw, type_ in found.values.values()]
    return _decoded(found, encoded_bytewise(capabilities, found.autopilot, values))


def refuse_thin(commander: Commander, target: Key, what: str) -> None:
    """There are no downloads over a link of a few bytes a second.

    Raises:
        CommandError: "refused"; or "not-heard".
    """
    if commander.profile(target) == "beidou":
        raise CommandError(
            "refused",
            f"{what} cannot be downloaded over beidou, which carries 11 B/s; wait for another link"
            " 北斗链路不支持下载",
        )


async def _capabilities(commander: Commander, target: Key) -> int | None:
    try:
        frame = await commander.request_message(target, _VERSION, tries=2)
    except CommandError as error:
        if error.reason in ("not-heard", "ended"):
            raise
        return None  # an old one does not know the question
    fields = fields_of(frame)
    return None if fields is None else int(fields["capabilities"])


async def _list(
    commander: Commander, target: Key, heard: Heard, found: _Found, told: Progress
) -> None:
    """Ask for all, and take what comes until it is silent."""
    told(0, 0)
    for attempt in range(3):
        wait_s = commander.say(target, lambda _: _request_list(target), attempt)
        while await _take(heard, wait_s, found):
            told(len(found.values), found.count)
            if found.whole:
                return
        if found.values:
            return
    raise CommandError("no-answer", "the aircraft was asked for its parameters and sent none")


async def _gaps(
    commander: Commander, target: Key, heard: Heard, found: _Found, told: Progress
) -> None:
    """Ask for what was lost by its number, a few at a time, until nothing comes any more."""
    silent = 0
    while missing := found.missing:
        before, wait_s = len(found.values), 0.0
        for index in missing[:_WINDOW]:
            wait_s = commander.say(target, lambda _, at=index: _request_read(target, at), silent)  # type: ignore[misc]
        while any(index not in found.values for index in missing[:_WINDOW]):
            if not await _take(heard, wait_s, found):
                break
            told(len(found.values), found.count)
        silent = silent + 1 if len(found.values) <= before else 0
        if silent >= _TRIES:
            raise CommandError(
                "no-answer",
                f"{len(found.values)} of {found.count} parameters came, then no more; try again",
            )


async def _take(heard: Heard, wait_s: float, found: _Found) -> bool:
    """Take the next value; False when none came in time."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + wait_s  # signs of life do not prolong it
    while (frame := await heard.next(max(until_s - loop.time(), 0))) is not None:
        fields = fields_of(frame) or {}
        if frame.msgid != _VALUE:
            found.autopilot = fields.get("autopilot")
            continue
        index, count = fields["param_index"], fields["param_count"]
        if index >= count:  # said for another reason, without a number
            continue
        # Not by way of a float, which may change the bytes of one that is no number.
        _note(found, index, count, fields, frame.payload.ljust(4, b"\0")[:4])
        return True
    return False


def _note(found: _Found, index: int, count: int, fields: dict[str, Any], raw: bytes) -> None:
    if count > _MAX_COUNT:
        raise CommandError("malformed", f"the aircraft says that it has {count} parameters")
    if found.count != count:
        # One was turned on meanwhile: every number means another now.
        found.restarts += bool(found.count)
        if found.restarts > _MAX_RESTARTS:
            raise CommandError("malformed", "the number of parameters changes all the time")
        found.count = count
        found.values.clear()
    name = bytes(fields["param_id"]).split(b"\0")[0].decode("ascii", "replace")
    if not _NAME.fullmatch(name) or _NOT_IN_A_NAME & set(name):
        raise CommandError("malformed", f"parameter {index} has the name {name!r}")
    found.values[index] = name, raw, fields["param_type"]


def _decoded(found: _Found, bytewise: bool) -> list[Parameter]:
    decoded = []
    for index, (name, raw, type_) in sorted(found.values.items()):
        try:
            value = decode_value(raw, type_, bytewise)
        except ValueError as error:
            raise CommandError("malformed", f"parameter {name}: {error}") from error
        decoded.append(Parameter(name, value, type_, index))
    return decoded


def _request_list(target: Key) -> Any:
    return dialect.MAVLink_param_request_list_message(*target)


def _request_read(target: Key, index: int) -> Any:
    return dialect.MAVLink_param_request_read_message(*target, b"", index)
