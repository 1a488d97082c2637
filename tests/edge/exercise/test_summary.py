"""What counts as a whole exercise."""

from typing import Any

from fieldlink.edge.exercise.summary import summarise


def said(device: str = "ball-1", **changes: Any) -> dict[str, Any]:
    row = {
        "device": device,
        "stream": "video",
        "first_picture_s": 1.234,
        "stills": 3,
        "proxy_s": 20.0,
        "original_s": 24.0,
        "in_custody_bundles": 12,
        "gaps": 0,
    }
    return row | changes


def held(bundle: str, state: str = "custody", device: str = "ball-1") -> dict[str, Any]:
    row = {"id": bundle, "device": device, "stream": "video", "layer": "still"}
    return row | {"state": state}


def test_a_stream_that_is_all_in_custody_is_whole() -> None:
    summary = summarise(["ball-1"], [said()], [held("a"), held("b")], frozenset("ab"))
    assert summary.ok
    assert summary.as_json()["streams"][0]["first_picture_s"] == 1.23


def test_a_bundle_that_the_kit_trusts_to_the_centre_and_the_centre_lacks_is_lost() -> None:
    summary = summarise(["ball-1"], [said()], [held("a"), held("b")], frozenset("a"))
    assert summary.lost_bundles == 1
    assert not summary.ok


def test_a_bundle_still_to_go_is_pending_and_not_lost() -> None:
    summary = summarise(["ball-1"], [said()], [held("a"), held("b", "pending")], frozenset("a"))
    assert summary.streams[0].pending_bundles == 1
    assert summary.lost_bundles == 0
    assert not summary.ok


def test_a_gap_or_no_picture_or_no_original_is_not_whole() -> None:
    for change in ({"gaps": 1}, {"first_picture_s": None}, {"original_s": 0.0}):
        assert not summarise(["ball-1"], [said(**change)], [], frozenset()).ok


def test_a_recorded_flight_needs_no_picture_to_be_whole() -> None:
    flight = {"stream": "mavlink", "first_picture_s": None, "stills": 0, "proxy_s": 0.0}
    bundle = held("a", device="uav-1") | {"stream": "mavlink", "layer": "original"}
    assert summarise([], [said("uav-1", **flight)], [bundle], frozenset("a")).ok
    pending = bundle | {"state": "pending"}
    assert not summarise([], [said("uav-1", **flight)], [pending], frozenset("a")).ok


def test_a_device_that_never_came_is_shown_with_nothing() -> None:
    summary = summarise(["ball-1", "ball-2"], [said()], [], frozenset())
    assert [stream.device for stream in summary.streams] == ["ball-1", "ball-2"]
    assert summary.streams[1].first_picture_s is None
    assert not summary.ok


def test_an_exercise_without_streams_is_not_ok() -> None:
    assert not summarise([], [], [], frozenset()).ok


def test_telemetry_and_alarms_are_no_streams_of_pictures() -> None:
    sheaf = {"id": "c", "device": "kit", "stream": "telemetry", "layer": "report"}
    told = [said(), said("kit", stream="telemetry", first_picture_s=None)]
    summary = summarise(
        ["ball-1"], told, [held("a"), sheaf | {"state": "custody"}], frozenset("ac")
    )
    assert [stream.device for stream in summary.streams] == ["ball-1"]
    assert summary.ok


def test_a_sheaf_of_telemetry_that_is_nowhere_is_lost() -> None:
    sheaf = {"id": "c", "device": "kit", "stream": "telemetry", "layer": "report"}
    rows = [held("a"), sheaf | {"state": "custody"}]
    assert summarise(["ball-1"], [said()], rows, frozenset("a")).lost_bundles == 1
