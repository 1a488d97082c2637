"""Packets into a fragmented MP4 file of their own, playable alone and stamped with UTC."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import av
import av.error

from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.mp4 import add_reference_times
from fieldlink.codecs.mp4.adts import is_adts, split_adts

__all__ = ["Sample", "TrackOut", "write_mp4"]

# One moof for each group of pictures; no index at the end, whose offsets `prft` boxes would shift.
_FLAGS = "empty_moov+default_base_moof+frag_keyframe+skip_trailer"
_MAX_SPAN_S = 600


@dataclass(frozen=True, slots=True)
class TrackOut:
    """A track of the file: a libav stream to copy the description from, and its time base."""

    template: Any
    time_base: Fraction
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded frame of track number `track`; times in ticks of that track's time base."""

    track: int
    data: bytes
    pts: int
    dts: int
    duration: int
    keyframe: bool


def write_mp4(
    outs: Sequence[TrackOut], samples: Sequence[Sample], begin: Fraction, begin_us: int
) -> bytes:
    """The file holding `samples`, of which the instant `begin` (seconds of the device's clock) is
    `begin_us` (UTC microseconds). Its own time starts at 0 with the first sample to be decoded.

    Raises:
        SourceError: libav cannot put these samples into a file.
    """
    zero = min(sample.dts * outs[sample.track].time_base for sample in samples)
    ends = max(sample.dts * outs[sample.track].time_base for sample in samples)
    if ends - zero > _MAX_SPAN_S:  # libav would abort the whole process
        raise ValueError(f"samples {float(ends - zero):.0f} s apart cannot be one fragment")
    zero_us = begin_us - int((begin - zero) * 1_000_000)
    buffer = io.BytesIO()
    try:
        _mux(buffer, outs, samples, zero, zero_us)
        return add_reference_times(buffer.getvalue(), zero_us)
    except (av.error.FFmpegError, CodecError) as error:
        raise SourceError("unplayable", f"what it sends makes no MP4 file: {error}") from error


def _mux(
    buffer: io.BytesIO,
    outs: Sequence[TrackOut],
    samples: Sequence[Sample],
    zero: Fraction,
    zero_us: int,
) -> None:
    with av.open(buffer, "w", format="mp4", options={"movflags": _FLAGS}) as container:
        created = datetime.fromtimestamp(zero_us / 1e6, UTC)
        container.metadata["creation_time"] = created.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        streams = [_add(container, out) for out in outs]
        samples = _without_adts(samples, streams)
        shifts = [round(zero / out.time_base) for out in outs]
        last = [-1] * len(outs)
        for sample in samples:
            packet = _packet(sample, outs[sample.track].time_base, shifts[sample.track])
            # A device may repeat a time stamp; a file may not.
            packet.dts = max(packet.dts or 0, last[sample.track] + 1)
            packet.pts = max(packet.pts or 0, packet.dts)
            last[sample.track] = packet.dts
            packet.stream = streams[sample.track]
            container.mux_one(packet)


def _add(container: Any, out: TrackOut) -> Any:
    stream = container.add_stream_from_template(out.template)
    stream.time_base = out.time_base
    if out.tag:
        stream.codec_context.codec_tag = out.tag
    return stream


def _without_adts(samples: Sequence[Sample], streams: Sequence[Any]) -> Sequence[Sample]:
    """`samples` with AAC frames as MP4 wants them: bare, configured once in the header."""
    if not any(s.codec_context.name == "aac" for s in streams):
        return samples
    bare: list[Sample] = []
    for sample in samples:
        stream = streams[sample.track]
        if stream.codec_context.name == "aac" and is_adts(sample.data):
            config, data = split_adts(sample.data)
            if not stream.codec_context.extradata:
                stream.codec_context.extradata = config
            bare.append(
                Sample(sample.track, data, sample.pts, sample.dts, sample.duration, sample.keyframe)
            )
        else:
            bare.append(sample)
    return bare


def _packet(sample: Sample, time_base: Fraction, shift: int) -> Any:
    packet = av.Packet(sample.data)
    packet.time_base = time_base
    packet.pts, packet.dts = sample.pts - shift, sample.dts - shift
    packet.duration = sample.duration
    packet.is_keyframe = sample.keyframe
    return packet
