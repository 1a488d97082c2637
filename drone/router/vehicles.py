"""Which systems are aircraft, and the state of each, as far as HIGH_LATENCY2 says it.

An aircraft has an autopilot, and says so in its HEARTBEAT; component numbers prove nothing.
"""

import math
from struct import Struct
from typing import Any

from fieldlink.codecs.mavlink import (
    HIGH_LATENCY2,
    Frame,
    HighLatency2,
    id_of,
    is_autopilots,
)

__all__ = ["Vehicle", "Vehicles"]

_Values = tuple[Any, ...]
_HEARTBEAT, _GLOBAL, _GPS, _HUD, _SYS, _ATTITUDE = 0, 33, 24, 74, 1, 30
_NAV, _MISSION, _PRESSURE, _TARGET = 62, 42, 29, 87
_WIND = id_of("WIND")
_KEPT = frozenset(
    (_HEARTBEAT, _GLOBAL, _GPS, _HUD, _SYS, _ATTITUDE, _NAV, _MISSION, _PRESSURE, _TARGET, _WIND)
)
_GROUND_STATION, _PX4 = 6, 12
_OLD_US = 15_000_000
_GONE_US = 30_000_000
_MAX_SYSTEMS = 64
_NO_FIX, _FIX_2D = (0, 1), 2

# MAV_SYS_STATUS_SENSOR -> HL_FAILURE_FLAG: what is enabled and not healthy.
_FAILURES = {
    0x20: 1,  # GPS
    0x10: 2,  # differential pressure
    0x08: 4,  # absolute pressure
    0x02: 8,  # accelerometer
    0x01: 16,  # gyroscope
    0x04: 32,  # magnetometer
    0x400000: 64,  # terrain
    0x2000000: 128,  # battery
    0x10000: 256,  # remote control
    0x100000: 2048,  # geofence
    0x200000: 4096,  # attitude and position
}
_FORMS = {
    _HEARTBEAT: Struct("<IBBBBB"),
    _GLOBAL: Struct("<IiiiihhhH"),
    _GPS: Struct("<QiiiHHHHBBiII"),
    _HUD: Struct("<ffffhH"),
    _SYS: Struct("<IIIHHhHHHHHHb"),
    _ATTITUDE: Struct("<Iffffff"),
    _NAV: Struct("<fffffhhH"),
    _MISSION: Struct("<H"),
    _PRESSURE: Struct("<Iffh"),
    _TARGET: Struct("<Iiif"),
    _WIND: Struct("<fff"),
}


class Vehicle:
    """One autopilot: what it last said."""

    def __init__(self, sysid: int, compid: int) -> None:
        self.sysid, self.compid = sysid, compid
        self.heard_us = 0
        self.own_summary_us: int | None = None
        self._said: dict[int, tuple[bytes, int]] = {}

    def note(self, frame: Frame, now_us: int) -> None:
        """It said `frame`."""
        self.heard_us = now_us
        if frame.msgid in _KEPT:
            self._said[frame.msgid] = frame.payload, now_us
        elif frame.msgid == HIGH_LATENCY2:
            self.own_summary_us = now_us

    def alive(self, now_us: int) -> bool:
        """Whether anything was heard of it lately: a dead aircraft has to go silent."""
        return now_us - self.heard_us < _GONE_US

    def speaks_for_itself(self, now_us: int) -> bool:
        """Whether it sends HIGH_LATENCY2 of its own."""
        return self.own_summary_us is not None and now_us - self.own_summary_us < _GONE_US

    def summary(self, now_us: int) -> HighLatency2:
        """Its state; what is older than 15 s is unknown."""
        got = {msgid: self._read(msgid, now_us) for msgid in _FORMS}
        beat, place, gps, hud = got[_HEARTBEAT], got[_GLOBAL], got[_GPS], got[_HUD]
        nav, status, target = got[_NAV], got[_SYS], got[_TARGET]
        wind, pressure, mission = got[_WIND], got[_PRESSURE], got[_MISSION]
        fixed = gps is None or gps[8] not in _NO_FIX
        placed = place is not None and fixed and bool(place[1] or place[2])
        mode = beat[0] if beat else 0
        return HighLatency2(
            time_ms=place[0] if place else 0,
            type=beat[1] if beat else 0,
            autopilot=beat[2] if beat else 0,
            # 16 bits: PX4's modes are in the upper half of its 32.
            custom_mode=(mode >> 16 if beat and beat[2] == _PX4 else mode) & 0xFFFF,
            lat=place[1] / 1e7 if place and placed else None,
            lon=place[2] / 1e7 if place and placed else None,
            alt=place[3] / 1e3 if place else hud[2] if hud else None,
            target_alt=target[3] if target else None,
            heading=_heading(place, hud, got[_ATTITUDE]),
            target_heading=nav[6] if nav else None,
            target_distance=nav[7] if nav else None,
            throttle=hud[5] if hud else None,
            airspeed=hud[0] if hud else None,
            groundspeed=hud[1] if hud else None,
            wind_speed=wind[1] if wind else None,
            wind_heading=wind[0] if wind else None,
            error=_accuracy(gps, 11),
            error_vertical=_accuracy(gps, 12),
            temperature=pressure[3] / 100 if pressure else None,
            climb=hud[3] if hud else None,
            battery=status[12] if status and status[12] >= 0 else None,
            waypoint=mission[0] if mission else None,
            failures=_failures(status),
        )

    def _read(self, msgid: int, now_us: int) -> _Values | None:
        payload, at_us = self._said.get(msgid, (b"", None))
        if at_us is None or now_us - at_us > _OLD_US:
            return None
        form = _FORMS[msgid]
        return form.unpack_from(payload.ljust(form.size, b"\0"))


def _heading(
    place: _Values | None,
    hud: _Values | None,
    attitude: _Values | None,
) -> float | None:
    if place and place[8] != 65_535:
        return float(place[8]) / 100
    if hud:
        return float(hud[4])
    return math.degrees(attitude[3]) if attitude and math.isfinite(attitude[3]) else None


def _accuracy(gps: _Values | None, at: int) -> float | None:
    # An extension of GPS_RAW_INT, in mm; 0 where it is not sent.
    return gps[at] / 1e3 if gps and gps[at] and gps[8] >= _FIX_2D else None


def _failures(status: _Values | None) -> int:
    if status is None:
        return 0
    failed = int(status[1]) & ~int(status[2])
    return sum(flag for sensor, flag in _FAILURES.items() if failed & sensor)


class Vehicles:
    """All systems heard of. Bounded: a system too many is no aircraft here."""

    def __init__(self) -> None:
        self._autopilots: dict[tuple[int, int], Vehicle] = {}
        self._ground: set[int] = set()
        self._systems: set[int] = set()

    def note(self, frame: Frame, now_us: int) -> None:
        """A system said `frame`."""
        sender = frame.sysid, frame.compid
        vehicle = self._autopilots.get(sender)
        if frame.msgid == _HEARTBEAT:
            payload = frame.payload.ljust(9, b"\0")
            if vehicle is None and is_autopilots(payload):
                vehicle = self._add(sender)
            elif payload[4] == _GROUND_STATION and frame.sysid not in self._systems:
                self._ground.add(frame.sysid)
        elif frame.msgid == HIGH_LATENCY2 and vehicle is None:
            vehicle = self._add(sender)
        if vehicle is not None:
            vehicle.note(frame, now_us)

    def _add(self, sender: tuple[int, int]) -> Vehicle | None:
        if len(self._autopilots) >= _MAX_SYSTEMS:
            return None
        self._ground.discard(sender[0])
        self._systems.add(sender[0])
        return self._autopilots.setdefault(sender, Vehicle(*sender))

    def is_aircraft(self, sysid: int) -> bool:
        """Whether it has an autopilot."""
        return sysid in self._systems

    def is_ground(self, sysid: int) -> bool:
        """Whether it is a ground station, as far as it said."""
        return sysid in self._ground

    def alive(self, now_us: int) -> list[Vehicle]:
        """The autopilots heard of lately."""
        return [vehicle for vehicle in self._autopilots.values() if vehicle.alive(now_us)]

    def forget(self, now_us: int, after_us: int) -> None:
        """Forget autopilots silent for so long."""
        for sender, vehicle in list(self._autopilots.items()):
            if now_us - vehicle.heard_us > after_us:
                del self._autopilots[sender]
        self._systems = {sysid for sysid, _ in self._autopilots}
