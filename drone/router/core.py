"""The router without sockets and clocks: frames of links in, what goes to each link out.

A frame that comes in is counted; refused if its link may not send it; dropped if another link
brought it before; judged where signatures are required; then its sender is known to be on that
link, and it goes to whoever it is for, by each one's rules. Signed frames go on as they came.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fieldlink.codecs.mavlink import (
    HEARTBEAT,
    HIGH_LATENCY2,
    Frame,
    Framer,
    Verifier,
    compose,
    heartbeat,
    sign,
    signature_time,
)
from fieldlink.codecs.mavlink.table import ENTRIES
from fieldlink.drone.router.duplicates import Duplicates
from fieldlink.drone.router.policy import Policy
from fieldlink.drone.router.port import Port
from fieldlink.drone.router.profiles import PROFILES
from fieldlink.drone.router.routes import Routes
from fieldlink.drone.router.settings import RouterSettings
from fieldlink.drone.router.values import ANSWERS
from fieldlink.drone.router.vehicles import Vehicle, Vehicles

__all__ = ["Core", "Reach", "Tap"]

Tap = Callable[[Frame], None]

_RADIO_STATUS = 109
_FORGET_US = 600_000_000
_FORGET_EVERY_US = 10_000_000
# Where the target is, for the messages that have one; from the frame's first byte, in MAVLink 2.
_TARGETS = {
    msgid: (entry.system_offset, entry.component_offset)
    for msgid, entry in ENTRIES.items()
    if entry.system_offset >= 0
}
_NOBODY = (0, 0)
_KIT = 0


class Reach(NamedTuple):
    """A link over which somebody was heard; `up`: lately, as such a link may be silent."""

    number: int
    name: str
    profile: str
    up: bool
    heard_us: int


class Core:
    """All links of a kit. `now_us` is a clock that only goes forward, `utc_us` is the time."""

    def __init__(
        self, settings: RouterSettings, *, key: bytes | None = None, signing_time: int = 0
    ) -> None:
        self.settings = settings
        self.vehicles = Vehicles()
        self.routes = Routes()
        self.ports: dict[int, Port] = {}
        self.verifier = Verifier(key, signing_time) if key is not None else None
        self._key = key
        self._duplicates = Duplicates(round(settings.duplicates * 1e6))
        self._taps: list[tuple[Tap, bool]] = []
        self._next_number = 1
        self._forgot_us = 0

    def attach(self, name: str, policy: Policy, now_us: int) -> Port:
        """A link is there."""
        port = Port(self._next_number, name, policy, now_us)
        self._next_number += 1
        self.ports[port.number] = port
        self.routes.add(port.number)
        return port

    def detach(self, port: Port) -> None:
        """A link is gone."""
        if self.ports.pop(port.number, None) is not None:
            self.routes.remove(port.number)

    def tap(self, on_frame: Tap, *, ground: bool = False) -> Callable[[], None]:
        """Have `on_frame` called with each frame of an aircraft, and of ground stations if asked
        for, once whatever the links; the function that is returned ends it.
        """
        entry = (on_frame, ground)
        self._taps.append(entry)

        def end() -> None:
            if entry in self._taps:
                self._taps.remove(entry)

        return end

    def receive(self, port: Port, frames: Sequence[Frame], now_us: int) -> None:
        """`frames` came over `port`."""
        stats, policy = port.stats, port.policy
        open_in = policy.take.open
        number, first, ports = port.number, self._duplicates.first, self.ports
        for frame in frames:
            stats.count(frame, now_us)
            if not open_in and not policy.take.passes(frame):
                stats.filtered += 1
                continue
            before = first(frame.raw, now_us)
            if before is not None and before[0] != number:
                self._again(port, frame, before, now_us)
                continue
            if policy.signed and not self._believed(port, frame):
                continue
            self._duplicates.add(frame.raw, number, now_us)
            msgid, sysid, compid = frame.msgid, frame.sysid, frame.compid
            if frame.known:
                self.routes.learn(number, sysid, compid, now_us)
                self.vehicles.note(frame, now_us)
                if msgid == HEARTBEAT and self.vehicles.is_aircraft(sysid):
                    port.aircraft = True
            elif self.settings.unknown == "drop":
                stats.filtered += 1
                continue
            target = _target(frame) if msgid in _TARGETS else _NOBODY
            if msgid in ANSWERS and frame.known:
                port.requests.note(frame, target[0], now_us)
            plan = self.routes.plan(number, sysid, compid, target, now_us)
            if plan is None:
                stats.no_route += 1
            from_ground = self.vehicles.is_ground(sysid)
            for to in plan or ():
                ports[to].offer(frame, target[0] != 0, from_ground, now_us)
            for on_frame, ground in self._taps:
                if ground or not from_ground:
                    on_frame(frame)

    def reaches(
        self, target: tuple[int, int], now_us: int, *, thin: bool = False
    ) -> list[Reach]:  # fmt: skip
        """The links over which a component can be spoken to, the best first: heard there lately,
        then the widest, then the latest. `thin`: links for HIGH_LATENCY2 as well, where an
        aircraft is silent until it is told to speak.
        """
        found = []
        heard = self.routes.heard(target)
        for number, heard_us in heard.items():
            port = self.ports[number]
            profile = port.policy.profile.name
            if profile in PROFILES:  # a file is nobody to speak to
                up = now_us - heard_us <= port.policy.lost_after_us
                found.append(Reach(number, port.name, profile, up, heard_us))
        narrow = {name for name, one in PROFILES.items() if one.high_latency_us is not None}
        if thin:
            found += [
                Reach(number, port.name, port.policy.profile.name, False, 0)
                for number, port in self.ports.items()
                if port.policy.profile.name in narrow and number not in heard
            ]
        order = list(PROFILES)

        def rank(one: Reach) -> tuple[int, int, int]:
            return int(not one.up), order.index(one.profile), -one.heard_us

        if thin and any(one.profile in narrow for one in found):
            # Where it fell silent it does not listen either; where it may be silent it may.
            found = [one for one in found if one.up or one.profile in narrow]
        return sorted(found, key=rank)

    def send(self, raw: bytes, now_us: int, utc_us: int, over: int | None = None) -> int:
        """Route a frame of the kit's own, to the link `over` alone if one is given; over how many
        links it goes. It is signed where signatures are required. Answers come to the taps.

        Raises:
            ValueError: it is no frame.
        """
        frames = Framer("kit").datagram(raw, utc_us)
        if len(frames) != 1 or not frames[0].known:
            raise ValueError("what the kit sends has to be one whole frame")
        frame = frames[0]
        self.routes.learn(_KIT, frame.sysid, frame.compid, now_us)
        target = _target(frame) if frame.msgid in _TARGETS else _NOBODY
        plan = self.routes.plan(_KIT, frame.sysid, frame.compid, target, now_us) or ()
        if over is not None:
            plan = (over,) if over in self.ports else ()
        for to in plan:
            port = self.ports[to]
            signed = frame
            if port.policy.signed and self._key is not None and frame.version == 2:
                data = sign(raw, self._key, port.number & 0xFF, self._signing_time(utc_us))
                (signed,) = Framer("kit").datagram(data, utc_us)
            port.offer(signed, target[0] != 0, False, now_us)
        return len(plan)

    def _signing_time(self, utc_us: int) -> int:
        """A time later than all that were seen."""
        if self.verifier is None:
            return 0
        self.verifier.timestamp = max(signature_time(utc_us), self.verifier.timestamp + 1)
        return self.verifier.timestamp

    def _again(self, port: Port, frame: Frame, before: tuple[int, int], now_us: int) -> None:
        """`frame` came by another link before."""
        other, at_us = before
        port.stats.duplicates += 1
        port.stats.late(now_us - at_us)
        first = self.ports.get(other)
        if first is not None:
            first.stats.late(0)
        # Its sender is reached over this link as well, if it was believed as this link asks.
        judged = first is not None and first.policy.signed
        if frame.known and (judged or not port.policy.signed):
            self.routes.learn(port.number, frame.sysid, frame.compid, now_us)

    def _believed(self, port: Port, frame: Frame) -> bool:
        if frame.msgid == _RADIO_STATUS and not frame.signed:  # radios have no key
            return True
        why = self.verifier.refusal(frame) if self.verifier is not None else "no key"
        if why is None:
            return True
        port.stats.refuse(frame, why)
        return False

    def tick(self, now_us: int, utc_us: int, *, healthy: bool) -> None:
        """Say what is due; to be called ten times a second. Not `healthy`: no HEARTBEAT, so that
        whoever listens knows.
        """
        for port in self.ports.values():
            port.stats.rate_bytes_s(now_us)  # so that whoever asks once is told a rate
            every_us = port.policy.profile.heartbeat_us
            if every_us is not None and now_us >= port.heartbeat_due_us:
                # After a pause not one for each that was left out.
                port.heartbeat_due_us = max(port.heartbeat_due_us + every_us, now_us)
                if healthy and self.settings.heartbeat:
                    self._say(port, HEARTBEAT, heartbeat(), now_us, utc_us)
            if port.policy.profile.high_latency_us is not None:
                self._summarise(port, port.policy.profile.high_latency_us, now_us, utc_us)
        if now_us - self._forgot_us > _FORGET_EVERY_US:
            self._forgot_us = now_us
            self.routes.forget(now_us - _FORGET_US)
            self.vehicles.forget(now_us, _FORGET_US)

    def _summarise(self, port: Port, every_us: int, now_us: int, utc_us: int) -> None:
        behind = set(self.routes.behind(port.number))
        for vehicle in self.vehicles.alive(now_us):
            who = vehicle.sysid, vehicle.compid
            due_us = port.summary_due_us.get(who, now_us)
            if now_us < due_us or who in behind or vehicle.speaks_for_itself(now_us):
                continue
            port.summary_due_us[who] = max(due_us + every_us, now_us)
            payload = vehicle.summary(now_us).encode()
            self._say(port, HIGH_LATENCY2, payload, now_us, utc_us, vehicle)

    def _say(
        self,
        port: Port,
        msgid: int,
        payload: bytes,
        now_us: int,
        utc_us: int,
        vehicle: Vehicle | None = None,
    ) -> None:
        """A message of our own, or in the name of `vehicle`."""
        key = self._key if port.policy.signed else None
        raw = compose(
            msgid,
            payload,
            sysid=vehicle.sysid if vehicle else self.settings.sysid,
            compid=vehicle.compid if vehicle else self.settings.compid,
            seq=port.next_seq(),
            key=key,
            link_id=port.number & 0xFF,
            timestamp=self._signing_time(utc_us) if key is not None else 0,
        )
        (frame,) = Framer("kit").datagram(raw, utc_us)
        if port.policy.give.passes(frame):
            port.outbox.put(frame, now_us)


def _target(frame: Frame) -> tuple[int, int]:
    # As codecs.mavlink.target_of, without cutting out the payload.
    system_offset, component_offset = _TARGETS[frame.msgid]
    raw = frame.raw
    start = 10 if frame.version == 2 else 6
    size = raw[1]
    system = raw[start + system_offset] if system_offset < size else 0
    if 0 <= component_offset < size:
        return system, raw[start + component_offset]
    return system, 0
