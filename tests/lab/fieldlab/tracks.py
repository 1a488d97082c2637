"""Tracks to measure the codec by: made with a receiver's noise, or recorded by real vehicles.

The noise is what decides how many bytes a position takes, so it is stated here. Position: a slow
error (first-order Gauss-Markov, 1.5 m across and 2.5 m up, 60 s), which moves by 27 cm and 45 cm
from one second to the next, and 3 cm and 5 cm of white noise. Speed comes from the Doppler shift,
with 5 cm/s of noise; the heading's is that over the speed, and it stands when the vehicle does.
"""

import math
import os
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.telemetry import POSITION, Block, Sample

__all__ = ["RECORDINGS", "Record", "Track", "made", "recorded"]

Values = tuple[int | None, int | None, int | None, int | None, int | None]
"""lat, lon, alt, heading and speed, scaled as in POSITION; None: unknown."""

Record = tuple[int, int | None, int | None, int | None, int | None, int | None]
"""The same behind the time (us)."""

RECORDINGS = "FIELDLINK_RECORDINGS"
"""The environment variable that names a folder of recordings: ULog (.ulg) and DJI's .srt."""

_START_US = 1_750_000_000_000_000
_M_PER_DEG = 111_195.0
_SLOW_S, _SLOW_M, _WHITE_M, _UP = 60.0, 1.5, 0.03, 1.67
_DOPPLER_MPS = 0.05


@dataclass(frozen=True)
class Track:
    """Records, one after the other."""

    name: str
    records: tuple[Record, ...]

    def blocks(self, size: int) -> list[Block]:
        """As blocks of at most `size`."""
        samples = [
            Sample(time_us, number, (*values, None, None, None), 0, 1000)
            for number, (time_us, *values) in enumerate(self.records, 1)
        ]
        return [
            Block("unit-1", "soldier", POSITION, 1, tuple(samples[start : start + size]))
            for start in range(0, len(samples), size)
        ]


def made(name: str, count: int, seed: int, *, jitter_us: int = 0) -> Track:
    """One record a second of a `walker` or a `vehicle`. The times are on the second, as a
    receiver's are; with `jitter_us` they are those of arrival, by the millisecond as the kit
    stores them.
    """
    rng = random.Random(seed)
    moves = _moves(rng, *((1.3, 0.4, 0.3) if name == "walker" else (14.0, 1.5, 0.12)))
    errors = [_slow(rng, _SLOW_M), _slow(rng, _SLOW_M), _slow(rng, _SLOW_M * _UP)]
    records = list[Record]()
    heading_deg = 0.0
    for second in range(count):
        north_m, east_m, up_m, speed, course = next(moves)
        north_m += next(errors[0]) + rng.gauss(0, _WHITE_M)
        east_m += next(errors[1]) + rng.gauss(0, _WHITE_M)
        up_m += next(errors[2]) + rng.gauss(0, _WHITE_M * _UP)
        if speed > 0.3:
            heading_deg = math.degrees(course + rng.gauss(0, _DOPPLER_MPS / speed)) % 360
        said = abs(speed + rng.gauss(0, _DOPPLER_MPS))
        lat = 30.6 + north_m / _M_PER_DEG
        lon = 104.0 + east_m / (_M_PER_DEG * math.cos(math.radians(30.6)))
        time_us = _START_US + second * 1_000_000 + _arrival(rng, jitter_us)
        records.append((time_us, *_scaled(lat, lon, up_m, heading_deg, said)))
    return Track(name, tuple(records))


def _arrival(rng: random.Random, jitter_us: int) -> int:
    late_us = rng.randrange(jitter_us) if jitter_us else 0
    return late_us - late_us % 1_000


def _moves(
    rng: random.Random, usual_mps: float, pace_mps: float, turning: float
) -> Iterator[tuple[float, float, float, float, float]]:
    """North, east, up, speed and course, second by second: legs at some speed, halts, bends."""
    north_m = east_m = speed = target = course = bend = 0.0
    up_m = 510.0
    while True:
        if rng.random() < 1 / 60:
            target = max(0.0, rng.choice([0.0, rng.gauss(usual_mps, pace_mps), usual_mps]))
        if rng.random() < 1 / 15:
            bend = rng.gauss(0, turning) if rng.random() < 0.5 else 0.0
        speed += (target - speed) * 0.3
        speed = 0.0 if speed < 0.02 else max(0.0, speed + rng.gauss(0, 0.03 * usual_mps))
        course += bend * min(1.0, speed)
        north_m += speed * math.cos(course)
        east_m += speed * math.sin(course)
        up_m += speed * rng.gauss(0, 0.03)
        yield north_m, east_m, up_m, speed, course


def _slow(rng: random.Random, deviation_m: float) -> Iterator[float]:
    keeps = math.exp(-1 / _SLOW_S)
    error_m = rng.gauss(0, deviation_m)
    while True:
        yield error_m
        error_m = keeps * error_m + rng.gauss(0, deviation_m * math.sqrt(1 - keeps * keeps))


def _scaled(
    *values: float | None,
) -> Values:
    """lat, lon, alt, heading and speed at the resolution of POSITION."""
    lat, lon, alt, heading, speed = (
        None if value is None or math.isnan(value) else round(value * 10**column.scale)
        for value, column in zip(values, POSITION.columns, strict=False)
    )
    return lat, lon, alt, heading, speed


def recorded() -> list[Track]:
    """The tracks in the folder of RECORDINGS; none if it is not set."""
    folder = os.environ.get(RECORDINGS)
    paths = sorted(Path(folder).iterdir()) if folder else []
    return [Track(path.name, records) for path in paths if (records := tuple(_records(path)))]


def _records(path: Path) -> Iterable[Record]:
    if path.suffix.lower() == ".srt":
        return _subtitles(path.read_text(encoding="utf-8", errors="replace"))
    return _ulog(path) if path.suffix == ".ulg" else ()


def _ulog(path: Path) -> Iterator[Record]:
    """PX4's vehicle_gps_position: what the receiver said."""
    from pyulog import ULog  # only here: nobody else needs it

    for one in ULog(str(path), ["vehicle_gps_position"]).data_list:
        names = ("time_utc_usec", "lat", "lon", "alt", "cog_rad", "vel_m_s")
        for time_us, lat, lon, alt_mm, course, speed in zip(
            *(one.data[name].tolist() for name in names), strict=True
        ):
            degrees = math.degrees(course) % 360
            yield time_us, *_scaled(lat / 1e7, lon / 1e7, alt_mm / 1e3, degrees, speed)


_ENTRY = re.compile(r"(\d+):(\d\d):(\d\d),(\d{3}) -->")
_PLACE = re.compile(r"(?<!HOME)(?<!HOME )GPS ?\((-?[\d.]+), ?(-?[\d.]+), ?(-?[\d.]+)M?\)")
_HEIGHT = re.compile(r"(?:BAROMETER:|, H )(-?[\d.]+)m?", re.IGNORECASE)
_HEADING = re.compile(r"F\.PRY \([^)]*?(-?[\d.]+)°\)")
_SPEED = re.compile(r"H\.S (-?[\d.]+)m/s")


def _subtitles(text: str) -> Iterator[Record]:
    """DJI's subtitles: position, height by barometer, and from some models heading and speed."""
    for entry in re.split(r"\n\s*\n", text):
        at, place = _ENTRY.search(entry), _PLACE.search(entry)
        if not at or not place:
            continue
        hours, minutes, seconds, thousandths = map(int, at.groups())
        time_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths
        lon, lat = float(place[1]), float(place[2])
        height, heading, speed = (
            float(found[1]) if (found := one.search(entry)) else None
            for one in (_HEIGHT, _HEADING, _SPEED)
        )
        course = None if heading is None else heading % 360
        yield _START_US + time_ms * 1000, *_scaled(lat, lon, height, course, speed)
