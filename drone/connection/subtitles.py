"""DJI's flight subtitles as MAVLink: a flight without its aircraft, for ground stations too.

A subtitle says little: where it was and how high above home, of some models speed and where nose
and camera pointed. Without a height above the sea the fix is a 2D one, which has none. The times
are the aircraft's own, of no stated zone: they are taken for UTC.
"""

import datetime
import math
from collections.abc import Iterator

from fieldlink.codecs.dji import MAX_SUBTITLE_BYTES, Subtitle, read_subtitles
from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.drone.connection.dataflash import damage
from fieldlink.drone.connection.logs import LogFile, Logged
from fieldlink.drone.connection.synthesis import Synthesis

__all__ = ["subtitle_frames"]

_GENERIC, _QUADROTOR = 0, 2
_NO_FIX, _FIX_2D, _FIX_3D = 1, 2, 3


def subtitle_frames(path: LogFile) -> Iterator[Logged]:
    """What the aircraft would have said; `offset` is the number of the block, from 1.

    Raises:
        SourceError: these are no flight subtitles, or damaged behind what was given, with the line.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_SUBTITLE_BYTES + 1)
    try:
        read = read_subtitles(data)
    except CodecError as error:
        raise damage(path, error) from error
    craft = Synthesis(_GENERIC)
    craft.type, craft.armed = _QUADROTOR, True
    craft.epoch_us = _epoch_us(read.samples)
    for number, sample in enumerate(read.samples, 1):
        yield from _said(craft, sample, number)
    if read.damage is not None:
        raise SourceError("damaged", f"{path.name}: {read.damage}")


def _epoch_us(samples: tuple[Subtitle, ...]) -> int:
    for sample in samples:
        if sample.taken is not None:
            taken = sample.taken.replace(tzinfo=datetime.UTC)
            return round(taken.timestamp() * 1e6) - sample.start_ms * 1000
    return 0


def _said(craft: Synthesis, sample: Subtitle, number: int) -> Iterator[Logged]:
    at_us = sample.start_ms * 1000
    craft.know(yaw=_radians(sample.yaw_deg), height=_known(sample.elevation_m))
    place = {"lat": _known(sample.lat), "lon": _known(sample.lon), "alt": _known(sample.alt_m)}
    fix = _NO_FIX if sample.lat is None else _FIX_2D if sample.alt_m is None else _FIX_3D
    received = {f"gps_{name}": value for name, value in place.items()}
    satellites = _known(sample.satellites)
    yield from craft.tell("gps", at_us, number, fix=fix, satellites=satellites, **received)
    if sample.speed_mps is not None or sample.climb_mps is not None:
        down = -_known(sample.climb_mps)
        yield from craft.tell(
            "speed", at_us, number, groundspeed=_known(sample.speed_mps), down=down
        )
    if sample.lat is not None:
        yield from craft.tell("position", at_us, number, **place)
    if sample.gimbal_pitch_deg is not None:
        yield from craft.tell(
            "gimbal",
            at_us,
            number,
            gimbal_pitch=sample.gimbal_pitch_deg,
            gimbal_yaw=_known(sample.gimbal_yaw_deg),
        )


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _radians(degrees: float | None) -> float:
    return math.radians(_known(degrees))
