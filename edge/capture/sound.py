"""Sound to Opus at 48 kHz mono, continuous over pieces; time stamps follow the source."""

import io
from fractions import Fraction
from typing import Any

import av
import av.error

from fieldlink.edge.capture.mux import Sample, TrackOut
from fieldlink.edge.source.media import Packet, TrackInfo

__all__ = ["OpusTranscoder"]

_RATE_HZ = 48_000
_JUMP_S = Fraction(1, 5)


class OpusTranscoder:
    """Decodes `track` and encodes it again at `rate_bps`. Broken packets are counted, not fatal."""

    def __init__(self, track: TrackInfo, rate_bps: int, number: int) -> None:
        self._track, self._number = track, number
        decoder: Any = av.CodecContext.create(track.codec, "r")
        if track.extradata:
            decoder.extradata = track.extradata
        if track.sample_rate:
            decoder.sample_rate = track.sample_rate
        if track.layout:
            decoder.layout = track.layout
        decoder.thread_count = 1
        self._decoder = decoder
        self._resampler = _resampler()
        self._holder = av.open(io.BytesIO(), "w", format="mp4")
        self._stream: Any = self._holder.add_stream("libopus", rate=_RATE_HZ)
        self._stream.codec_context.layout = "mono"
        self._stream.codec_context.format = "s16"
        self._stream.codec_context.bit_rate = rate_bps
        self._stream.codec_context.options = {"application": "voip"}
        self._holder.start_encoding()
        self._next_tick: int | None = None
        self.broken = 0

    @property
    def out(self) -> TrackOut:
        """The track as a file describes it."""
        return TrackOut(self._stream, Fraction(1, _RATE_HZ))

    def feed(self, packet: Packet) -> list[Sample]:
        """What can be encoded now; ticks are of 1/48000 s on the source's time line."""
        raw = av.Packet(packet.data)
        raw.pts, raw.dts, raw.time_base = packet.pts, packet.dts, self._track.time_base
        try:
            frames = self._decoder.decode(raw)
        except av.error.FFmpegError:
            self.broken += 1
            return []
        return [sample for frame in frames for sample in self._encode(frame)]

    def _encode(self, frame: Any) -> list[Sample]:
        at = round((frame.pts or 0) * (frame.time_base or self._track.time_base) * _RATE_HZ)
        if self._next_tick is None or abs(at - self._next_tick) > _JUMP_S * _RATE_HZ:
            self._next_tick = at
        samples: list[Sample] = []
        frame.pts = None
        try:
            parts = self._resampler.resample(frame)
        except ValueError:  # the camera changed its rate or its channels
            self._resampler = _resampler()
            parts = self._resampler.resample(frame)
        for part in parts:
            part.pts, part.time_base = self._next_tick, Fraction(1, _RATE_HZ)
            self._next_tick += part.samples
            for packet in self._stream.encode(part):
                pts = packet.pts or 0
                samples.append(
                    Sample(self._number, bytes(packet), pts, pts, packet.duration or 960, True)
                )
        return samples


def _resampler() -> Any:
    return av.AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
