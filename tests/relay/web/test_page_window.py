"""The window and the requests on the page, and thin pieces in the player: headless Chromium."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import PASSWORD, Duty, now_us
from fieldlab.footage import Scene, piece, still
from fieldlab.peers import need_program
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.wire import Purpose
from fieldlink.edge.fit.decoding import Source
from fieldlink.edge.fit.render import Recipe, Rendered, render
from fieldlink.relay.catalogue import KitNews
from fieldlink.relay.window.plans import checked_plan

_S = 1_000_000
_MINUTE = 60 * _S
_VIDEO = "document.getElementById('player-video')"
_HOSTILE = "rate: <img src=x onerror=alert(1)>"
_ROW = "document.querySelector('.window-row[data-key=\"{}\"]')"


@pytest.fixture
def start(duty: Duty) -> int:
    """A kit with four streams, one for each verdict; the incident began twenty minutes ago."""
    begun = now_us() - 20 * _MINUTE
    duty.incident = duty.catalogue.open_incident("G544 山体滑坡", begun).id
    for kit in ("kit-1", "kit-2"):
        duty.catalogue.admit(kit, kit.encode(), begun + _S, begun)
        duty.catalogue.take_admission(kit.encode(), begun, kit)
    for minute in range(20):
        at = begun + minute * _MINUTE
        duty.file("ball-1", Layer.PROXY, at, b"p%d" % minute * 9_000, seconds=59.5)
        duty.file("ball-2", Layer.PROXY, at, b"t%d" % minute * 9_000, seconds=59.5, thin=2)
    duty.file("ball-3", Layer.STILL, begun, _picture(), media_type="image/avif")
    duty.file("ball-4", Layer.STILL, begun, _picture(), media_type="image/avif", kit="kit-2")
    _say(duty, 1)
    duty.catalogue.hear_kits([KitNews("kit-2", now_us(), "f", "lte", {"ball-4": "ball"}, {})])
    return begun


def _picture() -> bytes:
    return still(Scene("BALL"), 1.0)


def _say(duty: Duty, verdict: int) -> None:
    rows: list[list[Any]] = [
        ["ball-2", "video", "proxy", 70_000, verdict, now_us() + 5 * _MINUTE, "outages: often"],
        ["ball-3", "video", "proxy", 90_000_000, 2, now_us() + 300 * _MINUTE, _HOSTILE],
    ]
    plan = checked_plan({"at_us": now_us(), "rate_bps": 64_000, "streams": rows})
    devices = {f"ball-{n}": "ball" for n in (1, 2, 3)}
    news = KitNews("kit-1", now_us(), "fieldlink 1", "lte", devices, {}, 0, plan)
    duty.catalogue.hear_kits([news])
    duty.feed.publish("kit", {"kit": "kit-1"})


@pytest.fixture
def page(duty: Duty, tmp_path: Path, start: int) -> Iterator[Browser]:
    """A browser that prefers English, logged in."""
    need_program(browser_program())
    with open_browser(tmp_path / "profile") as browser:
        browser.size(1600, 1000)
        browser.language("en-US")
        browser.go(duty.url)
        browser.wait("!document.getElementById('login').hidden")
        browser.fill("#login-password", PASSWORD)
        browser.click("#login-form .primary")
        browser.wait("!document.getElementById('duty').hidden")
        yield browser


def _row(device: str, kit: str = "kit-1") -> str:
    return _ROW.format(f"{kit}/{device}/video")


def _open(page: Browser, device: str) -> None:
    page.click(f".tile[data-key='kit-1/{device}/video'] .picture")


def test_each_verdict_is_a_colour_a_word_and_an_icon_with_its_reason(page: Browser) -> None:
    page.wait("document.getElementById('view-window').dataset.verdict === 'will_miss'")
    page.click("#view-window")
    page.wait(f"{_row('ball-1')} !== null")
    said = {
        "ball-1": ("kept", "In time", "Everything so far has come."),
        "ball-2": ("at_risk", "At risk", "outages: often"),
        "ball-3": ("will_miss", "Will miss", _HOSTILE),
    }
    for device, (verdict, word, reason) in said.items():
        row = _row(device)
        assert page.run(f"{row}.dataset.verdict") == verdict
        assert word in page.run(f"{row}.querySelector('.verdict').textContent")
        assert page.run(f"{row}.querySelector('.verdict svg path').getAttribute('d').length") > 10
        assert reason in page.run(f"{row}.querySelector('.window-reason').textContent")
    other = _row("ball-4", "kit-2")
    assert page.run(f"{other}.dataset.verdict") == "unknown"
    colours = page.run(
        "[...document.querySelectorAll('.window-row')].map((row) =>"
        " getComputedStyle(row.querySelector('.verdict')).color)"
    )
    assert len(set(colours)) == 4
    assert page.run("document.querySelector('img[onerror]')") is None
    first = page.run("document.querySelector('.window-row').dataset.key")
    assert first == "kit-1/ball-3/video", "what needs somebody comes first"
    assert page.errors == []


def test_minutes_and_layers_are_drawn_and_both_languages_are_spoken(page: Browser) -> None:
    page.click("#view-window")
    page.wait(f"{_row('ball-2')} !== null")
    for device, mark in (("ball-1", "p"), ("ball-2", "t"), ("ball-3", "none")):
        assert page.run(f"{_row(device)}.querySelector('.minutes .minute-{mark}') !== null")
    width = f"{_row('ball-1')}.querySelector('.minutes .minute-p').getBoundingClientRect().width"
    whole = f"{_row('ball-1')}.querySelector('.minutes').getBoundingClientRect().width"
    assert page.run(f"{width} / {whole}") == pytest.approx(1 / 6, abs=0.02)
    page.click("#duty .language")
    text = f"{_row('ball-2')}.textContent"
    page.wait(f"{text}.includes('有风险') && {text}.includes('设备箱报告：outages: often')")
    assert "来不及" in page.run("document.getElementById('view-window').textContent")
    page.size(390, 844, mobile=True)
    page.click("nav [data-tab=window]")
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.run("document.getElementById('window').scrollWidth") <= 390
    page.click("nav [data-tab=kits]")
    assert page.run("document.getElementById('window').getClientRects().length") == 0
    assert page.errors == []


def test_the_window_follows_the_news_at_a_bounded_rate(duty: Duty, page: Browser) -> None:
    page.click("#view-window")
    page.wait(f"{_row('ball-2')}?.dataset.verdict === 'at_risk'")
    asked = (
        "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/window')).length"
    )
    before = page.run(asked)
    for _ in range(20):
        _say(duty, 2)
    page.wait(f"{_row('ball-2')}.dataset.verdict === 'will_miss'", timeout_s=12)
    assert page.run(asked) - before <= 3


def test_the_original_of_a_span_is_asked_for_first_and_cancelled_in_the_player(
    duty: Duty, page: Browser, start: int
) -> None:
    fine = piece(Scene("BALL-1"), 0, 4)
    at = now_us() - 30 * _S
    duty.file("ball-1", Layer.PROXY, at, fine, seconds=4)
    page.wait("document.querySelectorAll('.tile').length === 4")
    _open(page, "ball-1")
    page.wait("document.getElementById('want-from').value !== ''")
    for ident, us in (("want-from", at - 10 * _S), ("want-to", at + 20 * _S)):
        page.run(
            f"(() => {{ const node = document.getElementById('{ident}');"
            f" node.value = new Date({us // 1000}).toTimeString().slice(0, 8);"
            " node.dispatchEvent(new Event('input')); })()"
        )
    page.click("#want-ask")
    page.wait("document.querySelector('.want[data-purpose=send]') !== null")
    [want] = duty.catalogue.wants()
    assert (want.device, want.layer, want.purpose) == ("ball-1", "original", Purpose.SEND)
    assert want.to_us - want.from_us == 30 * _S
    assert abs(want.from_us - (at - 10 * _S)) <= _S
    duty.file("ball-1", Layer.ORIGINAL, want.from_us, b"x", seconds=15)
    page.wait("document.querySelector('.want progress').value === 0.5", timeout_s=8)
    page.fill("#mark-note", "<b>落石</b>")
    page.click("#mark-set")
    page.wait("document.querySelector('.want[data-purpose=keep]') !== null")
    assert page.run("document.querySelector('.want-note').textContent") == "<b>落石</b>"
    page.wait("document.querySelectorAll('#player-bars .flag').length === 2")
    page.click(".want[data-purpose=keep] [data-act='want.first']")
    page.wait("document.querySelector('.want').dataset.purpose === 'keep'")
    page.click(".want[data-purpose=send] [data-act='want.cancel']")
    page.wait("document.querySelectorAll('.want').length === 1")
    assert [w.purpose for w in duty.catalogue.wants(open_only=True)] == [Purpose.KEEP]
    page.fill("#want-from", "")
    page.run("document.getElementById('want-form').dispatchEvent(new Event('submit'))")
    page.wait("document.getElementById('want-fault').textContent !== ''")
    assert page.errors == []


_SAMPLE = """(() => {
  const video = document.getElementById('player-video');
  window.seen = [];
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const brush = canvas.getContext('2d', { willReadFrequently: true });
  setInterval(() => {
    if (video.readyState < 2 || video.seeking) return;
    brush.drawImage(video, 0, 0, 8, 8);
    const [red, , blue] = brush.getImageData(4, 6, 1, 1).data;
    const what = red > blue ? 'thin' : 'fine';
    if (window.seen.at(-1) !== what) window.seen.push(what);
  }, 60);
})()"""


def _thinned(video_bps: int, size: tuple[int, int], fps: int) -> Rendered:
    """Nine seconds as a kit thins them."""
    original = piece(Scene("THIN", hue=5), 0, 9, codec="h264")
    recipe = Recipe(0, 9 * _S, video_bps, 0, *size, fps)
    return render([Source(0, 9 * _S, False, original)], recipe)


@pytest.mark.parametrize(
    ("video_bps", "size", "fps"), [(100_000, (640, 360), 10), (5_000, (384, 216), 1)]
)
def test_a_thin_piece_is_played_where_no_finer_one_is_and_nothing_twice(
    duty: Duty, page: Browser, video_bps: int, size: tuple[int, int], fps: int
) -> None:
    begin = now_us() - 15 * _MINUTE
    device = "drone-7"
    thin = _thinned(video_bps, size, fps)
    fine = piece(Scene("FINE", hue=110), 3, 3)  # with sound: another number of tracks
    kind: dict[str, Any] = {"seconds": 9, "thin": 2, "media_type": thin.media_type}
    duty.file(device, Layer.PROXY, begin, thin.content, **kind)
    for at in (3, 9):
        duty.file(device, Layer.PROXY, begin + at * _S, fine, seconds=3)
    page.wait(f"document.querySelector('.tile[data-key=\"kit-1/{device}/video\"]') !== null")
    page.run(_SAMPLE)
    _open(page, device)
    page.wait(f"{_VIDEO}.videoWidth > 0")
    page.run(
        "document.getElementById('player-scrub').dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Home' }))"
    )
    page.wait(f"{_VIDEO}.currentTime < 3603 && !{_VIDEO}.seeking")
    # Twice as fast: what is played of which does not depend on it.
    page.run(f"{_VIDEO}.defaultPlaybackRate = {_VIDEO}.playbackRate = 2")
    page.run("window.seen.length = 0")
    page.wait(f"{_VIDEO}.currentTime > 3610.5", timeout_s=25)
    assert page.run("window.seen") == ["thin", "fine", "thin", "fine"]
    assert page.run("document.querySelectorAll('.bundle').length") == 3
    assert page.errors == []


def test_a_finer_piece_that_follows_takes_the_place_of_the_thin_one(
    duty: Duty, page: Browser
) -> None:
    begin = now_us() - 15 * _MINUTE
    thin = piece(Scene("THIN", hue=5), 0, 6)
    duty.file("drone-7", Layer.PROXY, begin, thin, seconds=6, thin=2)
    page.wait("document.querySelector('.tile[data-key=\"kit-1/drone-7/video\"]') !== null")
    page.run(_SAMPLE)
    _open(page, "drone-7")
    page.wait("window.seen.at(-1) === 'thin'")
    fine = piece(Scene("FINE", hue=110), 0, 6)
    identity = duty.file("drone-7", Layer.PROXY, begin, fine, seconds=6)
    shown = f"document.querySelector('.bundle[data-bundle=\"{identity}\"]')"
    page.wait(f"{shown} !== null", timeout_s=15)
    assert page.run("document.querySelectorAll('.bundle').length") == 1
    page.run(
        "document.getElementById('player-scrub').dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Home' }))"
    )
    page.wait("window.seen.at(-1) === 'fine'", timeout_s=15)
    assert page.errors == []


def test_a_kits_bearers_are_shown_each_with_its_state(duty: Duty, page: Browser) -> None:
    said = [
        {
            "name": "sat",
            "up": True,
            "rate_bps": 128e3,
            "rtt_ms": 640,
            "loss": 0.02,
            "in_flight_bytes": 900,
        },
        {"name": "lte", "up": False},
        {"name": "mesh", "up": True, "held": True},
    ]
    news = KitNews("kit-1", now_us(), report={"bearers": said}, heard_on={"sat": now_us()})
    duty.catalogue.hear_kits([news])
    duty.feed.publish("kit", {"kit": "kit-1"})
    page.wait("document.querySelector('[data-bearer=sat]') !== null")
    states = "[...document.querySelectorAll('.bearers li')].map((li) => li.dataset.state)"
    assert page.run(states) == ["down", "late", "live"]
    text = page.run("document.querySelector('[data-bearer=sat]').textContent")
    for part in ("128 kbit/s", "round trip 640 ms", "loss 2.0 %", "900 B under way", "heard"):
        assert part in text
