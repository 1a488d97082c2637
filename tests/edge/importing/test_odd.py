"""Files that are not what they are called, and times that nothing was recorded at."""

import socket
from pathlib import Path

import pytest

from fieldlab.flightlogs import UTC_US, dataflash
from fieldlab.imports import Landing, srt
from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.edge.importing.service import _listening

YEAR_2099_US = 4_070_908_800_000_000


@pytest.mark.parametrize("name", ["a.jpg", "a.dng", "a.mp4", "a.MOV"])
def test_a_file_that_is_nothing_of_what_its_name_says_is_not_stored(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(9_000_000)
    landing = Landing(tmp_path)
    with pytest.raises(SourceError, match="is no"):
        landing.take(path, began_us=UTC_US)
    assert landing.bundles() == []


@pytest.mark.parametrize("year", ["2099", "1970", "0001"])
def test_subtitles_of_a_time_that_cannot_be_wait_for_somebody_who_knows(
    year: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.srt"
    path.write_text(srt(4).replace("2026-05-01", f"{year}-05-01"))
    landing = Landing(tmp_path)
    with pytest.raises(SourceError, match="--began"):
        landing.take(path)
    assert landing.bundles() == []
    assert landing.take(path, began_us=UTC_US).first_us == UTC_US


@pytest.mark.parametrize("began_us", [0, YEAR_2099_US])
def test_nothing_began_in_the_future_or_before_there_were_aircraft(
    began_us: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(dataflash(2))
    with pytest.raises(ConfigError, match="--began"):
        Landing(tmp_path).take(path, began_us=began_us)


def test_a_log_of_the_future_asks_when_it_began(tmp_path: Path) -> None:
    from fieldlab.aircraft import flight
    from fieldlink.codecs.mavlink import tlog_record

    path = tmp_path / "a.tlog"
    path.write_bytes(b"".join(tlog_record(raw, YEAR_2099_US + at_us) for at_us, raw in flight(2)))
    landing = Landing(tmp_path)
    with pytest.raises(SourceError, match="--began"):
        landing.take(path)
    assert landing.take(path, began_us=UTC_US).frames


def test_the_place_of_an_import_that_a_kill_left_is_taken_away(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "i-0123abcd.sock"))
    with _listening(tmp_path) as (path, _):
        assert [*tmp_path.glob("i-*.sock")] == [path]
    assert not [*tmp_path.iterdir()]
