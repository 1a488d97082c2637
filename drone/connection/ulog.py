"""PX4's logs as MAVLink."""

import math
from collections.abc import Iterator
from typing import Any

from fieldlink.codecs.flightlog import LogEntry, UlogReader
from fieldlink.drone.connection.dataflash import damage
from fieldlink.drone.connection.logs import LogFile, Logged
from fieldlink.drone.connection.synthesis import Synthesis

__all__ = ["ulog_frames"]

_READ_BYTES = 262_144
_SEARCH_BYTES = 64_000_000
_PX4 = 12
_GPS = ("vehicle_gps_position", "sensor_gps")
_WANTED = frozenset(
    (
        *_GPS,
        *("vehicle_attitude", "vehicle_global_position", "vehicle_local_position"),
        *("battery_status", "vehicle_status", "airspeed", "airspeed_validated"),
        "vehicle_angular_velocity",
    )
)
_ARMED = 2
_SENSORS = tuple(f"onboard_control_sensors_{part}" for part in ("present", "enabled", "health"))
# nav_state of vehicle_status -> main and sub mode of HEARTBEAT.custom_mode (PX4, px4_custom_mode.h)
_MODES = {
    0: (1, 0),
    1: (2, 0),
    2: (3, 0),
    3: (4, 4),
    4: (4, 3),
    5: (4, 5),
    10: (5, 0),
    14: (6, 0),
    15: (7, 0),
    17: (4, 2),
    18: (4, 6),
    19: (4, 8),
    20: (4, 9),
    21: (3, 1),
}


def ulog_frames(path: LogFile) -> Iterator[Logged]:
    """What the aircraft would have said; the date is that of the first fix of the file.

    Raises:
        SourceError: the file is damaged or cut off behind what was given, with the byte.
        OSError: it cannot be read.
    """
    teller = _Teller(Synthesis(_PX4))
    teller.aircraft.epoch_us = _epoch_us(path)
    for entry in _entries(path, _WANTED, strict=True):
        yield from teller.said(entry)


def _entries(path: LogFile, wanted: frozenset[str], *, strict: bool) -> Iterator[LogEntry]:
    reader = UlogReader(wanted)
    with path.open("rb") as file:
        while True:
            data = file.read(_READ_BYTES)
            entries, wrong = reader.feed(data, final=not data)
            yield from entries
            if wrong is not None and strict:
                raise damage(path, wrong)
            if not data or wrong is not None:
                return


def _epoch_us(path: LogFile) -> int:
    for entry in _entries(path, frozenset(_GPS), strict=False):
        utc_us = int(entry.values.get("time_utc_usec", 0))
        if utc_us and entry.values.get("fix_type", 0) >= 3:
            return utc_us - int(entry.values["timestamp"])
        if entry.offset > _SEARCH_BYTES:
            break
    return 0


class _Teller:
    """What the topics say, told in natural units."""

    def __init__(self, aircraft: Synthesis) -> None:
        self.aircraft = aircraft
        self._estimated = False

    def said(self, entry: LogEntry) -> Iterator[Logged]:
        values, at = entry.values, entry.offset
        if entry.instance or "timestamp" not in values:
            return
        boot_us, got = int(values["timestamp"]), values.get
        tell = self.aircraft.tell
        match entry.name:
            case "vehicle_attitude":
                yield from tell("attitude", boot_us, at, **_angles(values))
            case "vehicle_angular_velocity":
                names = zip(("rollspeed", "pitchspeed", "yawspeed"), range(3), strict=True)
                rates = {name: got(f"xyz[{axis}]", math.nan) for name, axis in names}
                yield from tell("attitude", boot_us, at, **rates)
            case "vehicle_global_position":
                self._estimated = True
                place = {name: got(name, math.nan) for name in ("lat", "lon", "alt")}
                yield from tell("position", boot_us, at, **place)
            case "vehicle_local_position":
                moving = {"north": got("vx", 0.0), "east": got("vy", 0.0), "down": got("vz", 0.0)}
                ground = math.hypot(moving["north"], moving["east"])
                height = -got("z", math.nan)
                yield from tell("speed", boot_us, at, groundspeed=ground, height=height, **moving)
            case "vehicle_gps_position" | "sensor_gps":
                yield from self._gps(values, boot_us, at)
            case "battery_status":
                yield from tell(
                    "battery",
                    boot_us,
                    at,
                    volts=got("voltage_v", math.nan),
                    amperes=got("current_a", math.nan),
                    used=got("discharged_mah", math.nan) / 1000,
                    remaining=got("remaining", math.nan),
                )
            case "airspeed" | "airspeed_validated":
                speed = got("true_airspeed_m_s", math.nan)
                yield from tell("speed", boot_us, at, airspeed=speed)
            case "vehicle_status":
                self._status(values)
            case "text":
                yield from self.aircraft.text(int(got("level", 6)), str(got("text")), boot_us, at)

    def _status(self, values: dict[str, Any]) -> None:
        main, sub = _MODES.get(values.get("nav_state", -1), (0, 0))
        self.aircraft.mode = main << 16 | sub << 24
        self.aircraft.armed = values.get("arming_state") == _ARMED
        self.aircraft.type = int(values.get("system_type", 0))
        names = zip(("present", "enabled", "healthy"), _SENSORS, strict=True)
        self.aircraft.know(**{name: values.get(field, math.nan) for name, field in names})

    def _gps(self, values: dict[str, Any], boot_us: int, at: int) -> Iterator[Logged]:
        got = values.get
        # Integers of 1e-7 degrees and mm up to PX4 1.14, then degrees and m.
        lat = got("latitude_deg", got("lat", math.nan) / 1e7)
        lon = got("longitude_deg", got("lon", math.nan) / 1e7)
        alt = got("altitude_msl_m", got("alt", math.nan) / 1e3)
        yield from self.aircraft.tell(
            "gps",
            boot_us,
            at,
            fix=got("fix_type", 0),
            gps_lat=lat,
            gps_lon=lon,
            gps_alt=alt,
            hdop=got("hdop", math.nan),
            vdop=got("vdop", math.nan),
            gps_speed=got("vel_m_s", math.nan),
            course=math.degrees(got("cog_rad", math.nan)) % 360,
            satellites=got("satellites_used", math.nan),
        )
        # A log without the estimate of the position has the receiver's.
        if not self._estimated and got("fix_type", 0) >= 3:
            yield from self.aircraft.tell("position", boot_us, at, lat=lat, lon=lon, alt=alt)


def _angles(values: dict[str, Any]) -> dict[str, float]:
    w, x, y, z = (float(values.get(f"q[{axis}]", 0.0)) for axis in range(4))
    return {
        "roll": math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)),
        "pitch": math.asin(min(max(2 * (w * y - z * x), -1.0), 1.0)),
        "yaw": math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
    }
