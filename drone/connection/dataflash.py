"""ArduPilot's logs as MAVLink."""

import math
from collections.abc import Iterator
from typing import Any

from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.flightlog import DataflashReader, LogEntry
from fieldlink.drone.connection.logs import LogFile, Logged
from fieldlink.drone.connection.synthesis import Synthesis

__all__ = ["dataflash_frames"]

_READ_BYTES = 262_144
_SEARCH_BYTES = 64_000_000
_WANTED = frozenset(
    ["ATT", "POS", "GPS", "BAT", "CURR", "MODE", "MSG", "ARSP", "CTUN", "EV", "ARM", "NKF1", "XKF1"]
)
_ARDUPILOT = 3
_TYPES = {"ArduPlane": 1, "ArduCopter": 2, "Rover": 10, "ArduSub": 12, "Blimp": 7, "Tracker": 5}
_GPS_EPOCH_S, _WEEK_S, _LEAP_S = 315_964_800, 604_800, 18
_ANGLES = ("roll", "pitch", "yaw")
_ARMED_EVENT, _DISARMED_EVENT = 10, 11


def dataflash_frames(path: LogFile) -> Iterator[Logged]:
    """What the aircraft would have said; the date is that of the first fix of the file.

    Raises:
        SourceError: the file is damaged or cut off behind what was given, with the byte.
        OSError: it cannot be read.
    """
    aircraft = Synthesis(_ARDUPILOT)
    aircraft.epoch_us = _epoch_us(path)
    for entry in _entries(path, _WANTED):
        yield from _said(aircraft, entry)


def _entries(path: LogFile, wanted: frozenset[str]) -> Iterator[LogEntry]:
    reader = DataflashReader(wanted)
    with path.open("rb") as file:
        while True:
            data = file.read(_READ_BYTES)
            entries, wrong = reader.feed(data, final=not data)
            yield from entries
            if wrong is not None:
                raise damage(path, wrong)
            if not data:
                return


def damage(path: LogFile, wrong: CodecError) -> SourceError:
    """What is wrong with a file, as whoever plays it is told."""
    return SourceError(wrong.reason, f"{path.name}: {wrong.detail}")


def _epoch_us(path: LogFile) -> int:
    try:
        for entry in _entries(path, frozenset({"GPS"})):
            week, ms = entry.values.get("GWk", 0), entry.values.get("GMS", 0)
            if entry.values.get("Status", 0) >= 3 and week:
                utc_s = _GPS_EPOCH_S + week * _WEEK_S - _LEAP_S
                return int(utc_s * 1_000_000 + ms * 1000 - _boot_us(entry.values))
            if entry.offset > _SEARCH_BYTES:
                break
    except SourceError:  # said when it is played up to there
        pass
    return 0


def _boot_us(values: dict[str, Any]) -> int:
    return int(values["TimeUS"] if "TimeUS" in values else values.get("TimeMS", 0) * 1000)


def _said(aircraft: Synthesis, entry: LogEntry) -> Iterator[Logged]:
    values, at = entry.values, entry.offset
    boot_us = _boot_us(values)
    got = values.get
    match entry.name:
        case "ATT":
            angles = {name: math.radians(got(name.capitalize(), 0.0)) for name in _ANGLES}
            yield from aircraft.tell("attitude", boot_us, at, **angles)
        case "POS":
            place = {"lat": got("Lat", 0.0), "lon": got("Lng", 0.0), "alt": got("Alt", 0.0)}
            height = got("RelHomeAlt", 0.0)
            yield from aircraft.tell("position", boot_us, at, height=height, **place)
        case "NKF1" | "XKF1" if entry.instance == 0 and got("C", 0) == 0:
            moving = {"north": got("VN", 0.0), "east": got("VE", 0.0), "down": got("VD", 0.0)}
            ground = math.hypot(moving["north"], moving["east"])
            yield from aircraft.tell("speed", boot_us, at, groundspeed=ground, **moving)
        case "GPS" if entry.instance == 0:
            yield from _gps(aircraft, boot_us, entry)
        case "BAT" | "CURR" if entry.instance == 0:
            yield from _battery(aircraft, boot_us, entry)
        case "ARSP" if entry.instance == 0:
            yield from aircraft.tell("speed", boot_us, at, airspeed=got("Airspeed", math.nan))
        case "CTUN":
            throttle = got("ThO", got("ThrOut", math.nan))
            # Copter logs 0 to 1, plane per cent.
            throttle = throttle / 100 if entry.values.get("ThrOut") is not None else throttle
            yield from aircraft.tell("speed", boot_us, at, throttle=throttle)
        case "MODE":
            aircraft.mode = int(got("ModeNum", got("Mode", 0)))
        case "ARM":
            aircraft.armed = bool(got("ArmState", 0))
        case "EV" if got("Id") in (_ARMED_EVENT, _DISARMED_EVENT):
            aircraft.armed = got("Id") == _ARMED_EVENT
        case "MSG":
            text = str(got("Message", ""))
            found = [number for name, number in _TYPES.items() if name in text]
            aircraft.type = found[0] if found else aircraft.type
            yield from aircraft.text(6, text, boot_us, at)


def _gps(aircraft: Synthesis, boot_us: int, entry: LogEntry) -> Iterator[Logged]:
    got = entry.values.get
    yield from aircraft.tell(
        "gps",
        boot_us,
        entry.offset,
        fix=got("Status", 0),
        gps_lat=got("Lat", math.nan),
        gps_lon=got("Lng", math.nan),
        gps_alt=got("Alt", math.nan),
        hdop=got("HDop", math.nan),
        gps_speed=got("Spd", math.nan),
        course=got("GCrs", math.nan),
        satellites=got("NSats", math.nan),
    )
    yield from aircraft.tell("speed", boot_us, entry.offset)


def _battery(aircraft: Synthesis, boot_us: int, entry: LogEntry) -> Iterator[Logged]:
    got = entry.values.get
    yield from aircraft.tell(
        "battery",
        boot_us,
        entry.offset,
        volts=got("Volt", math.nan),
        amperes=got("Curr", math.nan),
        used=got("CurrTot", math.nan) / 1000,
        remaining=got("RemPct", math.nan) / 100,
    )
