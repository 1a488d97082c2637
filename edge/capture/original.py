"""Originals: what the device sent, copied into fragments that each begin with a keyframe.

A fragment ends at the first keyframe after `shortest` that cuts cleanly, and from `longest` on at
any keyframe. A camera with keyframes further apart gets longer fragments, because each has to be
playable alone; only after 60 s or 64 MB is one cut where it is. What follows such a cut says
`continues` in its meta: it plays behind the piece before it. No frame is dropped, except those
before the first keyframe of a connection.
"""

from collections.abc import Callable

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.bundle.manifest import MetaValue
from fieldlink.codecs.mp4 import media_type
from fieldlink.codecs.mp4.nal import is_clean_start
from fieldlink.codecs.picture import pose_meta, with_aspect
from fieldlink.edge.capture.mux import Sample, TrackOut, write_mp4
from fieldlink.edge.capture.ports import Clock, PoseAt, Sink, nowhere
from fieldlink.edge.capture.settings import OriginalSettings
from fieldlink.edge.capture.sound import OpusTranscoder
from fieldlink.edge.source.media import Opened, Packet, TrackInfo

__all__ = ["OriginalWriter"]

_VIDEO, _AUDIO = 0, 1
_MAX_FRAGMENT_BYTES = 64_000_000
_MAX_FRAGMENT_S = 60.0
_OPUS_RATE_BPS = 48_000
_MAX_WAITING = 100
_SOUND_LEAD_S, _SOUND_LAG_S = 0.1, 5.0


class OriginalWriter:
    """Cuts one connection's packets into fragments and hands them to `sink`.

    `settings` is called at every cut, so a change takes effect with the next fragment.
    """

    def __init__(
        self,
        device: str,
        opened: Opened,
        settings: Callable[[], OriginalSettings],
        *,
        sink: Sink,
        clock: Clock,
        pose_at: PoseAt = nowhere,
    ) -> None:
        if opened.video is None:
            raise ValueError("a device without video has no picture to cut at")
        self._device, self._settings, self._sink, self._clock = device, settings, sink, clock
        self._pose_at = pose_at
        self._video: TrackInfo = opened.video
        self._outs = [_video_out(opened.video)]
        self._sound: OpusTranscoder | None = None
        self._add_audio(opened.audio)
        self._samples: list[Sample] = []
        self._bytes = 0
        self._begin_us: int | None = None
        self._begin_pts = 0
        self._last: Packet | None = None
        self._continues = False
        self.frames = 0
        self.fragments = 0
        self.skipped = 0

    def _add_audio(self, audio: TrackInfo | None) -> None:
        self._has_audio = audio is not None
        if audio is None:
            return
        if not _is_copied(audio):
            self._sound = OpusTranscoder(audio, _OPUS_RATE_BPS, _AUDIO)
        self._outs.append(
            self._sound.out if self._sound else TrackOut(audio.template, audio.time_base)
        )

    @property
    def end_us(self) -> int | None:
        """Up to when pictures are recorded or under way; None before the first."""
        return None if self._last is None else self._packet_end_us(self._last)

    def feed(self, packet: Packet) -> None:
        """Take the next packet; may hand a fragment to the sink."""
        if packet.kind == "audio":
            self._feed_audio(packet)
            return
        if self._begin_us is None and not packet.keyframe:
            self.skipped += 1  # nothing can be shown before the first keyframe
            return
        if self._begin_us is None:
            self._keep_sound_near(packet)
        if self._begin_us is not None and self._is_cut(packet):
            broken = packet.discontinuity or packet.missing > 0
            if self.fragments == 0 and not broken:
                # A connection begins with a burst of what waited; by now the clock knows better.
                passed = (packet.pts - self._begin_pts) * self._video.time_base
                self._begin_us = packet.utc_us - int(passed * 1_000_000)
            self._cut(packet.utc_us if not broken else None)
            self._continues = not packet.keyframe
        if not self._has_video_sample():
            self._begin_us = self._begin_us if self._begin_us is not None else packet.utc_us
            self._begin_pts = packet.pts
        self._add(_VIDEO, packet)
        self._last = packet

    def _has_video_sample(self) -> bool:
        return any(sample.track == _VIDEO for sample in self._samples)

    def _keep_sound_near(self, first: Packet) -> None:
        """Drop the sound that waited for the first picture, except what belongs to it."""
        at = first.pts * self._video.time_base
        bases = [out.time_base for out in self._outs]
        self._samples = [
            s for s in self._samples if -_SOUND_LEAD_S < s.pts * bases[s.track] - at < _SOUND_LAG_S
        ]
        self._bytes = sum(len(sample.data) for sample in self._samples)

    def _feed_audio(self, packet: Packet) -> None:
        if not self._has_audio:
            return
        if self._begin_us is None and len(self._samples) > _MAX_WAITING:
            del self._samples[: _MAX_WAITING // 2]  # still no picture
        if self._sound is None:
            self._add(_AUDIO, packet)
            return
        for sample in self._sound.feed(packet):
            self._samples.append(sample)
            self._bytes += len(sample.data)

    def _add(self, track: int, packet: Packet) -> None:
        data = packet.data
        self._samples.append(
            Sample(track, data, packet.pts, packet.dts, packet.duration, packet.keyframe)
        )
        self._bytes += len(data)

    def _is_cut(self, packet: Packet) -> bool:
        settings = self._settings()
        passed_s = float((packet.pts - self._begin_pts) * self._video.time_base)
        too_much = self._bytes > _MAX_FRAGMENT_BYTES or passed_s >= _MAX_FRAGMENT_S
        if packet.discontinuity or packet.missing or too_much:
            return True
        if not packet.keyframe or passed_s < settings.shortest:
            return False
        return passed_s >= settings.longest or is_clean_start(self._video.codec, packet.data)

    def _packet_end_us(self, packet: Packet) -> int:
        ticks = packet.duration or round(1 / ((self._video.fps or 25) * self._video.time_base))
        return packet.utc_us + int(ticks * self._video.time_base * 1_000_000)

    def finish(self) -> None:
        """Hand over the fragment under way; the connection is over."""
        self._cut(None)
        self._begin_us = None

    def _cut(self, next_us: int | None) -> None:
        if self._begin_us is None or self._last is None or not self._has_video_sample():
            return
        end_us = max(next_us or self._packet_end_us(self._last), self._begin_us)
        samples, self._samples, self._bytes = self._samples, [], 0
        begin_us, self._begin_us = self._begin_us, next_us
        if not self._settings().enabled:
            return
        begin = self._begin_pts * self._video.time_base
        content = write_mp4(self._outs, samples, begin, begin_us)
        frames = sum(sample.track == _VIDEO for sample in samples)
        self._sink(self._draft(begin_us, end_us, media_type(content), frames), content)
        self.frames += frames
        self.fragments += 1

    def _draft(self, begin_us: int, end_us: int, kind: str, frames: int) -> Draft:
        meta: dict[str, MetaValue] = {
            "width": self._video.width,
            "height": self._video.height,
            "frames": frames,
            "sound": "none" if not self._has_audio else "transcoded" if self._sound else "copied",
        }
        if self._continues:
            meta["continues"] = True
        # Where its first picture was taken: stills that are made of it later say so too.
        pose = self._pose_at(self._device, begin_us)
        if pose is not None:
            meta |= pose_meta(with_aspect(pose, self._video.width, self._video.height))
        return Draft(
            device=self._device,
            stream="video",
            layer=Layer.ORIGINAL,
            precedence=Precedence.ROUTINE,
            start_us=begin_us,
            end_us=end_us,
            recorded_us=self._clock(),
            media_type=kind,
            meta=meta,
        )


def _is_copied(audio: TrackInfo) -> bool:
    """Whether MP4 holds this sound for players; G.711 and others become Opus."""
    if audio.template is None:
        return False
    return audio.codec in ("aac", "opus") or (audio.codec == "mp3" and audio.sample_rate >= 16_000)


def _video_out(video: TrackInfo) -> TrackOut:
    # Apple and Chromium play H.265 only with its parameter sets in the header ("hvc1").
    return TrackOut(video.template, video.time_base, "hvc1" if video.codec == "hevc" else "")
