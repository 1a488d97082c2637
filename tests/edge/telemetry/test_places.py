"""Where devices were: between what they said, not long after, and of whom."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.geo import Moment, Track, between
from fieldlink.codecs.telemetry import POSITION, Column, Flag, Sample, Schema
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL
from fieldlink.edge.telemetry import places as places_module
from fieldlink.edge.telemetry.places import Mount, Places

_T0_US = 1_780_000_000_000_000


class _Said:
    """Places, and who says something to them at so many seconds."""

    def __init__(self, **mounts: Mount) -> None:
        self.places = Places(lambda name: mounts.get(name.replace("-", "_"), Mount()))

    def say(self, device: str, schema: Schema, at_s: float, flags: int = 0, **values: Any) -> None:
        row = tuple(
            None if (value := values.get(column.name)) is None else round(value * 10**column.scale)
            for column in schema.columns
        )
        self.places.take(device, schema, Sample(_us(at_s), 0, row, flags, 1_000))

    def fly(self, device: str, at_s: float, **values: Any) -> None:
        """All streams of an aircraft that flies north at 10 m/s and looks down and ahead."""
        moving = {"heading": 0.0, "speed": 10.0, "accuracy": 0.8}
        lat, alt = 30 + at_s * 9e-5, 500 + at_s
        self.say(device, POSITION, at_s, 0, lat=lat, lon=103.5, alt=alt, **moving)
        self.say(device, ATTITUDE, at_s, roll=1.0, pitch=-2.0, yaw=values.get("nose", 5.0))
        self.say(device, FLIGHT, at_s, height=100 + at_s)
        angles = {"roll": 0.0, "pitch": -60.0, "yaw": 10.0, "hfov": 60.0, "vfov": 40.0, **values}
        self.say(device, GIMBAL, at_s, 0, **angles)

    def at(self, device: str, at_s: float) -> Any:
        return self.places.at(device, _us(at_s))


def _us(at_s: float) -> int:
    return _T0_US + round(at_s * 1e6)


def test_a_pose_has_everything_that_an_aircraft_says() -> None:
    said = _Said()
    said.fly("m300-1", 0)
    said.fly("m300-1", 1)
    pose = said.at("m300-1", 0.5)
    assert pose.time_us == _us(0.5)
    assert (pose.lat, pose.lon) == pytest.approx((30.000045, 103.5), abs=1e-7)
    assert (pose.alt_m, pose.height_m) == (500.5, 100.5)
    assert (pose.heading, pose.roll, pose.pitch) == (5.0, 1.0, -2.0)
    assert (pose.gimbal_pitch, pose.gimbal_yaw, pose.gimbal_roll) == (-60.0, 10.0, 0.0)
    assert (pose.hfov, pose.vfov, pose.accuracy_m) == (60.0, 40.0, 0.8)
    assert pose.error_us == 501_000  # half a second from what was said, and that time's own


def test_angles_go_the_short_way_across_north() -> None:
    said = _Said()
    said.fly("a", 0, nose=350.0, yaw=355.0)
    said.fly("a", 1, nose=20.0, yaw=1.0)
    pose = said.at("a", 0.75)
    assert pose.heading == pytest.approx(12.5)
    assert pose.gimbal_yaw == pytest.approx(359.5)


@given(st.floats(0, 359.9), st.floats(-179, 179), st.floats(0, 1))
def test_between_two_angles_is_never_outside_the_smaller_arc(
    start: float, turn: float, part: float
) -> None:
    one, other = ({"yaw": start}, {"yaw": (start + turn) % 360})
    found = between(Moment(0, one), Moment(1_000_000, other), round(part * 1e6), one)["yaw"]
    assert 0 <= found < 360 or found == pytest.approx(360)
    away = (found - start + 180) % 360 - 180
    assert away == pytest.approx(part * turn, abs=1e-3)


def test_across_the_180th_meridian_nobody_flies_around_the_world() -> None:
    said = _Said()
    said.say("a", POSITION, 0, lat=0.5, lon=179.9999)
    said.say("a", POSITION, 1, lat=0.5, lon=-179.9999)
    assert abs(said.at("a", 0.5).lon) == pytest.approx(180.0)


def test_straight_down_yaw_and_roll_that_flip_are_not_averaged() -> None:
    said = _Said()
    said.fly("a", 0, pitch=-89.9, yaw=10.0, roll=0.0)
    said.fly("a", 1, pitch=-89.9, yaw=190.0, roll=180.0)
    pose = said.at("a", 0.4)
    assert (pose.gimbal_yaw, pose.gimbal_roll) == (10.0, 0.0)


def test_after_ten_seconds_nothing_is_known_and_each_stream_by_itself() -> None:
    said = _Said()
    said.fly("a", 0)
    assert said.at("a", 9.9).gimbal_pitch == -60.0
    assert said.at("a", 10.1) is None
    assert said.at("a", -10.1) is None
    said.say("a", POSITION, 12, lat=30.1, lon=103.5)
    pose = said.at("a", 12)
    assert (pose.gimbal_pitch, pose.height_m, pose.heading) == (None, None, None)


def test_who_stands_is_still_there_for_two_minutes() -> None:
    said = _Said()
    said.say("truck-1", POSITION, 0, lat=30.0, lon=103.5, speed=0.2)
    said.say("truck-2", POSITION, 0, lat=30.0, lon=103.5, speed=3.0)
    assert said.at("truck-1", 119).error_us == 119_001_000
    assert said.at("truck-1", 121) is None
    assert said.at("truck-2", 11) is None


@pytest.mark.parametrize("flag", [Flag.JUMP, Flag.BACKFILL])
def test_what_is_not_true_now_is_not_taken(flag: Flag) -> None:
    said = _Said()
    said.say("a", POSITION, 0, int(flag), lat=10.0, lon=10.0)
    assert said.at("a", 0) is None


def test_a_lost_fix_ends_the_place_and_does_not_hold_the_last() -> None:
    said = _Said()
    said.say("a", POSITION, 0, lat=30.0, lon=103.5)
    said.say("a", POSITION, 2, int(Flag.NO_FIX), satellites=3)
    assert said.at("a", 0.5) is not None
    assert said.at("a", 1.5) is None


def test_a_camera_has_the_place_of_who_carries_it_and_only_its_own_direction() -> None:
    said = _Said(
        m300_2=Mount("m300"), mast=Mount("kit", 90.0), lost=Mount("nobody"), m300=Mount("", 33.0)
    )
    said.fly("m300", 0)
    said.say("kit", POSITION, 0, lat=31.0, lon=104.0)
    second = said.at("m300-2", 0)
    assert (second.lat, second.height_m, second.heading) == (30.0, 100.0, 5.0)
    assert (second.gimbal_pitch, second.hfov) == (None, None)
    said.say("m300-2", GIMBAL, 0, pitch=-30.0, yaw=7.0, hfov=12.0)
    assert said.at("m300-2", 0).gimbal_pitch == -30.0
    assert (said.at("mast", 0).lat, said.at("mast", 0).hfov) == (31.0, 90.0)
    assert said.at("m300", 0).hfov == 60.0  # what the gimbal says goes first
    assert said.at("lost", 0) is None
    assert said.at("ball-1", 0) is None  # a camera without a place does not get the kit's


def test_columns_of_the_same_name_in_other_units_are_somebody_elses() -> None:
    places = Places()
    places.take("a", POSITION, Sample(_T0_US, 0, (300000000, 1035000000, *[None] * 6)))
    odd = Schema("gimbal", (Column("pitch", "rad", 3), Column("yaw", "deg", 0)))
    places.take("a", odd, Sample(_T0_US, 0, (-1000, 90)))
    pose = places.at("a", _T0_US)
    assert pose is not None
    assert (pose.gimbal_pitch, pose.gimbal_yaw) == (None, 90.0)


def test_a_hundred_a_second_do_not_push_the_last_ten_seconds_out() -> None:
    track = Track()
    for tick in range(3_000):
        track.add(Moment(tick * 10_000, {"yaw": tick % 360}))
    assert len(track.moments) <= 120
    assert track.moments[0].time_us < 20_000_000
    newest = track.at(29_990_000, 0)
    assert newest is not None
    assert newest.values["yaw"] == 2999 % 360


@given(st.lists(st.integers(-30_000_000, 30_000_000), max_size=300))
def test_in_whatever_order_they_come_moments_are_in_order_and_few(times: list[int]) -> None:
    track = Track()
    for time_us in times:
        track.add(Moment(time_us, {}))
    held = [one.time_us for one in track.moments]
    assert held == sorted(set(held))
    assert len(held) <= 120


def test_a_clock_that_is_set_back_begins_anew() -> None:
    said = _Said()
    said.say("a", POSITION, 100, lat=30.0, lon=103.5)
    said.say("a", POSITION, 40, lat=31.0, lon=103.5)
    assert said.at("a", 40).lat == 31.0
    assert said.at("a", 100) is None


def test_only_so_many_devices_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_module, "_MOST_DEVICES", 3)
    said = _Said()
    for name in ("a", "b", "c", "a", "d"):
        said.say(name, POSITION, 0, lat=30.0, lon=103.5)
    assert [said.at(name, 0) is not None for name in "abcd"] == [True, False, True, True]


def test_it_may_be_asked_while_it_is_told() -> None:
    said, failed = _Said(), []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                said.at("a", 1.0)
            except Exception as error:  # noqa: BLE001 - told to the test, on its thread
                failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for tick in range(300):
        said.fly("a", tick / 50)
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
