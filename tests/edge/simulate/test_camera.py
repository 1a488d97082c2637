"""The camera simulator as others see it: libav, ffprobe, and the recorder's own source."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fieldlab.peers import need_program
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.capture.looks import look_at
from fieldlink.edge.simulate.camera import Camera, CameraPlan
from fieldlink.edge.simulate.commands import app
from fieldlink.edge.simulate.faults import Faults
from fieldlink.edge.simulate.painter import PATTERNS, Painter
from fieldlink.edge.simulate.studio import Look
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.probe import probe
from fieldlink.edge.source.settings import DeviceSettings

_LOOK = Look("ball-1", width=320, height=180, fps=10, keyframes_s=0.5)


@contextmanager
def camera(look: Look = _LOOK, **plan: Any) -> Iterator[str]:
    """A camera on a thread of this process; its URL."""
    ready: Future[str] = Future()
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        task = asyncio.ensure_future(Camera(CameraPlan(look, **plan)).run(ready.set_result))
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
        with suppress(asyncio.CancelledError):
            await task

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield ready.result(10)
    finally:
        stop[0]()
        thread.join(10)
        assert not thread.is_alive()


def _probe(url: str, seconds: float = 6) -> str:
    settings = {"name": "a", "url": url, "open_timeout": "2s"}
    device = DeviceSettings.model_validate(settings)
    return probe(device, seconds).sentence


def _pictures(url: str, seconds: float) -> list[Any]:
    """Luma planes of what decodes in so many seconds."""
    found = []
    options = {"rtsp_transport": "tcp", "probesize": "200000", "analyzeduration": "500000"}
    with av.open(url, options=options, timeout=(5, 5)) as container:
        end_s = time.monotonic() + seconds
        for frame in container.decode(video=0):
            found.append(frame.to_ndarray()[: frame.height])
            if time.monotonic() > end_s:
                break
    return found


def test_a_camera_is_real_h264_and_aac_over_rtsp_for_foreign_readers() -> None:
    with camera() as url:
        argv = [need_program("ffprobe"), "-v", "error", "-rtsp_transport", "tcp"]
        what = ["-show_entries", "stream=codec_name,width,sample_rate", "-of", "json", url]
        said = json.loads(subprocess.run([*argv, *what], check=True, capture_output=True).stdout)
        assert [s["codec_name"] for s in said["streams"]] == ["h264", "aac"]
        assert said["streams"][0]["width"] == 320
        assert _probe(url).startswith("a: h264 320x180 at 10 pictures a second, aac sound")


def test_several_clients_see_it_at_once_and_it_moves() -> None:
    with camera() as url, ThreadPoolExecutor(2) as pool:
        seen = [pool.submit(_pictures, url, 1.0) for _ in range(2)]
        pictures = seen[0].result(20)
        assert min(len(future.result(20)) for future in seen) >= 5
    differences = [float(cv2.absdiff(a, b).mean()) for a, b in pairwise(pictures)]
    assert min(differences) > 0.5


@pytest.mark.parametrize("transport", ["ts-tcp", "ts-udp"])
def test_a_camera_speaks_mpeg_ts_too(transport: str) -> None:
    port = 0
    if transport == "ts-udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    with camera(transport=transport, port=port) as url:
        assert "h264 320x180" in _probe(url)


def test_a_camera_can_hang() -> None:
    with camera(faults=Faults(hang=True)) as url:
        assert "timeout" in _probe(url, 3)


def test_a_camera_can_drop_its_connections() -> None:
    with camera(faults=Faults(drop_after_s=0.5)) as url:
        source = LibavSource(DeviceSettings(name="a", url=url), lambda: time.time_ns() // 1000)
        with pytest.raises(SourceError, match=r"closed|failed"):
            source.run(lambda _: None, lambda: False)


def test_a_camera_can_go_black_or_freeze() -> None:
    with camera(faults=Faults(black=True)) as url:
        assert look_at(_pictures(url, 0.5)[-1]).fault == "black"
    with camera(faults=Faults(freeze_after_s=0.1)) as url:
        pictures = _pictures(url, 1.0)
        assert float(cv2.absdiff(pictures[-1], pictures[-2]).mean()) < 0.3


def test_a_clip_is_served_over_and_over(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", "-t", "0.8"]
    argv = [
        need_program("ffmpeg"),
        "-v",
        "error",
        *picture,
        "-c:v",
        "libx264",
        "-bf",
        "0",
        "-g",
        "10",
    ]
    subprocess.run([*argv, str(clip)], check=True)
    with camera(clip=str(clip)) as url:
        assert len(_pictures(url, 2.0)) > 30


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_makes_pictures_with_a_readable_clock(pattern: str) -> None:
    painter = Painter("ball-1", pattern, 640, 360)
    first = painter.paint(0, 1_700_000_000_000_000)
    later = painter.paint(30, 1_800_000_009_000_000)
    assert first.shape == (540, 640)
    assert look_at(np.ascontiguousarray(first[:360])).fault == ""
    assert first[:24, :100].max() == 235  # white letters on black
    assert (first[:20, :300] != later[:20, :300]).any()


def test_the_command_prints_its_url_first_and_ends_on_sigterm() -> None:
    argv = [str(Path(sys.executable).with_name("fieldlink")), "sim", "camera", "--json"]
    with subprocess.Popen([*argv, "--name", "soldier-1"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert said["url"].startswith("rtsp://127.0.0.1:")
    assert said["url"].endswith("/soldier-1")


@pytest.mark.parametrize(
    "wrong", [["--size", "641x360"], ["--size", "big"], ["--pattern", "x"], ["--rate", "5"]]
)
def test_wrong_options_are_usage_errors(wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["camera", *wrong]).exit_code == 2
