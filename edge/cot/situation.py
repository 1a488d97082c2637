"""What is known of others and told of the kit's own, whatever way events come and go.

Everybody in reach can say anything by Cursor on Target: it has no passwords on the mesh. So what
comes is bounded in rate and number, and is marked as come by it; nothing of it is passed on to
others. Everything here is on the event loop's thread.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.cot import Event, decode_message, encode_event
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import BATTERY, POSITION, TEXT, AlarmKind, Schema
from fieldlink.edge.cot.names import (
    OWN_PREFIX,
    device_of,
    is_presence,
    kind_of,
    own_uid,
    subject_of,
    type_of,
)
from fieldlink.edge.cot.placed import Placed, Positions
from fieldlink.edge.cot.settings import CotSettings
from fieldlink.edge.telemetry.ports import Intake, KitTime, Notice, Reading, Source

__all__ = ["MAX_OTHERS", "Situation"]

MAX_OTHERS = 500
_MAX_OWN = 500
_MAX_CHATS = 300
_MOST_A_SECOND = 400
_MOST_OF_ONE = 5  # messages of one user in a row, and one more each second
_GONE_S = 3600.0
_REPEAT_US = 60_000_000
_GEOFENCE = "b-a-g"


@dataclass(slots=True)
class _Other:
    """A TAK user. `room` is how many messages may still come at once, by what they are: nobody's
    alert waits because of a chat.
    """

    uid: str
    source: Source
    callsign: str = ""
    time_us: int = -1
    battery: float | None = None
    room: dict[str, float] = field(default_factory=dict)
    heard_s: float = 0.0


class Situation:
    """Takes messages in, gives the kit's own out."""

    def __init__(
        self,
        settings: CotSettings,
        intake: Intake,
        time_: KitTime,
        kit: str,
        positions: Positions,
        *,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._intake, self._time, self._kit = intake, time_, kit
        self._positions, self._steady = positions, steady
        self._others: OrderedDict[str, _Other] = OrderedDict()
        self._chats: OrderedDict[str, None] = OrderedDict()
        self._second, self._this_second = -1, 0
        self.counts: Counter[str] = Counter()
        self.shown = 0
        """How many of the kit's devices were in the last batch."""

    def report(self) -> dict[str, Any]:
        """Whom it knows, and what became of what came."""
        newest_s = max((other.heard_s for other in self._others.values()), default=None)
        return {
            "others": len(self._others),
            "shown": self.shown,
            "heard_s": None if newest_s is None else round(self._steady() - newest_s, 1),
            "counts": dict(self.counts),
        }

    # --- in ------------------------------------------------------------------------------------

    def take(self, data: bytes, origin: str) -> None:
        """A message from `origin`, an address; whatever is wrong with it is counted."""
        now_s = self._steady()
        if int(now_s) != self._second:
            self._second, self._this_second = int(now_s), 0
        self._this_second += 1
        if self._this_second > _MOST_A_SECOND:
            self.counts["flood"] += 1
            return
        try:
            event = decode_message(data)
        except CodecError as error:
            self.refuse(origin, str(error))
            return
        if event is not None:
            self._sort(event, now_s)

    def refuse(self, origin: str, reason: str) -> None:
        """Count what is no event."""
        self.counts["malformed"] += 1
        self._intake.refuse(f"cot {origin}"[:64], f"cot-{reason}")

    def _sort(self, event: Event, now_s: float) -> None:
        uid = subject_of(event)
        if uid.startswith(OWN_PREFIX) or event.uid.startswith(OWN_PREFIX):
            self.counts["own"] += 1
        elif not self.settings.receive:
            self.counts["ignored"] += 1
        elif event.emergency is not None:
            self._alert(event, uid, now_s)
        elif event.chat is not None:
            self._chat(event, uid, now_s)
        elif is_presence(event):
            self._presence(event, now_s)
        else:
            self.counts["ignored"] += 1

    def _presence(self, event: Event, now_s: float) -> None:
        other = self._meet(event.uid, kind_of(event.type), now_s)
        if other is None:
            return
        behind_us = other.time_us - event.time_us
        if 0 <= behind_us < _REPEAT_US:  # the same by the mesh and by a server
            self.counts["repeated"] += 1
            return
        if not self._admit(other, now_s, "presence"):
            return
        other.time_us = event.time_us
        self.counts["taken"] += 1
        values = {
            "lat": event.lat,
            "lon": event.lon,
            "heading": event.course,
            "speed": event.speed,
            "accuracy": event.ce,
        }
        self._record(other, POSITION, values, event.time_us)
        if event.battery is not None and event.battery != other.battery:
            other.battery = event.battery
            self._record(other, BATTERY, {"level": event.battery}, event.time_us)
        if event.callsign and event.callsign != other.callsign:
            other.callsign = event.callsign
            said = {"text": f"callsign 呼号 {event.callsign}", "from": event.uid[:64]}
            self._record(other, TEXT, said, event.time_us)

    def _chat(self, event: Event, uid: str, now_s: float) -> None:
        chat = event.chat
        if chat is None or not chat.text or event.uid in self._chats:
            self.counts["repeated"] += 1
            return
        other = self._meet(uid, "soldier", now_s)
        if other is None or not self._admit(other, now_s, "chat"):
            return
        self._chats[event.uid] = None
        while len(self._chats) > _MAX_CHATS:
            self._chats.popitem(last=False)
        self.counts["chats"] += 1
        sender = chat.sender or other.callsign or uid[:64]
        self._record(other, TEXT, {"text": chat.text, "from": sender}, event.time_us)

    def _alert(self, event: Event, uid: str, now_s: float) -> None:
        emergency = event.emergency
        other = self._meet(uid, "soldier", now_s)
        if emergency is None or other is None or not self._admit(other, now_s, "alert"):
            return
        self.counts["alerts"] += 1
        who = event.callsign or other.callsign or uid
        fence = event.type.startswith(_GEOFENCE)
        notice = Notice(
            AlarmKind.GEOFENCE if fence else AlarmKind.SOS,
            active=not emergency.cancel,
            text=f"{who}: {emergency.kind}"[:200],
            device_us=event.time_us,
            lat=event.lat,
            lon=event.lon,
        )
        self._intake.notify(other.source, notice)

    def _record(
        self, other: _Other, schema: Schema, values: dict[str, Any], device_us: int
    ) -> None:
        self._intake.record(other.source, schema, [Reading(values, device_us=device_us)])

    def _meet(self, uid: str, kind: str, now_s: float) -> _Other | None:
        """Whoever `uid` is; None when there are too many, all of whom spoke lately."""
        other = self._others.get(uid)
        if other is None:
            if len(self._others) >= MAX_OTHERS:
                oldest = next(iter(self._others))
                if now_s - self._others[oldest].heard_s < _GONE_S:
                    self.counts["too-many"] += 1
                    return None
                del self._others[oldest]
            other = _Other(uid, Source(device_of(uid), kind, "cot"), heard_s=now_s)
            self._others[uid] = other
        return other

    def _admit(self, other: _Other, now_s: float, what: str) -> bool:
        """Whether `other` may say one more thing of that sort now."""
        passed_s, other.heard_s = max(0.0, now_s - other.heard_s), now_s
        self._others.move_to_end(other.uid)
        for sort, room in other.room.items():
            other.room[sort] = min(_MOST_OF_ONE, room + passed_s)
        room = other.room.get(what, _MOST_OF_ONE)
        if room < 1:
            self.counts["too-often"] += 1
            return False
        other.room[what] = room - 1
        return True

    # --- out -----------------------------------------------------------------------------------

    def batch(self) -> list[bytes]:
        """The kit's devices as events, each with a position that is not stale."""
        if not self.settings.send:
            return []
        now_us = self._time.now_us()
        stale_us = round(self.settings.stale * 1e6)
        fresh = [one for one in self._positions() if now_us - one.time_us <= stale_us]
        fresh.sort(key=lambda one: one.time_us, reverse=True)
        self.shown = min(len(fresh), _MAX_OWN)
        return [encode_event(self._event(one, stale_us)) for one in fresh[:_MAX_OWN]]

    def _event(self, placed: Placed, stale_us: int) -> Event:
        remarks = "EXERCISE 演练" if placed.exercise else ""
        if placed.alt is not None:  # not `hae`: that is above the ellipsoid, and not the sea
            remarks = f"{remarks} {placed.alt:.0f} m MSL 海拔".strip()
        return Event(
            uid=own_uid(self._kit, placed.device),
            type=type_of(placed.kind),
            how="m-g",
            time_us=placed.time_us,
            start_us=placed.time_us,
            stale_us=placed.time_us + stale_us,
            lat=placed.lat,
            lon=placed.lon,
            ce=placed.accuracy,
            callsign=f"{self._kit}/{placed.device}",
            course=placed.heading,
            speed=placed.speed,
            battery=placed.battery,
            team=self.settings.team,
            role="Team Member",
            software="Fieldlink",
            remarks=remarks,
        )
