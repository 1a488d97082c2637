"""Telemetry and alarms as pages and programs ask for them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fieldlab.duty import PASSWORD, Duty, now_us, open_duty
from fieldlab.fleet import Fleet
from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Gap, Layer, encode_gap
from fieldlink.codecs.telemetry import KIT_DEVICE, SHEAF_MEDIA_TYPE, SHEAF_STREAM, AlarmKind, Phase
from fieldlink.relay.web.accounts import create_token

START_US = 1_790_000_000_000_000


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


def test_the_latest_is_of_every_device_and_then_of_those_that_changed(
    duty: Duty, inside: httpx.Client
) -> None:
    fleet = Fleet(duty, devices=6, kits=2, start_us=START_US)
    fleet.tick()
    fleet.tick()
    duty.telemetry.settle()
    page = inside.get("/api/telemetry/latest").json()
    found = {(each["kit"], each["device"]): each for each in page["devices"]}
    assert len(found) == 6
    soldier = found["kit-1", "soldier-1"]
    assert soldier["position"]["time_us"] == START_US + 1_000_000
    assert soldier["position"]["arrived_us"] == START_US + 2_000_000
    assert soldier["position"]["lat"] == pytest.approx(34.23, abs=0.1)
    assert soldier["position"]["speed"] == pytest.approx(1.4)
    assert soldier["position"]["marks"] == ["exercise"]
    assert soldier["streams"]["vitals"]["units"]["heart_rate"] == "/min"
    assert soldier["streams"]["vitals"]["values"]["spo2"] == pytest.approx(97.5)
    assert "position" not in soldier["streams"]
    since = {"since": page["revision"]}
    assert inside.get("/api/telemetry/latest", params=since).json()["devices"] == []
    del fleet.members["kit-2"]
    fleet.tick()
    duty.telemetry.settle()
    changed = inside.get("/api/telemetry/latest", params=since).json()["devices"]
    assert {each["kit"] for each in changed} == {"kit-1"}
    assert len(changed) == 3


def test_history_gives_columns_in_their_units_thinned_and_bounded(
    duty: Duty, inside: httpx.Client
) -> None:
    fleet = Fleet(duty, devices=1, kits=1, start_us=START_US + 10**9, epoch=7)
    fleet.tick(20)
    fleet.now_us += 60_000_000
    fleet.tick(5)
    duty.telemetry.settle()
    asked: dict[str, str | int] = {
        "kit": "kit-1",
        "device": "soldier-1",
        "stream": "position",
        "from_us": START_US + 10**9,
        "to_us": START_US + 10**9 + 85_000_000,
        "columns": "lat,lon",
    }
    whole = inside.get("/api/telemetry/history", params=asked).json()
    assert whole["columns"] == [
        {"name": "lat", "unit": "deg", "scale": 7},
        {"name": "lon", "unit": "deg", "scale": 7},
    ]
    assert [row[2] for row in whole["samples"]] == list(range(1, 26))
    assert whole["samples"][0][:4] == [START_US + 10**9, 7, 1, 256]
    assert [gap["why"] for gap in whole["gaps"]] == ["silent"]
    assert not whole["truncated"]
    thin = inside.get("/api/telemetry/history", params={**asked, "every_us": 10_000_000}).json()
    assert [row[2] for row in thin["samples"]] == [1, 11, 21]
    cut = inside.get("/api/telemetry/history", params={**asked, "limit": 3}).json()
    assert cut["truncated"]
    assert [row[2] for row in cut["samples"]] == [1, 2, 3]


def test_history_is_by_sequence_whatever_a_clock_made_of_the_times(
    duty: Duty, inside: httpx.Client
) -> None:
    fleet = Fleet(duty, devices=1, kits=1, start_us=START_US + 3 * 10**9, epoch=11)
    fleet.tick(4)
    fleet.now_us -= 10_500_000  # the clock was set back
    fleet.tick(4)
    duty.telemetry.settle()
    asked: dict[str, str | int] = {
        "kit": "kit-1",
        "device": "soldier-1",
        "stream": "position",
        "from_us": START_US + 3 * 10**9 - 60_000_000,
        "to_us": START_US + 3 * 10**9 + 60_000_000,
    }
    whole = inside.get("/api/telemetry/history", params=asked).json()
    assert [row[2] for row in whole["samples"]] == list(range(1, 9))
    assert whole["next_us"] is None
    seen: list[int] = []
    for _ in range(9):  # page by page each comes, the last of a page's instant perhaps again
        page = inside.get("/api/telemetry/history", params={**asked, "limit": 3}).json()
        seen += [row[2] for row in page["samples"]]
        if not page["truncated"]:
            break
        asked["from_us"] = page["next_us"]
    assert sorted(seen) == list(range(1, 9))


def test_tracks_are_points_of_time_longitude_and_latitude(duty: Duty, inside: httpx.Client) -> None:
    fleet = Fleet(duty, devices=1, kits=1, start_us=START_US + 2 * 10**9, epoch=8)
    fleet.tick(30)
    duty.telemetry.settle()
    span = {"from_us": START_US + 2 * 10**9, "to_us": START_US + 2 * 10**9 + 30_000_000}
    (track,) = inside.get("/api/telemetry/tracks", params=span).json()["tracks"]
    assert (track["kit"], track["device"], track["kind"]) == ("kit-1", "soldier-1", "soldier")
    assert 10 < len(track["points"]) <= 30
    at_us, lon, lat, alt = track["points"][0]
    assert (at_us, round(lon), round(lat)) == (span["from_us"], 109, 34)
    assert alt == pytest.approx(480, abs=5)


def test_an_alarm_is_acknowledged_by_the_first_and_cleared_with_a_note(
    duty: Duty, inside: httpx.Client
) -> None:
    fleet = Fleet(duty, devices=2, kits=1, start_us=now_us(), epoch=9)
    fleet.tick()
    ident = fleet.alarm("kit-1", "soldier-1", AlarmKind.GAS, ident=b"12345678", subject="air.co")
    duty.telemetry.settle()
    (alarm,) = inside.get("/api/alarms").json()["alarms"]
    assert (alarm["id"], alarm["state"], alarm["kind"]) == (ident, "active", "gas")
    assert (alarm["precedence"], alarm["exercise"]) == ("FLASH", True)
    latest = inside.get("/api/telemetry/latest").json()["devices"]
    assert {each["alarms"] for each in latest if each["device"] == "soldier-1"} >= {1}
    path = f"/api/alarms/kit-1/{ident}"
    token = create_token(duty.catalogue, "pager", now_us)
    bearer = {"authorization": f"Bearer {token}"}
    first = inside.post(f"{path}/acknowledge", json={"note": "on our way"})
    second = inside.post(f"{path}/acknowledge", json={"note": "me too"}, headers=bearer)
    for answer in (first, second):
        assert answer.status_code == 200
        assert answer.json()["acknowledged_by"] == "duty"
        assert answer.json()["note"] == "on our way"
    assert len(inside.get("/api/alarms").json()["alarms"]) == 1
    cleared = inside.post(f"{path}/clear", json={}, headers=bearer).json()
    assert (cleared["state"], cleared["cleared_by"]) == ("cleared", "pager")
    assert inside.get("/api/alarms").json()["alarms"] == []
    assert len(inside.get("/api/alarms", params={"state": "all"}).json()["alarms"]) == 1
    told = [event["text"] for event in inside.get("/api/events").json()["events"]]
    assert [word for text in told for word in ("触发", "已确认", "中心解除") if word in text] == [
        "触发",
        "已确认",
        "中心解除",
    ]
    fleet.alarm("kit-1", "soldier-1", AlarmKind.GAS, ident=b"12345678", phase=Phase.CLEARED)
    duty.telemetry.settle()
    (over,) = inside.get("/api/alarms", params={"state": "all"}).json()["alarms"]
    assert (over["cleared_by"], over["site_cleared_us"]) == ("pager", fleet.now_us)


def test_what_is_no_alarm_and_no_name_is_refused(inside: httpx.Client) -> None:
    nobody = "/api/alarms/kit-1/0000000000000000/acknowledge"
    assert inside.post(nobody, json={}).status_code == 404
    assert inside.post("/api/alarms/kit-1/zz/clear", json={}).status_code == 422
    bad: dict[str, str | int] = {
        "kit": "../x",
        "device": "d",
        "stream": "s",
        "from_us": 0,
        "to_us": 1,
    }
    assert inside.get("/api/telemetry/history", params=bad).status_code == 422


def test_a_sheaf_that_is_none_is_told_and_kept_and_the_next_is_taken(duty: Duty) -> None:
    before = duty.telemetry.samples
    for content in (b"", b"\xc1", b"\x93\x01\x02\x03"):
        duty.file(
            "kit",
            Layer.REPORT,
            START_US,
            content,
            media_type=SHEAF_MEDIA_TYPE,
            kit="kit-9",
            stream="telemetry",
        )
    fleet = Fleet(duty, devices=1, kits=1, start_us=START_US + 3 * 10**9, epoch=10)
    fleet.tick()
    duty.telemetry.settle()
    assert [(kind, kit) for kind, kit, _ in duty.notes] == [("telemetry", "kit-9")] * 3
    assert duty.telemetry.samples == before + 3


def test_telemetry_and_alarms_are_no_cameras_on_the_wall_nor_in_the_window(
    duty: Duty, inside: httpx.Client
) -> None:
    fleet = Fleet(duty, devices=1, kits=1, start_us=START_US + 4 * 10**9, epoch=11)
    fleet.tick()
    fleet.alarm("kit-1", "soldier-1", ident=b"wall-001")
    at_us = now_us()
    telemetry = Gap(KIT_DEVICE, SHEAF_STREAM, at_us, at_us + 1, "evicted: full", "report")
    for gap in (telemetry, Gap("ball-1", "video", at_us, at_us + 1, "unplugged", "")):
        duty.file(
            gap.device,
            Layer.REPORT,
            at_us,
            encode_gap(gap),
            media_type=GAP_MEDIA_TYPE,
            stream=gap.stream,
            gap=gap,
        )
    for path in ("/api/streams", "/api/incidents/standing/window"):
        found = inside.get(path).json()["streams"]
        assert [(each["device"], each["stream"]) for each in found] == [("ball-1", "video")]
