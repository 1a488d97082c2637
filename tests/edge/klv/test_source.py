"""KLV as libav delivers it, out of streams that ffmpeg and encoders of aircraft make."""

import subprocess
import time
from pathlib import Path

import pytest

from fieldlab.klv import film, moments, stream, synchronous
from fieldlab.peers import need_program
from fieldlink.codecs.klv import KEY, Framer
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Deliver, Ended, Metadata, Opened, Packet
from fieldlink.edge.source.settings import DeviceSettings

SETS = moments(5)


def clock() -> int:
    return time.time_ns() // 1000


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return film(tmp_path_factory.mktemp("film") / "film.mp4")


def delivered(path: Path) -> list[Opened | Packet | Metadata | Ended]:
    events: list[Opened | Packet | Metadata | Ended] = []
    deliver: Deliver = events.append
    source = LibavSource(DeviceSettings(name="a", url=str(path), loop=False), clock)
    source.run(deliver, lambda: False)
    return events


def check(path: Path) -> None:
    """Every set is there, at its picture."""
    events = delivered(path)
    data = [one for one in events if isinstance(one, Metadata)]
    pictures = [one for one in events if isinstance(one, Packet)]
    assert len(pictures) == 10
    framer = Framer()
    assert [one for packet in data for one in framer.feed(packet.data)] == [raw for _, raw in SETS]
    shown = min(one.utc_us for one in pictures)
    for packet, (at_us, _) in zip(data, SETS, strict=True):
        assert packet.utc_us - shown == pytest.approx(at_us - SETS[0][0], abs=60_000)
        assert packet.device_us is not None
        assert packet.device_us - (data[0].device_us or 0) == at_us - SETS[0][0]


def test_the_asynchronous_carriage_as_ffmpeg_writes_it_is_read(
    tmp_path: Path, picture: bytes
) -> None:
    ours, theirs = tmp_path / "ours.ts", tmp_path / "theirs.ts"
    ours.write_bytes(stream(picture, SETS))
    argv = [need_program("ffmpeg"), "-v", "error", "-i", str(ours), "-map", "0", "-c", "copy"]
    subprocess.run([*argv, str(theirs)], check=True)
    check(theirs)


def test_the_synchronous_carriage_is_read_without_its_headers(
    tmp_path: Path, picture: bytes
) -> None:
    path = tmp_path / "sync.ts"
    path.write_bytes(synchronous(picture, SETS))
    argv = [need_program("ffprobe"), "-v", "error", "-show_entries", "stream=codec_name", str(path)]
    assert b"codec_name=klv" in subprocess.run(argv, check=True, capture_output=True).stdout
    check(path)


def test_hostile_data_changes_nothing_of_the_pictures(tmp_path: Path, picture: bytes) -> None:
    hostile = [
        (at_us, KEY + b"\x84\x7f\xff\xff\xff" if n % 2 else KEY + b"\x80" * 5_000)
        for n, (at_us, _) in enumerate(SETS)
    ]
    path = tmp_path / "hostile.ts"
    path.write_bytes(stream(picture, hostile))
    events = delivered(path)
    assert sum(isinstance(one, Packet) for one in events) == 10
    assert isinstance(events[-1], Ended)
    data = b"".join(one.data for one in events if isinstance(one, Metadata))
    assert data == b"".join(raw for _, raw in hostile)
