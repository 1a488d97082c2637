"""Videos with subtitles beside or in them, subtitles alone, and photos."""

import io
import subprocess
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from fieldlab.flightlogs import recording
from fieldlab.imports import BEIJING, Landing, srt
from fieldlab.peers import need_program
from fieldlink.codecs.bundle import IMPORTED, Layer, Precedence
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.picture import embed_jpeg, picture_metadata

BEGAN_US = 1_777_595_400_000_000  # 2026-05-01 08:30 at +08:00
SECONDS = 8


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card: a video with subtitles beside it, and the same with them in it."""
    need_program("ffmpeg")
    folder = Path(tmp_path_factory.mktemp("card"))
    (folder / "A.SRT").write_text(srt(SECONDS))
    picture = ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={SECONDS}"]
    sound = ["-f", "lavfi", "-i", f"sine=duration={SECONDS}"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p"]
    ffmpeg = ["ffmpeg", "-v", "error", "-y"]
    subprocess.run([*ffmpeg, *picture, *sound, *coding, str(folder / "A.MP4")], check=True)
    both = ["-i", str(folder / "A.MP4"), "-i", str(folder / "A.SRT"), "-map", "0", "-map", "1"]
    subprocess.run(
        [*ffmpeg, *both, "-c", "copy", "-c:s", "mov_text", str(folder / "B.MP4")], check=True
    )
    return folder


@pytest.mark.parametrize("name", ["A.MP4", "B.MP4"])
def test_a_video_plays_in_step_with_its_subtitles_and_stays_as_it_was(
    name: str, card: Path, tmp_path: Path
) -> None:
    landing = Landing(tmp_path)
    beside = card / "A.SRT" if name == "A.MP4" else None
    result = landing.take(card / name, beside, zone=BEIJING)
    assert result.damage == ""
    video = [one for one in landing.bundles() if one[0].stream == "video"]
    pieces = [one for one in video if one[0].layer is Layer.ORIGINAL]
    assert (result.video_pieces, result.stills) == (
        len(pieces),
        len(video) - len(pieces),
    )
    assert pieces[0][0].start_us == BEGAN_US
    assert all(m.meta[IMPORTED] and m.precedence is Precedence.ROUTINE for m, _ in video)
    assert all(m.deadline_us is None for m, _ in video)
    assert sum(_frames(content) for _, content in pieces) == SECONDS * 25
    places = landing.stream("position")
    assert [one.time_us for one in places] == [
        BEGAN_US + ms * 1000 for ms in range(0, SECONDS * 1000, 500)
    ]
    assert [one.values[4] for one in landing.stream("flight")][2] == 10  # a metre, after a second
    assert landing.stream("gimbal")[0].values[1:3] == (-450, 900)
    second = next(m for m, _ in pieces if m.start_us > BEGAN_US + 1_000_000)
    assert float(str(second.meta["lat"])) == pytest.approx(30.1234, abs=1e-3)
    kept = {index.name: content for index, content in landing.files()}
    assert kept[name] == (card / name).read_bytes()
    [flight] = landing.flights()
    assert (flight.ended, flight.start_us, flight.pieces) == ("imported", BEGAN_US, [])


def _frames(content: bytes) -> int:
    with av.open(io.BytesIO(content), "r") as container:
        assert container.streams.audio
        return len(list(container.decode(video=0)))


def test_a_videos_subtitles_are_the_same_flight_with_it_or_alone(
    card: Path, tmp_path: Path
) -> None:
    landing = Landing(tmp_path)
    landing.take(card / "A.SRT", zone=BEIJING)
    samples, [flight] = landing.samples(), landing.flights()
    landing.take(card / "A.MP4", card / "A.SRT", zone=BEIJING, pieces=False)
    assert landing.samples() == samples
    assert {one.ident for one in landing.flights()} == {flight.ident}
    assert not [m for m, _ in landing.bundles() if m.stream == "video"]


def test_a_video_that_was_cut_off_is_kept_and_its_subtitles_are_read(
    card: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "A.MP4"
    cut.write_bytes((card / "A.MP4").read_bytes()[:-3000])  # its index is at the end
    landing = Landing(tmp_path)
    result = landing.take(cut, card / "A.SRT", zone=BEIJING)
    assert "cut off before its index" in result.damage
    assert (result.video_pieces, result.samples > 0) == (0, True)
    assert cut.read_bytes() in [content for _, content in landing.files()]
    with pytest.raises(SourceError, match="--began"):
        landing.take(cut, again=True)


def test_a_video_that_ends_before_it_says_is_played_up_to_there(card: Path, tmp_path: Path) -> None:
    quick = tmp_path / "quick.MP4"
    front = ["-c", "copy", "-movflags", "+faststart", str(quick)]  # the index first
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(card / "A.MP4"), *front], check=True)
    data = quick.read_bytes()
    quick.write_bytes(data[: len(data) * 6 // 10])
    landing = Landing(tmp_path)
    result = landing.take(quick, began_us=BEGAN_US)
    assert result.video_pieces
    assert "of 8." in result.damage
    assert result.last_us is not None


@pytest.mark.parametrize(
    ("name", "where"),
    [("dji-broken_incomplete.SRT", "line 115"), ("dji-matrice_300.srt", "")],
)
def test_real_subtitles_are_imported_up_to_the_line(name: str, where: str, tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    result = landing.take(recording(name), zone=BEIJING)
    assert where in result.damage
    assert bool(where) is bool(result.damage)
    places = landing.stream("position")
    steps = {b.time_us - a.time_us for a, b in pairwise(places)}
    assert min(steps) >= 200_000
    text = recording(name).read_bytes()
    cut = tmp_path / "cut.srt"
    cut.write_bytes(text[: text.index(b"GPS", len(text) // 2) + 6])
    broken = landing.take(cut, vehicle="m300-2", zone=BEIJING)
    line = text[: len(text) // 2].count(b"\n")
    assert "line " in broken.damage
    assert abs(int(broken.damage.partition("line ")[2].split()[0]) - line) < 12


def test_subtitles_and_videos_without_a_time_wait_for_somebody_who_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("".join(line for line in _lines(srt(2)) if not line.startswith("2026-")))
    landing = Landing(tmp_path)
    with pytest.raises(SourceError, match="--began"):
        landing.take(path)
    landing.take(path, began_us=BEGAN_US)
    assert landing.stream("position")[0].time_us == BEGAN_US
    nonsense = tmp_path / "b.srt"
    nonsense.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n\n")
    with pytest.raises(SourceError, match="no flight subtitles"):
        landing.take(nonsense)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def test_a_photo_says_where_and_when_it_was_taken(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, "jpeg")
    pose = Pose(BEGAN_US, 34.2301, 108.9502, alt_m=512.3, heading=90.0)
    said = picture_metadata(pose, "m30t-1", BEGAN_US)
    made = embed_jpeg(out.getvalue(), said.exif, said.xmp)
    path = tmp_path / "DJI_0003.JPG"
    path.write_bytes(made)
    landing = Landing(tmp_path)
    result = landing.take(path, vehicle="m30t-1")
    [(manifest, content)] = [one for one in landing.bundles() if one[0].media_type == "image/jpeg"]
    assert content == made
    assert float(str(manifest.meta["lat"])) == pytest.approx(34.2301, abs=1e-5)
    assert manifest.layer is Layer.ORIGINAL
    assert result.first_us == manifest.start_us == BEGAN_US
    [(index, joined)] = landing.files()
    assert (index.about["imported"], joined) == (True, made)
