"""Time stamps for packets that come without: the first ones of an RTSP stream often do."""

from dataclasses import dataclass

from fieldlink.codecs.fault import SourceError

__all__ = ["TimeFiller", "Timed"]

_MAX_WAITING = 25


@dataclass(frozen=True, slots=True)
class Timed:
    """One encoded frame of a track, with times in ticks."""

    data: bytes
    pts: int
    dts: int
    duration: int
    keyframe: bool
    corrupt: bool


@dataclass(frozen=True, slots=True)
class _Raw:
    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    keyframe: bool
    corrupt: bool


class TimeFiller:
    """Fills in the times of one track. Packets before the first decoding time wait for it."""

    def __init__(self) -> None:
        self._waiting: list[_Raw] = []
        self._next_dts: int | None = None

    def add(
        self,
        data: bytes,
        pts: int | None,
        dts: int | None,
        duration: int,
        keyframe: bool,
        corrupt: bool,
    ) -> list[Timed]:
        """The packets that now have their times, in order.

        Raises:
            SourceError: packet after packet without any.
        """
        raw = _Raw(data, pts, dts, duration, keyframe, corrupt)
        if self._next_dts is not None:
            return [self._timed(raw, self._next_dts if dts is None else dts, None)]
        self._waiting.append(raw)
        if dts is not None:
            return self._release(dts)
        if len(self._waiting) < _MAX_WAITING:
            return []
        shown = [packet.pts for packet in self._waiting if packet.pts is not None]
        if not shown:
            raise SourceError("no-times", "its packets have no time stamps; use another url")
        return self._release(max(shown))  # a device that never says when to decode

    def _release(self, last_dts: int) -> list[Timed]:
        """What waited, the last of it at `last_dts` and the others right before."""
        waiting, self._waiting = self._waiting, []
        first = min((p.pts for p in waiting if p.pts is not None), default=last_dts)
        dts = last_dts - sum(packet.duration for packet in waiting[:-1])
        released = []
        for packet in waiting:
            # A keyframe without a time is shown right before the earliest that has one.
            unknown = first - packet.duration if packet.keyframe else None
            released.append(self._timed(packet, dts, unknown))
            dts += packet.duration
        return released

    def _timed(self, raw: _Raw, dts: int, unknown: int | None) -> Timed:
        pts = raw.pts if raw.pts is not None else unknown
        pts = dts if pts is None else max(pts, dts)
        self._next_dts = dts + raw.duration
        return Timed(raw.data, pts, dts, raw.duration, raw.keyframe, raw.corrupt)
