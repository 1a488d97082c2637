"""The RTP packets of one publisher, still encoded, to what a recorder takes.

No picture is decoded here. A keyframe is asked for at the start, after a loss that was not made
good, and when a recorder comes in the middle, once a second at most; and when none came for five
seconds, because some publishers send one in two minutes, and pieces begin with one.
"""

from collections.abc import Callable
from typing import Any

from fieldlink.codecs.whip import Assembly, Gate, Offer, Picture, begins_picture
from fieldlink.edge.clock.clock import steady_us
from fieldlink.edge.source.clock import SetWatch
from fieldlink.edge.source.media import Packet, TrackKind
from fieldlink.edge.whip.mount import Mount, Over, Publisher
from fieldlink.edge.whip.source import SOUND_HZ, VIDEO_HZ
from fieldlink.edge.whip.timeline import Timeline

__all__ = ["Stream"]

_PICTURE_US, _SOUND_US = 500_000, 200_000  # how long a lost packet is waited for
_ASK_US, _EVERY_US = 1_000_000, 5_000_000
_HOLE_US = 1_000_000  # a shorter one shows in the time stamps, and is counted
_USUAL_TICKS, _MOST_TICKS = VIDEO_HZ // 25, VIDEO_HZ
_MAX_SOUND_BYTES = 4_000


class Stream:
    """One publisher's tracks. `clock` gives UTC microseconds. Used by one thread."""

    def __init__(
        self,
        mount: Mount,
        publisher: Publisher,
        offer: Offer,
        clock: Callable[[], int],
        steady: Callable[[], int] = steady_us,
    ) -> None:
        self._mount, self._publisher = mount, publisher
        self._clock, self._steady = clock, steady
        self._set_watch = SetWatch()
        self._gate = Gate(offer.parameter_sets)
        self._timeline = Timeline()
        self._rates: dict[TrackKind, int] = {"video": VIDEO_HZ}
        self._tracks: dict[TrackKind, Assembly] = {"video": Assembly(_PICTURE_US, begins_picture)}
        if offer.audio is not None:
            self._rates["audio"] = SOUND_HZ[offer.audio]
            self._tracks["audio"] = Assembly(_SOUND_US)
        self._asked_us: int | None = None
        self._keyframe_us = 0
        self._last: Packet | None = None
        self._sound_pts = -1
        self.keyframes_asked = 0
        self.pictures = 0

    def packet(self, kind: TrackKind, packet: Any) -> bool:
        """Take an RTP packet of aiortc, depayloaded; whether a keyframe is to be asked for."""
        now_us = self._clock()
        if self._set_watch.was_set(now_us, self._steady()):
            self._begin_anew()
        frames = self._tracks[kind].add(
            packet.sequence_number, packet.timestamp, bool(packet.marker), packet._data, now_us
        )
        for frame in frames:
            device_us = frame.timestamp * 1_000_000 // self._rates[kind]
            if kind == "audio":
                self._sound(frame.data, device_us, frame.arrival_us)
            elif (picture := self._gate.take(frame)) is not None:
                self._picture(picture, device_us)
        return kind == "video" and self._asks(now_us)

    def report(self, kind: TrackKind, date_us: int, timestamp: int) -> None:
        """What a sender report says: `timestamp` (32 bits) of `kind` was at `date_us`."""
        if track := self._tracks.get(kind):
            ticks = track.ticks(timestamp)
            self._timeline.report(kind, date_us, ticks * 1_000_000 // self._rates[kind])

    def facts(self) -> dict[str, Any]:
        """What came, and what did not."""
        video, audio = self._tracks["video"], self._tracks.get("audio")
        return {
            "pictures": self.pictures,
            "pictures_dropped": self._gate.dropped,
            "packets": video.packets,
            "packets_lost": video.missing,
            "sound_packets_lost": audio.missing if audio else 0,
            "keyframes_asked": self.keyframes_asked,
        }

    def _begin_anew(self) -> None:
        """The kit's clock was set: what comes now has other times than what came before."""
        self._timeline, self._last = Timeline(), None
        self._gate.close()
        over = Over("the kit's clock was set; recording begins anew by it", "clock")
        self._mount.cut(self._publisher, over)

    def _asks(self, now_us: int) -> bool:
        is_old = now_us - self._keyframe_us >= _EVERY_US
        if not (self._gate.needs_keyframe or self._mount.thirsty or is_old):
            return False
        if self._asked_us is not None and 0 <= now_us - self._asked_us < _ASK_US:
            return False
        self._asked_us = now_us
        self.keyframes_asked += 1
        return True

    def _picture(self, picture: Picture, device_us: int) -> None:
        utc_us, jumped = self._timeline.video(device_us, picture.frame.arrival_us)
        pts, last = picture.frame.timestamp, self._last
        passed = _USUAL_TICKS if last is None else pts - last.pts
        hole = last is not None and utc_us - last.utc_us >= _HOLE_US
        packet = Packet(
            kind="video",
            data=picture.data,
            pts=pts,
            dts=pts,
            duration=passed if 0 < passed < _MOST_TICKS else _USUAL_TICKS,
            keyframe=picture.keyframe,
            corrupt=False,
            utc_us=utc_us,
            discontinuity=jumped,
            missing=picture.missing if hole else 0,
        )
        if packet.keyframe:
            self._keyframe_us = picture.frame.arrival_us
        self._last = packet
        self.pictures += 1
        self._mount.put(self._publisher, packet)

    def _sound(self, data: bytes, device_us: int, arrival_us: int) -> None:
        if self._last is None or len(data) > _MAX_SOUND_BYTES:
            return  # there is no picture yet that it could belong to
        at_us, utc_us = self._timeline.audio(device_us, arrival_us)
        pts = max(at_us * self._rates["audio"] // 1_000_000, self._sound_pts + 1)
        self._sound_pts = pts
        self._mount.put(
            self._publisher,
            Packet(
                kind="audio",
                data=data,
                pts=pts,
                dts=pts,
                duration=self._rates["audio"] // 50,
                keyframe=True,
                corrupt=False,
                utc_us=utc_us,
            ),
        )
