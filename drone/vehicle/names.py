"""What modes, kinds of vehicle and sensors are called, as ground stations show them."""

from pymavlink.dialects.v20 import all as dialect

__all__ = [
    "ARDUPILOT",
    "FAILURES",
    "PX4",
    "family_of",
    "kind_name",
    "mode_name",
    "sensor_names",
    "state_name",
]

ARDUPILOT, PX4 = 3, 12

_PLANES = {1, 16, 17, 19, 20, 21, 22, 23, 24, 25, 28, 47}
_COPTERS = {2, 3, 4, 13, 14, 15, 29, 35, 43}
_ROVERS = {10, 11, 46}
_FAMILIES = {
    **dict.fromkeys(_PLANES, "PLANE_MODE"),
    **dict.fromkeys(_COPTERS, "COPTER_MODE"),
    **dict.fromkeys(_ROVERS, "ROVER_MODE"),
    12: "SUB_MODE",
    5: "TRACKER_MODE",
}
# Pilots know these by their short names.
_SHORT = {"FLY_BY_WIRE_A": "FBWA", "FLY_BY_WIRE_B": "FBWB"}

# PX4, px4_custom_mode.h: the main mode in byte 2 of custom_mode, the sub mode in byte 3.
_PX4_MAIN = {
    1: "MANUAL", 2: "ALTCTL", 3: "POSCTL", 4: "AUTO", 5: "ACRO", 6: "OFFBOARD", 7: "STABILIZED",
    8: "RATTITUDE", 9: "SIMPLE", 10: "TERMINATION",
}  # fmt: skip
_PX4_AUTO = {
    1: "READY", 2: "TAKEOFF", 3: "LOITER", 4: "MISSION", 5: "RTL", 6: "LAND", 7: "RTGS",
    8: "FOLLOW", 9: "PRECLAND", 10: "VTOL_TAKEOFF",
}  # fmt: skip
_PX4_POSCTL = {1: "ORBIT", 2: "SLOW"}

FAILURES = {
    1: "gps", 2: "airspeed", 4: "barometer", 8: "accelerometer", 16: "gyro", 32: "compass",
    64: "terrain", 128: "battery", 256: "rc", 512: "offboard-link", 1024: "engine",
    2048: "geofence", 4096: "ekf", 8192: "mission",
}  # fmt: skip
"""HL_FAILURE_FLAG: what HIGH_LATENCY2 says has failed."""

_SENSORS = {
    0x1: "gyro", 0x2: "accelerometer", 0x4: "compass", 0x8: "barometer", 0x10: "airspeed",
    0x20: "gps", 0x40: "optical-flow", 0x80: "vision", 0x100: "rangefinder", 0x400: "rate-control",
    0x800: "stabilization", 0x1000: "yaw", 0x2000: "altitude", 0x4000: "position",
    0x8000: "motors", 0x10000: "rc", 0x20000: "gyro2", 0x40000: "accelerometer2",
    0x80000: "compass2", 0x100000: "geofence", 0x200000: "ahrs", 0x400000: "terrain",
    0x800000: "reverse-motor", 0x1000000: "logging", 0x2000000: "battery", 0x4000000: "proximity",
    0x8000000: "satcom", 0x10000000: "prearm", 0x20000000: "avoidance", 0x40000000: "propulsion",
}  # fmt: skip
_STATES = ("uninit", "boot", "calibrating", "standby", "active", "critical", "emergency",
           "poweroff", "termination")  # fmt: skip


def family_of(kind: int) -> str:
    """The modes that an aircraft of a MAV_TYPE has on ArduPilot, by their enum; empty: unknown."""
    return _FAMILIES.get(kind, "")


def mode_name(autopilot: int, kind: int, base_mode: int | None, custom_mode: int) -> str | None:
    """The mode that a HEARTBEAT names; None where it names none. `base_mode` None: not told, as in
    HIGH_LATENCY2.
    """
    if base_mode is not None and not base_mode & 1:  # MAV_MODE_FLAG_CUSTOM_MODE_ENABLED
        return None
    if autopilot == PX4:
        return _px4(custom_mode)
    if autopilot == ARDUPILOT:
        family = family_of(kind)
        entry = dialect.enums.get(family, {}).get(custom_mode)
        name = str(entry.name).removeprefix(f"{family}_") if entry is not None else ""
        if name and name != "ENUM_END":
            return _SHORT.get(name, name)
    return f"MODE {custom_mode}"


def _px4(custom_mode: int) -> str:
    main, sub = custom_mode >> 16 & 0xFF, custom_mode >> 24 & 0xFF
    if main == 4 and sub in _PX4_AUTO:
        return f"AUTO.{_PX4_AUTO[sub]}"
    if main == 3 and sub in _PX4_POSCTL:
        return _PX4_POSCTL[sub]
    return _PX4_MAIN.get(main, f"MODE {main}.{sub}")


def kind_name(kind: int) -> str:
    """MAV_TYPE in small letters: quadrotor, fixed-wing, ..."""
    entry = dialect.enums["MAV_TYPE"].get(kind)
    name = str(entry.name) if entry is not None else f"MAV_TYPE_{kind}"
    return name.removeprefix("MAV_TYPE_").lower().replace("_", "-")


def sensor_names(mask: int) -> list[str]:
    """The names of the bits of MAV_SYS_STATUS_SENSOR in `mask`."""
    return [name for bit, name in _SENSORS.items() if mask & bit]


def state_name(state: int) -> str | None:
    """MAV_STATE in small letters."""
    return _STATES[state] if state < len(_STATES) else None
