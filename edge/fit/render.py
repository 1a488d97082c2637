"""A minute of a stream encoded anew, thinner: one MP4 file from the pieces that are stored.

AV1 by SVT-AV1, not in real time: at every rate here it beats x264, and the recorder's own proxy
at twice the rate (docs/components/fit.md). Sound goes as Opus while the rate allows.
"""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np

from fieldlink.codecs.bundle.manifest import MetaValue
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.mp4 import media_type
from fieldlink.codecs.picture import pose_meta, pose_of_meta
from fieldlink.edge.capture.looks import look_at
from fieldlink.edge.capture.mux import Sample, TrackOut, write_mp4
from fieldlink.edge.capture.proxy_encoder import fitted_size
from fieldlink.edge.capture.settings import ProxySettings, StillSettings
from fieldlink.edge.capture.sound import OpusTranscoder
from fieldlink.edge.capture.still import encode_still, still_metadata
from fieldlink.edge.fit.decoding import Picture, Sound, Source, decoded, keyframes

__all__ = ["Recipe", "Rendered", "render", "render_stills"]

_VIDEO, _AUDIO = 0, 1
_SVT = "rc=1:lp=1"  # a variable rate, one thread
_KEYFRAME_EVERY_S = 30
_HAIR_US = 1_000
_SAME_PLACE_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make: the span (UTC microseconds), rates in bit/s, bounds of the size in pixels.

    With `stills` it is so many stills of at most `still_bytes` instead. A higher `preset` takes
    less time, at a loss.
    """

    start_us: int
    end_us: int
    video_bps: int
    audio_bps: int
    width: int
    height: int
    fps: int
    stills: int = 0
    still_bytes: int = 4_000
    preset: int = 8


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was made: a file or a still, when its pictures were taken, what was damaged, and where a
    still was taken, as its manifest says it.
    """

    content: bytes
    media_type: str
    start_us: int
    end_us: int
    width: int
    height: int
    frames: int
    faults: list[str] = field(default_factory=list)
    place: dict[str, MetaValue] = field(default_factory=dict)


def render(sources: Iterable[Source], recipe: Recipe) -> Rendered:
    """The thin video that `recipe` asks for.

    Raises:
        SourceError: nothing in the sources can be decoded.
    """
    faults: list[str] = []
    maker = _Maker(recipe)
    wants_sound = recipe.audio_bps > 0
    for item in decoded(
        sources, recipe.start_us, faults, sound=wants_sound, wanted_width=recipe.width
    ):
        if isinstance(item, Sound):
            maker.hear(item)
        elif recipe.start_us <= item.at_us < recipe.end_us:
            maker.see(item)
    return maker.finish(faults)


class _Maker:
    """Encodes what it is shown, one picture for each place on the grid of the rate."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._time_base = Fraction(1, recipe.fps)
        self._scaler = av.video.reformatter.VideoReformatter()
        self._stream: Any = None
        self._size = (0, 0)
        self._sound: OpusTranscoder | None = None
        self._samples: list[Sample] = []
        self._tick = -1
        self._first_us: int | None = None
        self._last_us = 0
        self._step_us = 0

    def see(self, picture: Picture) -> None:
        """Take a picture within the span."""
        if self._last_us:
            self._step_us = picture.at_us - self._last_us
        self._last_us = picture.at_us
        passed_us = picture.at_us - self._recipe.start_us + _HAIR_US
        tick = passed_us * self._recipe.fps // 1_000_000
        if tick <= self._tick:
            return
        if self._first_us is None:
            self._first_us = picture.at_us
        self._tick = tick
        if self._stream is None:
            self._open(picture.frame)
        width, height = self._size
        small = self._scaler.reformat(picture.frame, width, height, "yuv420p", interpolation="AREA")
        small.pts, small.time_base, small.pict_type = tick, self._time_base, 0
        self._samples += map(_sample, self._stream.encode(small))

    def hear(self, sound: Sound) -> None:
        """Take sound; what is outside of the span is left out."""
        at_us = sound.packet.pts * sound.track.time_base * 1_000_000
        if not 0 <= at_us < self._recipe.end_us - self._recipe.start_us:
            return
        if self._sound is None:
            self._sound = OpusTranscoder(sound.track, self._recipe.audio_bps, _AUDIO)
        self._samples += self._sound.feed(sound.packet)

    def finish(self, faults: list[str]) -> Rendered:
        """The file.

        Raises:
            SourceError: there was no picture.
        """
        if self._stream is None or self._first_us is None:
            raise SourceError("damaged", f"no picture can be decoded ({'; '.join(faults[:2])})")
        self._samples += map(_sample, self._stream.encode(None))
        outs = [TrackOut(self._stream, self._time_base)]
        outs += [self._sound.out] if self._sound is not None else []
        first_tick = min(s.pts for s in self._samples if s.track == _VIDEO)
        content = write_mp4(outs, self._samples, first_tick * self._time_base, self._first_us)
        frames = sum(sample.track == _VIDEO for sample in self._samples)
        last_us = self._last_us + min(max(self._step_us, 0), 1_000_000)
        end_us = min(max(last_us, self._first_us + 1), self._recipe.end_us)
        width, height = self._size
        kind = media_type(content)
        return Rendered(content, kind, self._first_us, end_us, width, height, frames, faults)

    def _open(self, frame: Any) -> None:
        recipe = self._recipe
        bounds = ProxySettings.model_construct(width=recipe.width, height=recipe.height)
        self._size = fitted_size(frame.width, frame.height, bounds)
        os.environ.setdefault("SVT_LOG", "1")  # errors only; it writes past libav's log
        holder = av.open(io.BytesIO(), "w", format="mp4")
        self._stream = holder.add_stream("libsvtav1", rate=recipe.fps)
        context: Any = self._stream.codec_context
        context.width, context.height = self._size
        context.pix_fmt, context.time_base = "yuv420p", self._time_base
        context.bit_rate = recipe.video_bps
        context.gop_size = recipe.fps * _KEYFRAME_EVERY_S
        context.thread_count = 1
        context.options = {"preset": str(recipe.preset), "svtav1-params": _SVT}
        self._holder = holder
        holder.start_encoding()


def render_stills(sources: Iterable[Source], recipe: Recipe) -> Iterator[Rendered]:
    """A still of each of the sources, as far as there is a good one in it."""
    settings = StillSettings.model_construct(
        size=recipe.still_bytes, width=recipe.width or 640, format="avif", quality=40
    )
    for source in sources:
        picture = _good_one(source, recipe)
        if picture is not None:
            at_us = picture.at_us
            pose = _pose(source, at_us)
            content, width, height, _ = encode_still(
                picture.frame, settings, None, still_metadata(pose, source.device, at_us, settings)
            )
            place = {} if pose is None else pose_meta(pose)
            yield Rendered(content, "image/avif", at_us, at_us, width, height, 1, place=place)


def _pose(source: Source, at_us: int) -> Pose | None:
    """Where the picture of `at_us` was taken: that is known of the first of a piece."""
    if abs(at_us - source.start_us) > _SAME_PLACE_US:
        return None
    return pose_of_meta(source.meta, at_us)


def _good_one(source: Source, recipe: Recipe) -> Picture | None:
    """The first keyframe within the span that is neither black nor blank, or else any."""
    seen: Picture | None = None
    try:
        for picture in keyframes(source):
            if not recipe.start_us <= picture.at_us < recipe.end_us:
                continue
            if not look_at(_luma(picture.frame)).fault:
                return picture
            seen = seen or picture
    except (av.error.FFmpegError, IndexError, ValueError):
        return seen
    return seen


def _luma(frame: Any) -> Any:
    plane = frame.reformat(format="yuv420p").planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def _sample(packet: Any) -> Sample:
    dts = packet.dts if packet.dts is not None else packet.pts
    return Sample(_VIDEO, bytes(packet), packet.pts, dts, 1, packet.is_keyframe)
