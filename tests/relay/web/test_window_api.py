"""The window, requests and bookmarks over the API."""

from typing import Any

import httpx
import pytest

from fieldlab.duty import Duty, now_us
from fieldlink.codecs.bundle import IMPORTED, Layer
from fieldlink.codecs.wire import Purpose
from fieldlink.relay.catalogue import KitNews
from fieldlink.relay.window.plans import checked_plan

_S = 1_000_000
_MINUTE = 60 * _S


@pytest.fixture(autouse=True)
def known(duty: Duty) -> int:
    """A kit that has joined, a stream of it, an incident that began ten minutes ago: its T0."""
    start = now_us() - 10 * _MINUTE
    duty.catalogue.admit("kit-1", b"secret", start + _S, start)
    duty.catalogue.take_admission(b"secret", start, "aa")
    duty.incident = duty.catalogue.open_incident("Slide", start).id
    duty.file("ball-1", Layer.STILL, start + 5 * _S, b"still", media_type="image/avif")
    for minute in range(9):
        at = start + minute * _MINUTE
        duty.file("ball-1", Layer.PROXY, at, b"p%d" % minute * 10_000, seconds=60)
    rows = [
        ["ball-1", "video", "proxy", 50_000, 0, now_us() + 9 * _MINUTE, ""],
        ["drone-7", "video", "still", 9_000, 1, now_us() + _MINUTE, "outages: often"],
    ]
    plan = checked_plan({"at_us": now_us(), "rate_bps": 64_000, "streams": rows})
    devices = {"ball-1": "ball", "drone-7": "drone"}
    duty.catalogue.hear_kits([KitNews("kit-1", now_us(), "f", "lte", devices, {}, 0, plan)])
    return start


def _ask(inside: httpx.Client, start: int, **changed: Any) -> httpx.Response:
    span = {"from_us": start, "to_us": start + 2 * _MINUTE}
    return inside.post("/api/wants", json={"kit": "kit-1", "device": "ball-1", **span, **changed})


def test_the_window_tells_what_came_and_what_is_promised(
    duty: Duty, inside: httpx.Client, known: int
) -> None:
    view = inside.get(f"/api/incidents/{duty.incident}/window").json()
    ball, drone = view["streams"]
    assert ball["minutes"].startswith("ppppppppp")
    assert (ball["verdict"], ball["reason"]["code"]) == ("kept", "promised")
    assert ball["first_picture_s"] == pytest.approx(6.3)
    assert (drone["device"], drone["kind"], drone["verdict"]) == ("drone-7", "drone", "at_risk")
    assert drone["reason"]["text"] == "outages: often"
    [kit] = view["kits"]
    assert kit["rate_bps"] == 64_000
    assert kit["plan_age_us"] < 10 * _S
    assert inside.get("/api/incidents/none-such/window").status_code == 404
    assert inside.get("/api/incidents/standing/window").json()["verdict"] == "unknown"


def test_what_came_after_the_window_is_late(duty: Duty, inside: httpx.Client, known: int) -> None:
    over = duty.catalogue.open_incident("Over", known - 60 * _MINUTE, 5 * _MINUTE)
    duty.incident = over.id
    duty.file("ball-1", Layer.PROXY, over.start_us, b"in time", seconds=180)
    late = over.start_us + 180 * _S
    duty.file("ball-1", Layer.PROXY, late, b"late", seconds=120, custody_us=late + 10 * _MINUTE)
    (stream,) = inside.get(f"/api/incidents/{over.id}/window").json()["streams"]
    assert (stream["minutes"], stream["verdict"]) == ("pppll", "will_miss")
    assert (stream["reason"]["minutes"], stream["reason"]["late"]) == (2, 2)


def test_history_that_comes_in_late_is_covered_at_once(
    duty: Duty, inside: httpx.Client, known: int
) -> None:
    for minute in (9, 30, 20, 25):
        at = known - minute * _MINUTE
        duty.incident = "standing"
        duty.file("ball-2", Layer.PROXY, at, b"h%d" % minute, seconds=60)
        found = inside.get("/api/coverage?incident=standing").json()["streams"]
    assert len(found[0]["layers"]["proxy"]) == 4
    back = duty.catalogue.open_incident("Earlier", known - 26 * _MINUTE)
    (standing,) = inside.get("/api/coverage?incident=standing").json()["streams"]
    assert len(standing["layers"]["proxy"]) == 1, "the others belong to the new incident now"
    (moved,) = inside.get(f"/api/coverage?incident={back.id}").json()["streams"]
    assert len(moved["layers"]["proxy"]) == 3


def test_a_span_is_asked_for_ordered_and_cancelled(
    duty: Duty, inside: httpx.Client, known: int
) -> None:
    first = _ask(inside, known).json()
    second = _ask(inside, known, layer="proxy").json()
    assert (first["name"], first["who"], first["state"]) == ("kit-1/ball-1/video", "duty", "open")
    assert (first["share"], second["share"]) == (0.0, 1.0)
    path = f"/api/wants/{second['id']}"
    assert inside.patch(path, json={"first": True}).status_code == 200
    listed = inside.get("/api/wants?kit=kit-1").json()["wants"]
    assert [want["id"] for want in listed] == [second["id"], first["id"]]
    assert inside.delete(path).json()["state"] == "cancelled"
    assert inside.delete(path).status_code == 200
    assert inside.patch(path, json={"first": True}).status_code == 404
    assert inside.delete(f"/api/wants/{'0' * 16}").status_code == 404
    assert [w.ident.hex() for w in duty.catalogue.wants(open_only=True)] == [first["id"]]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"kit": "kit-9"}, 404),
        ({"device": "ball-9"}, 404),
        ({"stream": "sound"}, 404),
        ({"kit": "../x"}, 422),
        ({"to_us": 0}, 422),
        ({"from_us": -1}, 422),
        ({"to_us": 2**63}, 422),
        ({"to_us": 2**62}, 422),
        ({"layer": "report"}, 422),
        ({"more": 1}, 422),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    inside: httpx.Client, known: int, changed: dict[str, Any], status: int
) -> None:
    assert _ask(inside, known, **changed).status_code == status
    assert inside.get("/api/wants").json()["wants"] == []


def test_too_many_requests_are_a_conflict(inside: httpx.Client, known: int) -> None:
    for _ in range(64):
        assert _ask(inside, known).status_code == 201
    refused = _ask(inside, known)
    assert (refused.status_code, "cancel one" in refused.json()["detail"]) == (409, True)


def test_a_moment_is_bookmarked_for_a_stream_a_kit_or_all(
    duty: Duty, inside: httpx.Client, known: int
) -> None:
    body = {"kit": "kit-1", "device": "ball-1", "at_us": known + _MINUTE, "note": "滑坡 <b>"}
    [one] = inside.post("/api/marks", json=body).json()["wants"]
    assert (one["purpose"], one["note"], one["layer"]) == ("keep", "滑坡 <b>", "")
    assert (one["from_us"], one["to_us"]) == (known + 30 * _S, known + 90 * _S)
    [whole] = inside.post("/api/marks", json={"before_s": 5, "after_s": 0}).json()["wants"]
    assert (whole["name"], whole["to_us"] - whole["from_us"]) == ("kit-1", 5 * _S)
    kept = duty.catalogue.wants(open_only=True)
    assert {want.purpose for want in kept} == {Purpose.KEEP}
    for wrong in (
        {"device": "ball-1"},
        {"kit": "kit-1", "stream": "video"},
        {"note": "a\nb"},
        {"before_s": -1},
        {"before_s": 0, "after_s": 0},
    ):
        assert inside.post("/api/marks", json=wrong).status_code == 422


def test_nobody_asks_without_a_login(outside: httpx.Client, duty: Duty) -> None:
    assert outside.post("/api/wants", json={}).status_code in {401, 403}
    assert outside.get(f"/api/incidents/{duty.incident}/window").status_code == 401


def test_a_kits_bearers_are_shown_and_never_trusted(duty: Duty, inside: httpx.Client) -> None:
    said = [
        {
            "name": "sat",
            "up": True,
            "rate_bps": 128e3,
            "rtt_ms": 640,
            "loss": 0.02,
            "in_flight_bytes": 900,
        },
        {"name": "lte", "up": "yes", "rate_bps": -1, "rtt_ms": True, "loss": 7.0, "held": True},
        {"name": 5},
        "x",
    ]
    heard = {"sat": now_us(), "wlan": now_us() - _MINUTE}
    news = KitNews("kit-1", now_us(), report={"bearers": said}, heard_on=heard)
    duty.catalogue.hear_kits([news])
    lte, sat, wlan = inside.get("/api/kits").json()["kits"][0]["bearers"]
    assert (sat["up"], sat["rate_bps"], sat["rtt_ms"], sat["loss"], sat["in_flight_bytes"]) == (
        *(True, 128_000.0, 640.0, 0.02, 900),
    )
    assert (lte["up"], lte["rate_bps"], lte["rtt_ms"], lte["loss"]) == (None, None, None, 1.0)
    assert (lte["held"], lte["heard_us"]) == (True, None)
    assert (wlan["up"], wlan["heard_us"]) == (None, heard["wlan"])
    nonsense: list[object] = [5, {"a": 1}, [[]], None]
    for junk in nonsense:
        duty.catalogue.hear_kits([KitNews("kit-1", now_us(), report={"bearers": junk})])
        assert inside.get("/api/kits").status_code == 200


@pytest.mark.parametrize("field", ["before_s", "after_s", "at_us"])
def test_a_bookmark_around_no_number_is_refused(inside: httpx.Client, field: str) -> None:
    said = f'{{"kit": "kit-1", "{field}": NaN}}'
    answer = inside.post("/api/marks", content=said, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


def _streams(duty: Duty, inside: httpx.Client) -> list[str]:
    view = inside.get(f"/api/incidents/{duty.incident}/window").json()
    return [stream["device"] for stream in view["streams"]]


@pytest.mark.parametrize("live", [False, True])
def test_footage_that_was_imported_is_no_stream_that_had_to_come(
    live: bool, duty: Duty, inside: httpx.Client, known: int
) -> None:
    meta = {IMPORTED: "abcdef01"}
    for device in ("m30t-1", "ball-1"):  # of a card alone, and beside what is sent live
        for layer in (Layer.ORIGINAL, Layer.STILL):
            at = known + 2 * _MINUTE
            duty.file(device, layer, at, device.encode() + layer.value.encode(), meta=meta)
    if live:
        duty.file("m30t-1", Layer.STILL, known + 3 * _MINUTE, b"live", media_type="image/avif")
    assert _streams(duty, inside) == ["ball-1", "drone-7", *(["m30t-1"] if live else [])]


@pytest.mark.parametrize(("report", "names"), [
    ({}, ["ball-1", "m30t-1"]), ({"devices": {"ball-1": {}}}, ["ball-1"]),
    ({"devices": {"m30t-1": {}}}, ["ball-1", "m30t-1"]),
])  # fmt: skip
def test_a_kit_that_only_has_files_of_an_aircraft_to_send_promises_no_stream_of_it(
    report: dict[str, Any], names: list[str], duty: Duty, inside: httpx.Client, known: int
) -> None:
    rows = [["m30t-1", "video", "original", 9_000_000, 1, now_us() + _MINUTE, ""]]
    plan = checked_plan({"at_us": now_us(), "rate_bps": 64_000, "streams": rows})
    kinds = {"ball-1": "ball"}
    duty.catalogue.hear_kits([KitNews("kit-1", now_us(), "f", "lte", kinds, report, 0, plan)])
    assert _streams(duty, inside) == names
