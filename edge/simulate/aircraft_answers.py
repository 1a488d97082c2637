"""What a simulated aircraft answers: parameters, missions, commands to it, its gimbal and camera.

By the MAVLink microservices of those names. What it does not know it refuses as a real one does.
"""

import math
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.edge.simulate.aircraft import Aircraft
from fieldlink.edge.simulate.aircraft_camera import CameraPart
from fieldlink.edge.simulate.aircraft_plan import CAMERA, GIMBAL, PILOT
from fieldlink.edge.simulate.flight import Phase

__all__ = ["Answers", "parameters"]

ACCEPTED, DENIED, UNSUPPORTED = 0, 2, 3
_REAL32, _INT32 = 9, 6
_MISSION, _FENCE, _RALLY = 0, 1, 2
_RELATIVE_INT, _GLOBAL_INT = 6, 5
_NO_SEQUENCE = 13  # MAV_MISSION_INVALID_SEQUENCE
_EVERYBODY = (0, 0)


def parameters(sysid: int) -> dict[str, float]:
    """The parameters that it has when it is started."""
    found: dict[str, float] = {
        "SYSID_THISMAV": sysid, "FRAME_CLASS": 1, "ARMING_CHECK": 1, "RTL_ALT": 3000,
        "RTL_SPEED": 0, "WPNAV_SPEED": 800, "WPNAV_SPEED_UP": 300, "WPNAV_SPEED_DN": 250,
        "FENCE_ENABLE": 1, "FENCE_TYPE": 7, "FENCE_ALT_MAX": 120, "FENCE_RADIUS": 600,
        "FS_THR_ENABLE": 1, "FS_GCS_ENABLE": 1, "BATT_MONITOR": 4, "BATT_CAPACITY": 12000,
        "BATT_LOW_VOLT": 21.0, "BATT_CRT_VOLT": 20.1, "BATT_FS_LOW_ACT": 2, "BATT_FS_CRT_ACT": 1,
        "MNT1_TYPE": 6, "MNT1_PITCH_MIN": -90, "MNT1_PITCH_MAX": 30, "CAM1_TYPE": 6,
        "SERIAL1_PROTOCOL": 2, "SERIAL1_BAUD": 57, "GPS1_TYPE": 1, "COMPASS_DEC": -0.0651,
        "EK3_ENABLE": 1, "LOG_BITMASK": 176126, "PILOT_SPEED_UP": 250, "ANGLE_MAX": 3000,
    }  # fmt: skip
    # As many as a real one has are a download of a minute on a slow radio.
    return found | {f"SERVO{n}_{what}": value for n in range(1, 17) for what, value in _SERVO}


_SERVO = (("FUNCTION", 0.0), ("MIN", 1100.0), ("MAX", 1900.0), ("TRIM", 1500.0))


class Answers:
    """`heard` takes each message that came, as pymavlink reads it."""

    def __init__(self, craft: Aircraft) -> None:
        self._craft = craft
        self._values = parameters(craft.plan.sysid)
        self._names = sorted(self._values)
        self._sending: list[int] = []
        self.camera = CameraPart(craft)
        self._heard: dict[str, Callable[[Any], None]] = {
            "PARAM_REQUEST_LIST": self._all_parameters,
            "PARAM_REQUEST_READ": self._one_parameter,
            "PARAM_SET": self._set_parameter,
            "MISSION_REQUEST_LIST": self._mission_list,
            "MISSION_REQUEST_INT": self._mission_item,
            "COMMAND_LONG": self._command,
            "COMMAND_INT": self._command_int,
            "TIMESYNC": self._timesync,
        }

    def heard(self, message: Any) -> None:
        """Somebody said something; what is not for this aircraft is left alone."""
        plan = self._craft.plan
        target = getattr(message, "target_system", 0)
        answer = self._heard.get(message.get_type())
        if answer is not None and target in (0, plan.sysid):
            answer(message)

    def due(self) -> None:
        """Say some of what is asked for in bulk; to be called ten times a second."""
        for _ in range(min(len(self._sending), 10)):
            self._tell_parameter(self._sending.pop(0))
        self.camera.due()

    def _all_parameters(self, _: Any) -> None:
        self._sending = list(range(len(self._names)))

    def _one_parameter(self, message: Any) -> None:
        index = message.param_index
        name = str(message.param_id)
        if index < 0 and name in self._values:
            index = self._names.index(name)
        if 0 <= index < len(self._names):
            self._tell_parameter(index)

    def _set_parameter(self, message: Any) -> None:
        name = str(message.param_id)
        if name in self._values and math.isfinite(message.param_value):
            self._values[name] = float(message.param_value)
            self._tell_parameter(self._names.index(name))

    def _tell_parameter(self, index: int) -> None:
        name = self._names[index]
        kind = _INT32 if float(self._values[name]).is_integer() else _REAL32
        self._craft.put(
            "param_value", name.encode(), self._values[name], kind, len(self._names), index
        )

    def _timesync(self, message: Any) -> None:
        if message.tc1 == 0:
            self._craft.put("timesync", self._craft.now_us * 1000, message.ts1)

    def _items(self, kind: int) -> list[tuple[int, int, tuple[float, ...], float, float, float]]:
        """Frame, command, four parameters, latitude, longitude, height of each."""
        plan = self._craft.plan.flight
        home = plan.lat, plan.lon

        def place(north_m: float, east_m: float) -> tuple[float, float]:
            lon = home[1] + east_m / (111_320 * math.cos(math.radians(home[0])))
            return home[0] + north_m / 111_320, lon

        nothing = (0.0, 0.0, 0.0, 0.0)
        if kind == _RALLY:
            return [(_RELATIVE_INT, 5100, nothing, *place(0, 40), 30.0)]
        if kind == _FENCE:
            corners = [(-150, -300), (600, -300), (600, 300), (-150, 300)]
            of = float(len(corners)), 0.0, 0.0, 0.0
            return [(_GLOBAL_INT, 5001, of, *place(*corner), 0.0) for corner in corners]
        rounds = [math.radians(degrees) for degrees in (180, 270, 0, 90)]
        circle = [
            place(plan.away_m + plan.radius_m * math.cos(a), plan.radius_m * math.sin(a))
            for a in rounds
        ]
        return [
            (_GLOBAL_INT, 16, nothing, *home, self._craft.flight.home_alt_m),
            (_RELATIVE_INT, 22, nothing, *home, plan.height_m),
            *((_RELATIVE_INT, 16, nothing, *at, plan.height_m) for at in circle),
            (_RELATIVE_INT, 20, nothing, 0.0, 0.0, 0.0),
        ]

    def _mission_list(self, message: Any) -> None:
        count = len(self._items(message.mission_type))
        who = message.get_srcSystem(), message.get_srcComponent()
        self._craft.put("mission_count", *who, count, message.mission_type)

    def _mission_item(self, message: Any) -> None:
        who = message.get_srcSystem(), message.get_srcComponent()
        items = self._items(message.mission_type)
        if message.seq >= len(items):
            self._craft.put("mission_ack", *who, _NO_SEQUENCE, message.mission_type)
            return
        frame, command, of, lat, lon, height = items[message.seq]
        self._craft.put(
            "mission_item_int", *who, message.seq, frame, command, int(message.seq == 0), 1, *of,
            round(lat * 1e7), round(lon * 1e7), height, message.mission_type,
        )  # fmt: skip

    def _command_int(self, message: Any) -> None:
        of = [getattr(message, f"param{n}") for n in range(1, 5)]
        self._do(message, [*of, message.x / 1e7, message.y / 1e7, message.z])

    def _command(self, message: Any) -> None:
        self._do(message, [getattr(message, f"param{n}") for n in range(1, 8)])

    def _do(self, message: Any, of: list[float]) -> None:
        component = message.target_component
        if component in (CAMERA, GIMBAL) or message.command in CameraPart.COMMANDS:
            by = component or PILOT  # who is asked is who answers
            result = self.camera.do(message.command, of)
        else:
            by, result = PILOT, self._pilot(message.command, of)
        if result is None:
            return
        who = message.get_srcSystem(), message.get_srcComponent()
        self._craft.put("command_ack", message.command, result, 0, 0, *who, of=by)

    def _pilot(self, command: int, of: list[float]) -> int:
        craft = self._craft
        match command:
            case 511:
                return self._interval(round(of[0]), of[1])
            case 512:
                name = _name(round(of[0]))
                return ACCEPTED if craft.tell(name) else DENIED
            case 520:
                return ACCEPTED if of[0] == 1 and craft.tell("autopilot_version") else DENIED
            case 20:
                return ACCEPTED if craft.flight.told(Phase.RETURN) else DENIED
            case 21:
                return ACCEPTED if craft.flight.told(Phase.LAND) else DENIED
            case 193:
                phase = Phase.HOLD if of[0] == 0 else Phase.CIRCLE
                return ACCEPTED if craft.flight.told(phase) else DENIED
            case 176:
                return self._mode(round(of[1]))
            case 2600:
                craft.brief = of[0] == 1
                return ACCEPTED
        return UNSUPPORTED

    def _mode(self, number: int) -> int:
        phase = _BY_MODE.get(number)
        if phase is None:
            return DENIED
        return ACCEPTED if self._craft.flight.told(phase) else DENIED

    def _interval(self, msgid: int, interval_us: float) -> int:
        name = _name(msgid)
        if name not in self._craft.every_s:
            return DENIED
        # -1: never; 0: as it was.
        self._craft.set_every(name, interval_us / 1e6 if interval_us else None)
        return ACCEPTED


# LOITER, BRAKE (by which the kit has a copter hold), RTL, LAND, AUTO
_BY_MODE = {
    5: Phase.HOLD, 17: Phase.HOLD, 6: Phase.RETURN, 9: Phase.LAND, 3: Phase.CIRCLE,
}  # fmt: skip


def _name(msgid: int) -> str:
    found = dialect.mavlink_map.get(msgid)
    return str(found.msgname).lower() if found is not None else ""
