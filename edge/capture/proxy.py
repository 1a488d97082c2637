"""The proxy: thin video in short pieces, each beginning with a keyframe and playable alone."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.mp4 import media_type
from fieldlink.edge.capture.mux import Sample, write_mp4
from fieldlink.edge.capture.ports import Clock, Sink
from fieldlink.edge.capture.proxy_encoder import ProxyEncoder, fitted_size
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.sound import OpusTranscoder
from fieldlink.edge.source.media import Packet, TrackInfo

__all__ = ["ProxyMaker"]

_VIDEO, _AUDIO = 0, 1
_HAIR_S = Fraction(1, 1000)


class ProxyMaker:
    """Makes the proxy pieces of one connection. The encoder stays open from piece to piece.

    `settings` is asked at every piece, so a change takes effect with the next one.
    """

    def __init__(
        self,
        device: str,
        video: TrackInfo,
        audio: TrackInfo | None,
        settings: Callable[[], CaptureSettings],
        *,
        sink: Sink,
        clock: Clock,
    ) -> None:
        self._device, self._settings, self._sink, self._clock = device, settings, sink, clock
        self._video, self._audio = video, audio
        self._encoder: ProxyEncoder | None = None
        self._sound: OpusTranscoder | None = None
        self._samples: list[Sample] = []
        self._begin_tick: int | None = None
        self._begin_us = 0
        self._last_tick = -1
        self._end_us = 0
        self.pieces = 0
        self.frames = 0

    @property
    def enabled(self) -> bool:
        """Whether a proxy is made now."""
        return self._settings().proxy.enabled

    def feed_sound(self, packet: Packet) -> None:
        """Take sound for the piece under way."""
        if self._sound is not None:
            self._samples += self._sound.feed(packet)

    def feed_picture(self, picture: Any, at: Fraction, at_us: int) -> None:
        """Take a picture scaled to `wanted_size`, `at` seconds of the device's clock."""
        encoder = self._encoder
        if encoder is not None and self._must_close(encoder, picture, at):
            self._end_us = max(self._end_us, at_us)
            self.finish()
            encoder = None
        if encoder is None:
            wanted = (picture.width, picture.height) == self.wanted_size()
            if not wanted or not self._settings().proxy.enabled:
                return  # settings changed since this picture was scaled: the next one fits
            encoder = self._open(picture)
        tick = self.tick_of(at)
        starts = self._is_due(encoder, tick)
        self._last_tick = tick
        for sample in encoder.encode(picture, tick, starts):
            if sample.keyframe:
                self._begin_piece(encoder, sample, at_us)
            self._samples.append(sample)
        self._end_us = at_us + int(encoder.time_base * 1_000_000)

    def _must_close(self, encoder: ProxyEncoder, picture: Any, at: Fraction) -> bool:
        tick = self.tick_of(at)
        if (picture.width, picture.height) != encoder.size or tick <= self._last_tick:
            return True  # the device's clock went back, or its picture changed
        return self._is_due(encoder, tick) and self._settings().proxy != encoder.settings

    def _is_due(self, encoder: ProxyEncoder, tick: int) -> bool:
        ticks = max(1, round(Fraction(encoder.settings.piece) / encoder.time_base))
        return self._begin_tick is None or tick - self._begin_tick >= ticks

    def _begin_piece(self, encoder: ProxyEncoder, key: Sample, at_us: int) -> None:
        if self._begin_tick is not None:
            if self.pieces == 0:
                # A connection begins with a burst of what waited; by now the clock knows better.
                passed = (key.pts - self._begin_tick) * encoder.time_base
                self._begin_us = at_us - int(passed * 1_000_000)
            self._cut(encoder, key.pts * encoder.time_base, at_us)
        self._begin_tick, self._begin_us = key.pts, at_us

    def wanted_size(self) -> tuple[int, int]:
        """The size in which pictures are taken now."""
        if self._encoder is not None:
            return self._encoder.size
        return fitted_size(self._video.width, self._video.height, self._settings().proxy)

    def tick_of(self, at: Fraction) -> int:
        """The place of `at` (seconds) on the grid of the proxy's rate; one picture for each."""
        # A hair later, so that a rate that divides the device's is met exactly.
        return int((at + _HAIR_S) / self._time_base())

    def _time_base(self) -> Fraction:
        if self._encoder is not None:
            return self._encoder.time_base
        return 1 / Fraction(self._settings().proxy.fps).limit_denominator(1001)

    def _open(self, picture: Any) -> ProxyEncoder:
        settings = self._settings().proxy
        self._encoder = ProxyEncoder((picture.width, picture.height), settings)
        self._sound = None
        if self._audio is not None and settings.audio_rate:
            self._sound = OpusTranscoder(self._audio, settings.audio_rate, _AUDIO)
        return self._encoder

    def finish(self) -> None:
        """Hand over the piece under way and close the encoder."""
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            return
        self._samples += encoder.finish()
        if self._begin_tick is not None:
            self._cut(encoder, None, self._end_us)
        self._samples, self._begin_tick, self._last_tick, self._sound = [], None, -1, None

    def _cut(self, encoder: ProxyEncoder, until: Fraction | None, end_us: int) -> None:
        outs = [encoder.out, *([self._sound.out] if self._sound else [])]
        bases = [out.time_base for out in outs]
        mine: list[Sample] = []
        later: list[Sample] = []
        for sample in self._samples:
            early = until is None or sample.pts * bases[sample.track] < until
            (mine if early else later).append(sample)
        self._samples = later
        frames = sum(sample.track == _VIDEO for sample in mine)
        if not frames or self._begin_tick is None:
            return
        content = write_mp4(outs, mine, self._begin_tick * encoder.time_base, self._begin_us)
        self._sink(self._draft(encoder, media_type(content), frames, end_us), content)
        self.pieces += 1
        self.frames += frames

    def _draft(self, encoder: ProxyEncoder, kind: str, frames: int, end_us: int) -> Draft:
        width, height = encoder.size
        window_us = round(self._settings().window * 1e6)
        return Draft(
            device=self._device,
            stream="video",
            layer=Layer.PROXY,
            precedence=Precedence.PRIORITY,
            start_us=self._begin_us,
            end_us=max(end_us, self._begin_us),
            recorded_us=self._clock(),
            deadline_us=self._begin_us + window_us,
            media_type=kind,
            meta={
                "width": width,
                "height": height,
                "frames": frames,
                "rate": encoder.settings.rate,
            },
        )
