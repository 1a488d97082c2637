"""The stream of news that keeps a page fresh."""

import threading
import time
from pathlib import Path

import httpx

from fieldlab.duty import PASSWORD, Duty, now_us, open_duty
from fieldlink.codecs.bundle import Layer
from fieldlink.relay.web import WebSettings
from fieldlink.relay.web.accounts import create_token, set_password


def _updates(client: httpx.Client, count: int, heard: list[str], **headers: str) -> None:
    with client.stream("GET", "/api/updates", headers=headers) as answer:
        heard.append(answer.headers["content-type"])
        for line in answer.iter_lines():
            if line.startswith(("data:", ":")):
                heard.append(line)
            if len(heard) > count:
                return


def test_updates_bring_news_of_a_new_bundle(duty: Duty, inside: httpx.Client) -> None:
    heard: list[str] = []
    follower = threading.Thread(target=_updates, args=(inside, 1, heard))
    follower.start()
    for _ in range(100):
        if duty.feed.followers:
            break
        threading.Event().wait(0.05)
    duty.file("ball-1", Layer.STILL, now_us(), b"x", media_type="image/avif")
    follower.join(10)
    assert heard[0].startswith("text/event-stream")
    assert '"kind":"still"' in heard[1]
    assert '"device":"ball-1"' in heard[1]


def test_a_follower_that_comes_back_is_told_to_read_everything_again(inside: httpx.Client) -> None:
    heard: list[str] = []
    _updates(inside, 1, heard, **{"last-event-id": "7<>;"})
    assert '"kind":"missed"' in heard[1]


def test_silence_is_broken_by_signs_of_life_and_ends_with_the_login(tmp_path: Path) -> None:
    settings = WebSettings.model_validate({"host": "127.0.0.1", "port": 0, "keepalive": "200ms"})
    with (
        open_duty(tmp_path / "centre", settings) as duty,
        httpx.Client(base_url=duty.url, verify=False, timeout=10) as client,  # noqa: S501
    ):
        client.post("/api/login", json={"name": "duty", "password": PASSWORD})
        heard: list[str] = []
        _updates(client, 2, heard)
        assert [line.partition('"kind":')[2] for line in heard[1:]] == [
            '"alive","data":{"every_s":0.2}}',
            '"alive","data":{"every_s":0.2}}',
        ]
        threading.Timer(0.5, _new_password, [duty]).start()
        began = time.monotonic()
        _updates(client, 10_000, heard)
        assert time.monotonic() - began < 8


def _new_password(duty: Duty) -> None:
    set_password(duty.catalogue, "duty", "another-night-2026", now_us)


def test_one_page_too_many_is_sent_away(tmp_path: Path) -> None:
    settings = WebSettings(host="127.0.0.1", port=0, max_watchers=1)
    with (
        open_duty(tmp_path / "centre", settings) as duty,
        httpx.Client(base_url=duty.url, verify=False, timeout=10) as client,  # noqa: S501
    ):
        token = create_token(duty.catalogue, "wall", now_us)
        client.headers["authorization"] = f"Bearer {token}"
        with client.stream("GET", "/api/updates") as first:
            lines = first.iter_lines()  # kept: a dropped iterator closes the stream
            next(lines)
            until = time.monotonic() + 10
            while not duty.feed.followers and time.monotonic() < until:
                time.sleep(0.02)
            assert client.get("/api/updates").status_code == 503
