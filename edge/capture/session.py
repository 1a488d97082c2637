"""One connection to a device: its packets go to the original's writer and to the decoder."""

from collections.abc import Callable

from fieldlink.edge.capture.original import OriginalWriter
from fieldlink.edge.capture.outages import Outages
from fieldlink.edge.capture.overload import Overload
from fieldlink.edge.capture.pictures import Pictures
from fieldlink.edge.capture.ports import Clock, PoseAt, Sink, nowhere
from fieldlink.edge.capture.proxy import ProxyMaker
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.still import StillMaker
from fieldlink.edge.capture.tally import Tally
from fieldlink.edge.source.media import Ended, Opened, Packet

__all__ = ["Session"]

_DECODE_REST_S = 4.0
_STRAY_US = 5_000_000


class Session:
    """What is made of one connection, until `finish`."""

    def __init__(
        self,
        device: str,
        settings: Callable[[], CaptureSettings],
        stills: StillMaker,
        outages: Outages,
        faults: Outages,
        *,
        sink: Sink,
        clock: Clock,
        failed: Callable[[BaseException], None],
        pose_at: PoseAt = nowhere,
    ) -> None:
        self._device, self._settings, self._stills = device, settings, stills
        self._outages, self._faults = outages, faults
        self._sink, self._clock, self._failed = sink, clock, failed
        self._pose_at = pose_at
        self._picture_us: int | None = None
        self.original: OriginalWriter | None = None
        self.pictures: Pictures | None = None
        self.proxy: ProxyMaker | None = None

    @property
    def end_us(self) -> int | None:
        """Up to when this connection delivered; None if it delivered no picture."""
        return None if self.original is None else self.original.end_us

    def take(self, event: Opened | Packet | Ended, tally: Tally) -> None:
        """Take what the source delivered.

        Raises:
            Exception: whatever the sink raises.
        """
        if isinstance(event, Opened):
            self._open(event)
        elif isinstance(event, Ended):
            tally.end()
        elif self.original is not None and self.pictures is not None:
            if self._is_stray(event):
                tally.stray_sound += 1
                return
            if event.missing and self.original.end_us is not None:
                reason = f"source: {event.missing} pictures were lost on the way"
                self._outages.begin(self.original.end_us, reason)
            self.original.feed(event)
            self.pictures.backlog.put(event)
            if event.kind == "video" and self.original.end_us is not None:
                if event.missing or not tally.is_live:
                    self._outages.end(event.utc_us)
                tally.picture(event)

    def _is_stray(self, packet: Packet) -> bool:
        """Whether sound claims a time far from the picture's: a camera with two clocks."""
        if packet.kind == "video":
            self._picture_us = packet.utc_us
            return False
        return self._picture_us is not None and abs(packet.utc_us - self._picture_us) > _STRAY_US

    def _open(self, opened: Opened) -> None:
        if opened.video is None:
            return
        self.finish()  # of one that goes on with pictures of another size
        self.original = OriginalWriter(
            self._device,
            opened,
            lambda: self._settings().original,
            sink=self._sink,
            clock=self._clock,
            pose_at=self._pose_at,
        )
        self.proxy = ProxyMaker(
            self._device,
            opened.video,
            opened.audio,
            self._settings,
            sink=self._sink,
            clock=self._clock,
        )
        self._stills.connected_again()
        self.pictures = Pictures(
            opened.video,
            self._stills,
            self.proxy,
            self._faults,
            Overload(self._device, "video", sink=self._sink, clock=self._clock),
            clock=self._clock,
            failed=self._failed,
        )
        self.pictures.start()

    def finish(self) -> None:
        """Hand over the fragment and the piece under way."""
        try:
            if self.original is not None:
                self.original.finish()
        finally:
            if self.pictures is not None and not self.pictures.finish(_DECODE_REST_S):
                self._failed(RuntimeError(f"the decoder of {self._device} does not end; restart"))
