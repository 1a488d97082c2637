"""What counts as telemetry that came whole, and how the news of an alarm is read."""

from dataclasses import replace
from typing import Any

from fieldlink.edge.exercise.news import news_of
from fieldlink.edge.exercise.summary import summarise
from fieldlink.edge.exercise.telemetry import Tally, TelemetryResult, summarise_telemetry

KINDS = {"rescuer-1": "soldier", "truck-1": "vehicle", "water-1": "sensor"}
TALLY = Tally(
    confirmed={"rescuer-1": {"position": 10, "vitals": 9, "sos": 1}, "truck-1": {"position": 10}},
    stored=34,
    arrived={
        "rescuer-1": {"position": 10, "vitals": 9},
        "truck-1": {"position": 11},
        "water-1": {"position": 1, "water": 3},
    },
)
NOW_US = 1_800_000_000_000_000


def latest(*left_out: str) -> dict[str, Any]:
    place = {"time_us": NOW_US - 700_000, "lat": 34.23, "lon": 108.95}
    rows = [{"device": name, "position": None if name in left_out else place} for name in KINDS]
    return {"now_us": NOW_US, "devices": rows}


def alarm(**changes: Any) -> dict[str, Any]:
    row = {"kind": "sos", "device": "rescuer-1", "raised_us": 1_000_000, "heard_us": 1_234_567}
    return row | changes


def result(tally: Tally | None = TALLY, **parts: Any) -> TelemetryResult:
    told = {"latest": latest(), "alarms": [alarm()]} | parts
    return summarise_telemetry(KINDS, told["latest"], told["alarms"], tally)


def test_what_was_all_heard_and_is_all_there_once_is_whole() -> None:
    found = result()
    assert found.ok
    said = found.as_json()
    assert (said["positions"], said["newest_age_s"]) == (3, 0.7)
    assert (said["samples_stored"], said["samples_arrived"], said["samples_lost"]) == (34, 34, 0)
    assert said["sos"] == {"device": "rescuer-1", "after_s": 0.235}
    assert [one["confirmed"] for one in said["devices"]] == [19, 10, None]
    assert [one["arrived"] for one in said["devices"]] == [19, 11, 4]


def test_a_call_for_help_that_no_page_heard_is_not_whole() -> None:
    assert not result(alarms=[]).ok
    assert result(alarms=[alarm(kind="silence"), alarm(device="another")]).sos is None


def test_a_sample_that_was_confirmed_to_its_device_and_is_not_there_is_lost() -> None:
    # Its place is taken by one of another stream, so that the sums agree.
    arrived = {**TALLY.arrived, "rescuer-1": {"position": 8, "vitals": 11}}
    found = result(replace(TALLY, arrived=arrived))
    assert found.stored == found.arrived
    assert found.lost == 2
    assert not found.ok


def test_a_sample_that_the_kit_stored_and_is_not_there_or_is_there_twice_is_not_whole() -> None:
    for stored, lost in ((35, 1), (33, 0)):
        found = result(replace(TALLY, stored=stored))
        assert found.lost == lost
        assert not found.ok


def test_a_device_that_is_on_no_map_is_not_whole() -> None:
    found = result(latest=latest("truck-1"))
    assert found.positions == 2
    assert not found.ok


def test_before_the_end_nothing_is_counted_and_nothing_is_whole() -> None:
    found = result(None)
    assert (found.stored, found.arrived, found.devices[0].confirmed) == (None, None, None)
    assert not found.ok


def test_an_exercise_is_only_whole_with_its_telemetry() -> None:
    row = {"device": "ball-1", "stream": "video", "first_picture_s": 1.0, "original_s": 9.0}
    for telemetry, ok in ((None, True), (result(), True), (result(alarms=[]), False)):
        assert summarise(["ball-1"], [row], [], frozenset(), telemetry).ok is ok


def test_news_is_read_from_the_stream_of_events_and_the_rest_is_not() -> None:
    told = 'data: {"kind":"alarm","data":{"id":"0123456789abcdef","state":"active"}}'
    assert news_of(told) == ("alarm", {"id": "0123456789abcdef", "state": "active"})
    assert news_of(": keepalive") is None
    assert news_of("id: 7") is None
