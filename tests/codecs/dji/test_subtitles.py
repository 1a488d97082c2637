"""Flight subtitles: every dialect, real files where they are, and damage with its place."""

import datetime
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.dji import read_subtitles
from fieldlink.codecs.fault import CodecError
from fieldlink.drone.dji import subtitle_samples

RECORDINGS = Path(
    os.environ.get("FIELDLINK_RECORDINGS", Path(__file__).parents[3].parent / "shared" / "data")
)
BRACKETS = """1
00:00:00,000 --> 00:00:00,033
<font size="28">FrameCnt: 1, DiffTime: 33ms
2024-05-12 14:03:21.966
[iso: 100] [shutter: 1/500.0] [latitude: 34.230001] [longitude: 108.950002] \
[rel_alt: 1.300 abs_alt: 412.860] [ct: 5500] </font>

2
00:00:00,033 --> 00:00:00,066
<font size="28">FrameCnt: 2, DiffTime: 33ms
2024-05-12 14:03:22.000
[iso: 100] [latitude: 0.000000] [longitude: 0.000000] [rel_alt: 1.4 abs_alt: 412.9] </font>
"""


def recording(name: str) -> bytes:
    path = RECORDINGS / name
    if not path.is_file():
        pytest.skip(f"no real recording {path}")
    return path.read_bytes()


def test_brackets_have_heights_of_both_kinds_and_zero_is_no_place() -> None:
    read = read_subtitles(BRACKETS.encode())
    first, second = read.samples
    assert (read.dialect, read.damage) == ("brackets", None)
    assert (first.lat, first.lon, first.elevation_m, first.alt_m) == (
        34.230001,
        108.950002,
        1.3,
        412.86,
    )
    assert first.taken == datetime.datetime(2024, 5, 12, 14, 3, 21, 966_000)  # noqa: DTZ001
    assert (second.lat, second.start_ms) == (None, 33)
    old = BRACKETS.replace("[longitude", "[longtitude").replace("\n", "\r\n")
    assert read_subtitles(b"\xef\xbb\xbf" + old.encode()).samples == read.samples


@pytest.mark.parametrize(
    ("name", "dialect", "count", "lat", "lon", "elevation"),
    [
        ("dji-matrice_300.srt", "matrice", 381, 36.6146, -6.1120, 0.3),
        ("dji-mavic_mini.SRT", "letters", 117, 48.0771, -121.7458, 200.7),
        ("dji-p4_rtk.SRT", "letters", 55, -34.237922, -58.851745, 85.8),
    ],
)
def test_real_files_are_read_whole(
    name: str, dialect: str, count: int, lat: float, lon: float, elevation: float
) -> None:
    read = read_subtitles(recording(name))
    assert (read.dialect, len(read.samples), read.damage) == (dialect, count, None)
    first = read.samples[0]
    assert (first.lat, first.lon, first.elevation_m) == (lat, lon, elevation)


def test_a_real_file_that_breaks_off_is_read_up_to_there_and_says_where() -> None:
    read = read_subtitles(recording("dji-broken_incomplete.SRT"))
    assert (read.dialect, len(read.samples)) == ("phantom", 19)
    assert read.damage is not None
    assert (read.damage.line, read.damage.block) == (115, 20)
    assert (read.samples[-1].lat, read.samples[-1].satellites) == (-34.7383, 19)


def test_the_phantom_4_rtk_tells_the_gimbal_and_the_way_home() -> None:
    first = read_subtitles(recording("dji-p4_rtk.SRT")).samples[1]
    assert (first.gimbal_pitch_deg, first.yaw_deg, first.speed_mps) == (-24.4, 110.3, 2.88)
    assert (first.home_lat, first.home_distance_m) == (-34.232707, 697.41)


@pytest.mark.parametrize(
    ("change", "line", "what"),
    [
        (("00:00:00,033 --> 00:00:00,066", "soon"), 8, "no span of time"),
        (("\n2\n", "\ntwo\n"), 7, "number"),
        (("2024-05-12 14:03:22", "2024-15-12 14:03:22"), 7, "no date"),
        (("[latitude: 0.000000]", "[latitude: 95.0]"), 7, "no place on the Earth"),
        (("00:00:00,033 -->", "00:00:00,000 -->"), None, ""),
    ],
)
def test_damage_ends_the_reading_and_says_where(
    change: tuple[str, str], line: int | None, what: str
) -> None:
    text = BRACKETS.replace(*change)
    read = read_subtitles(text.encode())
    if line is None:
        assert read.damage is None
        return
    assert read.damage is not None
    assert len(read.samples) == 1
    assert what in read.damage.what
    assert abs(read.damage.line - line) <= 1


def test_other_subtitles_and_rubbish_are_refused() -> None:
    for text in (b"", b"1\n00:00:00,000 --> 00:00:01,000\nHello there.\n", b"\x00" * 1000):
        with pytest.raises(CodecError, match="srt"):
            read_subtitles(text)


@given(st.integers(0, len(BRACKETS) - 1), st.binary(max_size=6))
def test_no_damage_is_anything_but_said(at: int, noise: bytes) -> None:
    data = BRACKETS.encode()
    try:
        read = read_subtitles(data[:at] + noise + data[at + len(noise) :])
    except CodecError:
        return
    assert read.samples


def test_samples_are_in_utc_and_a_file_without_times_needs_its_beginning() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=8))
    found = list(subtitle_samples(read_subtitles(BRACKETS.encode()), zone))
    assert found[0][0] == 1_715_493_801_966_000
    assert [schema.stream for _, schema, _, _ in found] == ["position", "flight"] * 2
    assert found[0][2]["alt"] == 412.86
    bare = read_subtitles(
        b"1\n00:00:02,000 --> 00:00:03,000\nF/2.8, GPS (108.9, 34.2, 17), D 2m, H 3m\n"
    )
    assert list(subtitle_samples(bare, zone)) == []
    assert next(iter(subtitle_samples(bare, zone, 10_000_000)))[0] == 12_000_000
