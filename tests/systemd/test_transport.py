"""Clips with KLV: Debian's ffmpeg and ffprobe say what is in them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fieldlab.klv import T0_US, film, moments
from fieldlab.peers import need_program
from fieldlink.systemd.transport import Clip, Piece


def probed(path: Path) -> dict[str, Any]:
    argv = [need_program("ffprobe"), "-v", "error", "-show_streams", "-show_packets"]
    done = subprocess.run([*argv, "-of", "json", str(path)], check=True, capture_output=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "h264": film(folder / "a.mp4"),
        "hevc": film(folder / "b.mp4", "-c:v", "libx265", "-x265-params", "log-level=none"),
        "mpeg4": film(folder / "c.mp4", "-c:v", "mpeg4"),
    }


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_foreign_programs_see_pictures_and_klv_in_step(
    codec: str, films: dict[str, bytes], tmp_path: Path
) -> None:
    sets, path = moments(10), tmp_path / "clip.ts"
    second = T0_US + 1_000_000
    pieces = [Piece(films[codec], T0_US, sets[:5]), Piece(films[codec], second, sets[5:])]
    clip = Clip(T0_US, T0_US + 60_000_000, "uav-1")
    path.write_bytes(b"".join(clip.write(pieces)))
    assert (clip.pictures, len(clip.sets_us), clip.first_us, clip.damaged) == (20, 10, T0_US, [])
    said = probed(path)
    video, data = said["streams"]
    assert video["codec_name"] == codec
    assert video.get("is_avc", "false") == "false"  # Annex B
    assert (data["codec_name"], data["codec_tag_string"]) == ("klv", "KLVA")
    shown: dict[int, list[float]] = {0: [], 1: []}
    for packet in said["packets"]:
        shown[packet["stream_index"]].append(float(packet["pts_time"]))
    assert len(shown[0]) == 20
    assert [round(at - shown[1][0], 3) for at in shown[1]] == [n / 5 for n in range(10)]
    assert shown[1][0] == pytest.approx(min(shown[0]), abs=0.001)
    # The sets come out of it byte for byte, and every picture decodes.
    argv = [need_program("ffmpeg"), "-v", "error", "-i", str(path)]
    out = subprocess.run([*argv, "-map", "0:d", "-f", "data", "-"], check=True, capture_output=True)
    assert out.stdout == b"".join(data for _, data in sets)
    null = ["-map", "0:v", "-f", "framemd5", "-"]
    done = subprocess.run([*argv, *null], check=True, capture_output=True)
    assert done.stderr.replace(b"Unsupported codec with id 98311 for input stream 1\n", b"") == b""
    assert sum(line.startswith(b"0,") for line in done.stdout.splitlines()) == 20


def test_a_clip_begins_with_the_keyframe_before_and_ends_where_it_is_told(
    films: dict[str, bytes],
) -> None:
    clip = Clip(T0_US + 700_000, T0_US + 1_500_000)
    pieces = [
        Piece(films["h264"], T0_US + n * 1_000_000, moments(5, from_us=T0_US + n * 1_000_000))
        for n in range(3)
    ]
    made = b"".join(clip.write(pieces))
    assert made
    assert clip.first_us == T0_US + 500_000
    assert (clip.pictures, clip.last_us) == (10, T0_US + 1_400_000)
    assert len(clip.sets_us) == 6  # one of them 100 ms before


def test_a_camera_that_changes_its_codec_ends_the_clip_and_says_so(
    films: dict[str, bytes],
) -> None:
    clip = Clip(T0_US, T0_US + 60_000_000)
    assert b"".join(clip.write([Piece(films["h264"], T0_US), Piece(films["hevc"], T0_US + 10**6)]))
    assert clip.pictures == 10
    assert clip.why == "the camera changed from h264 to hevc"


def test_what_cannot_be_read_costs_nothing_else(films: dict[str, bytes]) -> None:
    clip = Clip(T0_US, T0_US + 60_000_000)
    good = films["h264"]
    pieces = [Piece(b"rubbish", T0_US), Piece(films["mpeg4"], T0_US), Piece(good, T0_US + 10**6)]
    assert b"".join(clip.write(pieces))
    assert clip.pictures == 10
    assert [text.split(":")[0] for text in clip.damaged] == [
        f"the piece at {T0_US}", "mpeg4 is not H.264 or H.265",
    ]  # fmt: skip
    nothing = Clip(T0_US, T0_US + 1)
    assert b"".join(nothing.write([Piece(b"", T0_US)])) == b""
