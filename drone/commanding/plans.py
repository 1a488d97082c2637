"""What an aircraft has been told to fly, where it may fly, and where it may land: downloaded.

MISSION_REQUEST_LIST is answered by how many items there are; each is asked for by its number; at
the end the aircraft is told that all came. Source: MAVLink developer guide, Mission Protocol.
Old autopilots know no MISSION_REQUEST_INT (then MISSION_REQUEST), and keep fence and rally points
apart (`old_plans`).
"""

from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import Frame, id_of
from fieldlink.drone.commanding.commander import Commander, Heard, Key
from fieldlink.drone.commanding.errors import CommandError
from fieldlink.drone.commanding.items import Item, PlanKind, item_of
from fieldlink.drone.commanding.old_plans import download_old
from fieldlink.drone.commanding.parameters import Progress, refuse_thin
from fieldlink.drone.vehicle.reading import Fields, fields_of

__all__ = ["download_plan"]

_COUNT, _ACK = id_of("MISSION_COUNT"), id_of("MISSION_ACK")
_ITEM, _ITEM_INT = id_of("MISSION_ITEM"), id_of("MISSION_ITEM_INT")
_ANSWERS = frozenset((_COUNT, _ACK, _ITEM, _ITEM_INT))
_MAX_ITEMS = 10_000
_TRIES, _ITEM_TRIES, _NEW_TRIES = 3, 6, 3
_ACCEPTED, _CANCELLED = 0, 15
_REASONS = {2: "unsupported", 3: "unsupported", 14: "denied", 15: "cancelled"}


class _Old(Exception):  # noqa: N818  # not an error: another way to ask
    """The aircraft knows missions only."""


async def download_plan(
    commander: Commander, target: Key, kind: PlanKind, told: Progress = lambda *_: None
) -> list[Item]:
    """All items of a kind, none when there are none.

    Raises:
        CommandError: it did not answer, or has no such thing ("unsupported").
    """
    name = kind.name.lower()
    refuse_thin(commander, target, name)
    async with commander.turn((target, "plan")):
        try:
            return await _download(commander, target, kind, told)
        except _Old:
            reason = "unsupported"
        except CommandError as error:
            if kind is PlanKind.MISSION or error.reason not in ("unsupported", "no-answer"):
                raise
            reason = error.reason
        found = await download_old(commander, target, kind, told)
        if found is None:
            raise CommandError(
                reason, f"the aircraft has no {name} that can be downloaded, or does not answer"
            )
        return found


async def _download(
    commander: Commander, target: Key, kind: PlanKind, told: Progress
) -> list[Item]:
    def is_wanted(frame: Frame) -> bool:
        if frame.msgid not in _ANSWERS or not commander.is_from(frame, target):
            return False
        fields = fields_of(frame)
        return fields is not None and commander.is_for_us(fields)

    with commander.hear(is_wanted) as heard:
        exchange = _Exchange(commander, target, kind, heard)
        count = await exchange.count()
        told(0, count)
        items = []
        for seq in range(count):
            items.append(await exchange.item(seq))
            told(seq + 1, count)
        exchange.finish()
        return items


class _Exchange:
    """One download."""

    def __init__(self, commander: Commander, target: Key, kind: PlanKind, heard: Heard) -> None:
        self._commander, self._target, self._kind = commander, target, kind
        self._heard = heard
        self._old = False  # MISSION_REQUEST, since MISSION_REQUEST_INT is not understood

    async def count(self) -> int:
        """How many items there are."""

        def ask(_: int) -> Any:
            return dialect.MAVLink_mission_request_list_message(*self._target, self._kind)

        fields = await self._answer(ask, _TRIES, lambda msgid, _: msgid == _COUNT)
        if fields is None:
            raise CommandError("no-answer", f"{self._name} was asked for 3 times and did not come")
        if fields["mission_type"] != self._kind:
            # It cannot tell kinds apart, and offers its mission: which is not wanted.
            self._say_ack(_CANCELLED, 0)
            raise _Old
        count = int(fields["count"])
        if count > _MAX_ITEMS:
            raise CommandError("malformed", f"the aircraft says that its {self._name} has {count}")
        return count

    async def item(self, seq: int) -> Item:
        """One item."""

        def is_it(msgid: int, fields: Fields) -> bool:
            return msgid in (_ITEM, _ITEM_INT) and fields["seq"] == seq

        fields = None
        if not self._old:
            fields, self._old = await self._new(seq, is_it)
        if self._old:
            fields = await self._answer(self._asking(seq, new=False), _ITEM_TRIES, is_it)
        if fields is None:
            raise CommandError(
                "no-answer", f"{seq} items of {self._name} came, then no more; try again"
            )
        return item_of(fields, whole=fields["whole"])

    async def _new(
        self, seq: int, is_it: Callable[[int, Fields], bool]
    ) -> tuple[Fields | None, bool]:  # fmt: skip
        """One item by MISSION_REQUEST_INT; and whether that is not understood."""
        tries = _NEW_TRIES if not seq else _ITEM_TRIES
        try:
            fields = await self._answer(self._asking(seq, new=True), tries, is_it)
        except CommandError as error:
            if seq or error.reason != "unsupported":
                raise
            fields = None
        return fields, fields is None and not seq

    def finish(self) -> None:
        """All came."""
        self._say_ack(_ACCEPTED, self._kind)

    def _say_ack(self, result: int, kind: int) -> None:
        ack = dialect.MAVLink_mission_ack_message(*self._target, result, kind)
        self._commander.say(self._target, lambda _: ack)

    def _asking(self, seq: int, *, new: bool) -> Callable[[int], Any]:
        make = (
            dialect.MAVLink_mission_request_int_message
            if new
            else dialect.MAVLink_mission_request_message
        )
        return lambda _: make(*self._target, seq, self._kind)

    async def _answer(
        self, ask: Callable[[int], Any], tries: int, is_it: Callable[[int, Fields], bool]
    ) -> Fields | None:
        """What is asked for; None when it does not come."""
        for attempt in range(tries):
            wait_s = self._commander.say(self._target, ask, attempt)
            while (frame := await self._heard.next(wait_s)) is not None:
                fields = fields_of(frame) or {}
                if is_it(frame.msgid, fields):
                    return {**fields, "whole": frame.msgid == _ITEM_INT}
                if frame.msgid == _ACK and fields["mission_type"] == self._kind:
                    self._refused(fields["type"])
        return None

    def _refused(self, result: int) -> None:
        if result == _ACCEPTED:
            return
        entry = dialect.enums["MAV_MISSION_RESULT"].get(result)
        named = str(entry.name).removeprefix("MAV_MISSION_") if entry is not None else str(result)
        raise CommandError(
            _REASONS.get(result, "failed"), f"{self._name}: the aircraft answered {named}"
        )

    @property
    def _name(self) -> str:
        return self._kind.name.lower()
