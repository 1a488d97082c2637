"""Where devices were and cameras looked, for the last seconds: what pictures are told by.

The intake feeds it with every sample on the event loop's thread; capture asks on its own threads.
It is a memory, not a record: what the kit stores of all this is in the sheaves.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from math import inf
from typing import NamedTuple

from fieldlink.codecs.geo import Pose
from fieldlink.codecs.telemetry import POSITION, Flag, Sample, Schema
from fieldlink.edge.telemetry.track import Moment, Track

__all__ = ["OLDEST_US", "Mount", "Places"]

OLDEST_US = 10_000_000
"""What was said longer before or after a picture says nothing about it."""

_STANDING_US, _STANDING_MPS = 120_000_000, 0.5  # who stands is still there
_MOST_DEVICES = 512

# Of each stream the columns. A device may have a stream of that name with units of its own.
_WANTED = {
    POSITION.stream: ("lat", "lon", "alt", "heading", "speed", "accuracy"),
    "attitude": ("roll", "pitch", "yaw"),
    "gimbal": ("roll", "pitch", "yaw", "hfov", "vfov"),
    "flight": ("height",),
}
_UNITS = {"alt": "m", "height": "m", "accuracy": "m", "speed": "m/s"}  # the others are degrees
_NOT_TRUE = int(Flag.JUMP | Flag.BACKFILL)


class Mount(NamedTuple):
    """Who carries a camera ("": it says itself where it is), and the field of view of a lens that
    does not zoom, degrees.
    """

    carrier: str = ""
    hfov: float | None = None


class Places:
    """Bounded in devices and in time. `mount_of` says how a camera is mounted."""

    def __init__(self, mount_of: Callable[[str], Mount] = lambda name: Mount()) -> None:
        self._mount_of = mount_of
        self._lock = threading.Lock()
        self._devices: OrderedDict[str, dict[str, Track]] = OrderedDict()

    def take(self, device: str, schema: Schema, sample: Sample) -> None:
        """Remember `sample` of the device's stream, if a camera's pose is made of it."""
        wanted = _WANTED.get(schema.stream)
        if wanted is None or sample.flags & _NOT_TRUE:
            return
        values: dict[str, float] = {}
        for column, value in zip(schema.columns, sample.values, strict=True):
            fits = column.name in wanted and column.unit == _UNITS.get(column.name, "deg")
            if fits and isinstance(value, int):
                values[column.name] = value / 10**column.scale
        moment = Moment(sample.time_us, values, sample.error_us)
        with self._lock:
            tracks = self._devices.setdefault(device, {})
            self._devices.move_to_end(device)
            tracks.setdefault(schema.stream, Track()).add(moment)
            if len(self._devices) > _MOST_DEVICES:
                self._devices.popitem(last=False)  # who has not spoken for longest

    def at(self, device: str, at_us: int) -> Pose | None:
        """The pose of the device's camera at `at_us` (UTC microseconds by the kit's clock); None:
        nobody said where it was within 10 s of that (two minutes, if it stood). Any thread may ask.

        Position, height and attitude are the carrier's, where the camera has one; the camera's own
        direction and field of view only its own, for a carrier may have several cameras.
        """
        mount = self._mount_of(device)
        with self._lock:
            carrier = self._devices.get(mount.carrier or device, {})
            place = _place(carrier, at_us)
            if place is None or "lat" not in place.values or "lon" not in place.values:
                return None
            attitude = _values(carrier, "attitude", at_us)
            flight = _values(carrier, "flight", at_us)
            gimbal = _values(self._devices.get(device, {}), "gimbal", at_us)
        known = place.values
        return Pose(
            at_us,
            known["lat"],
            known["lon"],
            alt_m=known.get("alt"),
            height_m=flight.get("height"),
            heading=attitude.get("yaw", known.get("heading")),
            roll=attitude.get("roll"),
            pitch=attitude.get("pitch"),
            gimbal_pitch=gimbal.get("pitch"),
            gimbal_yaw=gimbal.get("yaw"),
            gimbal_roll=gimbal.get("roll"),
            hfov=gimbal.get("hfov", mount.hfov),
            vfov=gimbal.get("vfov"),
            error_us=place.error_us,
            accuracy_m=known.get("accuracy"),
        )


def _place(tracks: Mapping[str, Track], at_us: int) -> Moment | None:
    track = tracks.get(POSITION.stream)
    if track is None:
        return None
    found = track.at(at_us, OLDEST_US)
    if found is None:
        held = track.at(at_us, _STANDING_US)
        stood = held is not None and held.values.get("speed", inf) < _STANDING_MPS
        return held if stood else None
    return found


def _values(tracks: Mapping[str, Track], stream: str, at_us: int) -> Mapping[str, float]:
    track = tracks.get(stream)
    found = None if track is None else track.at(at_us, OLDEST_US)
    return {} if found is None else found.values
