"""The sets of a clip: what came, bit for bit; where nothing came, what is known otherwise."""

from collections.abc import Iterator

import pytest

from fieldlink.codecs.klv import Narrator, Record, Tag, camera_angles, decode, encode
from fieldlink.codecs.telemetry import POSITION, Column, Sample, Schema

T0_US = 1_760_000_000_000_000
ATTITUDE = Schema("attitude", (Column("roll", "deg", 1), Column("yaw", "deg", 1)))
GIMBAL = Schema("gimbal", (Column("pitch", "deg", 1), Column("yaw", "deg", 1)))
FLIGHT = Schema("flight", (Column("height", "m", 1), Column("groundspeed", "m/s", 1)))


def flown(seconds: int) -> Iterator[tuple[Schema, Sample]]:
    """North by 0.00001 degree a second, one sample of each stream a second."""
    for n in range(seconds):
        at_us = T0_US + n * 1_000_000
        place = (300_000_000 + n * 100, 1_030_000_000, 50_000, None, None, None, None, None)
        yield POSITION, Sample(at_us, n, place)
        yield ATTITUDE, Sample(at_us, n, (0, 900))
        yield FLIGHT, Sample(at_us, n, (1_000, 70))


def looking(seconds: int) -> Iterator[tuple[Schema, Sample]]:
    for n in range(seconds):
        yield GIMBAL, Sample(T0_US + n * 1_000_000, n, (-300, 1_800))


def test_sets_are_made_between_samples_on_one_grid() -> None:
    narrator = Narrator(said=flown(5), looked=looking(5), texts={"designation": "m300-1"})
    first = narrator.between(T0_US + 100_000, T0_US + 2_000_000)
    second = narrator.between(T0_US + 2_000_000, T0_US + 3_000_000)
    times = [at_us for at_us, _ in first + second]
    assert times == [T0_US + n * 200_000 for n in range(1, 15)]
    assert narrator.made_us == set(times)
    for at_us, data in first + second:
        found = decode(data)
        assert found.time_us == at_us
        north = (at_us - T0_US) / 1e6 * 1e-5
        assert found.number(Tag.LAT) == pytest.approx(30 + north, abs=1.5e-7)
        assert found.text(Tag.DESIGNATION) == "m300-1"
        assert found.number(Tag.GROUND_SPEED) == 7
        assert camera_angles(found) == pytest.approx((180, -30, 0), abs=0.01)
        assert found.number(Tag.CENTRE_LAT) is not None


def test_what_came_goes_before_what_can_be_made_and_is_not_touched() -> None:
    own = encode({Tag.TIME: 5, Tag.LAT: 1.0, Tag.LON: 2.0}, {94: b"kept"})
    came = [Record(T0_US + n * 500_000, own) for n in range(4, 9)]  # for two seconds
    found = Narrator(came, flown(12)).between(T0_US, T0_US + 6_000_000)
    assert [one for one in found if one[1] == own] == [(r.time_us, own) for r in came]
    made = [at_us - T0_US for at_us, data in found if data != own]
    assert made == [*range(0, 1_200_000, 200_000), *range(5_000_000, 6_000_000, 200_000)]


def test_what_is_hostile_in_what_came_is_left_out() -> None:
    own = encode({Tag.TIME: 5, Tag.LAT: 1.0, Tag.LON: 2.0})
    cut = [own[:20], own[20:] + b"noise", own[:-1] + b"x", own]
    came = [Record(T0_US + n, data) for n, data in enumerate(cut)]
    assert Narrator(came).between(T0_US, T0_US + 10) == [(T0_US + 1, own), (T0_US + 3, own)]


def test_where_nobody_says_where_it_was_nothing_is_made() -> None:
    assert Narrator(said=looking(5)).between(T0_US, T0_US + 5_000_000) == []
    late = Narrator(said=flown(1)).between(T0_US + 30_000_000, T0_US + 31_000_000)
    assert late == []


def test_a_stream_slower_than_the_sets_is_not_run_away_from() -> None:
    positions = (one for one in flown(300) if one[0] is POSITION)
    found = Narrator(said=positions).between(T0_US, T0_US + 290_000_000)
    assert len(found) == 5 * 290
    assert decode(found[-1][1]).number(Tag.LAT) == pytest.approx(30 + 289.8e-5, abs=2e-7)


def test_an_hour_is_narrated_with_what_is_held_of_twenty_seconds() -> None:
    narrator = Narrator(said=flown(900), every_us=1_000_000)
    sets = [
        one
        for n in range(0, 890, 10)
        for one in narrator.between(T0_US + n * 1_000_000, T0_US + (n + 10) * 1_000_000)
    ]
    assert len(sets) == 890
    last = decode(sets[-1][1]).number(Tag.LAT)
    assert last == pytest.approx(30 + 889e-5, abs=2e-7)
