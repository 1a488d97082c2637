"""A video of an aircraft's card as the kit has it: pieces that play at the centre, by copying, and
stills of its keyframes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import av
import av.error

from fieldlink.codecs.bundle import Draft, Precedence
from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.telemetry import Poses
from fieldlink.edge.capture.looks import look_at
from fieldlink.edge.capture.original import OriginalWriter
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.still import StillMaker
from fieldlink.edge.importing.held import HeldFile
from fieldlink.edge.importing.order import Place
from fieldlink.edge.source.libav import tracks
from fieldlink.edge.source.media import Opened, Packet, TrackInfo

__all__ = ["Made", "embedded_subtitles", "opened_movie", "play_in"]

_TEXTS = ("mov_text", "subrip", "text")
_MAX_TEXT_BYTES, _MAX_TEXTS = 4_000, 500_000
_MOST_BYTES = 64 * 1024 * 1024
_SHORT_US = 1_500_000


@dataclass
class Made:
    """What was made of a video; `damage` says from when on nothing could be."""

    pieces: int = 0
    stills: int = 0
    end_us: int | None = None
    damage: str = ""


def opened_movie(file: HeldFile) -> Any:
    """The container in a file.

    Raises:
        SourceError: it is none, or has no index because it was cut off.
    """
    try:
        # Only this one demuxer, and nothing else is opened whatever the file says.
        return av.open(file.open(), format="mov", options={"protocol_whitelist": "none"})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise SourceError(
            "truncated",
            f"{file.name} is no MP4 file, or was cut off before its index was written ({error});"
            " let the camera or its program repair it 文件没有索引，请用相机修复",
        ) from error


def embedded_subtitles(file: HeldFile) -> bytes:
    """The subtitle track of a video as an .SRT file; empty if it has none."""
    with opened_movie(file) as container:
        streams = [one for one in container.streams.subtitles if _is_text(one)]
        if not streams:
            return b""
        blocks = bytearray()
        try:
            for number, packet in enumerate(container.demux(streams[0]), 1):
                if number > _MAX_TEXTS or len(blocks) > _MOST_BYTES:
                    break
                if packet.pts is not None and packet.size > 2:
                    blocks += _block(number, packet)
        except av.error.FFmpegError:
            pass  # what was read before that is there; the video's own damage is said elsewhere
        return bytes(blocks)


def _is_text(stream: Any) -> bool:
    return stream.codec_context is not None and stream.codec_context.name in _TEXTS


def _block(number: int, packet: Any) -> bytes:
    data = bytes(packet)
    # 3GPP TS 26.245 5.17: two bytes of length, the text, and boxes behind it.
    text = data[2 : 2 + int.from_bytes(data[:2])][:_MAX_TEXT_BYTES]
    begin = float(packet.pts * packet.time_base)
    end = begin + float((packet.duration or 0) * packet.time_base)
    head = f"{number}\n{_time(begin)} --> {_time(end)}\n".encode()
    lines = [line for line in text.splitlines() if line.strip()]
    return head + b"\n".join(lines) + b"\n\n"


def _time(seconds: float) -> str:
    ms = max(0, round(seconds * 1000))
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def play_in(file: HeldFile, device: str, begin_us: int, place: Place, poses: Poses) -> Made:
    """Store a video as pieces and stills of `device`; its first moment is `begin_us`.

    Raises:
        SourceError: nothing of it can be shown.
        FieldlinkError: the spool cannot take it.
    """
    settings = CaptureSettings()

    def sink(draft: Draft, content: bytes) -> None:
        # Of another time: it is due when its turn comes.
        place.add(replace(draft, precedence=Precedence.ROUTINE, deadline_us=None), content)

    def pose_at(_: str, at_us: int) -> Any:
        return poses.at(at_us)

    made = Made()
    with opened_movie(file) as container:
        found = tracks(container, file.name)
        video, audio = found["video"], found.get("audio")
        writer = OriginalWriter(
            device,
            Opened(video, audio),
            lambda: settings.original,
            sink=sink,
            clock=place.clock,
            pose_at=pose_at,
        )
        stills = StillMaker(device, lambda: settings, sink=sink, clock=place.clock, pose_at=pose_at)
        decoder = _Keyframes(video)
        try:
            for packet in _packets(container, video, audio, begin_us):
                writer.feed(packet)
                if packet.kind == "video" and packet.keyframe:
                    decoder.show(packet, stills)
        except (av.error.FFmpegError, OSError) as error:
            made.damage = (
                f"{file.name}: from {_at(writer, begin_us)} on it cannot be read ({error})"
            )
        writer.finish()
        made.damage = made.damage or _short(file, container, writer, begin_us)
        made.pieces, made.stills, made.end_us = writer.fragments, stills.made, writer.end_us
    if not made.pieces:
        raise SourceError("no-video", f"{file.name}: it has no picture")
    return made


def _short(file: HeldFile, container: Any, writer: OriginalWriter, begin_us: int) -> str:
    """What is wrong with a video that ends before it says that it does."""
    said_us, end_us = container.duration, writer.end_us
    if said_us is None or end_us is None or end_us - begin_us > said_us - _SHORT_US:
        return ""
    return f"{file.name}: it ends at {_at(writer, begin_us)} of {said_us / 1e6:.1f}, cut off"


def _at(writer: OriginalWriter, begin_us: int) -> str:
    end_us = writer.end_us or begin_us
    return f"second {(end_us - begin_us) / 1e6:.1f}"


def _packets(
    container: Any, video: TrackInfo, audio: TrackInfo | None, begin_us: int
) -> Iterator[Packet]:
    picture, sound = container.streams.video[0], None
    if audio is not None:
        sound = container.streams.audio[0]
    zero = None
    for raw in container.demux([one for one in (picture, sound) if one is not None]):
        if not raw.size or raw.pts is None or raw.dts is None:
            continue
        base = raw.time_base
        if zero is None:
            zero = (picture.start_time or 0) * picture.time_base
        yield Packet(
            kind="video" if raw.stream_index == picture.index else "audio",
            data=bytes(raw),
            pts=raw.pts,
            dts=raw.dts,
            duration=raw.duration or 0,
            keyframe=raw.is_keyframe,
            corrupt=raw.is_corrupt,
            utc_us=begin_us + round((raw.pts * base - zero) * 1_000_000),
        )


class _Keyframes:
    """Decodes keyframes, one alone each; what cannot be decoded is no still."""

    def __init__(self, track: TrackInfo) -> None:
        self._track = track
        self._shown_us = 0

    def show(self, packet: Packet, stills: StillMaker) -> None:
        """Offer the picture in `packet`, at most one a second."""
        if packet.utc_us - self._shown_us < 1_000_000:
            return
        self._shown_us = packet.utc_us
        for frame in self._decoded(packet.data):
            luma = frame.reformat(format="gray").to_ndarray()
            stills.offer(frame, look_at(luma), packet.utc_us)

    def _decoded(self, data: bytes) -> list[Any]:
        context: Any = av.CodecContext.create(self._track.codec, "r")
        context.extradata = self._track.extradata
        try:
            return [*context.decode(av.Packet(data)), *context.decode(None)][:1]
        except (av.error.FFmpegError, CodecError):
            return []
