"""One open video encoder for the proxy: AV1 by SVT-AV1 or H.264 by x264, without delay."""

import io
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from fieldlink.edge.capture.mux import Sample, TrackOut
from fieldlink.edge.capture.settings import ProxySettings

__all__ = ["ProxyEncoder", "fitted_size"]

_KEYFRAME = 1  # AV_PICTURE_TYPE_I
_ANY = 0
_FAR = 1 << 20  # keyframes come when asked for
# Real-time mode, constant bit rate, low delay, one thread and no look-ahead: 19 MB an encoder.
_SVT = "rtc=1:rc=2:pred-struct=1:lp=1:lookahead=0:scd=0"
_SVT_PRESET = "12"


def fitted_size(width: int, height: int, settings: ProxySettings) -> tuple[int, int]:
    """The largest even size within the settings that has the picture's aspect; never larger."""
    scale = min(settings.width / width, settings.height / height, 1.0)
    return max(64, round(width * scale / 2) * 2), max(64, round(height * scale / 2) * 2)


class ProxyEncoder:
    """Encodes pictures of one size; `tick` counts in 1/fps."""

    def __init__(self, size: tuple[int, int], settings: ProxySettings) -> None:
        self.settings, self.size = settings, size
        rate = Fraction(settings.fps).limit_denominator(1001)
        self.time_base = 1 / rate
        os.environ.setdefault("SVT_LOG", "1")  # errors only; it writes past libav's log
        self._holder = av.open(io.BytesIO(), "w", format="mp4")
        name = "libsvtav1" if settings.codec == "av1" else "libx264"
        self._stream: Any = self._holder.add_stream(name, rate=rate)
        context: Any = self._stream.codec_context
        context.width, context.height = size
        context.pix_fmt, context.time_base = "yuv420p", self.time_base
        context.bit_rate, context.gop_size = settings.rate, _FAR
        context.thread_count = 1
        context.options = _options(settings)
        self._holder.start_encoding()

    @property
    def out(self) -> TrackOut:
        """The track as a file describes it."""
        return TrackOut(self._stream, self.time_base)

    def encode(self, frame: Any, tick: int, keyframe: bool) -> Iterator[Sample]:
        """Encode `frame`, which begins a piece if `keyframe`."""
        frame.pts, frame.time_base = tick, self.time_base
        frame.pict_type = _KEYFRAME if keyframe else _ANY
        yield from map(_sample, self._stream.encode(frame))

    def finish(self) -> Iterator[Sample]:
        """What the encoder still holds; it takes no more."""
        yield from map(_sample, self._stream.encode(None))


def _sample(packet: Any) -> Sample:
    dts = packet.dts if packet.dts is not None else packet.pts
    return Sample(0, bytes(packet), packet.pts, dts, 1, packet.is_keyframe)


def _options(settings: ProxySettings) -> dict[str, str]:
    if settings.codec == "av1":
        return {"preset": _SVT_PRESET, "svtav1-params": _SVT}
    return {
        "preset": "veryfast",
        "tune": "zerolatency",
        "forced-idr": "1",
        "x264-params": f"vbv-maxrate={settings.rate // 1000}:vbv-bufsize={settings.rate // 500}",
    }
