"""Recorded video as an MPEG transport stream with KLV beside it, nothing encoded anew.

Pieces of fragmented MP4 go in, each with its time; what comes out plays from the first picture on:
H.264 or H.265 in Annex B with its parameter sets before every keyframe, the sound as it was, and
KLV in a private stream (type 0x06) with the registration descriptor KLVA (SMPTE RP 217), stamped as
the pictures are (the asynchronous carriage of MISB ST 1402; libav writes no headers of access units
as the synchronous one needs).
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
from av.bitstream import BitStreamFilterContext

from fieldlink.codecs.fault import SourceError

__all__ = ["LONGEST_US", "SLACK_US", "Clip", "Piece"]

SLACK_US = 100_000
"""A set may seem to be so much before its picture: in the first seconds of a connection times are
known less well."""

LONGEST_US = 86_400_000_000
"""No piece of video is longer, whatever is said of it."""

_CLOCK = Fraction(1, 90_000)
_BEFORE_US = 1_000_000  # a stream begins there, so that nothing is before 0
_MOST_HOURS = 26  # of 33 bits at 90 kHz (ISO/IEC 13818-1, 2.4.3.7)
_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_OPTIONS = {
    "max_delay": "700000",
    "mpegts_flags": "+resend_headers",
    "pes_payload_size": "0",  # several frames of sound in one packet have one time stamp
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of video whose first picture was taken at `start_us` (UTC microseconds), and `sets` of
    KLV, each with its time, in order.
    """

    content: bytes
    start_us: int
    sets: Sequence[tuple[int, bytes]] = ()


@dataclass(slots=True)
class _Unit:
    """A packet of a track (video, audio, klv), on the clock of the world."""

    track: str
    dts_us: int
    pts_us: int
    duration_us: int
    keyframe: bool
    data: bytes


class _Buffer(io.RawIOBase):
    """What libav writes, until it is taken."""

    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


class Clip:
    """One clip, from the last keyframe not after `from_us` (or the first there is) up to `to_us`.
    Its counts say what is in it; `why` says what ended it early, `damaged` what could not be read.
    """

    def __init__(self, from_us: int, to_us: int, name: str = "fieldlink") -> None:
        self._from_us, self._to_us, self._name = from_us, to_us, name
        self._outs: dict[str, Any] = {}
        self._last: dict[str, int] = {}
        self._zero_us = 0
        self._codec = ""
        self._sound: _Sound | None = None
        self._changed = False
        self.pictures = 0
        self.sets_us: list[int] = []
        self.first_us: int | None = None
        self.last_us = 0
        self.why = ""
        self.damaged: list[str] = []

    def write(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        """The stream, a part for each of `pieces`, which come in order of time.

        Raises:
            SourceError: libav cannot write such a stream.
        """
        buffer = _Buffer()
        output: Any = None
        try:
            for piece in pieces:
                units = self._units(piece)
                if self.why:
                    break
                if units and output is None:
                    output = self._begun(buffer, piece)
                if output is not None:
                    self._put_all(output, units, piece)
                yield buffer.take()
            if output is not None:
                self._end(output)
                yield buffer.take()
        except av.error.FFmpegError as error:
            raise SourceError(
                "unplayable", f"libav makes no transport stream of it: {error}"
            ) from (error)

    def _end(self, output: Any) -> None:
        """Write what libav still has; a spoilt frame among that ends it."""
        try:
            output.close()
        except av.error.FFmpegError as error:
            self.damaged.append(f"the end of the clip: {error}")

    def _units(self, piece: Piece) -> list[_Unit]:
        """What of `piece` belongs to the clip, by decoding time."""
        try:
            with _opened(piece) as source:
                codec = _codec_of(source.streams.video[0])
                if codec not in _FILTERS:
                    self.damaged.append(f"{codec or 'an unknown codec'} is not H.264 or H.265")
                    return []
                if self._codec not in ("", codec):
                    self.why = f"the camera changed from {self._codec} to {codec}"
                    return []
                units = list(self._read(source, piece))
        except (av.error.FFmpegError, IndexError) as error:
            self.damaged.append(f"the piece at {piece.start_us}: {error}")
            return []
        units = self._fresh(self._within(units))
        if units and units[-1].pts_us - self._zero_us > _MOST_HOURS * 3_600_000_000:
            self.why = f"a transport stream counts no further than {_MOST_HOURS} hours"
            return []
        if units:
            units += [
                _Unit("klv", at_us, at_us, 0, True, data)
                for at_us, data in piece.sets
                if (self.first_us or 0) - SLACK_US <= at_us < self._to_us
            ]
        return sorted(units, key=lambda one: one.dts_us)

    def _read(self, source: Any, piece: Piece) -> Iterator[_Unit]:
        video = source.streams.video[0]
        filters = {video.index: BitStreamFilterContext(_FILTERS[video.codec_context.name], video)}
        chosen = [video, *self._heard(source, piece)]
        shift_us: int | None = None
        waiting: list[_Unit] = []
        for packet in source.demux(chosen):
            if packet.dts is None or packet.pts is None:
                continue
            kind = "video" if packet.stream_index == video.index else "audio"
            dts_us, pts_us = (int(at * packet.time_base * 1e6) for at in (packet.dts, packet.pts))
            if kind == "video" and shift_us is None:
                shift_us = piece.start_us - pts_us
            duration_us = int((packet.duration or 0) * packet.time_base * 1e6)
            keyframe = packet.is_keyframe  # the filter empties what it is given
            whole = filters[video.index].filter(packet) if kind == "video" else [packet]
            for one in whole:
                unit = _Unit(kind, dts_us, pts_us, duration_us, keyframe, bytes(one))
                waiting.append(unit)
        for unit in waiting:
            unit.dts_us += shift_us or 0
            unit.pts_us += shift_us or 0
        yield from waiting

    def _heard(self, source: Any, piece: Piece) -> Sequence[Any]:
        """The sound of `piece`, if it is of the kind that was said at the beginning: of another its
        frames would be read by the wrong rate.
        """
        sounds = _sounds(source)
        if not sounds or not self._outs or _sound_of(source) == self._sound:
            return sounds
        if not self._changed:
            self._changed = True
            text = f"the sound from {piece.start_us} on is of another kind: left out"
            self.damaged.append(text)
        return ()

    def _fresh(self, units: list[_Unit]) -> list[_Unit]:
        """Without what was there already. A camera to which one connects again sends what it has
        kept: what is new begins with a keyframe, if need be one that was there.
        """
        last = self._last.get("video")
        if last is None:
            return units
        videos = [unit for unit in units if unit.track == "video"]
        if not videos or self._ticks(videos[-1].dts_us) <= last:
            return []
        if self._ticks(videos[0].dts_us) > last:
            return units
        keys = [unit.dts_us for unit in videos if unit.keyframe]
        old = [at_us for at_us in keys if self._ticks(at_us) <= last]
        next_us = min((at_us for at_us in keys if at_us not in old), default=None)
        if next_us is not None and self._ticks(next_us - SLACK_US) <= last:
            begin_us = next_us
        else:
            begin_us = old[-1] if old else videos[0].dts_us
        return [unit for unit in units if unit.dts_us >= begin_us]

    def _within(self, units: list[_Unit]) -> list[_Unit]:
        """Those between the keyframe that the clip begins with and its end."""
        units = [unit for unit in units if unit.pts_us < self._to_us]
        if self.first_us is not None:
            return units
        keys = [unit for unit in units if unit.track == "video" and unit.keyframe]
        if not keys:
            return []
        first = next((key for key in reversed(keys) if key.pts_us <= self._from_us), keys[0])
        self.first_us = first.pts_us
        self._zero_us = first.dts_us - _BEFORE_US
        return [unit for unit in units if unit.dts_us >= first.dts_us]

    def _begun(self, buffer: _Buffer, piece: Piece) -> Any:
        """The stream that begins with `piece`; None when libav makes none of that one."""
        output = av.open(buffer, "w", format="mpegts", options=_OPTIONS)
        try:
            self._begin(output, piece)
            output.start_encoding()
        except av.error.FFmpegError as error:  # it may not be used again: libav has let go of it
            self.damaged.append(f"the piece at {piece.start_us}: {error}")
            self._outs, self._codec, self._sound, self.first_us = {}, "", None, None
            buffer.take()
            return None
        return output

    def _begin(self, output: Any, piece: Piece) -> None:
        with _opened(piece) as source:
            video = source.streams.video[0]
            self._sound = _sound_of(source)
            self._codec = video.codec_context.name
            output.metadata["service_name"] = self._name
            output.metadata["service_provider"] = "fieldlink"
            self._outs["video"] = output.add_stream_from_template(video)
            for sound in _sounds(source):
                self._outs["audio"] = output.add_stream_from_template(sound)
        self._outs["klv"] = output.add_data_stream("klv")
        for out in self._outs.values():
            out.time_base = _CLOCK

    def _put_all(self, output: Any, units: Sequence[_Unit], piece: Piece) -> None:
        """What cannot be written costs only itself."""
        spoilt, why = 0, ""
        for unit in units:
            try:
                self._put(output, unit)
            except av.error.FFmpegError as error:
                spoilt, why = spoilt + 1, str(error)
        if spoilt:
            self.damaged.append(f"{spoilt} frames of the piece at {piece.start_us}: {why}")

    def _put(self, output: Any, unit: _Unit) -> None:
        out = self._outs.get(unit.track)
        if out is None:  # sound that began later
            return
        # Two connections of a camera may overlap by a little; a stream may not go back.
        dts = max(self._ticks(unit.dts_us), self._last.get(unit.track, -1) + 1)
        self._last[unit.track] = dts
        packet = av.Packet(unit.data)
        packet.time_base = _CLOCK
        packet.dts, packet.pts = dts, max(self._ticks(unit.pts_us), dts)
        packet.duration = unit.duration_us * 9 // 100
        packet.is_keyframe = unit.keyframe
        packet.stream = out
        output.mux_one(packet)
        if unit.track == "video":
            self.pictures += 1
            self.last_us = max(self.last_us, unit.pts_us)
        elif unit.track == "klv":
            self.sets_us.append(unit.pts_us)

    def _ticks(self, at_us: int) -> int:
        return (at_us - self._zero_us) * 9 // 100


def _opened(piece: Piece) -> Any:
    """As MP4 and nothing else: a session or a list that came for a film would have libav listen on
    the network, or open other files.
    """
    # Whatever its titles are written in: GBK, for one.
    return av.open(io.BytesIO(piece.content), format="mp4", metadata_errors="replace")


def _codec_of(stream: Any) -> str:
    context = stream.codec_context
    return "" if context is None else str(context.name)


def _sounds(source: Any) -> Sequence[Any]:
    """Its first sound, if libav knows what it is."""
    return [sound for sound in source.streams.audio[:1] if _codec_of(sound)]


_Sound = tuple[str, bytes | None, int, str]


def _sound_of(source: Any) -> _Sound | None:
    """What a decoder has to know of its sound before its first frame; None: there is none."""
    for sound in _sounds(source):
        context = sound.codec_context
        known = context.extradata if context.name == "aac" else None
        return context.name, known, context.sample_rate, context.layout.name
    return None
