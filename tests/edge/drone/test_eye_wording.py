"""What people read of cameras, gimbals and video; and how thick video is asked for."""

from typing import Any

import pytest

from fieldlink.drone.camera import CameraState
from fieldlink.drone.camera.gimbal import GimbalState
from fieldlink.drone.commanding import CommandError
from fieldlink.drone.console.wording import watch_lines
from fieldlink.edge.drone.eye_wording import camera_lines, gimbal_lines, video_lines
from fieldlink.edge.drone.eyes import camera_report
from fieldlink.edge.drone.quality import capture_of, capture_report
from fieldlink.edge.drone.videos import Videos


def _unknown() -> dict[str, Any]:
    videos = Videos(None, lambda _: True, lambda _: None)
    return camera_report(CameraState((1, 100, 0)), 0, 0, videos)


def test_what_is_unknown_is_said_to_be_unknown() -> None:
    lines = camera_lines({"vehicles": [{"name": "m300-1", "cameras": [_unknown()]}]})
    assert lines[0] == "m300-1  camera 相机 1  ?  heard 在线"
    assert any(line.endswith("?") for line in lines if "recording" in line)
    assert not any("None" in line for line in lines)


def test_a_camera_that_records_says_so_loudly() -> None:
    camera = {**_unknown(), "recording": 1, "recording_s": 12.4, "photos": 3, "zoom": 40.0}
    lines = camera_lines({"vehicles": [{"name": "m300-1", "cameras": [camera]}]})
    assert "  recording 录像 RECORDING 录像中 12 s  photos 照片 3" in lines
    shown = "\n".join(watch_lines({"vehicles": [_vehicle(camera)]}))
    assert "RECORDING 录像中, zoom 变焦 40 %" in shown


def _vehicle(camera: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "m300-1",
        "system": 1,
        "component": 1,
        "kind": "quadrotor",
        "state": "heard",
        "silent_s": 0.1,
        "mode": "LOITER",
        "armed": True,
        "lat": None,
        "lon": None,
        "battery": None,
        "links": ["radio"],
        "loss_percent": None,
        "alarms": [],
        "texts": [],
        "cameras": [camera],
    }


def test_why_a_stream_is_not_recorded_is_on_its_line() -> None:
    stream = {"uri": "http://10.0.0.2/whep"}
    one = {
        "name": "m300-1",
        "vehicle": "m300-1",
        "state": "refused",
        "fps": None,
        "url": None,
        "stream": stream,
        "why": "streams of type whep are not read",
    }
    assert video_lines({"videos": [one]}) == [
        "m300-1  not recorded 未记录  http://10.0.0.2/whep  streams of type whep are not read"
    ]


def test_a_gimbal_that_has_the_aircraft_turn_is_told_as_such() -> None:
    gimbal = GimbalState(manager=(1, 1), flags=32)
    report = {
        "vehicle": "m300-1",
        "gimbal": gimbal.report(),
        "turns_by_itself": gimbal.has_yaw,
        "looks": {"pitch": -30.0, "yaw": None},
    }
    lines = gimbal_lines(report)
    assert any("the aircraft has to" in line for line in lines)
    assert "  looks 指向     pitch 俯仰 -30.0" in lines


def test_quality_is_a_word_or_single_values_over_it() -> None:
    clear = capture_of({"preset": "clear", "rate": "1Mbit/s"})
    assert clear is not None
    assert capture_report(clear)["rate"] == "1Mbit/s"
    assert capture_report(clear)["width"] == 1280
    assert capture_of({"preset": "configured"}) is None
    # What was not asked for stays as the settings say.
    assert capture_of({"fps": 5}).proxy.model_fields_set == {"fps"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "asked", [{}, {"preset": "huge"}, {"rate": "fast"}, {"width": 63}, {"fps": 0}]
)
def test_a_quality_that_cannot_be_is_refused_in_words(asked: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="refused"):
        capture_of(asked)
