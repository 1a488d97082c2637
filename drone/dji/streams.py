"""What a DJI aircraft, remote controller or dock says, as samples of streams.

Position and battery are those of every device; flight, attitude and gimbal those of every aircraft.
POSITION's altitude is above the sea, which none of them says: they give the height above the place
of take-off (`flight.height`) and above the ellipsoid (`dji.height`). Its heading is the course over
ground: where the nose points is `attitude.yaw`.
"""

from collections.abc import Iterator, Mapping

from fieldlink.codecs.dji import (
    GROUND_MODES,
    NOT_CONNECTED,
    Aircraft,
    Dock,
    Payload,
    Remote,
    mode_words,
)
from fieldlink.codecs.geo import bearing_deg, distance_m
from fieldlink.codecs.telemetry import BATTERY, POSITION, Column, Flag, Schema
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL

__all__ = [
    "CRAFT",
    "DOCK",
    "PAYLOAD",
    "RADIO",
    "Course",
    "Values",
    "aircraft_samples",
    "dock_samples",
    "remote_samples",
]

Values = Mapping[str, float | int | str | None]

CRAFT = Schema(
    "dji",
    (
        Column("mode"),  # mode_code: 0 standby, 3 manual, 5 wayline, 9 returning home, ...
        Column("height", "m", 1),  # above the WGS-84 ellipsoid
        Column("remaining", "s"),  # of the battery, as it estimates
        Column("return_level", "%"),  # what the way home takes
        Column("wind", "m/s", 1),
        Column("wind_from", "deg"),
        Column("rtk"),  # satellites used for RTK
        Column("gps_quality"),
        Column("storage_free", "%", 1),
    ),
)
PAYLOAD = Schema(
    "payload",
    (
        Column("camera", is_text=True),  # type-subtype-gimbal index
        Column("zoom", "", 1),
        Column("target_alt", "m", 1),  # what the laser measures
        Column("target_distance", "m", 1),
    ),
)
RADIO = Schema(
    "radio",
    (
        Column("quality"),  # 0 to 5, of the radio between controller and aircraft
        Column("lte_quality"),  # 0 to 5, of 4G beside it
        Column("height", "m", 1),  # above the WGS-84 ellipsoid
    ),
)
DOCK = Schema(
    "dock",
    (
        Column("mode"),
        Column("drone_in"),  # 0, 1
        Column("cover"),  # 0 closed, 1 open, 2 half open, 3 wrong
        Column("rain"),  # 0 none, 1 light, 2 moderate, 3 heavy
        Column("wind", "m/s", 1),
        Column("temperature", "Cel", 1),
        Column("humidity", "%", 1),
        Column("network_quality"),
        Column("height", "m", 1),
    ),
)

_FIXED = 2  # position_state.is_fixed
_RTK_QUALITY = 10
_ENOUGH_SATELLITES = 4  # below, a position is a guess
_COURSE_MPS, _COURSE_M = 1.0, 2.0


class Course:
    """Course over ground from one position to the next: an aircraft says only how fast it is."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._course: float | None = None

    def at(self, lat: float | None, lon: float | None, speed_mps: float | None) -> float | None:
        """The course at this position; None while it stands or is not known."""
        if lat is None or lon is None:
            self._last = self._course = None
            return None
        if self._last is None:
            self._last = lat, lon
        elif distance_m(*self._last, lat, lon) >= _COURSE_M:
            self._course = bearing_deg(*self._last, lat, lon)
            self._last = lat, lon
        moving = speed_mps is None or speed_mps >= _COURSE_MPS
        return self._course if moving else None


def aircraft_samples(told: Aircraft, course: Course) -> Iterator[tuple[Schema, Values, Flag]]:
    """The samples in what an aircraft says."""
    yield _position(told, course)
    if told.level_percent is not None or told.packs:
        yield BATTERY, _battery(told), Flag.NONE
    yield FLIGHT, _flight(told), Flag.NONE
    yield CRAFT, _craft(told), Flag.NONE
    if told.yaw_deg is not None:
        angles = {"roll": told.roll_deg, "pitch": told.pitch_deg, "yaw": _compass(told.yaw_deg)}
        yield ATTITUDE, angles, Flag.NONE
    if told.payloads:
        yield GIMBAL, _gimbal(told.payloads[0], told.yaw_deg), Flag.NONE
    for payload in told.payloads:
        if payload.zoom is not None or payload.target_distance_m is not None:
            yield (
                PAYLOAD,
                {
                    "camera": payload.index,
                    "zoom": payload.zoom,
                    "target_alt": payload.target_alt_m,
                    "target_distance": payload.target_distance_m,
                },
                Flag.NONE,
            )


def _position(told: Aircraft, course: Course) -> tuple[Schema, Values, Flag]:
    satellites = told.satellites
    few = satellites is not None and satellites < _ENOUGH_SATELLITES
    lost = told.lat is None or (few and told.is_fixed not in (None, _FIXED))
    lat, lon = (None, None) if lost else (told.lat, told.lon)
    fix = 0 if lost else 4 if told.gps_quality == _RTK_QUALITY else 1
    values = {
        "lat": lat,
        "lon": lon,
        "heading": course.at(lat, lon, told.speed_mps),
        "speed": told.speed_mps,
        "satellites": satellites,
        "fix": fix,
    }
    return POSITION, values, Flag.NO_FIX if lost else Flag.NONE


def _battery(told: Aircraft) -> Values:
    """Of several batteries the weakest and the hottest: that is what counts."""
    voltages = [one.voltage_mv for one in told.packs if one.voltage_mv is not None]
    heats = [one.temperature_cel for one in told.packs if one.temperature_cel is not None]
    levels = [one.level_percent for one in told.packs if one.level_percent is not None]
    level = told.level_percent
    return {
        "level": min(levels, default=None) if level is None else level,
        "voltage": min(voltages) / 1000 if voltages else None,
        "temperature": max(heats, default=None),
    }


def _flight(told: Aircraft) -> Values:
    mode = None if told.mode == NOT_CONNECTED else told.mode
    return {
        "mode": mode_words(told.mode) or None,
        "armed": None if mode is None else int(mode not in GROUND_MODES),
        "landed": None if mode is None else _landed(mode),
        "height": told.elevation_m,
        "groundspeed": told.speed_mps,
        "climb": told.climb_mps,
        "home_lat": told.home_lat,
        "home_lon": told.home_lon,
        "home_distance": told.home_distance_m,
    }


def _landed(mode: int) -> str:
    if mode in GROUND_MODES:
        return "on-ground"
    return {4: "takeoff", 10: "landing", 11: "landing", 12: "landing"}.get(mode, "in-air")


def _craft(told: Aircraft) -> Values:
    total, used = told.storage_total_kb, told.storage_used_kb
    free = 100 * (total - used) / total if total and used is not None else None
    return {
        "mode": told.mode,
        "height": told.height_m,
        "remaining": told.remaining_s,
        "return_level": told.return_percent,
        "wind": told.wind_mps,
        "wind_from": None if not told.wind_from else (told.wind_from - 1) * 45,
        "rtk": told.rtk_satellites,
        "gps_quality": told.gps_quality,
        "storage_free": free if free is None else max(0.0, min(100.0, free)),
    }


def _gimbal(payload: Payload, nose_deg: float | None) -> Values:
    yaw = payload.yaw_deg
    turned = None if yaw is None or nose_deg is None else (yaw - nose_deg + 180) % 360 - 180
    return {
        "roll": payload.roll_deg,
        "pitch": payload.pitch_deg,
        "yaw": _compass(yaw),
        "yaw_relative": turned,
        "target_lat": payload.target_lat,
        "target_lon": payload.target_lon,
    }


def _compass(degrees: float | None) -> float | None:
    return None if degrees is None else degrees % 360


def remote_samples(told: Remote) -> Iterator[tuple[Schema, Values, Flag]]:
    """The samples in what a remote controller says."""
    if told.lat is not None:
        yield POSITION, {"lat": told.lat, "lon": told.lon, "fix": 1}, Flag.NONE
    if told.level_percent is not None:
        yield BATTERY, {"level": told.level_percent}, Flag.NONE
    values = {
        "quality": told.radio_quality,
        "lte_quality": told.lte_quality if told.lte_state else None,
        "height": told.height_m,
    }
    if any(value is not None for value in values.values()):
        yield RADIO, values, Flag.NONE


def dock_samples(told: Dock) -> Iterator[tuple[Schema, Values, Flag]]:
    """The samples in what a dock says."""
    if told.lat is not None:
        yield POSITION, {"lat": told.lat, "lon": told.lon, "fix": 1}, Flag.NONE
    yield (
        DOCK,
        {
            "mode": told.mode,
            "drone_in": told.drone_in,
            "cover": told.cover,
            "rain": told.rain,
            "wind": told.wind_mps,
            "temperature": told.temperature_cel,
            "humidity": told.humidity_percent,
            "network_quality": told.network_quality,
            "height": told.height_m,
        },
        Flag.NONE,
    )
