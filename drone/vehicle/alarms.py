"""What of a vehicle's state is an alarm."""

import re
from dataclasses import dataclass

from fieldlink.codecs.mavlink import HighLatency2, id_of
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.drone.vehicle.measures import BATTERY, SYS, battery, failed
from fieldlink.drone.vehicle.reading import Fields
from fieldlink.drone.vehicle.said import Key, Warned
from fieldlink.drone.vehicle.state import VehicleState
from fieldlink.drone.vehicle.texts import Text, meaning
from fieldlink.drone.vehicle.watch import HOLD_US, Watch

__all__ = ["Alarms", "Limits"]

FENCE = id_of("FENCE_STATUS")
_HEARTBEAT = 0
_FAILING = ("critical", "emergency", "termination")
_WELL = ("standby", "active")
_SAID_HOLD_US = 30_000_000
_SAID_FADES_US = 60_000_000
_CRITICAL = 2  # MAV_SEVERITY_CRITICAL: this and what is worse
_CHARGE_LOW = (2, 3, 4, 5, 6)  # MAV_BATTERY_CHARGE_STATE: low to unhealthy
_CHARGE_WELL = (1, 7)  # ok, charging
_GEOFENCE, _HL_GEOFENCE, _HL_BATTERY = 0x100000, 2048, 128
_HL_DEVICE = {1024: "engine", 4096: "ekf"}
_BREACHES = {1: "too low", 2: "too high", 3: "outside"}
_OF_GROUND = {(AlarmKind.DEVICE, "crash")}
_OF_FLIGHT = {(AlarmKind.GEOFENCE, ""), (AlarmKind.LOW_BATTERY, "battery")}
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Limits:
    """When a battery is low, in percent; it is over `margin` above that."""

    battery: float = 25.0
    margin: float = 5.0


class Alarms:
    """The alarms of one vehicle."""

    def __init__(self, vehicle: Key, limits: Limits) -> None:
        self.watch = Watch(vehicle)
        self._limits = limits

    def resume(self, kind: AlarmKind, subject: str, now_us: int) -> None:
        """This was going on before the kit was started anew, and ends as it would have."""
        said = kind is AlarmKind.DEVICE and subject not in ("crash", *_HL_DEVICE.values())
        self.watch.resume(kind, subject, now_us, _SAID_FADES_US if said else None)

    def judge(self, state: VehicleState, msgid: int, fields: Fields, now_us: int) -> list[Warned]:
        """It said a message."""
        if msgid == _HEARTBEAT:
            return self._beat(state, now_us)
        if msgid == FENCE:
            word = _BREACHES.get(fields["breach_type"], "")
            return self._fence(fields["breach_status"] != 0, word, now_us)
        if msgid == SYS:
            used = fields["onboard_control_sensors_enabled"] & _GEOFENCE
            found = self._battery(state, 0, now_us)
            if used and state.armed and state.last(FENCE, now_us) is None:
                broken = not fields["onboard_control_sensors_health"] & _GEOFENCE
                found += self._fence(broken, "", now_us)
            return found
        if msgid == BATTERY:
            return self._battery(state, fields["id"], now_us)
        return []

    def judge_summary(self, state: VehicleState, said: HighLatency2, now_us: int) -> list[Warned]:
        """It said HIGH_LATENCY2. One of these is worth many heartbeats: nothing is held."""
        found = self._fence(bool(said.failures & _HL_GEOFENCE), "", now_us, hold_us=0)
        for bit, name in _HL_DEVICE.items():
            if said.failures & bit:
                found += self.watch.bad(AlarmKind.DEVICE, name, now_us, text=f"{name} failed")
            else:
                found += self.watch.good(AlarmKind.DEVICE, name, now_us, 0)
        if said.failures & _HL_BATTERY:
            found += self.watch.bad(AlarmKind.LOW_BATTERY, "battery", now_us)
        elif state.brief():  # else what was said in words ends as the vehicle says
            found += self.watch.good(AlarmKind.LOW_BATTERY, "battery", now_us, 0)
        return found + self._battery(state, 0, now_us, hold_us=0)

    def heard(self, text: Text, state: VehicleState, now_us: int) -> list[Warned]:
        """It said something in words."""
        said = meaning(text.text)
        if said is None:
            if text.severity > _CRITICAL or _is_of_arming(text.text):
                return []
            subject = _NUMBER.sub("#", text.text)[:48].strip()
            return self.watch.bad(
                AlarmKind.DEVICE, subject, now_us, text=text.text, fades_us=_SAID_FADES_US
            )
        if not said.begins:
            subjects = [on for kind, on in self.watch.going if kind is said.kind]
            ended = [one for one in subjects if one == said.subject] or (
                subjects if not said.subject else []
            )
            return [over for one in ended for over in self.watch.end(said.kind, one)]
        if said.kind is AlarmKind.FAILSAFE and state.armed is False:
            return []  # on the ground it is what people do to it
        return self.watch.bad(said.kind, said.subject, now_us, text=text.text)

    def _beat(self, state: VehicleState, now_us: int) -> list[Warned]:
        watch = self.watch
        found: list[Warned] = []
        if state.armed and state.state in _FAILING:
            text = " ".join(word for word in (state.state, state.mode) if word)
            if names := failed(state, now_us):
                text += f": {', '.join(names)}"
            found += watch.bad(AlarmKind.FAILSAFE, "", now_us, text=text)
        elif not state.armed or state.state in _WELL:
            found += watch.good(AlarmKind.FAILSAFE, "", now_us)
        for kind, subject in watch.going:
            if kind is AlarmKind.FAILSAFE and subject and state.state in _WELL:
                found += watch.good(kind, subject, now_us, _SAID_HOLD_US)
            elif self._is_over(kind, subject, armed=bool(state.armed)):
                found += watch.good(kind, subject, now_us)
        return found

    @staticmethod
    def _is_over(kind: AlarmKind, subject: str, *, armed: bool) -> bool:
        # What crashed and is armed flies again; what was said in the air is over on the ground.
        return (kind, subject) in (_OF_GROUND if armed else _OF_FLIGHT)

    def _fence(self, broken: bool, word: str, now_us: int, hold_us: int = HOLD_US) -> list[Warned]:
        if broken:
            return self.watch.bad(AlarmKind.GEOFENCE, "", now_us, text=word)
        return self.watch.good(AlarmKind.GEOFENCE, "", now_us, hold_us)

    def _battery(
        self, state: VehicleState, number: int, now_us: int, hold_us: int = HOLD_US
    ) -> list[Warned]:
        level = battery(state, now_us, number).get("level")
        said = state.last(BATTERY, now_us, number)
        low_charge = said is not None and said["charge_state"] in _CHARGE_LOW
        subject = "battery.level" if not number else f"battery-{number}.level"
        limit = self._limits.battery
        shown = f"{level:g}" if isinstance(level, int | float) else ""
        if low_charge or (isinstance(level, int | float) and level < limit):
            return self.watch.bad(
                AlarmKind.LOW_BATTERY, subject, now_us, value=shown, limit=f"{limit:g}", unit="%"
            )
        enough = isinstance(level, int | float) and level >= limit + self._limits.margin
        if enough or (not shown and said is not None and said["charge_state"] in _CHARGE_WELL):
            return self.watch.good(AlarmKind.LOW_BATTERY, subject, now_us, hold_us)
        return []


def _is_of_arming(text: str) -> bool:
    return text.lower().startswith(("prearm", "pre-arm", "arm:", "arming", "preflight"))
