"""The messages that a simulated aircraft says by itself: its state, as an ArduCopter's."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from fieldlink.edge.simulate.aircraft_plan import CAMERA, GIMBAL, RADIO, AircraftFault
from fieldlink.edge.simulate.flight import Phase

if TYPE_CHECKING:
    from fieldlink.edge.simulate.aircraft import Aircraft

__all__ = ["SAYS", "quaternion"]

_LANDED = {Phase.GROUND: 1, Phase.TAKEOFF: 3, Phase.LAND: 4}
_IN_AIR = 2
_LOW, _FAILSAFE = 25.0, 15.0


def _place(craft: "Aircraft") -> tuple[int, int, int]:
    flight = craft.flight
    if craft.failing(AircraftFault.ZERO) or craft.failing(AircraftFault.NO_FIX):
        return 0, 0, 0
    far = craft.failing(AircraftFault.JUMP) and craft.chance.random() < 0.1
    lat = flight.lat + (4.5 if far else craft.chance.gauss(0, 2e-6))
    lon = flight.lon + craft.chance.gauss(0, 2e-6)
    return round(lat * 1e7), round(lon * 1e7), round(flight.alt_m * 1000)


def _ms(craft: "Aircraft") -> int:
    return round(craft.after_s * 1000)


def _heartbeat(craft: "Aircraft") -> None:
    armed = 128 if craft.flight.armed else 0
    state = 4 if craft.flight.armed else 3
    if craft.failing(AircraftFault.BATTERY) and craft.flight.charge < _FAILSAFE:
        state = 5
    craft.put("heartbeat", 2, 3, 81 | armed, craft.mode, state)


def _camera_heartbeat(craft: "Aircraft") -> None:
    if craft.plan.video:
        craft.put("heartbeat", 30, 8, 0, 0, 4, of=CAMERA)


def _gimbal_heartbeat(craft: "Aircraft") -> None:
    craft.put("heartbeat", 26, 8, 0, 0, 4, of=GIMBAL)


def _system_time(craft: "Aircraft") -> None:
    craft.put("system_time", craft.now_us, _ms(craft))


def _attitude(craft: "Aircraft") -> None:
    flight, noise = craft.flight, craft.chance.gauss
    roll, pitch = flight.roll + noise(0, 0.2), flight.pitch + noise(0, 0.2)
    yaw = (flight.yaw + 180) % 360 - 180
    craft.put("attitude", _ms(craft), *map(math.radians, (roll, pitch, yaw)), 0, 0, 0)


def _global_position_int(craft: "Aircraft") -> None:
    flight = craft.flight
    craft.put(
        "global_position_int", _ms(craft), *_place(craft), round(flight.height_m * 1000),
        round(flight.vel_north * 100), round(flight.vel_east * 100),
        round(-flight.climb * 100), round(flight.yaw * 100) % 36_000,
    )  # fmt: skip


def _gps_raw_int(craft: "Aircraft") -> None:
    poor = craft.failing(AircraftFault.NO_FIX)
    lat, lon, alt = _place(craft)
    speed, course = round(craft.flight.speed * 100), round(craft.flight.course * 100)
    craft.put(
        "gps_raw_int", craft.now_us, 1 if poor else 3, lat, lon, alt, 9999 if poor else 80,
        9999 if poor else 120, speed, course, 4 if poor else 16, alt, 1200, 1800, 200,
    )  # fmt: skip


def _vfr_hud(craft: "Aircraft") -> None:
    flight = craft.flight
    throttle = 0 if not flight.armed else round(38 + 6 * flight.climb)
    craft.put(
        "vfr_hud", flight.speed, flight.speed, round(flight.yaw) % 360, throttle, flight.alt_m,
        flight.climb,
    )  # fmt: skip


def _volts(craft: "Aircraft") -> float:
    return 19.2 + 0.06 * craft.flight.charge - (0.6 if craft.flight.armed else 0.0)


def _sys_status(craft: "Aircraft") -> None:
    sensors = 0x0020_FC2F
    bad = 0x20 if craft.failing(AircraftFault.NO_FIX) else 0
    current = 2_800 if craft.flight.armed else 60
    craft.put(
        "sys_status", sensors, sensors, sensors & ~bad, 240, round(_volts(craft) * 1000),
        current, round(craft.flight.charge), 0, 0, 0, 0, 0, 0,
    )  # fmt: skip


def _battery_status(craft: "Aircraft") -> None:
    cell = round(_volts(craft) * 1000 / 6)
    charge = craft.flight.charge
    state = 3 if charge < _FAILSAFE else 2 if charge < _LOW else 1
    left_s = round(charge / 96 * craft.plan.flight.endurance_s)
    craft.put(
        "battery_status", 0, 1, 1, 3150, [cell] * 6 + [65_535] * 4,
        2_800 if craft.flight.armed else 60, craft.flight.used_mah, -1, round(charge), left_s,
        state,
    )  # fmt: skip


def _extended_sys_state(craft: "Aircraft") -> None:
    craft.put("extended_sys_state", 0, _LANDED.get(craft.flight.phase, _IN_AIR))


def _home_position(craft: "Aircraft") -> None:
    plan, flight = craft.plan.flight, craft.flight
    craft.put(
        "home_position", round(plan.lat * 1e7), round(plan.lon * 1e7),
        round(flight.home_alt_m * 1000), 0, 0, 0, [1, 0, 0, 0], 0, 0, 0,
    )  # fmt: skip


def _mission_current(craft: "Aircraft") -> None:
    phases = (Phase.GROUND, Phase.TAKEOFF, Phase.OUT, Phase.CIRCLE, Phase.RETURN, Phase.LAND)
    at = phases.index(craft.flight.phase) if craft.flight.phase in phases else 3
    state = 2 if craft.flight.phase is Phase.GROUND else 3
    craft.put("mission_current", at, 5, state, 0)


def _nav_controller_output(craft: "Aircraft") -> None:
    flight = craft.flight
    away = math.hypot(flight.east_m, flight.north_m)
    bearing = round(flight.course + 180) % 360 - 180
    craft.put(
        "nav_controller_output", flight.roll, flight.pitch, bearing, bearing,
        min(round(away), 65_535), 0, 0, 0,
    )  # fmt: skip


def _ekf_status_report(craft: "Aircraft") -> None:
    poor = craft.failing(AircraftFault.NO_FIX)
    craft.put(
        "ekf_status_report", 0x80 | 0x27 if poor else 0x33F, 0.1, 1.4 if poor else 0.2, 0.15,
        0.1, 0,
    )  # fmt: skip


def _radio_status(craft: "Aircraft") -> None:
    away = math.hypot(craft.flight.east_m, craft.flight.north_m)
    rssi = max(30, round(190 - away / 8 + craft.chance.gauss(0, 3)))
    craft.put("radio_status", rssi, rssi - 6, 100, 44, 48, 0, 0, of=RADIO[1])


def _gimbal_device_attitude_status(craft: "Aircraft") -> None:
    pitch, bearing = craft.gimbal()
    # Yaw in the earth frame; pitch up is positive (GIMBAL_DEVICE_FLAGS, YAW_IN_EARTH_FRAME).
    turned = quaternion(0.0, pitch, bearing)
    craft.put(
        "gimbal_device_attitude_status", 0, 0, _ms(craft), 32 | 4 | 8 | 16, turned,
        0, 0, 0, 0, of=GIMBAL,
    )  # fmt: skip


def _camera_fov_status(craft: "Aircraft") -> None:
    if not craft.plan.video:
        return
    flight, plan = craft.flight, craft.plan
    pitch, bearing = craft.gimbal()
    unknown = 2**31 - 1
    lat = lon = alt = unknown
    if pitch < -5 and flight.height_m > 1:
        away = flight.height_m / math.tan(math.radians(-pitch))
        north, east = (away * f(math.radians(bearing)) for f in (math.cos, math.sin))
        lat = round((flight.lat + north / 111_320) * 1e7)
        lon = round((flight.lon + east / (111_320 * math.cos(math.radians(flight.lat)))) * 1e7)
        alt = round(flight.home_alt_m * 1000)
    craft.put(
        "camera_fov_status", _ms(craft), *_place(craft), lat, lon, alt,
        quaternion(0.0, pitch, bearing), plan.hfov / craft.zoom, plan.vfov / craft.zoom,
        of=CAMERA,
    )  # fmt: skip


def _autopilot_version(craft: "Aircraft") -> None:
    # MISSION_INT, COMMAND_INT, MAVLINK2, MISSION_FENCE, MISSION_RALLY, PARAM_FLOAT.
    able = 4 | 8 | 8192 | 16_384 | 32_768 | 2
    craft.put(
        "autopilot_version", able, 4 << 24 | 5 << 16 | 255, 0, 0, 0, [0] * 8, [0] * 8, [0] * 8,
        0, 0, craft.plan.sysid,
    )  # fmt: skip


def _high_latency2(craft: "Aircraft") -> None:
    flight = craft.flight
    lat, lon, alt = _place(craft)
    craft.put(
        "high_latency2", _ms(craft) & 0xFFFFFFFF, 2, 3, craft.mode, lat, lon, alt // 1000,
        alt // 1000, round(flight.yaw / 2), round(flight.yaw / 2), 0,
        0, round(flight.speed * 5), round(flight.speed * 5), 0, 0, 0, 10, 10, 0,
        round(flight.climb * 10), round(flight.charge), 0, 0, 0, 0, 0,
    )  # fmt: skip


def quaternion(roll: float, pitch: float, yaw: float) -> list[float]:
    """Angles in degrees as a quaternion: w, x, y, z."""
    r, p, y = (math.radians(one) / 2 for one in (roll, pitch, yaw))
    cr, sr, cp, sp, cy, sy = _turns(r, p, y)
    return [
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    ]


def _turns(*angles: float) -> list[float]:
    """Cosine and sine of each."""
    return [f(angle) for angle in angles for f in (math.cos, math.sin)]


SAYS: dict[str, tuple[float, Callable[["Aircraft"], None]]] = {
    "heartbeat": (1.0, _heartbeat),
    "attitude": (0.1, _attitude),
    "global_position_int": (0.2, _global_position_int),
    "gps_raw_int": (0.5, _gps_raw_int),
    "vfr_hud": (0.5, _vfr_hud),
    "sys_status": (1.0, _sys_status),
    "battery_status": (2.0, _battery_status),
    "extended_sys_state": (1.0, _extended_sys_state),
    "home_position": (5.0, _home_position),
    "mission_current": (1.0, _mission_current),
    "nav_controller_output": (1.0, _nav_controller_output),
    "ekf_status_report": (1.0, _ekf_status_report),
    "system_time": (2.0, _system_time),
    "radio_status": (1.0, _radio_status),
    "gimbal_device_attitude_status": (0.2, _gimbal_device_attitude_status),
    "camera_fov_status": (1.0, _camera_fov_status),
    "camera_heartbeat": (1.0, _camera_heartbeat),
    "gimbal_heartbeat": (1.0, _gimbal_heartbeat),
    "autopilot_version": (0.0, _autopilot_version),
    "high_latency2": (0.0, _high_latency2),
}
"""Each of its messages: every how many seconds (0: only when it is asked), and how it is said."""
