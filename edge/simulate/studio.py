"""What a simulated camera sends: encoded units in real time, made live or read from a clip."""

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np

from fieldlink.codecs.rtp import SoundTrack
from fieldlink.edge.simulate.faults import Faults
from fieldlink.edge.simulate.painter import Painter

__all__ = ["ClipStudio", "LiveStudio", "Look", "Unit"]

_SOUND_RATE_HZ = 44_100
_SOUND_SAMPLES = 1024
_NAP_S = 0.2


@dataclass(frozen=True, slots=True)
class Unit:
    """One encoded frame: H.264 with start codes, or raw AAC. `at_s` since the camera began."""

    kind: Literal["video", "audio"]
    data: bytes
    at_s: Fraction
    keyframe: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What a live camera shows. `tone_hz` 0 means no sound; `keyframes_s` seconds apart."""

    name: str
    pattern: str = "testsrc2"
    width: int = 960
    height: int = 540
    fps: int = 15
    rate_bps: int = 1_500_000
    tone_hz: float = 440.0
    keyframes_s: float = 1.0


class LiveStudio:
    """Paints and encodes in real time; `publish` is called on the studio's thread."""

    def __init__(self, look: Look, faults: Faults) -> None:
        self._look, self._faults = look, faults
        self._painter = Painter(look.name, look.pattern, look.width, look.height)
        self._holder = av.open(io.BytesIO(), "w", format="mpegts")
        self._video: Any = _video_encoder(self._holder, look)
        self._sound: Any = _sound_encoder(self._holder) if look.tone_hz else None
        self._holder.start_encoding()
        self._samples = 0

    @property
    def templates(self) -> list[Any]:
        """The streams, for a muxer to copy."""
        return [self._video, *([self._sound] if self._sound else [])]

    @property
    def sound(self) -> SoundTrack | None:
        """The sound track, if there is one."""
        if self._sound is None:
            return None
        return SoundTrack(_SOUND_RATE_HZ, 1, self._sound.codec_context.extradata or b"")

    def run(self, publish: Callable[[Unit], None], stopped: threading.Event) -> None:
        """Make units until `stopped`."""
        began_s = time.monotonic()
        frozen = self._faults.freeze_after_s
        number, shown = 0, (0, time.time_ns() // 1000)
        while not stopped.wait(max(0.0, began_s + number / self._look.fps - time.monotonic())):
            at_s = number / self._look.fps
            if frozen is None or at_s < frozen:
                shown = (number, time.time_ns() // 1000)
            self._picture(number, shown, publish)
            self._tone(at_s, publish)
            number += 1

    def _picture(
        self, number: int, shown: tuple[int, int], publish: Callable[[Unit], None]
    ) -> None:
        pixels = self._painter.paint(*shown, black=self._faults.black)
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, self._look.fps)
        for packet in self._video.encode(frame):
            at_s = Fraction(packet.pts) * packet.time_base
            publish(Unit("video", bytes(packet), at_s, packet.is_keyframe))

    def _tone(self, until_s: float, publish: Callable[[Unit], None]) -> None:
        if self._sound is None:
            return
        while self._samples < until_s * _SOUND_RATE_HZ:
            times = (self._samples + np.arange(_SOUND_SAMPLES)) / _SOUND_RATE_HZ
            wave = (0.2 * np.sin(2 * np.pi * self._look.tone_hz * times)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(wave[None, :], format="fltp", layout="mono")
            frame.pts, frame.sample_rate = self._samples, _SOUND_RATE_HZ
            frame.time_base = Fraction(1, _SOUND_RATE_HZ)
            self._samples += _SOUND_SAMPLES
            for packet in self._sound.encode(frame):
                at_s = max(Fraction(0), Fraction(packet.pts) * packet.time_base)
                publish(Unit("audio", bytes(packet), at_s, True))


def _video_encoder(holder: Any, look: Look) -> Any:
    stream = holder.add_stream("libx264", rate=look.fps)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = look.width, look.height, "yuv420p"
    context.time_base = Fraction(1, look.fps)
    context.bit_rate = look.rate_bps
    context.gop_size = max(1, round(look.fps * look.keyframes_s))
    context.thread_count, context.max_b_frames = 1, 0
    limit = f"vbv-maxrate={look.rate_bps // 1000}:vbv-bufsize={look.rate_bps // 1000}"
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"{limit}:scenecut=0",
    }
    return stream


def _sound_encoder(holder: Any) -> Any:
    stream = holder.add_stream("aac", rate=_SOUND_RATE_HZ)
    stream.codec_context.layout = "mono"
    stream.codec_context.bit_rate = 48_000
    return stream


class ClipStudio:
    """Plays the H.264 (and AAC) of a clip over and over, copied; costs next to nothing."""

    def __init__(self, path: str) -> None:
        self._container = av.open(path)
        self._video = self._container.streams.video[0]
        if self._video.codec_context.name != "h264":
            raise ValueError(
                f"{path}: a clip has to be H.264, not {self._video.codec_context.name}"
            )
        aac = [s for s in self._container.streams.audio if s.codec_context.name == "aac"]
        self._sound = aac[0] if aac and aac[0].codec_context.extradata else None

    @property
    def templates(self) -> list[Any]:
        """The streams, for a muxer to copy."""
        return [self._video, *([self._sound] if self._sound else [])]

    @property
    def sound(self) -> SoundTrack | None:
        """The sound track, if there is one."""
        if self._sound is None:
            return None
        context = self._sound.codec_context
        return SoundTrack(context.sample_rate, context.layout.nb_channels, context.extradata or b"")

    def run(self, publish: Callable[[Unit], None], stopped: threading.Event) -> None:
        """Play until `stopped`."""
        began_s = time.monotonic()
        shift_s = Fraction(0)
        while not stopped.is_set():
            end_s = self._once(publish, stopped, began_s, shift_s)
            self._container.seek(0)
            shift_s = max(end_s, shift_s + Fraction(1, 100))

    def _once(
        self,
        publish: Callable[[Unit], None],
        stopped: threading.Event,
        began_s: float,
        shift_s: Fraction,
    ) -> Fraction:
        annex_b = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", self._video)
        end_s, first_s = shift_s, None
        for packet in self._container.demux(self.templates):
            if packet.dts is None or packet.pts is None:
                continue
            base = packet.time_base or Fraction(1, 90_000)
            first_s = packet.dts * base if first_s is None else first_s
            due_s = float(packet.dts * base - first_s + shift_s)
            if stopped.wait(max(0.0, began_s + due_s - time.monotonic())):
                break
            at_s = max(Fraction(0), packet.pts * base - first_s + shift_s)
            is_video = packet.stream_index == self._video.index
            if is_video:
                end_s = max(end_s, (packet.dts + (packet.duration or 0)) * base - first_s + shift_s)
            for unit in annex_b.filter(packet) if is_video else [packet]:
                kind: Literal["video", "audio"] = "video" if is_video else "audio"
                publish(Unit(kind, bytes(unit), at_s, unit.is_keyframe))
        return end_s
