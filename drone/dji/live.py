"""The live streams of one gateway: started, proved by what arrives, and started again.

The first start after a change of topology nearly always fails, and a controller goes on reporting a
rate when its network is cut: a stream counts as live while its pictures come in here, and for
nothing else that anybody says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from fieldlink.codecs.dji import (
    Capacity,
    Outcome,
    Quality,
    UrlType,
    VideoId,
    lens_data,
    quality_data,
    start_data,
    stop_data,
)
from fieldlink.drone.dji.calls import USUAL, Answer, Calls, Pace
from fieldlink.drone.dji.ports import LiveNeeds, Media

__all__ = ["LiveStreams", "Stage"]

_PROVE_S = 25.0  # RTMP takes 10 to 15 s to the first picture
_STALL_S = 8.0
_STEADY_S = 180.0  # so long without trouble, and more quality is tried
_QUICK = 10  # starts in a row that are tried quickly: ten failures in a row were seen
_SLOW_S, _LATER_S, _WRONG_S = 30.0, 15.0, 120.0
_CHANGES = 4  # times that a stream is asked to change, a little later each time
_SILENT_S = (5.0, 10.0, 20.0, 40.0, 60.0)


class Stage(StrEnum):
    """How far a stream is."""

    OPENING = "opening"  # the receiver is made ready
    ASKED = "asked"  # the gateway was asked to start
    PROVING = "proving"  # it says that it did
    LIVE = "live"  # pictures arrive
    RESTING = "resting"  # tried again later


@dataclass(slots=True, eq=False)
class _Change:
    """What a stream that goes on is asked to be; tried again until it says that it is."""

    data: Mapping[str, Any]
    apply: Callable[[], None]
    due_s: float
    tries: int = 0
    is_open: bool = False  # asked, and not answered yet


@dataclass(slots=True, eq=False)
class _Stream:
    video: VideoId
    url: str
    quality: int
    due_s: float
    stage: Stage = Stage.OPENING
    reason: str = ""
    starts: int = 0
    failures: int = 0
    silences: int = 0
    seen_s: float = 0.0
    steady_s: float = 0.0
    gone: bool = False
    lens: str = ""
    changes: dict[str, _Change] = field(default_factory=dict)  # by method


class LiveStreams:
    """What is wanted is what `needs` asks for of what the gateway can send."""

    def __init__(
        self,
        gateway: str,
        calls: Calls,
        media: Media,
        needs: LiveNeeds,
        on_change: Callable[[str], None],
        pace: Pace = USUAL,
    ) -> None:
        self._gateway, self._pace = gateway, pace
        self._calls, self._media, self._on_change = calls, media, on_change
        self.needs = needs
        self._capacity: Capacity | None = None
        self._online = False
        self._streams: dict[VideoId, _Stream] = {}
        self.no_room = 0

    def set_capacity(self, capacity: Capacity, now_s: float) -> None:
        """What the gateway can send, as it says; streams that were refused are tried anew."""
        self._capacity = capacity
        for stream in self._streams.values():
            if stream.stage is Stage.RESTING:
                stream.due_s = min(stream.due_s, now_s + self._pace.retry_s)
        self._arrange(now_s)

    @property
    def has_capacity(self) -> bool:
        """Whether it is known what the gateway can send."""
        return self._capacity is not None

    def set_online(self, online: bool, now_s: float) -> None:
        """Whether the aircraft is there; without it nothing is asked."""
        if online != self._online:
            self._online = online
            if not online:
                self._capacity = None  # it is said anew, and may be another aircraft's
            self._arrange(now_s)

    def report(self) -> list[dict[str, Any]]:
        """How each stream is, for people and programs."""
        return [
            {
                "video": str(stream.video),
                "stage": stream.stage.value,
                "quality": stream.quality,
                "lens": stream.lens,
                "changing": sorted(stream.changes),
                "starts": stream.starts,
                "reason": stream.reason,
            }
            for stream in self._streams.values()
        ]

    def set_cameras(self, cameras: int, now_s: float) -> int:
        """Want so many videos from now on, 0: none; how many streams there are."""
        self.needs = replace(self.needs, cameras=cameras)
        self._arrange(now_s)
        return len(self._streams)

    def set_quality(self, quality: int, now_s: float) -> int:
        """Want another quality (0 to 4) of every stream; how many go on and are asked."""
        self.needs = replace(self.needs, quality=quality)
        asked = 0
        for stream in self._streams.values():
            if stream.stage is Stage.LIVE:
                asked += self._change_quality(stream, quality, now_s)
            else:
                stream.quality = quality
        return asked

    def change_lens(self, lens: str, now_s: float) -> int:
        """Switch every stream to `lens`, now or when it is live; how many there are.

        Raises:
            CodecError: there is no such lens.
        """
        for stream in self._streams.values():
            data = lens_data(stream.video, lens)
            self._want(stream, "live_lens_change", data, partial(_set_lens, stream, lens), now_s)
        return len(self._streams)

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        for stream in list(self._streams.values()):
            if self._media.came(stream.video):
                self._seen(stream, now_s)
                self._change(stream, now_s)
            elif stream.stage is Stage.LIVE and now_s - stream.seen_s >= _STALL_S:
                self._stop(stream, now_s)
                self._rest(
                    stream, now_s, self._pace.retry_s, "its pictures stopped coming 画面中断"
                )
            elif stream.stage in (Stage.OPENING, Stage.RESTING) and stream.due_s <= now_s:
                self._start(stream, now_s)
            elif stream.stage is Stage.PROVING and stream.due_s <= now_s:
                self._stop(stream, now_s)
                self._rest(
                    stream, now_s, self._pause(stream), "it says live, no picture came 未收到画面"
                )

    # --- what is wanted ------------------------------------------------------------------------

    def _arrange(self, now_s: float) -> None:
        wanted: list[VideoId] = []
        if self._online and self._capacity is not None:
            wanted = self._capacity.videos()[: self.needs.cameras]
        for video in [video for video in self._streams if video not in wanted]:
            self._end(self._streams.pop(video), now_s)
        for video in wanted:
            if video not in self._streams:
                self._begin(video, now_s)

    def _begin(self, video: VideoId, now_s: float) -> None:
        url = self._media.open(self._gateway, video)
        if url is None:
            self.no_room += 1
            return
        self._streams[video] = _Stream(video, url, self.needs.quality, now_s + self._pace.open_s)

    def _end(self, stream: _Stream, now_s: float) -> None:
        stream.gone = True
        if self._online and stream.stage is not Stage.OPENING:
            self._stop(stream, now_s)
        self._media.close(stream.video)

    def close(self) -> None:
        """Take in nothing more."""
        for stream in self._streams.values():
            stream.gone = True
            self._media.close(stream.video)
        self._streams.clear()

    # --- one stream ----------------------------------------------------------------------------

    def _start(self, stream: _Stream, now_s: float) -> None:
        # A stop that was not answered would be asked again, and end what now begins.
        self._calls.drop("live_stop_push", stop_data(stream.video))
        stream.stage = Stage.ASKED
        stream.starts += 1
        way = UrlType.RTMP if stream.url.startswith("rtmp:") else UrlType.WHIP
        data = start_data(stream.video, stream.url, stream.quality, way)

        def done(answer: Answer, at_s: float) -> None:
            if not stream.gone:
                self._started(stream, answer, at_s)

        if not self._calls.ask("live_start_push", data, now_s, done):
            self._rest(stream, now_s, _LATER_S, "too much is asked of it already 请求过多")

    def _started(self, stream: _Stream, answer: Answer, now_s: float) -> None:
        result = answer.result
        if answer.late and stream.stage is not Stage.RESTING:
            return  # a newer start is under way, or pictures came
        if result is None:
            pause_s = _SILENT_S[min(stream.silences, len(_SILENT_S) - 1)]
            stream.silences += 1
            self._rest(stream, now_s, pause_s, "it does not answer 无应答")
            return
        stream.silences = 0
        if result.outcome in (Outcome.DONE, Outcome.ALREADY):
            stream.stage, stream.due_s = Stage.PROVING, now_s + _PROVE_S
            return
        if result.outcome is Outcome.THINNER:
            # 0 lets the controller choose; from there the ladder begins at its middle.
            stream.quality = max(Quality.SMOOTH, (stream.quality or Quality.HIGH) - 1)
        pauses = {
            Outcome.RETRY: self._pause(stream),
            Outcome.THINNER: self._pause(stream),
            Outcome.WRONG: _WRONG_S,
        }
        self._rest(stream, now_s, pauses.get(result.outcome, _LATER_S), result.words)

    def _pause(self, stream: _Stream) -> float:
        return self._pace.retry_s if stream.failures < _QUICK else _SLOW_S

    def _rest(self, stream: _Stream, now_s: float, pause_s: float, reason: str) -> None:
        stream.failures += 1
        stream.stage, stream.due_s = Stage.RESTING, now_s + pause_s
        if stream.reason != reason:
            stream.reason = reason
            self._on_change(f"{stream.video}: {reason}")

    def _seen(self, stream: _Stream, now_s: float) -> None:
        stream.seen_s = now_s
        if stream.stage is not Stage.LIVE:
            stream.stage, stream.reason = Stage.LIVE, ""
            stream.failures = stream.silences = 0
            stream.steady_s = now_s
            self._on_change(f"{stream.video}: live 直播中")
            if stream.lens and "live_lens_change" not in stream.changes:
                self.change_lens(stream.lens, now_s)  # it was started again, perhaps with another
        elif stream.quality < self.needs.quality and now_s - stream.steady_s >= _STEADY_S:
            stream.steady_s = now_s
            self._change_quality(stream, stream.quality + 1, now_s)

    # --- what changes while it goes on ---------------------------------------------------------

    def _change_quality(self, stream: _Stream, quality: int, now_s: float) -> bool:
        data = quality_data(stream.video, quality)
        apply = partial(_set_quality, stream, quality)
        self._want(stream, "live_set_quality", data, apply, now_s)
        return True

    def _want(
        self,
        stream: _Stream,
        method: str,
        data: Mapping[str, Any],
        apply: Callable[[], None],
        now_s: float,
    ) -> None:
        stream.changes[method] = _Change(data, apply, now_s)
        self._change(stream, now_s)

    def _change(self, stream: _Stream, now_s: float) -> None:
        """Ask a stream that is live for what it is not yet, if that is due."""
        for method, change in list(stream.changes.items()):
            if stream.stage is not Stage.LIVE or change.is_open or change.due_s > now_s:
                continue
            done = partial(self._changed, stream, method, change)
            change.is_open = self._calls.ask(method, change.data, now_s, done)
            change.tries += 1

    def _changed(
        self, stream: _Stream, method: str, change: _Change, answer: Answer, now_s: float
    ) -> None:
        change.is_open = False
        if stream.gone or stream.changes.get(method) is not change:
            return  # something else is wanted by now
        result = answer.result
        if result is not None and result.outcome is Outcome.DONE:
            change.apply()
            del stream.changes[method]
            return
        final = result is not None and result.outcome is Outcome.WRONG
        if final or change.tries >= _CHANGES:
            del stream.changes[method]
        change.due_s = now_s + self._pace.retry_s * change.tries
        words = "it does not answer 无应答" if result is None else result.words
        self._on_change(f"{stream.video}: {words}")

    def _stop(self, stream: _Stream, now_s: float) -> None:
        data: Mapping[str, Any] = stop_data(stream.video)
        self._calls.ask("live_stop_push", data, now_s, lambda _answer, _now_s: None)


def _set_lens(stream: _Stream, lens: str) -> None:
    stream.lens = lens


def _set_quality(stream: _Stream, quality: int) -> None:
    stream.quality = quality
