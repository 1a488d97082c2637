"""A gateway's messages become samples, alarms and answers; nothing else, whatever comes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.dji import AIRCRAFT, CAPACITY, RC, DjiLab
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.drone.dji import SAID, TOLD

OSD: dict[str, Any] = {
    "mode_code": 3, "latitude": 34.2658, "longitude": 108.9541, "height": 538.4, "elevation": 120.2,
    "attitude_head": -41.5, "horizontal_speed": 7.2, "wind_speed": 3.1, "wind_direction": 2,
    "battery": {"capacity_percent": 64, "remain_flight_time": 900, "batteries": [
        {"voltage": 24303, "temperature": 33.3}, {"voltage": 23900, "temperature": 35.0}]},
    "position_state": {"is_fixed": 2, "quality": 5, "gps_number": 17, "rtk_number": 25},
    "storage": {"total": 1000, "used": 250},
    "53-0-0": {"gimbal_pitch": -32.1, "gimbal_yaw": -10.0, "zoom_factor": 7},
}  # fmt: skip


def test_the_handshake_is_answered_at_once_with_what_it_was_asked_with() -> None:
    lab = DjiLab()
    lab.says("status", {"type": 119, "sub_devices": []}, sn=RC, method="update_topo", tid="a",
             bid="b")  # fmt: skip
    [(topic, answer)] = lab.sent()
    assert topic == f"sys/product/{RC}/status_reply"
    assert (answer["tid"], answer["bid"], answer["method"]) == ("a", "b", "update_topo")
    assert answer["data"] == {"result": 0}
    lab.online()
    lab.online()  # it is said again after every reconnection
    assert lab.gateway.report(0)["model"] == "RC Plus"
    assert [one["model"] for one in lab.gateway.report(0)["aircraft"]] == ["M30T"]


def test_an_aircraft_is_the_streams_of_every_aircraft_and_its_own() -> None:
    lab = DjiLab()
    lab.online()
    lab.says("osd", OSD)
    streams = ["position", "battery", "flight", "dji", "attitude", "gimbal", "payload"]
    assert [name for _, name, *_ in lab.sink.samples] == streams
    position, battery, flight, craft, attitude, gimbal, payload = (
        one[2] for one in lab.sink.samples
    )
    station, _, _, device_us, flags = lab.sink.samples[0]
    assert (station.sn, station.label, device_us) == (AIRCRAFT, "M30T", 1_780_000_000_000_000)
    assert (position["lat"], position["fix"], position["satellites"], flags) == (34.2658, 1, 17, 0)
    assert position.get("alt") is None  # above the sea is not said
    assert battery == {"level": 64, "voltage": 23.9, "temperature": 35.0}
    assert (flight["mode"], flight["armed"], flight["landed"]) == ("manual 手动飞行", 1, "in-air")
    assert (flight["height"], craft["height"], craft["mode"]) == (120.2, 538.4, 3)
    assert (craft["wind_from"], craft["storage_free"], attitude["yaw"]) == (45, 75, 318.5)
    assert (gimbal["pitch"], gimbal["yaw"], gimbal["yaw_relative"]) == (-32.1, 350.0, 31.5)
    assert (payload["camera"], payload["zoom"]) == ("53-0-0", 7)


def test_zero_zero_and_a_receiver_that_is_only_searching_are_no_position() -> None:
    lab = DjiLab()
    lab.online()
    searching = {"is_fixed": 1, "gps_number": 2}
    for change in ({"latitude": 0, "longitude": 0}, {"position_state": searching}):
        lab.says("osd", {**OSD, **change})
        _, _, values, _, flags = [one for one in lab.sink.samples if one[1] == "position"][-1]
        assert (values["lat"], values["lon"], values["fix"], flags) == (None, None, 0, Flag.NO_FIX)
    rtk = {"is_fixed": 2, "quality": 10, "gps_number": 20}
    lab.says("osd", {**OSD, "position_state": rtk})
    assert lab.sink.of("position")[-1]["fix"] == 4


def test_the_course_is_from_one_position_to_the_next_and_none_while_it_hovers() -> None:
    lab = DjiLab()
    lab.online()
    for step in range(3):
        lab.says("osd", {**OSD, "latitude": 34.2658 + step * 0.0002})
    courses = [one["heading"] for one in lab.sink.of("position")]
    assert courses[0] is None
    assert courses[1:] == pytest.approx([0, 0], abs=0.01)
    lab.says("osd", {**OSD, "horizontal_speed": 0.2})
    assert lab.sink.of("position")[-1]["heading"] is None


def test_parts_of_an_osd_are_one_and_each_station_keeps_its_own() -> None:
    lab = DjiLab()
    data = {"type": 2, "sub_type": 0, "sub_devices": []}
    lab.says("status", data, sn=RC, method="update_topo")
    lab.says("osd", {"drone_in_dock": 1, "wind_speed": 2}, sn=RC)
    lab.says("osd", {"cover_state": 3, "wind_speed": 4.5}, sn=RC)
    last = lab.sink.of("dock")[-1]
    assert (last["drone_in"], last["cover"], last["wind"]) == (1, 3, 4.5)


def test_the_controller_says_its_own_place_battery_and_radio() -> None:
    lab = DjiLab()
    lab.online()
    lab.says("osd", {"capacity_percent": 76, "latitude": 34.2, "longitude": 108.9,
                     "wireless_link": {"sdr_quality": 4, "4g_quality": 0}}, sn=RC)  # fmt: skip
    assert {(station.role.value, name) for station, name, *_ in lab.sink.samples} == {
        ("remote", "position"), ("remote", "battery"), ("remote", "radio")}  # fmt: skip
    assert lab.sink.of("radio")[0] == {"quality": 4, "lte_quality": None, "height": None}


def test_properties_are_understood_although_the_topology_was_missed() -> None:
    lab = DjiLab()
    lab.says("osd", OSD)
    lab.says("osd", {"capacity_percent": 76, "wireless_link": {"sdr_quality": 4}}, sn=RC)
    roles = {station.sn: station.role.value for station, *_ in lab.sink.samples}
    assert roles == {AIRCRAFT: "aircraft", RC: "remote"}


def test_who_is_not_registered_is_refused_and_an_aircraft_needs_its_gateway() -> None:
    lab = DjiLab()
    lab.says("osd", OSD, sn="OTHER1", gateway="OTHER2")
    lab.says("status", {}, sn="OTHER2", gateway="OTHER2")
    lab.put(f"thing/product/{RC}/services", {"data": {}})
    lab.put("fl/dev/x/position", {"data": {}})
    assert lab.sink.samples == []
    assert sum(lab.sink.refused.values()) == 4
    lab.cloud.register([])
    lab.online()
    assert lab.sink.refused[RC, "unknown"] == 1


def test_silence_is_stale_then_offline() -> None:
    lab = DjiLab()
    lab.online()
    lab.says("osd", OSD)
    states = []
    for seconds in (3, 4, 60):
        lab.passes(seconds)
        states.append(lab.gateway.report(lab.now_s)["state"])
    assert states == ["online", "stale", "offline"]
    assert lab.gateway.report(lab.now_s)["aircraft"] == []


def test_a_serious_health_message_is_an_alarm_until_it_is_no_longer_told() -> None:
    lab = DjiLab()
    lab.online()
    bad = {"code": "0x16100083", "level": 2, "in_the_sky": 1}
    slight = {"code": "0x1A", "level": 0}
    for listed in ([bad, slight], [bad], [slight]):
        lab.says("events", {"list": listed}, sn=RC, method="hms")
    found = [(said.kind, said.active, said.subject) for _, said in lab.sink.notices]
    assert found == [
        (AlarmKind.DEVICE, True, "0x16100083"),
        (AlarmKind.DEVICE, False, "0x16100083"),
    ]
    assert lab.sink.notices[0][0].sn == AIRCRAFT
    assert len(lab.sink.of("text")) == 2


def test_an_aircraft_that_acts_on_its_own_is_an_alarm_and_a_pilots_return_is_none() -> None:
    lab = DjiLab()
    lab.online()
    lab.says("osd", {**OSD, "mode_code": 9})
    # Whatever was going on before the kit was started anew is over.
    assert [said.active for _, said in lab.sink.notices] == [False]
    lab.sink.notices.clear()
    lab.says("state", {"mode_code_reason": 6})
    lab.says("osd", {**OSD, "mode_code": 9})
    lab.says("osd", {**OSD, "mode_code": 10})
    lab.says("osd", {**OSD, "mode_code": 0})
    first, last = (said for _, said in lab.sink.notices)
    assert (first.kind, first.active, last.active) == (AlarmKind.FAILSAFE, True, False)
    assert "信号丢失" in first.text
    assert (first.lat, first.lon) == (34.2658, 108.9541)
    lab.says("osd", {**OSD, "mode_code": 11})
    assert lab.sink.notices[-1][1].active


def test_events_are_answered_when_they_ask_for_it_even_those_nobody_knows() -> None:
    lab = DjiLab()
    for method, data in (("file_upload_callback", {"file": {"object_key": "k"}}), ("new", {}),
                         ("hms", {"list": 1})):  # fmt: skip
        lab.says("events", data, sn=RC, method=method, need_reply=1)
        [(topic, answer)] = lab.sent()
        assert (topic, answer["method"]) == (f"thing/product/{RC}/events_reply", method)
        assert answer["data"] == {"result": 0}
    lab.says("events", {"list": []}, sn=RC, method="hms", need_reply=0)
    assert lab.sent() == []
    assert lab.gateway.events.uploads == 1


def test_requests_are_answered_from_the_settings_or_refused() -> None:
    lab = DjiLab(app_id="1", app_key="k", app_license="l")
    lab.says("requests", {"config_scope": "product"}, sn=RC, method="config")
    lab.says("requests", {"module": 0}, sn=RC, method="storage_config_get")
    answers = [answer["data"] for topic, answer in lab.sent() if topic.endswith("requests_reply")]
    assert answers == [{"app_id": "1", "app_key": "k", "app_license": "l"}, {"result": 1}]
    assert lab.gateway.events.refused_requests == 1


def test_nothing_that_moves_an_aircraft_has_a_topic_here() -> None:
    ways = {way.value for way in (*SAID, *TOLD)}
    assert not any("drc" in way or "set" in way for way in ways)


_TOPO = {"sub_devices": [{"sn": AIRCRAFT, "type": 67}]}
_BITS: st.SearchStrategy[Any] = st.sampled_from(
    [OSD, {"live_capacity": CAPACITY}, _TOPO, {"list": []}, {}, [], 7, None,
     {"live_capacity": 3}, {"mode_code": 9}, {"result": 0}]
)  # fmt: skip
_WAYS = st.sampled_from(["status", "osd", "state", "events", "requests", "services_reply", "x"])


@given(st.lists(st.tuples(_WAYS, _BITS, st.sampled_from([RC, AIRCRAFT, "OTHER1"])), max_size=20))
def test_no_order_of_messages_is_anything_but_taken_or_refused(
    said: list[tuple[str, Any, str]],
) -> None:
    lab = DjiLab()
    for way, data, sn in said:
        lab.says(way, data, sn=sn, method="update_topo", need_reply=1)
        lab.passes(1)
    json.dumps(lab.cloud.report(lab.now_s))
    for topic, _ in lab.sent():
        assert topic.rpartition("/")[2] in {way.value for way in TOLD}


@pytest.mark.parametrize("away", ["topology", "silence", "mode"])
def test_a_failsafe_is_not_over_because_the_aircraft_is_not_heard(away: str) -> None:
    lab = DjiLab()
    lab.online()
    lab.says("osd", {**OSD, "mode_code": 11})
    if away == "topology":
        lab.offline()
    elif away == "silence":
        lab.passes(100)
    else:
        lab.says("osd", {**OSD, "mode_code": 14})
        flight = lab.sink.of("flight")[-1]
        assert (flight["armed"], flight["landed"]) == (None, None)
    assert [said.active for _, said in lab.sink.notices] == [True]
    lab.online()
    lab.says("osd", {**OSD, "mode_code": 0})
    assert [said.active for _, said in lab.sink.notices] == [True, False]


def test_what_is_wrong_ends_for_the_one_of_which_it_was_said() -> None:
    lab = DjiLab()
    lab.online()
    bad = {"code": "0x16100083", "level": 2, "in_the_sky": 1}
    lab.says("events", {"list": [bad]}, sn=RC, method="hms")
    lab.offline()
    lab.says("events", {"list": []}, sn=RC, method="hms")
    found = [(station.sn, said.active) for station, said in lab.sink.notices]
    assert found == [(AIRCRAFT, True), (AIRCRAFT, False)]


def test_what_was_wrong_before_a_new_start_ends_when_it_is_no_longer_told() -> None:
    lab = DjiLab()
    lab.online()
    lab.sink.before = {AIRCRAFT: ["0x16100083", "0x1b"]}
    still = {"code": "0x1b", "level": 2}
    lab.says("events", {"list": [still]}, sn=RC, method="hms")
    found = [(station.sn, said.subject, said.active) for station, said in lab.sink.notices]
    assert found == [(AIRCRAFT, "0x16100083", False)]
