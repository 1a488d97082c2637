"""Tracks are the same for a seed, have the noise they say, and are read from recordings."""

import statistics
from pathlib import Path

import pytest

from fieldlab.tracks import RECORDINGS, made, recorded

SUBTITLES = """1
00:00:00,000 --> 00:00:01,000
F/2.8, GPS (-121.7458, 48.0771, 17), D 221.21m, H 200.70m, H.S n/a, V.S n/a

2
00:00:01,000 --> 00:00:02,000
HOME(-58.4563,-34.7386) 2017.07.03 10:15:04
GPS(-58.4563,-34.7383,19) BAROMETER:20.2

3
00:00:02,500 --> 00:00:03,000
GPS (-58.851745, -34.237922, 15), HOME (-58.8, -34.2, -57.9m), H 85.80m, \
H.S 0.25m/s, F.PRY (2.7°, -7.0°, -10.5°)

4
00:00:03,000 --> 00:
"""


@pytest.mark.parametrize("name", ["walker", "vehicle"])
def test_a_seed_makes_the_same_track_with_the_noise_it_says(name: str) -> None:
    track = made(name, 3000, seed=3)
    assert track == made(name, 3000, seed=3) != made(name, 3000, seed=4)
    speeds = [record[5] for record in track.records]
    still = [
        abs(int(after[1] or 0) - int(before[1] or 0))
        for before, after, speed in zip(track.records, track.records[1:], speeds, strict=False)
        if isinstance(speed, int) and speed < 10
    ]
    # 27 cm of a moving error and 3 cm twice: a mean step of 22 cm, 20 units of 1e-7 degree.
    assert 12 < statistics.mean(still) < 40
    assert [len(block.samples) for block in track.blocks(1000)] == [1000] * 3


def test_recordings_are_read_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(RECORDINGS, raising=False)
    assert recorded() == []
    (tmp_path / "a.SRT").write_text(SUBTITLES, encoding="utf-8")
    (tmp_path / "b.txt").write_text("nothing")
    monkeypatch.setenv(RECORDINGS, str(tmp_path))
    (track,) = recorded()
    start_us = track.records[0][0]
    assert [(time_us - start_us, *rest) for time_us, *rest in track.records] == [
        (0, 480_771_000, -1_217_458_000, 20070, None, None),
        (1_000_000, -347_383_000, -584_563_000, 2020, None, None),
        (2_500_000, -342_379_220, -588_517_450, 8580, 3495, 25),
    ]
