"""What vehicles say, by pymavlink, as samples: unknown stays unknown."""

import math
from typing import Any

import pytest
from pymavlink import mavutil

from fieldlab.autopilot import Autopilot
from fieldlink.codecs.mavlink import HIGH_LATENCY2, Frame, Framer, HighLatency2, compose
from fieldlink.drone.vehicle import Fleet, Measured
from fieldlink.drone.vehicle.names import mode_name

LAT, LON = 34.2353908, 108.9423868
_U16, _I32 = 65_535, 2**31 - 1


def _values(fleet: Fleet, frame: Frame, stream: str, now_us: int = 0) -> dict[str, Any] | None:
    """The sample of `stream` that `frame` makes, None if none."""
    found = [
        said
        for said in fleet.take(frame, now_us)
        if isinstance(said, Measured) and said.schema.stream == stream
    ]
    assert len(found) <= 1
    if not found:
        return None
    assert found[0].values.keys() <= {column.name for column in found[0].schema.columns}
    return found[0].values


def _fleet(vehicle: Autopilot) -> Fleet:
    fleet = Fleet()
    fleet.take(vehicle.beat(), 0)
    return fleet


def test_a_position_is_what_was_said_in_natural_units() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    fleet.take(vehicle.gps(6, satellites=21, accuracy_m=0.8), 0)
    values = _values(fleet, vehicle.place(LAT, LON), "position", 2_000_000)
    assert values == {
        "lat": LAT, "lon": LON, "alt": 450.0, "heading": 90.0, "speed": 3.0, "accuracy": 0.8,
        "satellites": 21, "fix": 4,
    }  # fmt: skip


def test_zeros_and_what_is_said_without_a_fix_are_no_position() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    values = _values(fleet, vehicle.place(0.0, 0.0), "position")
    assert values is not None
    assert values.keys().isdisjoint({"lat", "lon", "alt"})
    fleet = _fleet(vehicle)
    fleet.take(vehicle.gps(1, satellites=255), 0)
    [said] = fleet.take(vehicle.place(LAT, LON), 2_000_000)
    assert isinstance(said, Measured)
    assert said.no_fix
    assert said.values == {"accuracy": None, "satellites": None, "fix": 0}


def test_the_receivers_place_stands_in_while_the_estimator_has_not_begun() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    fleet.take(vehicle.gps(3), 0)
    values = _values(fleet, vehicle.place(0.0, 0.0), "position", 2_000_000)
    assert values is not None
    assert (values["lat"], values["alt"], values["speed"]) == (LAT, 412.0, 3.0)


def test_a_place_that_the_estimator_knows_without_satellites_counts() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    fleet.take(vehicle.gps(1), 0)
    fleet.take(vehicle.say("ekf_status_report", 16, 0.1, 0.2, 0.3, 0.05, 0.0), 0)
    values = _values(fleet, vehicle.place(LAT, LON), "position", 2_000_000)
    assert values is not None
    assert values["lat"] == LAT


@pytest.mark.parametrize(
    ("kind", "autopilot", "custom", "mode"),
    [
        (2, 3, 5, "LOITER"),
        (1, 3, 5, "FBWA"),
        (20, 3, 21, "QRTL"),
        (10, 3, 10, "AUTO"),
        (12, 3, 19, "MANUAL"),
        (2, 3, 250, "MODE 250"),
        (2, 12, 4 << 16 | 4 << 24, "AUTO.MISSION"),
        (2, 12, 3 << 16, "POSCTL"),
        (2, 12, 99 << 16, "MODE 99.0"),
        (2, 0, 7, "MODE 7"),
    ],
)
def test_modes_have_the_names_that_pilots_know(
    kind: int, autopilot: int, custom: int, mode: str
) -> None:
    vehicle = Autopilot(kind=kind, autopilot=autopilot)
    vehicle.mode = custom
    values = _values(Fleet(), vehicle.beat(), "flight")
    assert values is not None
    assert values["mode"] == mode


def test_modes_are_named_as_pymavlink_names_them() -> None:
    spelt = {"INITIALISING": "INITIALIZING", "LOITERALTQLAND": "LOITER_ALT_QLAND"}
    retired = {"POSITION", "OF_LOITER", "RATE_ACRO", "LEARNING"}  # in no dialect
    known = {
        2: mavutil.mode_mapping_acm,
        1: mavutil.mode_mapping_apm,
        10: mavutil.mode_mapping_rover,
        12: mavutil.mode_mapping_sub,
    }
    for kind, modes in known.items():
        for number, name in modes.items():
            if name not in retired:
                assert mode_name(3, kind, 1, number) == spelt.get(name, name)


def test_a_flight_has_mode_arming_height_home_mission_and_health() -> None:
    vehicle = Autopilot()
    vehicle.armed, vehicle.mode, vehicle.state = True, 3, 4
    fleet = Fleet()
    fleet.take(vehicle.beat(), 0)
    for frame in (
        vehicle.place(LAT, LON, height=52.5),
        vehicle.say("vfr_hud", math.nan, 3.0, 45, 60, 450.0, -0.5),
        vehicle.say(
            "home_position", round(LAT * 1e7), round((LON - 0.001) * 1e7), 400_000, 0.0, 0.0, 0.0,
            (1.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0,
        ),
        vehicle.say("mission_current", 4, 11, 3),
        vehicle.say("nav_controller_output", 0.0, 0.0, 90, 90, 120, 0.0, 0.0, 0.0),
        vehicle.say("extended_sys_state", 0, 2),
        vehicle.say(
            "sys_status", 0x2F, 0x2F, 0x0B, 412, _U16, -1, -1, 0, 0, 0, 0, 0, 0
        ),
        vehicle.say("ekf_status_report", 831, 0.1, 0.62, 0.3, 0.05, 0.0),
    ):  # fmt: skip
        fleet.take(frame, 0)
    values = _values(fleet, vehicle.beat(), "flight", 1_000_000)
    assert values is not None
    assert values.pop("home_distance") == pytest.approx(91.9, abs=0.2)
    assert values.pop("ekf") == pytest.approx(0.62)
    assert values == {
        "mode": "AUTO", "armed": 1, "state": "active", "landed": "in-air", "height": 52.5,
        "groundspeed": 3.0, "airspeed": None, "climb": -0.5, "throttle": 60, "home_lat": LAT,
        "home_lon": pytest.approx(LON - 0.001), "waypoint": 4, "waypoints": 11,
        "waypoint_distance": 120, "mission": "active", "load": 41.2, "failed": "compass gps",
    }  # fmt: skip


def test_what_was_said_long_ago_is_unknown_but_home_stays() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    fleet.take(vehicle.say("vfr_hud", 1.0, 3.0, 45, 60, 450.0, -0.5), 0)
    fleet.take(vehicle.say("home_position", 10, 10_000_000, 0, 0, 0, 0, (1.0, 0, 0, 0), 0, 0, 0), 0)
    values = _values(fleet, vehicle.beat(), "flight", 60_000_000)
    assert values is not None
    assert "groundspeed" not in values
    assert values["home_lon"] == 1.0


def test_batteries_are_told_apart_and_what_is_not_measured_is_unknown() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    total = vehicle.say("sys_status", 0, 0, 0, 0, _U16, -1, -1, 0, 0, 0, 0, 0, 0)
    assert _values(fleet, total, "battery") is None
    cells = [4100, 4110, 4090, *([_U16] * 7)]
    first = vehicle.say("battery_status", 0, 0, 0, 2550, cells, 1210, 50, -1, 87, 0, 1)
    assert _values(fleet, first, "battery") == {
        "level": 87, "voltage": 12.3, "current": -12.1, "temperature": 25.5, "charging": 0,
    }  # fmt: skip
    second = vehicle.say("battery_status", 1, 0, 0, 32_767, [_U16] * 10, -1, -1, -1, 55)
    assert _values(fleet, second, "battery-1") == {
        "level": 55, "voltage": None, "current": None, "temperature": None, "charging": None,
    }  # fmt: skip


def test_a_link_has_its_radios_words_and_its_loss() -> None:
    vehicle, radio = Autopilot(), Autopilot(sysid=51, compid=68)
    fleet = _fleet(vehicle)
    fleet.take(radio.say("radio_status", 180, 255, 90, 40, 41, 7, 0), 0)
    for number in range(1, 100):
        frame = vehicle.say("attitude", 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        if number % 4:
            fleet.take(frame, number * 10_000)
    values = _values(fleet, vehicle.beat(), "link", 10_000_000)
    assert values is not None
    assert values.pop("loss") == pytest.approx(100 * 24 / 101)
    assert values == {
        "name": "lan", "rssi": 180, "remote_rssi": None, "noise": 40, "remote_noise": 41,
        "rx_errors": 7,
    }  # fmt: skip


def test_two_links_that_number_for_themselves_make_no_loss() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    for number in range(200):
        vehicle.maker.seq = number * 7 % 256
        fleet.take(vehicle.beat(link="lan" if number % 2 else "lte"), number * 100_000)
    assert fleet.vehicles[1, 1].loss.percent(20_000_000) is None


def test_streams_are_thinned_and_a_change_of_mode_goes_at_once() -> None:
    vehicle = Autopilot()
    fleet = Fleet()
    count = {"position": 0, "flight": 0, "attitude": 0}
    for tenth in range(100):
        now_us = tenth * 100_000
        frames = [
            vehicle.beat(),
            vehicle.place(LAT, LON),
            vehicle.say("attitude", 0, 0.1, 0.2, 0.3, 0.0, 0.0, 0.0),
        ]
        for frame in frames:
            for said in fleet.take(frame, now_us):
                if isinstance(said, Measured) and said.schema.stream in count:
                    count[said.schema.stream] += 1
    assert all(10 <= number <= 12 for number in count.values()), count
    vehicle.mode = 6
    values = _values(fleet, vehicle.beat(), "flight", 10_000_000)
    assert values is not None
    assert values["mode"] == "RTL"


def _brief(said: HighLatency2) -> Frame:
    raw = compose(HIGH_LATENCY2, said.encode(), sysid=7, compid=1, seq=0)
    return Framer("sat").datagram(raw)[0]


def test_high_latency_alone_makes_a_vehicle_with_position_battery_and_flight() -> None:
    fleet = Fleet()
    said = HighLatency2(
        type=2, autopilot=12, custom_mode=4 | 5 << 8, lat=LAT, lon=LON, alt=480.0, heading=90.0,
        groundspeed=7.0, battery=63, waypoint=None, failures=32,
    )  # fmt: skip
    found = fleet.take(_brief(said), 0)
    streams = {one.schema.stream: one.values for one in found if isinstance(one, Measured)}
    assert streams["position"]["lat"] == pytest.approx(LAT)
    assert streams["battery"] == {"level": 63}
    flight = streams["flight"]
    assert (flight["mode"], flight["armed"], flight["waypoint"]) == ("AUTO.RTL", None, None)
    assert flight["failed"] == "compass"


def test_high_latency_without_a_fix_is_no_position() -> None:
    fleet = Fleet()
    found = fleet.take(_brief(HighLatency2(autopilot=3, battery=None)), 0)
    streams = {one.schema.stream: one for one in found if isinstance(one, Measured)}
    assert streams["position"].no_fix
    assert "lat" not in streams["position"].values
    assert "battery" not in streams


def test_mavlink_1_says_the_same() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    frame = vehicle.say(
        "gps_raw_int", 0, 3, 342_353_908, 1_089_423_868, 412_000, 90, 120, 300, 9000, 14, v1=True
    )
    values = _values(fleet, frame, "position")
    assert values is not None
    assert (values["lat"], values["speed"], values["accuracy"]) == (LAT, 3.0, None)


def test_vehicles_that_share_a_link_keep_their_own_state_and_too_many_are_not_followed() -> None:
    fleet = Fleet()
    for sysid in range(1, 101):
        vehicle = Autopilot(sysid=sysid)
        vehicle.mode = sysid % 3
        fleet.take(vehicle.beat(), 0)
    assert len(fleet.vehicles) == 64
    assert fleet.vehicles[4, 1].state.mode == "ACRO"
    ground = Autopilot(sysid=255, compid=190, kind=6, autopilot=8)
    assert Fleet().take(ground.beat(), 0) == []


@pytest.mark.parametrize("kind", [6, 18, 26, 30])
def test_a_camera_or_ground_station_that_fills_in_an_autopilot_is_no_aircraft(kind: int) -> None:
    fleet, part = Fleet(), Autopilot(sysid=9, compid=100, kind=kind, autopilot=0)
    part.armed = True
    assert fleet.take(part.beat(), 0) == []
    assert fleet.vehicles == {}


def test_who_was_lost_makes_room_for_who_is_heard() -> None:
    fleet = Fleet()
    for sysid in range(2, 66):
        forged = Autopilot(sysid=sysid)
        forged.armed = True
        fleet.take(forged.beat(), 0)
    fleet.tick(700_000_000)  # each of them is an alarm that goes on
    fleet.take(Autopilot().beat(), 700_000_000)
    assert (1, 1) in fleet.vehicles
    assert len(fleet.vehicles) == 64


def test_a_mode_that_changes_with_every_frame_makes_no_flood() -> None:
    vehicle, fleet, count = Autopilot(), Fleet(), 0
    for number in range(1000):  # in one second
        vehicle.mode = number % 7
        for said in fleet.take(vehicle.beat(), number * 1000):
            count += isinstance(said, Measured) and said.schema.stream == "flight"
    assert count <= 11
