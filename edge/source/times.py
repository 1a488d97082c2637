"""Time stamps for packets that come without: the first ones of an RTSP stream often do."""

from dataclasses import dataclass

from fieldlink.codecs.fault import SourceError

__all__ = ["TimeFiller", "Timed"]

_MAX_WAITING = 100


@dataclass(frozen=True, slots=True)
class Timed:
    """One encoded frame of a track, with times in ticks."""

    data: bytes
    pts: int
    dts: int
    duration: int
    keyframe: bool
    corrupt: bool


class TimeFiller:
    """Fills in the times of one track. Packets before the first time wait for it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[bytes, int, bool, bool]] = []
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
        """The packets that now have a time, in order.

        Raises:
            SourceError: packet after packet without any.
        """
        at = next((t for t in (dts, pts, self._next_dts) if t is not None), None)
        if at is None:
            self._waiting.append((data, duration, keyframe, corrupt))
            if len(self._waiting) > _MAX_WAITING:
                raise SourceError("no-times", "its packets have no time stamps; use another url")
            return []
        ready = self._before(at)
        ready.append(Timed(data, at if pts is None else pts, at, duration, keyframe, corrupt))
        self._next_dts = at + duration
        return ready

    def _before(self, at: int) -> list[Timed]:
        """What waited, placed right before `at`."""
        begin = at - sum(duration for _, duration, _, _ in self._waiting)
        placed = []
        for data, duration, keyframe, corrupt in self._waiting:
            placed.append(Timed(data, begin, begin, duration, keyframe, corrupt))
            begin += duration
        self._waiting = []
        return placed
