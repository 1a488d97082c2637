"""What a device's samples say of where it was and how its camera looked, moment by moment."""

from collections.abc import Mapping
from math import inf

from fieldlink.codecs.geo import Moment, Pose, Track

from .columns import POSITION, Schema
from .samples import Flag, Sample

__all__ = ["OLDEST_US", "Poses"]

OLDEST_US = 10_000_000
"""What was said longer before or after a moment says nothing about it."""

_STANDING_US, _STANDING_MPS = 120_000_000, 0.5  # who stands is still there

# Of each stream the columns. A device may have a stream of that name with units of its own.
_WANTED = {
    POSITION.stream: ("lat", "lon", "alt", "heading", "speed", "accuracy"),
    "attitude": ("roll", "pitch", "yaw"),
    "gimbal": ("roll", "pitch", "yaw", "hfov", "vfov"),
    "flight": ("height", "groundspeed", "climb"),
}
_UNITS = {
    **dict.fromkeys(("alt", "height", "accuracy"), "m"),
    **dict.fromkeys(("speed", "groundspeed", "climb"), "m/s"),
}  # the others are degrees


class Poses:
    """The last moments of one device's streams, and what was between two of them. No lock."""

    __slots__ = ("_tracks",)

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}

    @staticmethod
    def wants(schema: Schema) -> bool:
        """Whether a pose is made of such a stream."""
        return schema.stream in _WANTED

    def take(self, schema: Schema, sample: Sample) -> None:
        """Remember `sample`, if a pose is made of such."""
        wanted = _WANTED.get(schema.stream)
        if wanted is None or sample.flags & Flag.JUMP:
            return
        values: dict[str, float] = {}
        for column, value in zip(schema.columns, sample.values, strict=True):
            fits = column.name in wanted and column.unit == _UNITS.get(column.name, "deg")
            if fits and isinstance(value, int):
                values[column.name] = value / 10**column.scale
        moment = Moment(sample.time_us, values, sample.error_us)
        self._tracks.setdefault(schema.stream, Track()).add(moment)

    def values(self, stream: str, at_us: int) -> Mapping[str, float]:
        """What that stream says of `at_us` (UTC microseconds), by column; nothing if it is silent
        then.
        """
        track = self._tracks.get(stream)
        found = None if track is None else track.at(at_us, OLDEST_US)
        return {} if found is None else found.values

    def at(
        self, at_us: int, camera: "Poses | None" = None, hfov: float | None = None
    ) -> Pose | None:
        """The pose at `at_us` of its camera, or of one that it carries: then position, height and
        attitude are this device's, and where the camera looks only what that says itself. None:
        nobody said where it was within 10 s of that (two minutes, if it stood).
        """
        place = self._place(at_us)
        if place is None or "lat" not in place.values or "lon" not in place.values:
            return None
        attitude, flight = self.values("attitude", at_us), self.values("flight", at_us)
        gimbal = (self if camera is None else camera).values("gimbal", at_us)
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
            hfov=gimbal.get("hfov", hfov),
            vfov=gimbal.get("vfov"),
            error_us=place.error_us,
            accuracy_m=known.get("accuracy"),
        )

    def _place(self, at_us: int) -> Moment | None:
        track = self._tracks.get(POSITION.stream)
        if track is None:
            return None
        found = track.at(at_us, OLDEST_US)
        if found is None:
            held = track.at(at_us, _STANDING_US)
            stood = held is not None and held.values.get("speed", inf) < _STANDING_MPS
            return held if stood else None
        return found
