"""DJI's messages: the vendor's samples decode and re-encode, and nothing hostile gets through.

The samples are those of Cloud-API-Doc 1.11.3, shortened, with the corrections that a capture from a
Smart Controller with a Matrice 300 made (pktiuk/DJI_Cloud_API_minimal).
"""

import json
from typing import Any

import pytest

from fieldlink.codecs.dji import (
    Capacity,
    Outcome,
    Quality,
    Role,
    Topic,
    VideoId,
    Way,
    answer_request,
    capacity_data,
    guess_role,
    health_data,
    lens_data,
    merge,
    mode_words,
    osd_data,
    quality_data,
    read_aircraft,
    read_capacity,
    read_dock,
    read_envelope,
    read_health,
    read_live_status,
    read_remote,
    read_result,
    read_topic,
    read_topology,
    read_upload,
    reason_words,
    result_of,
    start_data,
    stop_data,
    topology_data,
    write_envelope,
)
from fieldlink.codecs.fault import CodecError

TOPO = {
    "domain": "2",
    "type": 119,
    "sub_type": 0,
    "device_secret": "secret",
    "nonce": "nonce",
    "thing_version": "1.1.2",
    "sub_devices": [
        {
            "sn": "1581F5BMD228Q00A82XX",
            "domain": "0",
            "type": 89,
            "sub_type": 0,
            "index": "A",
            "device_secret": "secret",
            "nonce": "nonce",
            "thing_version": "1.1.2",
        }
    ],
}
OSD: dict[str, Any] = {
    "mode_code": 3,
    "gear": 1,
    "latitude": 34.2658,
    "longitude": 108.9541,
    "height": 538.4,
    "elevation": 120.2,
    "attitude_head": 41.7,
    "attitude_pitch": 2.7,
    "attitude_roll": 0,
    "horizontal_speed": 7.2,
    "vertical_speed": 0,
    "wind_speed": 3.1,
    "wind_direction": 2,
    "home_distance": 812.5,
    "battery": {
        "capacity_percent": 90,
        "remain_flight_time": 1986,
        "return_home_power": 25,
        "landing_power": 8,
        "batteries": [
            {
                "index": 0,
                "sn": "4BUPJ99DAD009W",
                "capacity_percent": 95,
                "voltage": 24303,
                "temperature": 33.3,
                "loop_times": 137,
            }
        ],
    },
    "position_state": {"is_fixed": 2, "quality": 5, "gps_number": 17, "rtk_number": 25},
    "storage": {"total": 24434700, "used": 7723000},
    "firmware_version": "05.01.0214",
    "cameras": [{"payload_index": "53-0-0", "liveview_world_region": {"left": 0.1}}],
    "53-0-0": {
        "payload_index": "53-0-0",
        "gimbal_pitch": -32.1,
        "gimbal_roll": 0,
        "gimbal_yaw": 117.8,
        "zoom_factor": 7,
        "measure_target_latitude": 34.2671,
        "measure_target_longitude": 108.9560,
        "measure_target_altitude": 421.0,
        "measure_target_distance": 591.7,
        "measure_target_error_state": 0,
        "thermal_global_temperature_max": 19.1,
    },
}


def _camera(index: str, *lenses: str) -> dict[str, Any]:
    video = {
        "video_index": "normal-0",
        "video_type": "normal",
        "switchable_video_types": list(lenses),
    }
    return {
        "camera_index": index,
        "available_video_number": 1,
        "coexist_video_number_max": 1,
        "video_list": [video],
    }


CAPACITY = {
    "available_video_number": 2,
    "coexist_video_number_max": 2,
    "device_list": [
        {
            "sn": "1581F5BMD228Q00A82XX",
            "available_video_number": 2,
            "coexist_video_number_max": 1,
            "camera_list": [
                _camera("39-0-7", "normal"),
                _camera("53-0-0", "normal", "wide", "zoom", "ir"),
            ],
        }
    ],
}


def part_of(less: Any, more: Any) -> bool:
    """Whether `less` says nothing that `more` does not."""
    if isinstance(less, dict):
        return less.keys() <= more.keys() and all(part_of(less[key], more[key]) for key in less)
    if isinstance(less, list):
        return len(less) == len(more) and all(map(part_of, less, more))
    return bool(less == more)


def test_an_envelope_is_what_it_was_after_reading_and_writing() -> None:
    said = {
        "tid": "8f0a",
        "bid": "5c1b",
        "timestamp": 1667220873846,
        "gateway": "9N9CN2J0012CXY",
        "method": "update_topo",
        "data": TOPO,
    }
    read = read_envelope(json.dumps(said).encode())
    assert json.loads(write_envelope(read)) == said
    answer = json.loads(write_envelope(read.reply({"result": 0}, 1700000000125)))
    assert answer == {
        "tid": "8f0a",
        "bid": "5c1b",
        "timestamp": 1700000000125,
        "method": "update_topo",
        "data": {"result": 0},
    }


def test_topics_are_read_as_they_are_written_and_status_below_thing_too() -> None:
    for way in Way:
        assert read_topic(str(Topic(way, "9N9CN2J0012CXY"))) == Topic(way, "9N9CN2J0012CXY")
    assert read_topic("thing/product/9N9CN2J0012CXY/status").way is Way.STATUS


@pytest.mark.parametrize(
    "topic",
    [
        "thing/product/../osd",
        "thing/product/+/osd",
        "thing/product/9N9CN2J0012CXY/drc/up",
        "thing/product/9N9CN2J0012CXY",
        "sys/other/9N9CN2J0012CXY/status",
        "x" * 70_000,
    ],
)
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    with pytest.raises(CodecError, match="topic:"):
        read_topic(topic)


def test_the_topology_names_models_and_an_unknown_one_by_its_numbers() -> None:
    read = read_topology(TOPO)
    assert (read.product.role, read.product.label) == (Role.REMOTE, "RC Plus")
    assert read.devices[0].product.label == "M350 RTK"
    assert read_topology(topology_data(read)) == read
    newer = read_topology({"type": 174, "domain": 2, "sub_devices": [{"sn": "ABCD1", "type": 999}]})
    assert (newer.product.role, newer.product.label) == (Role.REMOTE, "type 174-0")
    assert newer.devices[0].product.role is Role.AIRCRAFT
    assert read_topology({"type": 119, "sub_devices": []}).devices == ()
    assert read_topology(None).devices == ()


def test_an_aircraft_says_where_it_is_and_what_it_looks_at() -> None:
    read = read_aircraft(OSD)
    assert (read.lat, read.lon, read.height_m, read.elevation_m) == (
        34.2658,
        108.9541,
        538.4,
        120.2,
    )
    assert (read.level_percent, read.packs[0].voltage_mv, read.satellites) == (90, 24303, 17)
    assert read.payloads[0].index == "53-0-0"
    assert (read.payloads[0].pitch_deg, read.payloads[0].target_distance_m) == (-32.1, 591.7)
    assert read.odd == ()
    assert read_aircraft(osd_data(read)) == read
    assert part_of(osd_data(read), OSD)


def test_zero_zero_is_no_position_and_neither_is_half_of_one() -> None:
    assert read_aircraft({**OSD, "latitude": 0, "longitude": 0}).lat is None
    assert read_aircraft({**OSD, "longitude": None}).lat is None
    assert read_remote({"latitude": 0.0, "longitude": 0.0}).lon is None
    failed = read_aircraft({"53-0-0": {**OSD["53-0-0"], "measure_target_error_state": 3}})
    assert failed.payloads[0].target_lat is None


def test_what_does_not_fit_is_unknown_and_named_and_the_rest_stands() -> None:
    odd = {**OSD, "mode_code": 77, "latitude": 91, "wind_speed": "", "attitude_head": True}
    read = read_aircraft({**odd, "new_in_2027": {"x": [1]}, "height": "538.40"})
    assert (read.mode, read.lat, read.wind_mps, read.yaw_deg) == (77, None, None, None)
    assert read.height_m == 538.4
    assert sorted(one.split(" ")[0] for one in read.odd) == [
        "data.attitude_head",
        "data.latitude",
        "data.wind_speed",
    ]
    assert mode_words(77) == "mode 77 模式 77"


def test_a_dock_tells_itself_in_parts() -> None:
    whole: dict[str, Any] = {}
    for part in (
        {"drone_in_dock": 1, "cover_state": 0, "wind_speed": 2},
        {"network_state": {"type": 2, "quality": 4, "rate": 5}, "wind_speed": 3.5},
        {"mode_code": 0, "environment_temperature": 21.5, "humidity": 40},
    ):
        whole = merge(whole, part)
    read = read_dock(whole)
    assert (read.drone_in, read.wind_mps, read.network_quality, read.humidity_percent) == (
        1,
        3.5,
        4,
        40,
    )
    assert guess_role(whole) is Role.DOCK
    assert read_dock(osd_data(read)) == read
    assert len(merge({str(n): n for n in range(400)}, {"new": 1})) == 300


def test_a_remote_controller_says_how_its_radio_is() -> None:
    told = {"capacity_percent": 76, "latitude": 34.2651, "longitude": 108.9533, "height": 418.3,
            "wireless_link": {"link_workmode": 0, "sdr_link_state": 1, "sdr_quality": 4,
                              "4g_link_state": 0, "4g_quality": 0}}  # fmt: skip
    read = read_remote(told)
    assert (read.level_percent, read.radio_quality, read.lte_quality) == (76, 4, 0)
    assert guess_role(told) is Role.REMOTE
    assert osd_data(read) == told
    assert guess_role(OSD) is Role.AIRCRAFT
    assert guess_role({}) is Role.UNKNOWN


def test_what_can_be_sent_is_payloads_before_the_pilots_view_and_no_more_than_may_run() -> None:
    read = read_capacity(CAPACITY)
    assert read.videos() == [VideoId("1581F5BMD228Q00A82XX", "53-0-0", "normal-0")]
    assert read_capacity(capacity_data(read)) == read
    both = Capacity(2, tuple(type(d)(d.sn, 2, d.cameras) for d in read.devices))
    assert [video.camera for video in both.videos()] == ["53-0-0", "39-0-7"]
    assert Capacity(0, both.devices).videos() == []


def test_services_are_as_the_vendor_writes_them() -> None:
    video = VideoId.parse("1581F5BMD228Q00A82XX/53-0-0/normal-0")
    assert start_data(video, "rtmp://192.168.10.2:1935/live/x", Quality.STANDARD) == {
        "url_type": 1,
        "url": "rtmp://192.168.10.2:1935/live/x",
        "video_id": "1581F5BMD228Q00A82XX/53-0-0/normal-0",
        "video_quality": 2,
    }
    assert stop_data(video) == {"video_id": str(video)}
    assert quality_data(video, 4)["video_quality"] == 4
    assert lens_data(video, "zoom")["video_type"] == "zoom"
    with pytest.raises(CodecError, match="video_type"):
        lens_data(video, "x-ray")
    [status] = read_live_status([{"video_id": str(video), "video_type": "zoom", "status": 1}])
    assert (status.video, status.status, status.quality) == (video, 1, None)


def test_results_say_what_is_wrong_and_what_to_do_in_two_languages() -> None:
    assert result_of(0).outcome is Outcome.DONE
    assert result_of(513006).outcome is result_of(13006).outcome is Outcome.RETRY
    assert result_of(513015).outcome is Outcome.THINNER
    assert result_of(513003).outcome is Outcome.ALREADY
    assert "513777" in result_of(513777).words
    assert all(result_of(code).chinese for code in (513002, 513011, 513017, 514302, 13009))
    assert read_result({"result": 513006}) == 513006
    assert "battery" in reason_words(1)
    assert reason_words(None) == ""


def test_health_is_its_code_and_level_the_worst_of_each() -> None:
    told = {"list": [
        {"code": "0x16100083", "level": 2, "module": 3, "in_the_sky": 1, "imminent": 1,
         "device_type": "0-67-0", "args": {"component_index": 1}},
        {"code": "0x16100083", "level": 1},
        {"code": "0x1A011234", "level": 7},
    ]}  # fmt: skip
    found = read_health(told)
    assert [(one.code, one.level) for one in found] == [("0x16100083", 2), ("0x1a011234", 7)]
    assert "0x16100083" in found[0].words
    assert "警告" in found[0].words
    assert read_health(health_data(found)) == found


def test_requests_are_answered_or_refused_never_left() -> None:
    keys = {"app_id": "1", "app_key": "k", "app_license": "l", "ntp_server_host": "192.168.8.1"}
    asked = {"config_type": "json", "config_scope": "product"}
    assert answer_request("config", asked, keys, "G1") == (keys, True)
    assert answer_request("config", asked, {}, "G1") == ({"result": 1}, False)
    assert answer_request("storage_config_get", {"module": 0}, keys, "G1") == ({"result": 1}, False)
    assert answer_request("flight_areas_get", {}, keys, "G1") == ({"result": 0}, True)
    bound, _ = answer_request("airport_bind_status", {"devices": [{"sn": "D1"}]}, keys, "G1")
    assert bound["output"]["bind_status"][0]["sn"] == "D1"
    made, _ = answer_request("airport_organization_bind", {}, keys, "G1")
    assert made["output"]["err_infos"] == [{"sn": "G1", "err_code": 0}]
    metadata = {"gimbal_yaw_degree": "-91.40", "shoot_position": {"lat": 22.1, "lng": "114.2"}}
    upload = read_upload({"file": {"object_key": "a/b.jpg", "metadata": metadata}})
    assert (upload.key, upload.lon) == ("a/b.jpg", 114.2)
