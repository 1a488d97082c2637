"""Decodes one connection's packets and makes stills and the proxy of them, on its own thread."""

import threading
from collections.abc import Callable
from typing import Any

import av
import av.error
import numpy as np

from fieldlink.edge.capture.backlog import Backlog
from fieldlink.edge.capture.looks import look_at
from fieldlink.edge.capture.outages import Outages
from fieldlink.edge.capture.overload import Overload
from fieldlink.edge.capture.ports import Clock
from fieldlink.edge.capture.proxy import ProxyMaker
from fieldlink.edge.capture.still import StillMaker
from fieldlink.edge.source.media import Packet, TrackInfo

__all__ = ["Pictures"]

_WAIT_S = 0.5


class Pictures:
    """A decoder and what is made of its pictures. `failed` gets an error that is not a picture's.

    A picture counts as torn from a decoding error to the next keyframe; torn pictures go into
    the proxy, where something is better than nothing, but never into a still.
    """

    def __init__(
        self,
        video: TrackInfo,
        stills: StillMaker,
        proxy: ProxyMaker,
        faults: Outages,
        overload: Overload,
        *,
        clock: Clock,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._video, self._stills, self._proxy, self._faults = video, stills, proxy, faults
        self._overload, self._clock, self._failed = overload, clock, failed
        self.backlog = Backlog()
        self._decoder: Any = _decoder(video, proxy.wanted_size()[0])
        self._scaler = av.video.reformatter.VideoReformatter()
        self._trusted_from: int | None = None
        self._tick = -1
        self.broken = 0
        self.lag_us = 0
        self.alive_us = clock()
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)

    def start(self) -> None:
        """Begin decoding what is put into the backlog."""
        self._thread.start()

    def finish(self, wait_s: float) -> bool:
        """Decode what waits, hand over the piece under way; False if that took too long."""
        self.backlog.end()
        self._thread.join(wait_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            ended = False
            while not ended:
                ended, packet = self.backlog.get(_WAIT_S)
                self.alive_us = self._clock()
                if packet is not None:
                    self._take(packet)
                    self._note_shed(packet.utc_us)
            self._note_shed(self._clock())
            self._proxy.finish()
            self._overload.end()
        except BaseException as error:  # noqa: BLE001 - the recorder raises it where it is seen
            self._failed(error)

    def _note_shed(self, at_us: int) -> None:
        shed = self.backlog.take_shed()
        if shed is not None and self._proxy.enabled:
            self._overload.shed(*shed)
        self._overload.tick(at_us)

    def _take(self, packet: Packet) -> None:
        if packet.kind == "audio":
            self._proxy.feed_sound(packet)
            return
        if packet.discontinuity or packet.corrupt:
            self._trusted_from = None
        if packet.keyframe and not packet.corrupt and self._trusted_from is None:
            self._trusted_from = packet.pts
        for frame in self._decode(packet):
            at = packet.pts if frame.pts is None else frame.pts
            shift_us = int((at - packet.pts) * self._video.time_base * 1_000_000)
            self._picture(frame, at, packet.utc_us + shift_us)
        self.lag_us = self._clock() - packet.utc_us

    def _decode(self, packet: Packet) -> list[Any]:
        raw = av.Packet(packet.data)
        raw.pts, raw.dts, raw.time_base = packet.pts, packet.dts, self._video.time_base
        raw.is_keyframe = packet.keyframe
        try:
            return list(self._decoder.decode(raw))
        except av.error.FFmpegError:
            self.broken += 1
            self._trusted_from = None
            return []

    def _picture(self, frame: Any, pts: int, at_us: int) -> None:
        if frame.is_corrupt:
            self.broken += 1
            self._trusted_from = None
        # The grid of the proxy's rate; pictures between its points are not even scaled.
        at = pts * self._video.time_base
        tick = self._proxy.tick_of(at)
        if tick == self._tick:
            return
        self._tick = tick
        width, height = self._proxy.wanted_size()
        small = self._scaler.reformat(frame, width, height, "yuv420p", interpolation="AREA")
        if self._trusted_from is not None and pts >= self._trusted_from:
            self._judge(frame, small, at_us)
        self._proxy.feed_picture(small, at, at_us)

    def _judge(self, frame: Any, small: Any, at_us: int) -> None:
        fault = self._stills.offer(frame, look_at(_luma(small)), at_us)
        if fault:
            since_us = self._stills.unchanged_since_us if fault == "frozen" else at_us
            self._faults.begin(since_us, f"picture: {fault}")
        else:
            self._faults.end(at_us)


def _luma(frame: Any) -> Any:
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def _decoder(video: TrackInfo, wanted_width: int) -> Any:
    decoder = av.CodecContext.create(video.codec, "r")
    if video.width >= 2 * wanted_width:
        # A fifth of the work, for edges of blocks that scaling down by two hides.
        decoder.options = {"skip_loop_filter": "nokey"}
    if video.extradata:
        decoder.extradata = video.extradata
    # A thread for each of eight cameras is enough for two cores, and frame threads add delay.
    decoder.thread_count = 1
    return decoder
