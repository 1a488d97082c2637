"""A set of MISB ST 0601 as samples: position, attitude and gimbal as other aircraft have them."""

from collections.abc import Iterator

from fieldlink.codecs.geo import is_position
from fieldlink.codecs.klv import LocalSet, Tag, camera_angles, platform_angles
from fieldlink.codecs.telemetry import POSITION, Flag, Schema
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL
from fieldlink.edge.telemetry.ports import Reading

__all__ = ["readings"]


def readings(found: LocalSet, flags: Flag = Flag.NONE) -> Iterator[tuple[Schema, Reading]]:
    """What `found` says, by stream, with the aircraft's own time. A stream of which it says nothing
    is left out. Altitude is that above mean sea level only: heights above the ellipsoid are others.
    """
    streams = {
        POSITION: _position(found),
        ATTITUDE: _attitude(found),
        GIMBAL: _gimbal(found),
        FLIGHT: _flight(found),
    }
    for schema, values in streams.items():
        if any(value is not None for value in values.values()):
            yield schema, Reading(values, device_us=found.time_us, flags=flags)


def _position(found: LocalSet) -> dict[str, float | None]:
    lat, lon = found.number(Tag.LAT), found.number(Tag.LON)
    if lat is None or lon is None or not is_position(lat, lon):
        return {}
    # Where its nose points is no course: that is in `attitude`.
    return {
        "lat": lat,
        "lon": lon,
        "alt": found.number(Tag.ALT),
        "speed": found.number(Tag.GROUND_SPEED),
    }


def _attitude(found: LocalSet) -> dict[str, float | None]:
    heading, pitch, roll = platform_angles(found)
    return {"roll": roll, "pitch": pitch, "yaw": heading}


def _gimbal(found: LocalSet) -> dict[str, float | None]:
    azimuth, camera = found.number(Tag.AZIMUTH), camera_angles(found)
    yaw, pitch, roll = (None, None, None) if camera is None else camera
    return {
        "roll": roll,
        "pitch": pitch,
        "yaw": yaw,
        "yaw_relative": None if azimuth is None else (azimuth + 180.0) % 360.0 - 180.0,
        "target_lat": found.number(Tag.CENTRE_LAT),
        "target_lon": found.number(Tag.CENTRE_LON),
        "hfov": found.number(Tag.HFOV),
        "vfov": found.number(Tag.VFOV),
    }


def _flight(found: LocalSet) -> dict[str, float | None]:
    return {
        "groundspeed": found.number(Tag.GROUND_SPEED),
        "airspeed": found.number(Tag.AIRSPEED),
        "climb": found.number(Tag.CLIMB),
    }
