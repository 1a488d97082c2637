"""The adapter for everything libav opens: network cameras, V4L2 devices, files as cameras."""

import io
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import av.error

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.clock.clock import steady_us
from fieldlink.edge.source.clock import ArrivalClock, SetWatch
from fieldlink.edge.source.failures import source_error
from fieldlink.edge.source.media import (
    Capabilities,
    Deliver,
    Ended,
    Metadata,
    Opened,
    Packet,
    Stopped,
    TrackInfo,
    TrackKind,
)
from fieldlink.edge.source.sdp import described, session_of
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.times import Timed, TimeFiller
from fieldlink.edge.source.url import (
    is_device,
    is_file,
    is_pushed,
    local_path,
    mask_url,
    protocols_for,
    pushed_place,
)

__all__ = ["LibavSource", "tracks"]

_VIDEO_CODECS = ("h264", "hevc")
_PROBE = {"analyzeduration": "1500000", "probesize": "1000000"}
# What describes the pictures comes with the next keyframe only.
_PATIENT = {"analyzeduration": "8000000"}
# rtmpproto.c: whoever connects first is taken, whatever name it pushes to.
_ACCEPT_S = 2
_LISTEN = {"listen": "1", "timeout": str(_ACCEPT_S)}
_NAP_S = 0.1
_MOST_DATA_STREAMS = 4
_MOST_DATA_BYTES = 262_144  # a PES packet of libav is 200 kB at most
_STRAY_US = 5_000_000
_NEARLY = 0.9
_USUAL_FPS = 25.0


class LibavSource:
    """One device behind a URL. `clock` gives UTC microseconds."""

    def __init__(self, settings: DeviceSettings, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._clock = clock
        self._arrivals, self._set_watch = ArrivalClock(), SetWatch()
        self._opened = False
        self._heard_s = 0.0
        self._fillers: dict[TrackKind, TimeFiller] = {}
        self._pace = _Pace() if is_file(settings.url) else None

    def describe(self) -> str:
        """The URL without its secrets."""
        return mask_url(self._settings.url)

    def capabilities(self) -> Capabilities:
        """Video always, sound if the device sends some."""
        return Capabilities(video=True, audio=True, seekable=self._pace is not None)

    def run(self, deliver: Deliver, stopped: Stopped) -> None:
        """Open, then deliver packets until stopped, ended or failed.

        Raises:
            SourceError: no answer, no packets for `stall_timeout`, or nothing that can be recorded.
        """
        # Verbose logging from several threads can deadlock, and prints URLs with their secrets.
        av.logging.set_level(av.logging.FATAL)
        self._heard_s = time.monotonic()
        try:
            with self._open(stopped) as container:
                chosen = tracks(container, self.describe())
                deliver(Opened(chosen.get("video"), chosen.get("audio")))
                self._opened = True
                self._deliver_all(container, chosen, deliver, stopped)
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> SourceError:
        """libav ends a wait that took too long in many ways; the clock tells."""
        settings = self._settings
        limit_s = settings.stall_timeout if self._opened else settings.open_timeout
        pushed = is_pushed(settings.url)
        quick = time.monotonic() - self._heard_s < limit_s * _NEARLY
        if pushed and self._opened and quick:
            return SourceError("closed", f"{self.describe()}: whoever pushed it has ended it")
        if pushed and not self._opened and (isinstance(error, TimeoutError) or not quick):
            return SourceError("timeout", f"{self.describe()}: nobody pushes to it")
        if quick:
            return source_error(error, settings.url)
        if self._opened:
            return SourceError("stalled", f"{self.describe()}: no packet for {limit_s:g} s")
        return source_error(TimeoutError(), settings.url)

    def _open(self, stopped: Stopped) -> Any:
        settings = self._settings
        timeout = (settings.open_timeout, settings.stall_timeout)
        options = {"protocol_whitelist": protocols_for(settings.url), **_PROBE}
        if self._pace is not None:
            return av.open(str(local_path(settings.url)), options=options, timeout=timeout)
        if is_device(settings.url):
            return av.open(settings.url, format="v4l2", options={"input_format": "h264"})
        if is_pushed(settings.url):
            return self._await_push(options | _LISTEN, timeout, stopped)
        if described(settings.url):
            session = io.BytesIO(session_of(settings.url).encode("ascii"))
            return av.open(session, format="sdp", options=options | _PATIENT, timeout=timeout)
        if settings.url.lower().startswith("rtsp"):
            options["rtsp_transport"] = settings.transport
            # Of the socket, for opening and reading; the shorter wait for packets is PyAV's.
            options["timeout"] = str(round(max(timeout) * 1e6))
        return av.open(settings.url, options=options, timeout=timeout)

    def _await_push(
        self, options: dict[str, str], timeout: tuple[float, float], stopped: Stopped
    ) -> Any:
        """Listen, a short while at a time: what waits in libav cannot be stopped."""
        place, until_s = pushed_place(self._settings.url), self._heard_s + timeout[0] - _ACCEPT_S
        while True:
            began_s = time.monotonic()
            try:
                return av.open(place, options=options, timeout=timeout)
            except (av.error.FFmpegError, OSError):
                waited = time.monotonic() - began_s > _ACCEPT_S * _NEARLY
                if stopped() or not waited or time.monotonic() >= until_s:
                    raise

    def _deliver_all(
        self,
        container: Any,
        chosen: dict[TrackKind, TrackInfo],
        deliver: Deliver,
        stopped: Stopped,
    ) -> None:
        numbers = {_stream_of(container, kind).index: kind for kind in chosen}
        beside = [stream.index for stream in container.streams.data[:_MOST_DATA_STREAMS]]
        while not stopped():
            for raw in container.demux([container.streams[each] for each in (*numbers, *beside)]):
                if stopped():
                    return
                if raw.size and raw.stream_index in numbers:
                    self._heard_s = time.monotonic()
                    kind = numbers[raw.stream_index]
                    self._deliver_one(raw, chosen[kind], deliver, stopped)
                elif 0 < raw.size <= _MOST_DATA_BYTES:
                    deliver(self._beside(raw))
            if self._pace is None:
                raise SourceError("closed", f"{self.describe()}: the camera ended the connection")
            if not self._settings.loop:
                deliver(Ended())
                return
            self._pace.rewind()
            container.seek(0)

    def _beside(self, raw: Any) -> Metadata:
        """A packet of data, at the time of its stamp, if that is near the pictures', which it must
        not be able to move.
        """
        number, data, now_us = raw.stream_index, bytes(raw), self._clock()
        if raw.pts is None or raw.time_base is None:
            return Metadata(number, data, now_us)
        shift_us = self._pace.shift_us if self._pace is not None else 0
        device_us = _us(raw.pts, raw.time_base) + shift_us
        if not self._arrivals.is_known:
            return Metadata(number, data, now_us, device_us)
        at_us = self._arrivals.utc_us(device_us)
        if abs(at_us - now_us) > _STRAY_US:
            return Metadata(number, data, now_us)
        return Metadata(number, data, at_us, device_us)

    def _deliver_one(self, raw: Any, track: TrackInfo, deliver: Deliver, stopped: Stopped) -> None:
        filler = self._fillers.setdefault(track.kind, TimeFiller())
        duration = raw.duration or _frame_ticks(track)
        timed = filler.add(bytes(raw), raw.pts, raw.dts, duration, raw.is_keyframe, raw.is_corrupt)
        for packet in timed:
            deliver(self._placed(packet, track, stopped))

    def _placed(self, packet: Timed, track: TrackInfo, stopped: Stopped) -> Packet:
        base, shift = track.time_base, 0
        if self._pace is not None:
            shift = self._pace.wait(track.kind, packet.dts, packet.duration, base, stopped)
        dts, pts = packet.dts + shift, packet.pts + shift
        now_us = self._clock()
        if self._set_watch.was_set(now_us, steady_us()):
            raise SourceError("clock", "the kit's clock was set; recording begins anew by it")
        jumped = self._arrivals.observe(track.kind, _us(dts, base), now_us)
        return Packet(
            kind=track.kind,
            data=packet.data,
            pts=pts,
            dts=dts,
            duration=packet.duration,
            keyframe=packet.keyframe,
            corrupt=packet.corrupt,
            utc_us=self._arrivals.utc_us(_us(pts, base)),
            discontinuity=jumped,
        )


def _frame_ticks(track: TrackInfo) -> int:
    if track.kind == "audio":
        return 0
    return round(1 / (Fraction(track.fps or _USUAL_FPS).limit_denominator(1001) * track.time_base))


class _Pace:
    """Plays a file as fast as it was recorded, and again behind its own end."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._zero_us = 0
        self._shift_us = 0
        self._end_us = 0

    def wait(
        self, kind: TrackKind, dts: int, duration: int, base: Fraction, stopped: Stopped
    ) -> int:
        """Wait until the packet is due; return what to add to its ticks."""
        at_us = _us(dts, base)
        if self._began_s is None:
            self._began_s, self._zero_us = time.monotonic(), at_us
        if kind == "video":
            self._end_us = max(self._end_us, at_us + _us(duration, base))
        due_s = self._began_s + (at_us + self._shift_us - self._zero_us) / 1e6
        while (left_s := due_s - time.monotonic()) > 0 and not stopped():
            time.sleep(min(left_s, _NAP_S))
        return round(self._shift_us / 1_000_000 / base)

    @property
    def shift_us(self) -> int:
        """What is added to the file's own times."""
        return self._shift_us

    def rewind(self) -> None:
        """Continue from the beginning, right behind the last picture."""
        self._shift_us += max(self._end_us - self._zero_us, 1)


def _us(ticks: int, base: Fraction) -> int:
    return ticks * base.numerator * 1_000_000 // base.denominator


def _stream_of(container: Any, kind: TrackKind) -> Any:
    found = container.streams.video if kind == "video" else container.streams.audio
    return found[0]


def tracks(container: Any, shown: str) -> dict[TrackKind, TrackInfo]:
    """The first video and the first audio track of `container`, which is called `shown`.

    Raises:
        SourceError: it has no video, or of a codec that nobody here takes.
    """
    templates = av.open(io.BytesIO(), "w", format="mp4")
    chosen: dict[TrackKind, TrackInfo] = {}
    if container.streams.video:
        video = _video(container.streams.video[0], templates, shown)
        chosen["video"] = video
    if container.streams.audio and container.streams.audio[0].codec_context is not None:
        chosen["audio"] = _audio(container.streams.audio[0], templates)
    if "video" not in chosen:
        raise SourceError("no-video", f"{shown}: it sends no video; choose another url")
    return chosen


def _video(stream: Any, templates: Any, shown: str) -> TrackInfo:
    context = stream.codec_context
    if context is None or context.name not in _VIDEO_CODECS:
        name = "an unknown codec" if context is None else context.name
        raise SourceError("codec", f"{shown}: it sends {name}; set it to H.264 or H.265")
    rate = stream.average_rate or stream.guessed_rate
    return TrackInfo(
        kind="video",
        codec=context.name,
        extradata=context.extradata,
        time_base=stream.time_base,
        width=context.width,
        height=context.height,
        fps=float(rate) if rate else None,
        template=templates.add_stream_from_template(stream),
    )


def _audio(stream: Any, templates: Any) -> TrackInfo:
    context = stream.codec_context
    return TrackInfo(
        kind="audio",
        codec=context.name,
        extradata=context.extradata,
        time_base=stream.time_base,
        sample_rate=context.sample_rate,
        layout=context.layout.name,
        template=_template(stream, templates),
    )


def _template(stream: Any, templates: Any) -> Any:
    try:
        return templates.add_stream_from_template(stream)
    except ValueError:  # MP4 does not hold this codec
        return None
