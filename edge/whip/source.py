"""A mount as a source for the recorder: opened with the first keyframe, until its publisher ends.

Runs on the recorder's thread. A publisher that changes the size of its pictures, as browsers do
when the air gets thin, is opened anew without a picture lost.
"""

import io
import time
from fractions import Fraction
from typing import Any

import av
import av.error

from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mp4.nal import nal_units
from fieldlink.edge.source.media import (
    Capabilities,
    Deliver,
    Opened,
    Packet,
    Stopped,
    TrackInfo,
)
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.whip.mount import Mount, Over, Publisher

__all__ = ["SOUND_HZ", "WhipSource", "read_picture", "sound_track"]

SOUND_HZ = {"opus": 48_000, "pcmu": 8_000, "pcma": 8_000}
VIDEO_HZ = 90_000
_STEP_S = 0.25
_SETS = (7, 8)
_MOST_PIXELS = 36_000_000  # 8K; seventy bytes may say 140 million, and cost 400 MB to decode
_BOUND: Any = [{"max_pixels": str(_MOST_PIXELS)}]
_NAMES = {"pcmu": "pcm_mulaw", "pcma": "pcm_alaw"}


class WhipSource:
    """Whoever publishes to `mount`."""

    def __init__(self, settings: DeviceSettings, mount: Mount) -> None:
        self._settings, self._mount = settings, mount
        self._sets: list[bytes] | None = None

    def describe(self) -> str:
        """What this is."""
        return "whip:"

    def capabilities(self) -> Capabilities:
        """Video always, sound if it is sent."""
        return Capabilities(video=True, audio=True)

    def run(self, deliver: Deliver, stopped: Stopped) -> None:
        """Deliver what one publisher sends.

        Raises:
            SourceError: nobody publishes, it stopped, or its pictures make no sense.
        """
        av.logging.set_level(av.logging.FATAL)
        self._sets = None
        heard_s = time.monotonic()
        first: Publisher | None = None
        with self._mount.reading():
            while not stopped():
                found = self._mount.take(_STEP_S)
                if found is None:
                    self._check_silence(time.monotonic() - heard_s)
                    continue
                publisher, what = found
                if isinstance(what, Over) or (first or publisher) is not publisher:
                    if first is None:
                        continue  # of a publisher that never came to a picture
                    over = what if isinstance(what, Over) else Over("another took its place")
                    raise SourceError(over.word, over.reason)
                if self._deliver(publisher, what, deliver):
                    first, heard_s = publisher, time.monotonic()

    def _check_silence(self, silent_s: float) -> None:
        settings = self._settings
        if self._sets is not None and silent_s > settings.stall_timeout:
            raise SourceError("stalled", f"no packet for {settings.stall_timeout:g} s")
        if self._sets is None and silent_s > settings.open_timeout:
            why = self._mount.reason or "nobody publishes to it"
            raise SourceError("nobody", why)

    def _deliver(self, publisher: Publisher, packet: Packet, deliver: Deliver) -> bool:
        """Pass it on; False while it waits for the first keyframe."""
        if packet.kind == "video" and packet.keyframe:
            sets = [unit for unit in nal_units(packet.data) if unit and unit[0] & 31 in _SETS]
            if sets != self._sets:
                audio = sound_track(publisher.audio) if publisher.audio else None
                deliver(Opened(read_picture(packet.data), audio))
                self._sets = sets
        if self._sets is None:
            return False
        deliver(packet)
        return True


def read_picture(keyframe: bytes) -> TrackInfo:
    """The track that begins with `keyframe` (H.264 with start codes and parameter sets).

    Raises:
        SourceError: it is none.
    """
    try:
        with av.open(io.BytesIO(keyframe), format="h264", stream_options=_BOUND) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            if not (context.width and context.height and context.extradata):
                raise SourceError("not-media", "its first picture has no size")
            if context.width * context.height > _MOST_PIXELS:
                size = f"{context.width}x{context.height}"
                raise SourceError("not-media", f"its pictures are said to be {size}")
            holder = av.open(io.BytesIO(), "w", format="mp4")
            return TrackInfo(
                kind="video",
                codec="h264",
                extradata=context.extradata,
                time_base=Fraction(1, VIDEO_HZ),
                width=context.width,
                height=context.height,
                template=holder.add_stream_from_template(stream),
            )
    except (av.error.FFmpegError, IndexError) as error:
        raise SourceError("not-media", "its first picture cannot be read") from error


def sound_track(audio: str) -> TrackInfo:
    """The track of `audio`: Opus in stereo, as WebRTC always says (RFC 7587 7), or G.711."""
    rate = SOUND_HZ[audio]
    if audio != "opus":
        return TrackInfo(
            kind="audio",
            codec=_NAMES[audio],
            extradata=None,
            time_base=Fraction(1, rate),
            sample_rate=rate,
            layout="mono",
        )
    holder = av.open(io.BytesIO(), "w", format="mp4")
    stream: Any = holder.add_stream("libopus", rate=rate)
    stream.codec_context.layout = "stereo"
    holder.start_encoding()
    return TrackInfo(
        kind="audio",
        codec="opus",
        extradata=stream.codec_context.extradata,
        time_base=Fraction(1, rate),
        sample_rate=rate,
        layout="stereo",
        template=stream,
    )
