"""Clips with KLV: Debian's ffmpeg and ffprobe say what is in them."""

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import av.error
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


def seen(path: Path) -> list[str]:
    """The pictures in a file by their hashes, as they are shown."""
    argv = [need_program("ffmpeg"), "-v", "error", "-i", str(path), "-map", "0:v"]
    out = subprocess.run([*argv, "-f", "framemd5", "-"], check=True, capture_output=True).stdout
    return [line.split(",")[-1] for line in out.decode().splitlines() if line.startswith("0,")]


def test_what_was_there_already_is_not_shown_twice(films: dict[str, bytes], tmp_path: Path) -> None:
    """Who connects again is sent what its camera still has; half a second, here."""
    one, path = tmp_path / "one.ts", tmp_path / "clip.ts"
    one.write_bytes(b"".join(Clip(T0_US, T0_US + 10**9).write([Piece(films["h264"], T0_US)])))
    clip, film_ = Clip(T0_US, T0_US + 60_000_000), films["h264"]
    pieces = [Piece(film_, T0_US), Piece(film_, T0_US), Piece(film_, T0_US + 500_000)]
    path.write_bytes(b"".join(clip.write(pieces)))
    whole = seen(one)
    assert clip.pictures == 15
    assert seen(path) == [*whole, *whole[5:]]


def test_a_little_overlap_of_clocks_costs_no_picture(films: dict[str, bytes]) -> None:
    clip = Clip(T0_US, T0_US + 60_000_000)
    assert b"".join(clip.write(Piece(films["h264"], T0_US + n * 700_000) for n in range(3)))
    assert clip.pictures == 30


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[int, bytes]:
    """Films with sound of so many hertz."""
    folder = tmp_path_factory.mktemp("sounds")
    tone = ("-f", "lavfi", "-i", "sine=duration=1", "-c:v", "libx264", "-c:a", "aac", "-ar")
    return {rate: film(folder / f"{rate}.mp4", *tone, str(rate)) for rate in (44_100, 16_000)}


def test_sound_of_another_kind_is_left_out_and_said(
    sounds: dict[int, bytes], films: dict[str, bytes], tmp_path: Path
) -> None:
    path, clip = tmp_path / "clip.ts", Clip(T0_US, T0_US + 60_000_000)
    order = [sounds[44_100], sounds[16_000], sounds[16_000], sounds[44_100]]
    pieces = [Piece(data, T0_US + n * 1_000_000) for n, data in enumerate(order)]
    path.write_bytes(b"".join(clip.write(pieces)))
    assert clip.pictures == 40
    assert clip.damaged == [f"the sound from {T0_US + 1_000_000} on is of another kind: left out"]
    argv = [need_program("ffmpeg"), "-v", "error", "-i", str(path), "-map", "0:a"]
    done = subprocess.run([*argv, "-f", "s16le", "-"], check=True, capture_output=True)
    assert done.stderr.replace(b"Unsupported codec with id 98311 for input stream 2\n", b"") == b""
    assert len(done.stdout) / 88_200 == pytest.approx(2, abs=0.1)
    # Sound that begins later has no place in what has begun.
    later = Clip(T0_US, T0_US + 60_000_000)
    assert b"".join(later.write([Piece(films["h264"], T0_US), Piece(order[0], T0_US + 10**6)]))
    assert later.damaged == [f"the sound from {T0_US + 1_000_000} on is of another kind: left out"]


def test_sound_is_as_far_from_its_pictures_as_it_was(
    sounds: dict[int, bytes], tmp_path: Path
) -> None:
    was, made = tmp_path / "was.mp4", tmp_path / "made.ts"
    was.write_bytes(sounds[44_100])  # with a hole of 80 ms behind the first frame
    made.write_bytes(b"".join(Clip(T0_US, T0_US + 10**9).write([Piece(sounds[44_100], T0_US)])))
    away = []
    for path in (was, made):
        times: dict[str, list[float]] = {"video": [], "audio": [], "data": []}
        for packet in probed(path)["packets"]:
            times[packet["codec_type"]].append(float(packet["pts_time"]))
        away.append([at - min(times["video"]) for at in sorted(times["audio"])])
    assert len(away[0]) > 40
    assert away[1] == pytest.approx(away[0], abs=0.0001)


def test_a_piece_that_is_no_mp4_makes_libav_open_nothing() -> None:
    """A session description would have it listen on the network, for as long as it likes."""
    session = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
    session += b"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    clip = Clip(T0_US, T0_US + 60_000_000)
    assert b"".join(clip.write([Piece(session, T0_US)])) == b""
    assert "Invalid data" in clip.damaged[0]


def test_a_clip_ends_before_its_time_stamps_begin_again(films: dict[str, bytes]) -> None:
    clip, film_ = Clip(T0_US, T0_US + 10**12), films["h264"]
    hours = [Piece(film_, T0_US + hour * 3_600_000_000) for hour in (0, 25, 26, 27)]
    assert b"".join(clip.write(hours))
    assert (clip.pictures, clip.last_us) == (20, T0_US + 25 * 3_600_000_000 + 900_000)
    assert clip.why == "a transport stream counts no further than 26 hours"


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ((b"avc1", b"qqqq"), "an unknown codec is not H.264 or H.265"),
        ((b"mp4a", b"qqqq"), ""),  # the pictures are there all the same
        ((b"VideoHandler", b"\xce\xde\xb1\xea\xcc\xe2 12345"), ""),  # a title in GBK
    ],
)
def test_a_piece_that_its_disk_has_spoiled_costs_no_other(
    spoilt: tuple[bytes, bytes], said: str, sounds: dict[int, bytes]
) -> None:
    good, clip = sounds[44_100], Clip(T0_US, T0_US + 60_000_000)
    bad = good.replace(*spoilt)
    assert bad != good
    assert b"".join(clip.write([Piece(bad, T0_US), Piece(good, T0_US + 10**6)]))
    assert clip.pictures == (10 if said else 20)
    assert said in "".join(clip.damaged)


def test_a_first_piece_of_which_no_stream_can_be_made_costs_no_other(
    sounds: dict[int, bytes],
) -> None:
    good, clip = sounds[44_100], Clip(T0_US, T0_US + 60_000_000)
    at = good.index(b"esds")  # its sound is of an object type that ADTS has no number for
    config = good.index(b"\x05\x80\x80\x80", at) + 5
    bad = good[:config] + b"\xf9" + good[config + 1 :]
    assert b"".join(clip.write([Piece(bad, T0_US), Piece(good, T0_US + 10**6)]))
    assert (clip.pictures, clip.first_us) == (10, T0_US + 10**6)
    assert f"the piece at {T0_US}: " in clip.damaged[0]
    nothing = Clip(T0_US, T0_US + 60_000_000)
    assert b"".join(nothing.write([Piece(bad, T0_US)])) == b""
    assert nothing.first_us is None


def test_a_frame_that_cannot_be_written_costs_only_itself(
    films: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    put, turn = Clip._put, itertools.count()

    def spoilt(self: Clip, output: object, unit: object) -> None:
        if next(turn) == 3:
            raise av.error.InvalidDataError(1, "spoilt")
        put(self, output, unit)  # type: ignore[arg-type]

    monkeypatch.setattr(Clip, "_put", spoilt)
    clip = Clip(T0_US, T0_US + 60_000_000)
    assert b"".join(clip.write([Piece(films["h264"], T0_US)]))
    assert clip.pictures == 9
    assert f"1 frames of the piece at {T0_US}: " in clip.damaged[0]
