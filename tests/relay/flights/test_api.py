"""Flights as pages and programs ask for them."""

import io
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import gpxpy
import httpx
import pytest

from fieldlab.duty import PASSWORD, Duty, open_duty
from fieldlab.flights import SECOND_US, Craft
from fieldlink.codecs.telemetry import Phase

START_US = 1_790_000_000_000_000
_GX = "{http://www.google.com/kml/ext/2.2}"
_KML = "{http://www.opengis.net/kml/2.2}"


@pytest.fixture(scope="module")
def duty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Duty]:
    """A running centre."""
    with open_duty(Path(tmp_path_factory.mktemp("centre")) / "centre") as opened:
        yield opened


@pytest.fixture(scope="module")
def inside(duty: Duty) -> Iterator[httpx.Client]:
    """A client that is logged in as "duty"."""
    with httpx.Client(base_url=duty.url, verify=False, timeout=10) as client:  # noqa: S501
        client.headers["origin"] = duty.url
        client.post("/api/login", json={"name": "duty", "password": PASSWORD})
        yield client


@pytest.fixture(scope="module")
def flight(duty: Duty) -> str:
    """The path of a flight of 150 s whose second of three pieces has not come."""
    craft = Craft(duty, "kit-1", "m300-1", now_us=START_US)
    name = craft.fly(150, without=[1])
    for ident, begun_s, over_s in (
        (b"before-1", -9, -1),
        (b"during-1", -9, 3),
        (b"after--1", 200, 0),
    ):
        craft.alarm(ident, Phase.RAISED, START_US + begun_s * SECOND_US)
        if over_s:
            craft.alarm(ident, Phase.CLEARED, START_US + over_s * SECOND_US)
    duty.telemetry.settle()
    duty.flights.settle()
    return f"/api/flights/kit-1/m300-1/{name}"


def test_flights_are_listed_and_told_in_full(inside: httpx.Client, flight: str) -> None:
    page = inside.get("/api/flights", params={"kit": "kit-1", "device": "m300-1"}).json()
    [row] = page["flights"]
    assert page["now_us"] > START_US
    assert (row["ended"], row["armed"], row["exercise"]) == ("disarmed", True, True)
    assert (row["pieces_here"], row["pieces_known"], row["frames"]) == (2, 3, 300)
    assert (row["start_us"], row["end_us"]) == (START_US, START_US + 149 * SECOND_US)
    assert row["max_height"] == pytest.approx(50)
    assert row["distance_m"] == pytest.approx(149 * 9.93, rel=0.01)
    whole = inside.get(flight).json()
    assert whole["messages"] == {"HEARTBEAT": 150, "GLOBAL_POSITION_INT": 150}
    assert [(piece[0], piece[5]) for piece in whole["pieces"]] == [(0, True), (1, False), (2, True)]
    later = {"from_us": START_US + 10**9}
    assert inside.get("/api/flights", params=later).json()["flights"] == []
    assert inside.get(f"{flight}-x").status_code == 404
    assert inside.get("/api/flights/kit-1/m300-1/..%2f..").status_code in {404, 422}


def test_a_replay_is_a_row_a_second(inside: httpx.Client, flight: str) -> None:
    replay = inside.get(f"{flight}/replay").json()
    rows = [dict(zip(replay["columns"], row, strict=True)) for row in replay["rows"]]
    assert len(rows) == 150
    assert rows[29]["time_us"] == START_US + 29 * SECOND_US
    assert rows[29]["lon"] == pytest.approx(108.95 + 29 * 1080e-7)
    assert (rows[29]["height"], rows[29]["battery"], rows[29]["loss"]) == (50, 98, 1.5)
    assert [replay["modes"][rows[at]["mode"]] for at in (29, 30)] == ["LOITER", "AUTO"]
    assert [bytes.fromhex(alarm["id"]) for alarm in replay["alarms"]] == [b"during-1"]
    assert replay["alarms"][0]["cleared_us"] == START_US + 3 * SECOND_US
    assert replay["texts"] == [[START_US + 5 * SECOND_US, None, "Mission started 任务开始"]]


def test_a_recording_is_one_file_that_says_its_holes(inside: httpx.Client, flight: str) -> None:
    answer = inside.get(f"{flight}/flight.tlog")
    assert answer.headers["x-fieldlink-missing"] == "1"
    assert answer.headers["content-disposition"].endswith('-000.tlog"')
    assert len(answer.content) == 2 * 90 * 38.5
    part = inside.get(f"{flight}/flight.tlog", headers={"range": "bytes=4600-4700"})
    assert (part.status_code, part.content) == (206, answer.content[4600:4701])
    seen = {"if-none-match": answer.headers["etag"]}
    assert inside.get(f"{flight}/flight.tlog", headers=seen).status_code == 304


def test_a_download_manager_asks_first_how_large_it_is(inside: httpx.Client, flight: str) -> None:
    path = f"{flight}/flight.tlog"
    whole, head = inside.get(path), inside.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "etag", "accept-ranges", "x-fieldlink-missing"):
        assert head.headers[name] == whole.headers[name]
    part = inside.head(path, headers={"range": "bytes=4600-4700"})
    assert (part.status_code, part.headers["content-length"]) == (206, "101")
    for seen in ("*", f'"another", W/{whole.headers["etag"]}'):
        assert inside.get(path, headers={"if-none-match": seen}).status_code == 304
    assert inside.get(path, headers={"if-none-match": '"another"'}).status_code == 200


def test_its_way_is_read_by_other_programs(inside: httpx.Client, flight: str) -> None:
    [track] = gpxpy.parse(inside.get(f"{flight}/flight.gpx").text).tracks
    assert track.name is not None
    assert track.name.startswith("m300-1 2026")
    assert len(track.segments[0].points) == 150
    root = ElementTree.parse(io.BytesIO(inside.get(f"{flight}/flight.kml").content))  # noqa: S314
    assert root.findtext(f".//{_GX}Track/{_KML}altitudeMode") == "absolute"
    [feature] = inside.get(f"{flight}/flight.geojson").json()["features"]
    assert len(feature["geometry"]["coordinates"][0]) == 150


def test_flights_are_figures_for_a_monitoring_system(inside: httpx.Client, flight: str) -> None:
    assert flight
    lines = inside.get("/api/metrics").text.splitlines()
    assert 'fieldlink_flights{kit="kit-1",state="ended"} 1' in lines
    assert 'fieldlink_flight_pieces{kit="kit-1",state="ended"} 2' in lines
    assert 'fieldlink_flight_bytes{kit="kit-1",state="ended"} 6930' in lines


def test_nobody_sees_a_flight_without_a_login(duty: Duty, flight: str) -> None:
    with httpx.Client(base_url=duty.url, verify=False) as outside:  # noqa: S501
        paths = ["/api/flights", flight, f"{flight}/replay", f"{flight}/flight.tlog"]
        assert {outside.get(path).status_code for path in paths} == {401}
