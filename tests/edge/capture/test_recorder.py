"""The recorder with real files, with adapters that fail on cue, and with a sink that fails."""

import asyncio
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fieldlink.codecs.bundle import Layer, decode_gap
from fieldlink.codecs.fault import SourceError, SpoolError
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.source.media import Capabilities, Deliver, Opened, Packet, Stopped
from fieldlink.edge.source.settings import DeviceSettings

Read = Callable[[Path], tuple[Opened, list[Packet]]]
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac")
_CHEAP = CaptureSettings.model_validate({"proxy": {"codec": "h264", "piece": "1s"}})


def _clock() -> int:
    return time.time_ns() // 1000


def _until(condition: Callable[[], bool], seconds: float = 15) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.02)


class Script:
    """A camera that plays some packets in each connection, then fails as told."""

    def __init__(self, opened: Opened, packets: list[Packet], *failures: Exception | None) -> None:
        self.opened, self.packets, self.failures = opened, packets, list(failures)
        self.next_us = _clock()

    def adapter(self, device: DeviceSettings, clock: Callable[[], int]) -> "Script":
        return self

    def describe(self) -> str:
        return "script"

    def capabilities(self) -> Capabilities:
        return Capabilities(video=True, audio=True)

    def run(self, deliver: Deliver, stopped: Stopped) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, ConnectionRefusedError):
            raise SourceError("refused", "nobody there")
        deliver(self.opened)
        began_us, self.next_us = self.next_us, self.next_us + 7_000_000
        first = self.packets[0].utc_us
        for packet in self.packets:
            deliver(
                Packet(
                    packet.kind,
                    packet.data,
                    packet.pts,
                    packet.dts,
                    packet.duration,
                    packet.keyframe,
                    packet.corrupt,
                    began_us + packet.utc_us - first,
                )
            )
        if failure is not None:
            raise failure
        while not stopped():
            time.sleep(0.02)


def _recorder(script: Script, keeper: Any, **options: Any) -> Recorder:
    device = DeviceSettings(name="ball-1", url="rtsp://u:SECRET@h/x", **options)
    return Recorder(
        device,
        _CHEAP,
        sink=keeper.sink,
        gap=keeper.gap,
        clock=_clock,
        adapter=script.adapter,
    )


def test_a_real_clip_played_once_is_recorded_whole(
    real_clip: Path, keeper: Any, ffprobe: Any, count_frames: Any
) -> None:
    device = DeviceSettings(name="ball-1", url=str(real_clip), loop=False)
    recorder = Recorder(device, CaptureSettings(), sink=keeper.sink, gap=keeper.gap, clock=_clock)
    recorder.start()
    _until(lambda: recorder.report()["state"] == "ended")
    recorder.stop()
    originals = [ffprobe(content) for _, content in keeper.of(Layer.ORIGINAL)]
    assert sum(map(count_frames, originals)) == 132
    assert sum(count_frames(file, "audio") for file in originals) == 249
    proxies = keeper.of(Layer.PROXY)
    assert [count_frames(ffprobe(content)) for _, content in proxies] == [40, 13]
    assert 'codecs="av01.' in proxies[0][0].media_type
    stills = keeper.of(Layer.STILL)
    assert len(stills) == 1
    assert len(stills[0][1]) <= 12_000
    assert [gap[4] for gap in keeper.gaps] == ["source: ended"]


def test_the_first_still_does_not_wait(film: Any, packets_of: Read, keeper: Any) -> None:
    script = Script(*packets_of(film(*_H264)))
    recorder = _recorder(script, keeper)
    began_s = time.monotonic()
    recorder.start()
    _until(lambda: bool(keeper.of(Layer.STILL)))
    assert time.monotonic() - began_s < 5  # the next one would come after ten
    recorder.stop()


def test_each_outage_is_one_gap_and_recording_goes_on(
    film: Any, packets_of: Read, keeper: Any
) -> None:
    refused = ConnectionRefusedError()
    script = Script(
        *packets_of(film(*_H264)), SourceError("closed", "went away"), refused, refused, None
    )
    recorder = _recorder(script, keeper)
    recorder.start()
    _until(lambda: recorder.report()["counts"]["connections"] == 4)
    _until(lambda: recorder.report()["counts"]["frames"] == 250)
    recorder.stop()
    assert [gap[4] for gap in keeper.gaps] == ["source: closed: went away"]
    originals = [draft for draft, _ in keeper.of(Layer.ORIGINAL)]
    frames = [draft.meta["frames"] for draft in originals]
    assert frames == [50, 50, 25] * 2
    _, _, start_us, end_us, _ = keeper.gaps[0]
    assert start_us == originals[2].end_us
    assert end_us == originals[3].start_us


def test_a_camera_that_is_not_there_is_a_gap_from_the_beginning(
    film: Any, packets_of: Read, keeper: Any
) -> None:
    script = Script(*packets_of(film(*_H264)), *[ConnectionRefusedError()] * 50)
    recorder = _recorder(script, keeper)
    began_us = _clock()
    recorder.start()
    _until(lambda: recorder.report()["state"] == "down")
    report = recorder.report()
    assert report["reason"] == "refused: nobody there"
    assert "SECRET" not in str(report)
    assert keeper.gaps == []
    recorder.stop()
    assert len(keeper.gaps) == 1
    _, _, start_us, end_us, reason = keeper.gaps[0]
    assert reason == "source: refused: nobody there"
    assert began_us <= start_us < end_us <= _clock()


def test_stopping_hands_over_what_is_under_way(film: Any, packets_of: Read, keeper: Any) -> None:
    opened, packets = packets_of(film(*_H264))
    pictures = [packet for packet in packets if packet.kind == "video"]
    script = Script(opened, pictures[:15])
    recorder = _recorder(script, keeper)
    recorder.start()
    _until(lambda: recorder.report()["counts"]["frames"] == 15)
    assert keeper.of(Layer.ORIGINAL) == []
    recorder.stop()
    assert [draft.meta["frames"] for draft, _ in keeper.of(Layer.ORIGINAL)] == [15]
    assert [draft.meta["frames"] for draft, _ in keeper.of(Layer.PROXY)] == [6]


@pytest.mark.parametrize("layer", [Layer.ORIGINAL, Layer.STILL])
def test_an_error_of_the_sink_ends_the_recorder(
    film: Any, packets_of: Read, keeper: Any, layer: Layer
) -> None:
    def sink(draft: Any, content: bytes) -> None:
        if draft.layer is layer:
            raise OSError("disk full")

    keeper.sink = sink
    recorder = _recorder(Script(*packets_of(film(*_H264))), keeper)
    beats: list[int] = []

    async def serve() -> None:
        await asyncio.wait_for(recorder.run(lambda: beats.append(1)), 10)

    with pytest.raises(OSError, match="disk full"):
        asyncio.run(serve())


def test_the_row_beats_while_it_records_and_ends_when_cancelled(
    film: Any, packets_of: Read, keeper: Any
) -> None:
    recorder = _recorder(Script(*packets_of(film(*_H264))), keeper)

    async def serve() -> None:
        beaten = asyncio.Event()
        task = asyncio.create_task(recorder.run(beaten.set))
        await asyncio.wait_for(beaten.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(serve())
    assert sum(int(d.meta["frames"]) for d, _ in keeper.of(Layer.ORIGINAL)) == 125


def test_a_slow_sink_for_pictures_never_touches_the_originals(
    film: Any, packets_of: Read, keeper: Any
) -> None:
    stuck, keep = threading.Event(), keeper.sink

    def sink(draft: Any, content: bytes) -> None:
        if draft.layer is Layer.STILL:
            stuck.wait(10)
        keep(draft, content)

    keeper.sink = sink
    recorder = _recorder(Script(*packets_of(film(*_H264))), keeper)
    recorder.start()
    _until(lambda: len(keeper.of(Layer.ORIGINAL)) == 2)
    report = recorder.report()
    assert report["counts"]["frames"] >= 100
    assert report["counts"]["dropped_groups"] > 0
    stuck.set()
    recorder.stop()
    assert sum(int(d.meta["frames"]) for d, _ in keeper.of(Layer.ORIGINAL)) == 125
    # What the proxy lacks by that is on record, as a gap of that layer alone.
    gaps = [decode_gap(content) for _, content in keeper.of(Layer.REPORT)]
    assert [gap.layer for gap in gaps] == ["proxy"]
    assert re.fullmatch(r"proxy: overload, \d\.\d s of pictures left out", gaps[0].reason)
    missing_us = sum(gap.end_us - gap.start_us for gap in gaps)
    shown = sum(int(draft.meta["frames"]) for draft, _ in keeper.of(Layer.PROXY))
    assert abs(missing_us / 1e6 + shown / 10 - 5.0) < 0.5


def test_a_sink_that_never_returns_is_said_when_stopping(
    film: Any, packets_of: Read, keeper: Any
) -> None:
    stuck = threading.Event()

    def sink(draft: Any, content: bytes) -> None:
        if draft.layer is Layer.ORIGINAL:
            stuck.wait(10)

    keeper.sink = sink
    recorder = _recorder(Script(*packets_of(film(*_H264))), keeper)
    recorder.start()
    _until(lambda: recorder.report()["counts"]["frames"] >= 50)
    with pytest.raises(SpoolError, match="not stored after"):
        recorder.stop(0.2)
    stuck.set()
    recorder.stop()
