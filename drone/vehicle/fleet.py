"""All vehicles that are heard: whose frame it is, and who has fallen silent.

`now_us` is a clock that only goes forward. Bounded: a vehicle too many is not followed.
"""

from collections.abc import Callable, Iterable
from typing import Any

from fieldlink.codecs.mavlink import HIGH_LATENCY2, Frame, id_of, is_autopilot
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.drone.vehicle.alarms import Limits
from fieldlink.drone.vehicle.gimbal import DEVICE, FOV, ORIENTATION, STATUS, gimbal
from fieldlink.drone.vehicle.measures import BATTERY, Values
from fieldlink.drone.vehicle.reading import Fields, read
from fieldlink.drone.vehicle.said import Key, Said
from fieldlink.drone.vehicle.texts import Texts
from fieldlink.drone.vehicle.vehicle import RADIOS, Vehicle

__all__ = ["Fleet"]

_HEARTBEAT, _STATUSTEXT = 0, id_of("STATUSTEXT")
_MAX_VEHICLES, _MAX_RADIOS = 64, 64
_LOST_US = 5_000_000
# What cameras, gimbals and batteries with a component of their own say of the vehicle.
_OF_PARTS = frozenset((DEVICE, ORIENTATION, STATUS, FOV, BATTERY))


class Fleet:
    """`lost_after_us` says how long a link may be silent before who was heard there is lost,
    `going` which alarms of a vehicle that is new here go on from before.
    """

    def __init__(
        self,
        lost_after_us: Callable[[str], int] = lambda _: _LOST_US,
        every_us: int = 1_000_000,
        limits: Limits | None = None,
        going: Callable[[Key], Iterable[tuple[AlarmKind, str]]] = lambda _: (),
    ) -> None:
        self.vehicles: dict[Key, Vehicle] = {}
        self._lost_after_us = lost_after_us
        self._every_us = every_us
        self._limits = limits or Limits()
        self._going = going
        self._texts = Texts()
        self._radios: dict[str, tuple[Fields, int]] = {}

    def take(self, frame: Frame, now_us: int) -> list[Said]:
        """A frame of an aircraft, or of its radio, came."""
        if not frame.known:
            return []
        msgid, key = frame.msgid, (frame.sysid, frame.compid)
        if msgid in RADIOS:
            self._radio(frame, now_us)
        vehicle = self.vehicles.get(key)
        if vehicle is not None:
            vehicle.hear(frame, now_us)
        if msgid == HIGH_LATENCY2:
            return self._summary(vehicle, frame, now_us)
        fields = read(frame)
        if fields is None:
            return []
        beat = msgid == _HEARTBEAT and is_autopilot(fields["type"], fields["autopilot"])
        if vehicle is None and beat:
            vehicle = self._add(frame, now_us)
        if msgid == _STATUSTEXT:
            return self._text(key, fields, now_us)
        if vehicle is None and msgid in _OF_PARTS:
            vehicle = self._owner(frame.sysid)
        if vehicle is None or (msgid == _HEARTBEAT and not beat):
            return []
        found = vehicle.take(msgid, fields, now_us)
        return found + self._link(vehicle, frame, now_us) if msgid == _HEARTBEAT else found

    def tick(self, now_us: int) -> list[Said]:
        """Let time pass; to be called once a second or more often."""
        found: list[Said] = []
        for text in self._texts.tick(now_us):
            owner = self.vehicles.get(text.sender) or self._owner(text.sender[0])
            if owner is not None:
                found += owner.heard_text(text, now_us)
        for key, vehicle in list(self.vehicles.items()):
            limits_us = {link: self._lost_after_us(link) for link in vehicle.links}
            found += vehicle.look(limits_us, now_us)
            if vehicle.forgotten(now_us):
                del self.vehicles[key]
        return found

    def report(self, now_us: int) -> list[dict[str, Any]]:
        """How each vehicle is."""
        return [vehicle.report(now_us) for vehicle in self.vehicles.values()]

    def looks(self, key: Key, now_us: int) -> Values:
        """Where the gimbal of a vehicle looks: the values of the stream `gimbal`."""
        vehicle = self.vehicles.get(key)
        return gimbal(vehicle.state, now_us) if vehicle is not None else {}

    def _summary(self, vehicle: Vehicle | None, frame: Frame, now_us: int) -> list[Said]:
        vehicle = vehicle or self._add(frame, now_us)
        if vehicle is None:
            return []
        return vehicle.take_summary(frame, now_us) + self._link(vehicle, frame, now_us)

    def _link(self, vehicle: Vehicle, frame: Frame, now_us: int) -> list[Said]:
        return [*vehicle.link_sample(self._radios.get(frame.link), now_us)]

    def _text(self, key: Key, fields: Fields, now_us: int) -> list[Said]:
        found: list[Said] = []
        for text in self._texts.take(key, fields, now_us):
            owner = self.vehicles.get(text.sender) or self._owner(text.sender[0])
            if owner is not None:
                found += owner.heard_text(text, now_us)
        return found

    def _radio(self, frame: Frame, now_us: int) -> None:
        fields = read(frame)
        if fields is None:
            return
        self._radios.pop(frame.link, None)
        self._radios[frame.link] = fields, now_us
        if len(self._radios) > _MAX_RADIOS:
            del self._radios[next(iter(self._radios))]

    def _add(self, frame: Frame, now_us: int) -> Vehicle | None:
        if len(self.vehicles) >= _MAX_VEHICLES and not self._make_room():
            return None
        key = frame.sysid, frame.compid
        vehicle = self.vehicles[key] = Vehicle(key, self._every_us, self._limits)
        vehicle.hear(frame, now_us)
        for kind, subject in self._going(key):
            vehicle.alarms.resume(kind, subject, now_us)
        return vehicle

    def _make_room(self) -> bool:
        """Forget who is lost for longest, whatever goes on: that ends when it is heard again."""
        gone = [key for key, vehicle in self.vehicles.items() if vehicle.lost]
        if not gone:
            return False
        del self.vehicles[min(gone, key=lambda key: self.vehicles[key].state.heard_us)]
        return True

    def _owner(self, sysid: int) -> Vehicle | None:
        """The vehicle that a part belongs to: the autopilot with the lowest component."""
        keys = [key for key in self.vehicles if key[0] == sysid]
        return self.vehicles[min(keys)] if keys else None
