"""Picture and sound of one publisher on one line of time, and that line against the kit's clock.

RTP gives each track a clock of its own. When each arrives tells how they lie to one another until
the publisher's own reports do, which name one instant by both (RFC 3550 6.4.1). The publisher's
date is never used, only that both its tracks have the same.
"""

from fieldlink.edge.source.clock import ArrivalClock
from fieldlink.edge.source.media import TrackKind

__all__ = ["Timeline"]

_APART_US = 20_000  # a smaller change of lip sync is not worth a jump


class Timeline:
    """Times are microseconds: `device_us` of the track's own RTP clock."""

    def __init__(self) -> None:
        self._clocks: dict[TrackKind, ArrivalClock] = {
            "video": ArrivalClock(),
            "audio": ArrivalClock(),
        }
        self._reported: dict[TrackKind, int] = {}  # the publisher's date less its RTP clock
        self._shift_us: int | None = None

    def report(self, kind: TrackKind, date_us: int, device_us: int) -> None:
        """The publisher says that `device_us` of `kind` was at `date_us`."""
        self._reported[kind] = date_us - device_us
        if len(self._reported) == 2:
            self._shift(self._reported["audio"] - self._reported["video"])

    def video(self, device_us: int, arrival_us: int) -> tuple[int, bool]:
        """When a picture was taken, and whether the publisher's clock jumped before it."""
        jumped = self._clocks["video"].observe("video", device_us, arrival_us)
        if jumped:
            self._reported.clear()
            self._shift_us = None
        return self._clocks["video"].utc_us(device_us), jumped

    def audio(self, device_us: int, arrival_us: int) -> tuple[int, int]:
        """Where sound lies on the picture's line, and when it was taken."""
        self._clocks["audio"].observe("audio", device_us, arrival_us)
        video = self._clocks["video"]
        if self._shift_us is None:
            self._shift_us = self._clocks["audio"].offset_us - video.offset_us
        at_us = device_us + self._shift_us
        return at_us, video.utc_us(at_us)

    def _shift(self, shift_us: int) -> None:
        if self._shift_us is None or abs(shift_us - self._shift_us) > _APART_US:
            self._shift_us = shift_us
