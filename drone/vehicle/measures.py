"""What goes into each stream, of what a vehicle said lately. Unknown stays unknown."""

import math
from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.geo import distance_m, is_zero
from fieldlink.codecs.mavlink import id_of
from fieldlink.drone.vehicle.names import FAILURES, sensor_names
from fieldlink.drone.vehicle.reading import Fields, finite, known
from fieldlink.drone.vehicle.state import VehicleState

__all__ = ["Values", "attitude", "battery", "failed", "flight", "has_fix", "position"]

Values = dict[str, float | int | str | None]

GLOBAL, GPS, HUD, SYS, ATT = (
    id_of(name)
    for name in ("GLOBAL_POSITION_INT", "GPS_RAW_INT", "VFR_HUD", "SYS_STATUS", "ATTITUDE")
)
NAV, MISSION, EXTENDED, HOME, BATTERY = (
    id_of(name)
    for name in (
        "NAV_CONTROLLER_OUTPUT", "MISSION_CURRENT", "EXTENDED_SYS_STATE", "HOME_POSITION",
        "BATTERY_STATUS",
    )
)  # fmt: skip
EKF, ESTIMATOR = id_of("EKF_STATUS_REPORT"), id_of("ESTIMATOR_STATUS")

_U16, _U8 = 65_535, 255
_POS_HORIZ_ABS = 16  # EKF_STATUS_FLAGS and ESTIMATOR_STATUS_FLAGS alike
# GPS_FIX_TYPE -> GGA quality; 7 (static) and 8 (PPP) have no place of their own there.
_QUALITY = {0: 0, 1: 0, 2: 1, 3: 1, 4: 2, 5: 5, 6: 4, 7: 1, 8: 2}
_MOVING_MPS = 0.5
_FIX_2D = 2
_LANDED = {1: "on-ground", 2: "in-air", 3: "takeoff", 4: "landing"}
_MISSIONS = {1: "none", 2: "not-started", 3: "active", 4: "paused", 5: "complete"}
_CHARGING = 7


def has_fix(state: VehicleState, now_us: int) -> bool | None:
    """Whether it knows where it is: by satellites, or because its estimator says so without."""
    gps = state.last(GPS, now_us)
    if gps is None:
        return None
    estimated = state.last(EKF, now_us) or state.last(ESTIMATOR, now_us)
    return gps["fix_type"] >= 2 or bool(estimated and estimated["flags"] & _POS_HORIZ_ABS)


def position(state: VehicleState, now_us: int) -> Values:
    """POSITION. Zeros, and whatever is said without a fix, are no position."""
    place, gps = state.last(GLOBAL, now_us), state.last(GPS, now_us)
    fixed = has_fix(state, now_us) is not False
    found = _quality(gps)
    if place is not None and gps is not None and fixed and is_zero(*_degrees(place)):
        place = None  # the estimator has not begun; the receiver may know
    if place is not None:
        north, east = place["vx"] / 100, place["vy"] / 100
        speed = math.hypot(north, east)
        course = math.degrees(math.atan2(east, north)) % 360 if speed >= _MOVING_MPS else None
        if fixed and not is_zero(*_degrees(place)):
            found |= _place(place["lat"], place["lon"], place["alt"])
            found |= _flat(gps)
        return {**found, "speed": speed, "heading": course} if fixed else found
    if gps is not None:
        if fixed and not is_zero(*_degrees(gps)):
            found |= _place(gps["lat"], gps["lon"], gps["alt"])
            found |= _flat(gps)
        found["speed"] = known(gps["vel"], _U16, 0.01)
        moving = (found["speed"] or 0) >= _MOVING_MPS  # type: ignore[operator]
        found["heading"] = known(gps["cog"], _U16, 0.01) if moving else None
        return found
    return _brief_position(state, now_us)


def _degrees(said: Fields) -> tuple[float, float]:
    return said["lat"] / 1e7, said["lon"] / 1e7


def _place(lat: int, lon: int, alt_mm: int) -> Values:
    return {"lat": lat / 1e7, "lon": lon / 1e7, "alt": alt_mm / 1000}


def _flat(gps: Fields | None) -> Values:
    """A fix in two dimensions has no altitude, whatever the field holds (GPS_FIX_TYPE_2D_FIX)."""
    return {"alt": None} if gps is not None and gps["fix_type"] == _FIX_2D else {}


def _quality(gps: Fields | None) -> Values:
    if gps is None:
        return {}
    return {
        "accuracy": gps["h_acc"] / 1000 or None,  # an extension: 0 where it is not sent
        "satellites": known(gps["satellites_visible"], _U8),
        "fix": _QUALITY.get(gps["fix_type"]),
    }


def _brief_position(state: VehicleState, now_us: int) -> Values:
    said = state.last_summary(now_us)
    if said is None:
        return {}
    found: Values = {"speed": said.groundspeed, "accuracy": said.error}
    if said.lat is not None and said.lon is not None and not is_zero(said.lat, said.lon):
        found |= {"lat": said.lat, "lon": said.lon, "alt": said.alt, "fix": 1}
        # Where the nose points; a course is not said.
        found["heading"] = said.heading if (said.groundspeed or 0) >= _MOVING_MPS else None
    else:
        found["fix"] = 0
    return found


def attitude(state: VehicleState, now_us: int) -> Values:
    """ATTITUDE."""
    said = state.last(ATT, now_us)
    if said is None:
        return {}
    degrees = {name: finite(said[name], 180 / math.pi) for name in ("roll", "pitch", "yaw")}
    yaw = degrees["yaw"]
    return {**degrees, "yaw": None if yaw is None else yaw % 360}


def battery(state: VehicleState, now_us: int, number: int = 0) -> Values:
    """BATTERY, of one of its batteries."""
    said = state.last(BATTERY, now_us, number)
    if said is not None:
        cells = [mv for mv in said["voltages"] if mv != _U16]
        cells += [mv for mv in said["voltages_ext"] if mv not in (0, _U16)]
        charge = said["charge_state"]
        current = known(said["current_battery"], -1, 0.01)
        return {
            "level": _percent(said["battery_remaining"]),
            "voltage": sum(cells) / 1000 if any(cells) else None,
            "current": None if current is None else -current,
            "temperature": known(said["temperature"], 32_767, 0.01),
            "charging": int(charge == _CHARGING) if charge else None,
        }
    if number:
        return {}
    total = state.last(SYS, now_us)
    if total is not None:
        current = known(total["current_battery"], -1, 0.01)
        return {
            "level": _percent(total["battery_remaining"]),
            "voltage": known(total["voltage_battery"], _U16, 0.001) or None,
            "current": None if current is None else -current,
        }
    brief = state.last_summary(now_us)
    return {} if brief is None else {"level": brief.battery}


def _percent(value: int) -> int | None:
    return value if 0 <= value <= 100 else None


def flight(state: VehicleState, now_us: int) -> Values:
    """FLIGHT."""
    found: Values = {"mode": state.mode, "state": state.state}
    found["armed"] = None if state.armed is None else int(state.armed)
    brief = state.last_summary(now_us)
    if (hud := state.last(HUD, now_us)) is not None:
        found |= {
            "groundspeed": finite(hud["groundspeed"]),
            "airspeed": finite(hud["airspeed"]),
            "climb": finite(hud["climb"]),
            "throttle": hud["throttle"] if hud["throttle"] <= 100 else None,
        }
    elif brief is not None:
        found |= {
            "groundspeed": brief.groundspeed,
            "airspeed": brief.airspeed,
            "climb": brief.climb,
            "throttle": brief.throttle,
            "waypoint": brief.waypoint,
            "waypoint_distance": brief.target_distance,
        }
    if (place := state.last(GLOBAL, now_us)) is not None:
        found["height"] = place["relative_alt"] / 1000
    if (extended := state.last(EXTENDED, now_us)) is not None:
        found["landed"] = _LANDED.get(extended["landed_state"])
    if (system := state.last(SYS, now_us)) is not None:
        found["load"] = system["load"] / 10
    names = failed(state, now_us)
    found["failed"] = None if names is None else " ".join(names)
    found["ekf"] = _worst_ratio(state, now_us)
    return {**found, **_home(state, now_us), **_mission(state, now_us)}


def _home(state: VehicleState, now_us: int) -> Values:
    home = state.last(HOME, now_us)
    if home is None or is_zero(home["latitude"] / 1e7, home["longitude"] / 1e7):
        return {}
    lat, lon = home["latitude"] / 1e7, home["longitude"] / 1e7
    at = position(state, now_us)
    here = (at.get("lat"), at.get("lon"))
    known_here = isinstance(here[0], float) and isinstance(here[1], float)
    far = distance_m(lat, lon, here[0], here[1]) if known_here else None  # type: ignore[arg-type]
    return {"home_lat": lat, "home_lon": lon, "home_distance": far}


def _mission(state: VehicleState, now_us: int) -> Values:
    found: Values = {}
    if (mission := state.last(MISSION, now_us)) is not None:
        found["waypoint"] = mission["seq"]
        found["waypoints"] = known(mission["total"], _U16) or None  # 0: not told
        found["mission"] = _MISSIONS.get(mission["mission_state"])
    if (nav := state.last(NAV, now_us)) is not None:
        found["waypoint_distance"] = nav["wp_dist"]
    return found


def failed(state: VehicleState, now_us: int) -> list[str] | None:
    """What is in use and not well, by name; None: not told."""
    said = state.last(SYS, now_us)
    if said is not None:
        used = said["onboard_control_sensors_present"] & said["onboard_control_sensors_enabled"]
        return sensor_names(used & ~said["onboard_control_sensors_health"])
    brief = state.last_summary(now_us)
    if brief is None:
        return None
    return [name for bit, name in FAILURES.items() if brief.failures & bit]


def _worst_ratio(state: VehicleState, now_us: int) -> float | None:
    found: Mapping[str, Any] | None = state.last(EKF, now_us)
    names = ("velocity_variance", "pos_horiz_variance", "pos_vert_variance", "compass_variance")
    if found is None:
        found = state.last(ESTIMATOR, now_us)
        names = ("vel_ratio", "pos_horiz_ratio", "pos_vert_ratio", "mag_ratio")
    if found is None:
        return None
    ratios = [ratio for name in names if (ratio := finite(found[name])) is not None]
    return min(max(ratios), 1000.0) if ratios else None
