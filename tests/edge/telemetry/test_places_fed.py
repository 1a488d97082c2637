"""Places as the kit feeds them: what MAVLink and DJI aircraft and a vehicle's terminal really say,
through the intake.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fieldlab.autopilot import Autopilot
from fieldlab.dji import AIRCRAFT, DjiLab
from fieldlab.intake import FakeTime
from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.geo import bearing_deg, distance_m, footprint, frame_centre
from fieldlink.codecs.telemetry import POSITION, Flag
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL
from fieldlink.edge.drone.adapter import Drone
from fieldlink.edge.drone.settings import DroneSettings
from fieldlink.edge.spool import Stored
from fieldlink.edge.telemetry.alarm_book import AlarmBook
from fieldlink.edge.telemetry.alarm_desk import AlarmDesk
from fieldlink.edge.telemetry.intake import KitIntake
from fieldlink.edge.telemetry.places import Places
from fieldlink.edge.telemetry.ports import Reading, Source

# From the documents of DJI's cloud API (aircraft properties), as an M300 with an H20T says it.
_OSD = {
    "mode_code": 3, "latitude": 34.2658, "longitude": 108.9541, "height": 538.4, "elevation": 120.2,
    "attitude_head": -41.7, "attitude_pitch": 2.7, "attitude_roll": 0.4, "horizontal_speed": 7.2,
    "vertical_speed": 0, "position_state": {"is_fixed": 2, "quality": 5, "gps_number": 17},
    "53-0-0": {"payload_index": "53-0-0", "gimbal_pitch": -32.1, "gimbal_roll": 0,
               "gimbal_yaw": -117.8, "zoom_factor": 7},
}  # fmt: skip


class _Kit:
    """An intake with places, and nothing behind it."""

    def __init__(self, folder: Path) -> None:
        self.time, self.places = FakeTime(), Places()
        desk = AlarmDesk(
            AlarmBook(folder / "alarms.json"), _never, self.time, ThreadPoolExecutor(1)
        )
        self.intake = KitIntake(
            time_=self.time, run=1, desk=desk, places=self.places, steady=lambda: 0.0
        )

    def at(self, device: str) -> Any:
        return self.places.at(device, self.time.now_us())


def _never(_draft: Draft, _content: bytes) -> Stored:  # nothing is stored here
    raise AssertionError


@pytest.fixture
def kit(tmp_path: Path) -> _Kit:
    return _Kit(tmp_path)


def test_a_dji_aircraft_has_a_pose_and_no_footprint_for_its_lens_is_not_told(kit: _Kit) -> None:
    lab = DjiLab()
    lab.online()
    lab.says("osd", _OSD)
    for station, _, _, _, _ in lab.sink.samples:
        assert station.sn == AIRCRAFT
    _replay(kit, lab, "m300-1")
    pose = kit.at("m300-1")
    assert (pose.lat, pose.lon, pose.height_m) == (34.2658, 108.9541, 120.2)
    assert (pose.heading, pose.pitch, pose.roll) == pytest.approx((318.3, 2.7, 0.4))
    assert (pose.gimbal_pitch, pose.gimbal_yaw) == pytest.approx((-32.1, 242.2))
    assert pose.alt_m is None  # it says its height above the ellipsoid, which is another
    assert (pose.hfov, footprint(pose)) == (None, None)
    centre = frame_centre(pose)
    assert centre is not None
    assert distance_m(pose.lat, pose.lon, *centre) == pytest.approx(
        120.2 / math.tan(math.radians(32.1)), rel=1e-3
    )
    assert bearing_deg(pose.lat, pose.lon, *centre) == pytest.approx(242.2, abs=0.01)


def _replay(kit: _Kit, lab: DjiLab, device: str) -> None:
    schemas = {one.stream: one for one in (POSITION, ATTITUDE, FLIGHT, GIMBAL)}
    for _, stream, values, device_us, flags in lab.sink.samples:
        if stream in schemas:
            reading = Reading(values, device_us, flags=flags)
            kit.intake.record(Source(device, "drone", "dji"), schemas[stream], [reading])


def test_an_aircraft_of_mavlink_has_a_footprint_where_its_gimbal_tells_the_lens(
    kit: _Kit, tmp_path: Path
) -> None:
    settings = DroneSettings.model_validate(
        {
            "endpoint": [{"name": "radio", "connect": "udpin:127.0.0.1:0"}],
            "vehicle": [{"sysid": 7, "name": "m300-1"}],
        }
    )
    now_s = [0.0]
    drone = Drone(settings, tmp_path, kit.intake, kit.time, None, clock_s=lambda: now_s[0])
    autopilot, gimbal = Autopilot(sysid=7), Autopilot(sysid=7, compid=154, kind=26, autopilot=8)
    half = math.radians(-90) / 2
    down = (math.cos(half), 0.0, math.sin(half), 0.0)
    unknown = 2**31 - 1
    for _ in range(3):
        for frame in (
            autopilot.beat(),
            gimbal.beat(),
            autopilot.gps(accuracy_m=0.8),
            autopilot.place(34.2353908, 108.9423868, height=100.0),
            autopilot.say("attitude", 0, 0.1, -0.2, math.radians(90), 0.0, 0.0, 0.0),
            gimbal.say("gimbal_device_attitude_status", 1, 0, 0, 32, down, 0.0, 0.0, 0.0, 0),
            gimbal.say("camera_fov_status", 0, *[unknown] * 6, down, 60.0, 40.0),
        ):
            drone._heard(frame)
        now_s[0] += 1.0
        kit.time.pass_s(1.0)
    pose = kit.at("m300-1")
    assert (pose.lat, pose.lon) == (34.2353908, 108.9423868)
    assert (pose.height_m, pose.alt_m) == (100.0, 500.0)
    assert (pose.heading, pose.gimbal_pitch, pose.accuracy_m) == (90.0, -90.0, 0.8)
    corners = footprint(pose)
    assert corners is not None
    top_left, top_right, *_ = corners
    assert distance_m(*top_left, *top_right) == pytest.approx(2 * 100 * math.tan(math.pi / 6), 0.01)
    # The nose points east, and so does the upper edge of the picture: its left end is north.
    assert bearing_deg(*top_right, *top_left) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("via", ["mqtt", "jt808", "cot"])
def test_a_vehicle_or_a_person_has_a_place_whoever_brings_it(kit: _Kit, via: str) -> None:
    values = {"lat": 31.0, "lon": 103.5, "heading": 271.0, "speed": 4.0, "fix": 1}
    kit.intake.record(Source("truck-1", "vehicle", via), POSITION, [Reading(values)])
    pose = kit.at("truck-1")
    assert (pose.lat, pose.lon, pose.heading) == (31.0, 103.5, 271.0)
    assert (pose.roll, pose.gimbal_yaw) == (None, None)


def test_a_device_whose_clock_is_wrong_is_where_it_was_by_the_clock_of_the_kit(kit: _Kit) -> None:
    for second in range(8):
        wrong_us = kit.time.now_us() - 3_600_000_000
        values = {"lat": 31.0 + second * 1e-4, "lon": 103.5}
        kit.intake.record(
            Source("soldier-1", "soldier", "mqtt", 1), POSITION, [Reading(values, wrong_us, second)]
        )
        kit.time.pass_s(1.0)
    pose = kit.places.at("soldier-1", kit.time.now_us() - 1_500_000)
    assert pose is not None
    assert pose.lat == pytest.approx(31.00065, abs=1e-6)


def test_what_was_stored_and_came_late_moves_nobody_now(kit: _Kit) -> None:
    source = Source("soldier-1", "soldier", "mqtt")
    kit.intake.record(source, POSITION, [Reading({"lat": 31.0, "lon": 103.5})])
    late = Reading({"lat": 30.0, "lon": 103.5}, kit.time.now_us() - 1_000_000, flags=Flag.BACKFILL)
    kit.intake.record(source, POSITION, [late])
    assert kit.at("soldier-1").lat == 31.0
