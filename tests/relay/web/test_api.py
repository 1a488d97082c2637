"""What the API tells of incidents, streams, bundles, gaps and events."""

import os
from pathlib import Path

import httpx
import pytest

from fieldlab.duty import Duty, now_us
from fieldlab.footage import Scene, still
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.catalogue import KitNews
from fieldlink.relay.web.content import open_within, served_type

_CONTENT = bytes(range(256)) * 8


def _names(page: httpx.Response) -> list[str]:
    return [stream["device"] for stream in page.json()["streams"]]


def test_an_incident_starts_counts_down_and_is_closed(duty: Duty, inside: httpx.Client) -> None:
    before = now_us()
    body = {"name": "九寨沟 <b>landslide</b>", "window_s": 600}
    started = inside.post("/api/incidents", json=body).json()
    assert started["name"] == body["name"]
    assert before <= started["start_us"] <= now_us()
    assert started["due_us"] - started["start_us"] == 600_000_000
    first = inside.get("/api/incidents").json()["incidents"][0]
    assert first["state"] == "open"
    assert 0 < first["remaining_us"] <= 600_000_000
    assert first["remaining_us"] + first["elapsed_us"] == 600_000_000
    closed = inside.post(f"/api/incidents/{started['id']}/close").json()
    assert closed["state"] == "closed"
    assert inside.post(f"/api/incidents/{started['id']}/close").status_code == 404
    assert inside.post("/api/incidents/standing/close").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 201},
        {"name": "a\nb"},
        {"name": "x", "window_s": 1},
        {"name": "x", "window_s": 10**9},
        {"name": "x", "start_us": -1},
        {"name": "x", "other": 1},
    ],
)
def test_an_incident_out_of_bounds_is_refused(inside: httpx.Client, body: dict[str, int]) -> None:
    assert inside.post("/api/incidents", json=body).status_code == 422


def test_the_wall_shows_the_latest_still_the_state_and_the_layers(
    duty: Duty, inside: httpx.Client
) -> None:
    now = now_us()
    duty.file("ball-1", Layer.STILL, now - 20_000_000, b"old", media_type="image/avif")
    newest = duty.file("ball-1", Layer.STILL, now - 9_000_000, b"new", media_type="image/avif")
    duty.file("ball-1", Layer.PROXY, now - 8_000_000, _CONTENT, seconds=4)
    duty.file("ball-2", Layer.STILL, now - 60_000_000, b"late", media_type="image/avif")
    duty.file("ball-3", Layer.STILL, now - 900_000_000, b"down", media_type="image/avif")
    duty.file_gap("ball-2", now - 50_000_000, now - 10_000_000, "source: refused")
    streams = inside.get("/api/streams").json()["streams"]
    first, second, third = streams
    assert (first["device"], first["state"]) == ("ball-1", "live")
    assert first["latest_still"] == {"bundle": newest, "start_us": now - 9_000_000}
    assert first["layers"]["proxy"]["duration_s"] == 4.0
    assert first["layers"]["still"]["bundles"] == 2
    assert (second["state"], second["gaps"]) == ("late", 1)
    assert third["state"] == "down"
    assert first["pending"] is None, "a kit that never said is unknown, not zero"


def test_what_a_kit_reports_is_shown_with_its_age_and_never_trusted(
    duty: Duty, inside: httpx.Client
) -> None:
    now = now_us()
    duty.file("ball-1", Layer.STILL, now, b"x", media_type="image/avif")
    of_stream = {"pending": {"proxy": {"bundles": 3, "bytes": 9000}}}
    layers = {"still": {"bundles": 1, "bytes": 500}, "proxy": {"bundles": 7, "bytes": 20_000}}
    report = {
        "pending": layers,
        "streams": {"ball-1/video": of_stream, "bad": 1},
        "devices": {"ball-1": {"state": "down", "reason": "no packet"}, "ball-2": []},
    }
    kinds = {"ball-1": "ball", "ball-2": "drone"}
    duty.catalogue.hear_kits([KitNews("kit-1", now, "fieldlink 1", "wwan0", kinds, report)])
    stream = inside.get("/api/streams").json()["streams"][0]
    seen = {"scope": "stream", "bundles": 3, "size_bytes": 9000, "reported_us": now}
    assert stream["pending"] == seen
    assert (stream["state"], stream["down_reason"]) == ("down", "no packet")
    kit = inside.get("/api/kits").json()["kits"][0]
    assert kit["connected"] is True
    assert kit["devices"][1] == {
        "device": "ball-2", "kind": "drone", "state": None, "reason": None, "carrier": None
    }  # fmt: skip
    assert (kit["pending"]["bundles"], kit["pending"]["size_bytes"]) == (8, 20_500)
    duty.catalogue.hear_kits([KitNews("kit-1", now, report={"pending": layers})])
    stream = inside.get("/api/streams").json()["streams"][0]
    assert (stream["pending"]["scope"], stream["pending"]["bundles"]) == ("kit", 8)


@pytest.mark.parametrize(
    "junk",
    [
        {"pending": 3},
        {"pending": {"proxy": {"bundles": -1, "bytes": True}}},
        {"pending": {"proxy": [1]}},
        {"streams": [1], "devices": "x"},
    ],
)
def test_a_report_that_makes_no_sense_leaves_the_backlog_unknown(
    duty: Duty, inside: httpx.Client, junk: dict[str, object]
) -> None:
    duty.file("ball-1", Layer.STILL, now_us(), b"x", media_type="image/avif")
    duty.catalogue.hear_kits([KitNews("kit-1", now_us(), report=junk)])
    pending = inside.get("/api/streams").json()["streams"][0]["pending"]
    assert pending is None or (pending["bundles"], pending["size_bytes"]) == (None, None)
    assert inside.get("/api/kits").status_code == 200


def test_bundles_come_page_by_page_each_exactly_once(duty: Duty, inside: httpx.Client) -> None:
    begin = now_us()
    wanted = [
        duty.file("ball-1", Layer.PROXY, begin + at * 4_000_000, _CONTENT, seconds=4)
        for at in range(7)
    ]
    for order in ("oldest", "newest"):
        seen: list[str] = []
        after = ""
        for _ in range(5):
            path = f"/api/streams/kit-1/ball-1/video/bundles?layer=proxy&limit=3&order={order}"
            page = inside.get(path + after).json()
            seen += [bundle["id"] for bundle in page["bundles"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert seen == (wanted if order == "oldest" else wanted[::-1])
    path = (
        f"/api/streams/kit-1/ball-1/video/bundles?from={begin + 8_500_000}&to={begin + 9_000_000}"
    )
    assert [b["id"] for b in inside.get(path).json()["bundles"]] == [wanted[2]]


def test_a_bundle_tells_its_journey(duty: Duty, inside: httpx.Client) -> None:
    begin = now_us()
    identity = duty.file("ball-1", Layer.PROXY, begin, _CONTENT, seconds=4)
    bundle = inside.get(f"/api/bundles/{identity}").json()
    journey = bundle["journey"]
    assert journey["captured_us"] == begin + 4_000_000
    order = [journey[f"{k}_us"] for k in ("captured", "first_sent", "last_received", "custody")]
    assert order == sorted(order)
    assert journey["bearers"] == ["wwan0"]
    assert (duty.archive / bundle["path"]).read_bytes() == _CONTENT


def test_content_comes_whole_in_ranges_and_not_at_all_when_unchanged(
    duty: Duty, inside: httpx.Client
) -> None:
    path = f"/api/bundles/{duty.file('ball-1', Layer.PROXY, now_us(), _CONTENT)}/content"
    whole = inside.get(path)
    assert (whole.status_code, whole.content) == (200, _CONTENT)
    assert whole.headers["content-type"].startswith("video/mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    etag = whole.headers["etag"]
    part = inside.get(path, headers={"range": "bytes=100-199", "if-range": etag})
    assert (part.status_code, part.content) == (206, _CONTENT[100:200])
    assert part.headers["content-range"] == "bytes 100-199/2048"
    assert inside.get(path, headers={"range": "bytes=1-2", "if-range": '"x"'}).status_code == 200
    beyond = inside.get(path, headers={"range": "bytes=2048-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */2048")
    head = inside.head(path)
    assert (head.headers["content-length"], head.content) == ("2048", b"")
    assert inside.get(path, headers={"if-none-match": etag}).status_code == 304


def test_a_kit_cannot_make_its_content_run_in_the_page(duty: Duty, inside: httpx.Client) -> None:
    evil = b"<script>alert(1)</script>"
    for media_type in ("text/html", "image/svg+xml", "TEXT/HTML;video/mp4"):
        identity = duty.file("ball-1", Layer.REPORT, now_us(), evil, media_type=media_type)
        answer = inside.get(f"/api/bundles/{identity}/content")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
    assert served_type('video/mp4; codecs="av01.0.01M.08,opus"') == (
        'video/mp4; codecs="av01.0.01M.08,opus"',
        True,
    )
    assert served_type("video/mp4\r\nx: y") == ("application/octet-stream", False)
    assert served_type('video/mp4; codecs="a\r\nx: y"') == ("video/mp4", True)
    assert served_type("video/mp4; charset=x") == ("video/mp4", True)


def test_only_regular_files_inside_the_archive_are_opened(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    (root / "a").mkdir(parents=True)
    (root / "a" / "good").write_bytes(b"good")
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "a" / "link").symlink_to(tmp_path / "secret")
    (root / "out").symlink_to(tmp_path)
    os.mkfifo(root / "a" / "pipe")
    os.close(open_within(root, "a/good"))
    for path in (
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "a/link",
        "out/secret",
        "a/pipe",
        "a",
        "a/none",
        "",
        "a/\0",
        "a/" + "x" * 300,
    ):
        with pytest.raises(ArchiveError):
            open_within(root, path)


def test_a_file_that_is_missing_or_of_another_size_is_said_to_be(
    duty: Duty, inside: httpx.Client
) -> None:
    identity = duty.file("ball-1", Layer.PROXY, now_us(), _CONTENT)
    file = duty.archive / inside.get(f"/api/bundles/{identity}").json()["path"]
    file.write_bytes(_CONTENT[:-1])
    answer = inside.get(f"/api/bundles/{identity}/content")
    assert (answer.status_code, "verify" in answer.json()["detail"]) == (410, True)
    file.unlink()
    assert inside.get(f"/api/bundles/{identity}/content").status_code == 410


@pytest.mark.parametrize(
    "path",
    [
        "/api/bundles/xyz",
        f"/api/bundles/{'0' * 63}g",
        f"/api/bundles/{'0' * 64}%2f..",
        "/api/bundles/..%2f..%2fetc%2fpasswd/content",
        "/api/streams/KIT/ball-1/video/bundles",
        "/api/streams/../../x/bundles",
        "/api/streams/%2e%2e/ball-1/video/bundles",
        "/api/streams/k/d/s/bundles?limit=100000",
        "/api/streams/k/d/s/bundles?layer=secret",
        "/api/streams/k/d/s/bundles?from=-1",
        "/api/streams/k/d/s/bundles?after=99999999999999999999",
        "/api/streams?incident=../x",
        "/api/streams?incident=none-such",
        "/api/gaps?limit=0",
        "/api/events?limit=100000",
        "/api/coverage?kit=%00",
    ],
)
def test_a_path_or_a_number_out_of_bounds_is_refused(inside: httpx.Client, path: str) -> None:
    assert inside.get(path).status_code in {404, 422}


def test_gaps_and_events_are_told_with_their_reasons(duty: Duty, inside: httpx.Client) -> None:
    now = now_us()
    duty.file_gap("ball-1", now - 9_000_000, now, "source: connection refused")
    duty.catalogue.log_event("digest", "kit-1", "a tampered chunk", now, count=3)
    (gap,) = inside.get("/api/gaps").json()["gaps"]
    assert gap["reason"] == "source: connection refused"
    assert (gap["start_us"], gap["end_us"]) == (now - 9_000_000, now)
    (event,) = inside.get("/api/events").json()["events"]
    assert (event["kind"], event["kit"], event["count"]) == ("digest", "kit-1", 3)
    assert inside.get(f"/api/events?after={event['number']}").json()["events"] == []


def test_coverage_joins_what_touches_and_keeps_gaps_apart(duty: Duty, inside: httpx.Client) -> None:
    at = now_us() - 600_000_000
    for number in (0, 1, 2, 10, 11):
        duty.file("ball-1", Layer.PROXY, at + number * 4_000_000, _CONTENT, seconds=4)
    duty.file_gap("ball-1", at + 12_000_000, at + 40_000_000, "stall: nothing came")
    (stream,) = inside.get("/api/coverage").json()["streams"]
    proxy = [[at, at + 12_000_000], [at + 40_000_000, at + 48_000_000]]
    assert stream["layers"]["proxy"] == proxy
    assert stream["gaps"][0]["reason"] == "stall: nothing came"
    duty.file("ball-1", Layer.PROXY, at + 48_000_000, _CONTENT, seconds=4)
    (stream,) = inside.get("/api/coverage?device=ball-1").json()["streams"]
    assert stream["layers"]["proxy"][1] == [at + 40_000_000, at + 52_000_000]
    assert inside.get("/api/coverage?device=other").json()["streams"] == []


def test_the_summary_has_the_figures_of_the_exercise(duty: Duty, inside: httpx.Client) -> None:
    start = now_us() - 60_000_000
    duty.incident = duty.catalogue.open_incident("Drill", start).id
    picture = still(Scene("A"), 0)
    duty.file("ball-1", Layer.STILL, start + 1_000_000, picture, media_type="image/avif")
    duty.file("ball-1", Layer.PROXY, start + 2_000_000, _CONTENT, seconds=4)
    duty.file("ball-1", Layer.ORIGINAL, start + 2_000_000, _CONTENT, seconds=3.5)
    summary = inside.get("/api/summary").json()
    assert summary["incident"]["id"] == duty.incident
    (stream,) = summary["streams"]
    assert stream["first_picture_s"] == pytest.approx(2.3)
    assert (stream["stills"], stream["proxy_s"], stream["original_s"]) == (1, 4.0, 3.5)
    assert (stream["in_custody_bundles"], stream["gaps"]) == (3, 0)
    assert stream["size_bytes"] == len(picture) + 2 * len(_CONTENT)


def test_the_published_description_is_the_one_in_the_documents(inside: httpx.Client) -> None:
    import json

    published = Path(__file__).parents[3] / "docs" / "openapi.json"
    wanted = json.loads(published.read_text())
    found = inside.get("/api/openapi.json").json()
    found["info"].pop("version")
    wanted["info"].pop("version", None)
    assert found == wanted, "run: python tests/relay/web/write_openapi.py > docs/openapi.json"
