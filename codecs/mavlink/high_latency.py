"""HIGH_LATENCY2: a vehicle's state in one message, for links that carry one every few seconds.

On such a link there is no HEARTBEAT, and nothing but commands and this (High latency protocol).
What is not known is written as PX4 does.
"""

from dataclasses import dataclass
from struct import Struct

__all__ = ["GPS_FAILED", "HIGH_LATENCY2", "HighLatency2"]

HIGH_LATENCY2 = 235
GPS_FAILED = 1
"""HL_FAILURE_FLAG_GPS: there is no position."""

_FORM = Struct("<IiiHhhHHHBBBBBBBBBBBBbbbbbb")
_NO_BATTERY, _NO_I8, _NO_ERROR, _NO_WAYPOINT = -1, -128, 255, 65_535


@dataclass(frozen=True, slots=True)
class HighLatency2:
    """Units: degrees, m, m/s, %, degrees Celsius; None is unknown. `failures` are the flags
    HL_FAILURE_FLAG of the standard.
    """

    time_ms: int = 0
    type: int = 0
    autopilot: int = 0
    custom_mode: int = 0
    lat: float | None = None
    lon: float | None = None
    alt: float | None = None
    target_alt: float | None = None
    heading: float | None = None
    target_heading: float | None = None
    target_distance: float | None = None
    throttle: float | None = None
    airspeed: float | None = None
    target_airspeed: float | None = None
    groundspeed: float | None = None
    wind_speed: float | None = None
    wind_heading: float | None = None
    error: float | None = None
    error_vertical: float | None = None
    temperature: float | None = None
    climb: float | None = None
    battery: float | None = None
    waypoint: int | None = None
    failures: int = 0
    custom: tuple[int, int, int] = (_NO_I8, _NO_I8, _NO_I8)

    def encode(self) -> bytes:
        """The payload, 42 bytes. Without a position 0/0 is written, and the flag that says so."""
        placed = self.lat is not None and self.lon is not None
        return _FORM.pack(
            self.time_ms & 0xFFFFFFFF,
            _whole(self.lat if placed else 0, 1e7, -900_000_000, 900_000_000),
            _whole(self.lon if placed else 0, 1e7, -1_800_000_000, 1_800_000_000),
            self.custom_mode & 0xFFFF,
            _whole(self.alt, 1, -32_768, 32_767),
            _whole(self.target_alt, 1, -32_768, 32_767),
            _whole(self.target_distance, 0.1, 0, 65_535),
            _NO_WAYPOINT if self.waypoint is None else _whole(self.waypoint, 1, 0, 65_534),
            (self.failures | (0 if placed else GPS_FAILED)) & 0xFFFF,
            self.type & 0xFF,
            self.autopilot & 0xFF,
            _whole((self.heading or 0) % 360, 0.5, 0, 179),
            _whole((self.target_heading or 0) % 360, 0.5, 0, 179),
            _whole(self.throttle, 1, 0, 100),
            _whole(self.airspeed, 5, 0, 255),
            _whole(self.target_airspeed, 5, 0, 255),
            _whole(self.groundspeed, 5, 0, 255),
            _whole(self.wind_speed, 5, 0, 255),
            _whole((self.wind_heading or 0) % 360, 0.5, 0, 179),
            _NO_ERROR if self.error is None else _whole(self.error, 10, 0, 254),
            _NO_ERROR if self.error_vertical is None else _whole(self.error_vertical, 10, 0, 254),
            _NO_I8 if self.temperature is None else _whole(self.temperature, 1, -127, 127),
            _whole(self.climb, 10, -128, 127),
            _NO_BATTERY if self.battery is None else _whole(self.battery, 1, 0, 100),
            *(_whole(value, 1, -128, 127) for value in self.custom),
        )

    @classmethod
    def decode(cls, payload: bytes) -> "HighLatency2":
        """What a payload says; zeros left out at its end are put back, and fields that a later
        version of the dialect has behind these are left alone (Message extensions).
        """
        got = _FORM.unpack_from(payload.ljust(_FORM.size, b"\0"))
        placed = not got[8] & GPS_FAILED or any(got[1:3])
        return cls(
            time_ms=got[0],
            lat=got[1] / 1e7 if placed else None,
            lon=got[2] / 1e7 if placed else None,
            custom_mode=got[3],
            alt=float(got[4]),
            target_alt=float(got[5]),
            target_distance=got[6] * 10.0,
            waypoint=None if got[7] == _NO_WAYPOINT else got[7],
            failures=got[8],
            type=got[9],
            autopilot=got[10],
            heading=got[11] * 2.0,
            target_heading=got[12] * 2.0,
            throttle=float(got[13]),
            airspeed=got[14] / 5,
            target_airspeed=got[15] / 5,
            groundspeed=got[16] / 5,
            wind_speed=got[17] / 5,
            wind_heading=got[18] * 2.0,
            error=None if got[19] == _NO_ERROR else got[19] / 10,
            error_vertical=None if got[20] == _NO_ERROR else got[20] / 10,
            temperature=None if got[21] == _NO_I8 else float(got[21]),
            climb=got[22] / 10,
            battery=None if got[23] == _NO_BATTERY else float(got[23]),
            custom=(got[24], got[25], got[26]),
        )


def _whole(value: float | None, scale: float, low: int, high: int) -> int:
    # What does not fit says as much as fits; what is unknown or no number has no code of its own.
    if value is None or value != value:
        return max(low, 0) if low > 0 else 0
    return round(min(max(value * scale, low), high))
