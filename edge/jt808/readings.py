"""A terminal's location as readings: where it is, and how the vehicle is."""

from dataclasses import dataclass
from typing import Any

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.geo import gcj02_to_wgs84
from fieldlink.codecs.jt808 import Location, Status
from fieldlink.codecs.telemetry import Column, Flag, Schema
from fieldlink.edge.jt808.settings import Datum
from fieldlink.edge.telemetry.ports import Reading

__all__ = ["VEHICLE", "Fix", "VehicleWatch", "fix_of"]

VEHICLE = Schema(
    "vehicle",
    (
        Column("mileage", "km", 1),  # its odometer
        Column("fuel", "L", 1),
        Column("speed", "km/h", 1),  # by the driving recorder, not by satellites
        Column("ignition"),  # 0, 1
        Column("strength"),  # of its radio, as the maker counts it (often CSQ, 0 to 31)
        Column("signals"),  # bits: lamps, brake, horn, ... (JT/T 808 table 31)
        Column("io"),  # bit 0 deep sleep, 1 sleep
        Column("analog0"),
        Column("analog1"),
        Column("cabin", "Cel"),
    ),
)
_VEHICLE_EVERY_US = 60_000_000
_KMH_TENTHS = 36.0  # in a metre a second


@dataclass(frozen=True, slots=True)
class Fix:
    """A location's position. `fault` says why its time is none."""

    reading: Reading
    lat: float | None
    lon: float | None
    fault: str = ""


def fix_of(location: Location, datum: Datum, flags: Flag) -> Fix:
    """The position in `location`, WGS-84. Without a fix it has none: what is in the fields then is
    the last one, or nothing.
    """
    device_us, fault = _time_of(location)
    satellites = location.reading(0x31)
    if not location.is_fixed:
        values: dict[str, Any] = {"satellites": satellites, "fix": 0}
        return Fix(Reading(values, device_us, flags=flags | Flag.NO_FIX), None, None, fault)
    lat, lon = location.lat_deg, location.lon_deg
    moved = datum is Datum.GCJ02
    if datum is Datum.STATUS:
        moved = bool(location.status & Status.OFFSET)
    if moved and abs(lat) <= 90 and abs(lon) <= 180:
        lat, lon = gcj02_to_wgs84(lat, lon)
        flags |= Flag.CONVERTED
    values = {
        "lat": lat,
        "lon": lon,
        "alt": location.alt_m,
        "heading": location.heading,
        "speed": location.speed / _KMH_TENTHS,
        "satellites": satellites,
        "fix": 1,
    }
    return Fix(Reading(values, device_us, flags=flags), lat, lon, fault)


def _time_of(location: Location) -> tuple[int | None, str]:
    try:
        return location.time_us, ""
    except CodecError as error:
        return None, error.detail


class VehicleWatch:
    """Says when what is known of the vehicle is worth a reading: its switches changed, or a minute
    has gone.
    """

    def __init__(self) -> None:
        self._switches: tuple[Any, ...] = ()
        self._at_us: int | None = None

    def reading(self, location: Location, device_us: int | None, flags: Flag) -> Reading | None:
        """What `location` says of the vehicle; None: nothing new."""
        values = _vehicle(location)
        switches = tuple(values[name] for name in ("ignition", "signals", "io"))
        at_us, last_us = device_us or 0, self._at_us
        if (
            switches == self._switches
            and last_us is not None
            and abs(at_us - last_us) < _VEHICLE_EVERY_US
        ):
            return None
        self._switches, self._at_us = switches, at_us
        return Reading(values, device_us, flags=flags)


def _vehicle(location: Location) -> dict[str, Any]:
    analog = location.reading(0x2B)
    first, second = analog if isinstance(analog, tuple) else (None, None)
    return {
        "mileage": location.reading(0x01),
        "fuel": location.reading(0x02),
        "speed": location.reading(0x03),
        "ignition": int(bool(location.status & Status.IGNITION)),
        "strength": location.reading(0x30),
        "signals": location.reading(0x25),
        "io": location.reading(0x2A),
        "analog0": first,
        "analog1": second,
        "cabin": location.reading(0x06),
    }
