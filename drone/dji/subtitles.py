"""Flight subtitles as samples: what a card holds of a flight that nobody watched."""

import datetime
from collections.abc import Iterator

from fieldlink.codecs.dji import Subtitle, Subtitles
from fieldlink.codecs.telemetry import POSITION, Flag, Schema
from fieldlink.drone.dji.streams import Values
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL

__all__ = ["subtitle_samples"]


def subtitle_samples(
    read: Subtitles, zone: datetime.tzinfo, began_us: int | None = None
) -> Iterator[tuple[int, Schema, Values, Flag]]:
    """Time (UTC us), schema, values and flags of each sample; FULL rate, as recorded.

    The aircraft writes its local time; `zone` says which. A file without times needs `began_us`,
    when its video began; without that it has no samples.
    """
    for one in read.samples:
        time_us = _time_us(one, zone, began_us)
        if time_us is None:
            continue
        lost = one.lat is None
        yield (
            time_us,
            POSITION,
            {
                "lat": one.lat,
                "lon": one.lon,
                "alt": one.alt_m,
                "speed": one.speed_mps,
                "satellites": one.satellites,
                "fix": int(not lost),
            },
            Flag.BACKFILL | (Flag.NO_FIX if lost else Flag.NONE),
        )
        flight: Values = {
            "height": one.elevation_m,
            "groundspeed": one.speed_mps,
            "climb": one.climb_mps,
            "home_distance": one.home_distance_m,
            "home_lat": one.home_lat,
            "home_lon": one.home_lon,
        }
        if any(value is not None for value in flight.values()):
            yield time_us, FLIGHT, flight, Flag.BACKFILL
        if one.yaw_deg is not None:
            yield time_us, ATTITUDE, {"yaw": one.yaw_deg}, Flag.BACKFILL
        if one.gimbal_pitch_deg is not None:
            gimbal: Values = {"pitch": one.gimbal_pitch_deg, "yaw": one.gimbal_yaw_deg}
            yield time_us, GIMBAL, gimbal, Flag.BACKFILL


def _time_us(one: Subtitle, zone: datetime.tzinfo, began_us: int | None) -> int | None:
    if one.taken is not None:
        return round(one.taken.replace(tzinfo=zone).timestamp() * 1_000_000)
    return None if began_us is None else began_us + one.start_ms * 1000
