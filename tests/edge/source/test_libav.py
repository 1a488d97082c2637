"""The libav adapter with real files and with addresses where nothing is."""

import socket
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Ended, Metadata, Opened, Packet
from fieldlink.edge.source.probe import probe
from fieldlink.edge.source.settings import DeviceSettings

Event = Opened | Packet | Metadata | Ended


def _clock() -> int:
    return time.time_ns() // 1000


@pytest.fixture
def film(tmp_path: Path, need_program: Callable[..., str]) -> str:
    """One second of H.264 with B-frames, and AAC."""
    path = tmp_path / "film.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10"]
    sound = ["-f", "lavfi", "-i", "sine=frequency=440"]
    codecs = ["-c:v", "libx264", "-bf", "2", "-g", "5", "-c:a", "aac", "-t", "1"]
    argv = [need_program("ffmpeg"), "-v", "error", *picture, *sound, *codecs, str(path)]
    subprocess.run(argv, check=True)
    return str(path)


def _device(url: str, **settings: str) -> DeviceSettings:
    return DeviceSettings.model_validate({"name": "a", "url": url, **settings})


def _run(device: DeviceSettings, enough: Callable[[list[Event]], bool]) -> list[Event]:
    events: list[Event] = []
    LibavSource(device, _clock).run(events.append, lambda: enough(events))
    return events


def _pictures(events: list[Event]) -> list[Packet]:
    return [e for e in events if isinstance(e, Packet) and e.kind == "video"]


def test_a_file_played_once_delivers_all_of_it_in_real_time_and_ends(film: str) -> None:
    began_s = time.monotonic()
    device = DeviceSettings(name="a", url=film, loop=False)
    events = _run(device, lambda _: False)
    assert time.monotonic() - began_s > 0.8
    assert isinstance(events[0], Opened)
    assert events[0].video is not None
    assert events[0].audio is not None
    assert (events[0].video.codec, events[0].video.width) == ("h264", 160)
    assert isinstance(events[-1], Ended)
    assert len(_pictures(events)) == 10


def test_a_file_as_a_camera_goes_on_behind_its_own_end(film: str) -> None:
    device = DeviceSettings(name="a", url=f"file:{film}")
    events = _run(device, lambda events: len(_pictures(events)) >= 14)
    pictures = _pictures(events)
    assert [b.dts - a.dts for a, b in pairwise(pictures)] == [1024] * 13
    assert not any(picture.discontinuity for picture in pictures)
    late_us = _clock() - pictures[-1].utc_us
    assert -300_000 < late_us < 1_000_000


@pytest.mark.parametrize(
    ("url", "reason"),
    [("{tmp}/none.mp4", "not-found"), ("{tmp}/text.mp4", "not-media"), ("{tmp}", "failed")],
)
def test_a_file_that_cannot_be_played_says_why(tmp_path: Path, url: str, reason: str) -> None:
    (tmp_path / "text.mp4").write_text("not a film " * 100)
    device = DeviceSettings(name="a", url=url.format(tmp=tmp_path))
    with pytest.raises(SourceError) as caught:
        _run(device, lambda _: False)
    assert caught.value.reason in (reason, "not-media")


def test_an_address_where_nothing_listens_is_refused_without_its_secrets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    device = DeviceSettings(name="a", url=f"rtsp://u:SECRET@127.0.0.1:{port}/x")
    result = probe(device, 5)
    assert not result.ok
    assert result.sentence.startswith("a: refused: rtsp://***@127.0.0.1")
    assert "SECRET" not in result.sentence


def test_a_device_that_says_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/x"
        result = probe(_device(url, open_timeout="1s", stall_timeout="500ms"), 3)
    assert not result.ok
    assert "timeout" in result.sentence


def test_a_source_that_plays_is_described_in_one_sentence(film: str) -> None:
    result = probe(DeviceSettings(name="a", url=film), 5)
    assert result.ok
    assert result.sentence.startswith("a: h264 160x120 at 10 pictures a second, aac sound")


def test_a_place_that_nobody_pushes_to_says_so_and_lets_go_of_its_port_soon() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    device = DeviceSettings(name="cam", url=f"rtmp://127.0.0.1:{port}/live/cam?listen=1")
    began_s = time.monotonic()
    with pytest.raises(SourceError, match="nobody pushes"):
        LibavSource(device, _clock).run(lambda _: None, lambda: True)
    assert time.monotonic() - began_s < 4
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))
