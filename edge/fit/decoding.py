"""Stored pieces of a stream back into pictures and sound, each with its time (UTC).

Pieces are files that capture wrote: the first picture of one was taken at its start. One that
`continues` has no keyframe of its own and is decoded behind the piece before it.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import av
import av.error

from fieldlink.codecs.bundle.manifest import MetaValue
from fieldlink.edge.source.media import Packet, TrackInfo

__all__ = ["Picture", "Sound", "Source", "decoded", "keyframes"]


@dataclass(frozen=True, slots=True)
class Source:
    """A stored piece and its content; times are UTC microseconds. `meta` is its manifest's: where
    its first picture was taken is in it, if that is known.
    """

    start_us: int
    end_us: int
    continues: bool
    content: bytes
    device: str = ""
    meta: Mapping[str, MetaValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, a libav frame, and when it was taken."""

    frame: Any
    at_us: int


@dataclass(frozen=True, slots=True)
class Sound:
    """A packet of sound; its ticks count from the start that `decoded` was given."""

    track: TrackInfo
    packet: Packet


def decoded(
    sources: Iterable[Source], from_us: int, faults: list[str], *, sound: bool, wanted_width: int
) -> Iterator[Picture | Sound]:
    """Everything in the sources, in order; what is damaged is left out and said in `faults`."""
    decoder: Any = None
    for source in sources:
        try:
            with av.open(io.BytesIO(source.content), "r", format="mp4") as container:
                video = container.streams.video[0]
                if decoder is None or not source.continues:
                    yield from _flushed(decoder)
                    decoder = _Decoder(video, wanted_width)
                yield from _piece(container, source, decoder, from_us, sound)
        except (av.error.FFmpegError, IndexError, ValueError) as error:
            faults.append(f"{type(error).__name__}: {error}"[:120])
    yield from _flushed(decoder)


def keyframes(source: Source) -> Iterator[Picture]:
    """The keyframes of one piece.

    Raises:
        FFmpegError: it is damaged.
    """
    with av.open(io.BytesIO(source.content), "r", format="mp4") as container:
        video = container.streams.video[0]
        video.codec_context.skip_frame = "NONKEY"
        time_base: Any = video.time_base
        first: int | None = None
        for frame in container.decode(video):
            pts = frame.pts or 0
            first = pts if first is None else first
            passed_us = int((pts - first) * time_base * 1_000_000)
            yield Picture(frame, source.start_us + passed_us)


class _Decoder:
    """The decoder of a run of pieces, which knows the time of what it was given."""

    def __init__(self, video: Any, wanted_width: int) -> None:
        context: Any = av.CodecContext.create(video.codec_context.name, "r")
        if video.codec_context.extradata:
            context.extradata = video.codec_context.extradata
        if video.codec_context.width >= 2 * wanted_width:
            # A fifth of the work, for edges of blocks that scaling down by two hides.
            context.options = {"skip_loop_filter": "nokey"}
        context.thread_count = 1
        self._context = context

    def decode(self, packet: Any, at_us: int) -> Iterator[Picture]:
        """Decode `packet`, whose picture was taken at `at_us`; its time is its time stamp."""
        raw = av.Packet(bytes(packet))
        raw.pts = at_us
        raw.is_keyframe = packet.is_keyframe
        for frame in self._context.decode(raw):
            if not frame.is_corrupt and frame.pts is not None:
                yield Picture(frame, frame.pts)

    def flush(self) -> Iterator[Picture]:
        """What it still holds."""
        for frame in self._context.decode(None):
            if frame.pts is not None:
                yield Picture(frame, frame.pts)


def _flushed(decoder: _Decoder | None) -> Iterator[Picture]:
    if decoder is not None:
        yield from decoder.flush()


def _piece(
    container: Any, source: Source, decoder: _Decoder, from_us: int, sound: bool
) -> Iterator[Picture | Sound]:
    video = container.streams.video[0]
    audio = container.streams.audio[0] if sound and container.streams.audio else None
    track = _sound_track(audio) if audio is not None else None
    first: int | None = None
    early: list[Any] = []
    for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
        if packet.pts is None or not packet.size:
            continue
        if packet.stream is not video:
            early.append(packet)
        else:
            first = packet.pts if first is None else first
            passed_us = int((packet.pts - first) * video.time_base * 1_000_000)
            yield from decoder.decode(packet, source.start_us + passed_us)
        if first is not None and track is not None:
            begin_us = source.start_us - from_us - int(first * video.time_base * 1_000_000)
            for one in early:
                yield Sound(track, _sound_packet(one, track, begin_us))
            early.clear()


def _sound_track(audio: Any) -> TrackInfo:
    context = audio.codec_context
    return TrackInfo(
        kind="audio",
        codec=context.name,
        extradata=context.extradata,
        time_base=audio.time_base,
        sample_rate=context.sample_rate,
        layout=context.layout.name,
    )


def _sound_packet(packet: Any, track: TrackInfo, begin_us: int) -> Packet:
    pts = packet.pts + round(begin_us / 1_000_000 / track.time_base)
    return Packet(
        kind="audio",
        data=bytes(packet),
        pts=pts,
        dts=pts,
        duration=packet.duration or 0,
        keyframe=True,
        corrupt=packet.is_corrupt,
        utc_us=0,
    )
