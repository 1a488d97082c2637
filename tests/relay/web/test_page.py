"""The duty wall in a real browser: headless Chromium against a real centre with real media."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import PASSWORD, Duty, now_us
from fieldlab.footage import H264_TYPE, Scene, piece, still
from fieldlab.peers import need_program
from fieldlink.codecs.bundle import Layer

_PAGE = Path(__file__).parents[3] / "relay" / "web" / "page"
_OURS = sorted(path for path in _PAGE.rglob("*.*") if "vendor" not in path.parts)
_SCENE = Scene("BALL-1")
_VIDEO = "document.getElementById('player-video')"
_LOGIN_SHOWN = "!document.getElementById('login').hidden"


@pytest.fixture(scope="module")
def pieces() -> list[bytes]:
    """Twelve seconds of AV1 with Opus in three pieces."""
    return [piece(_SCENE, at * 4.0, 4.0) for at in range(3)]


@pytest.fixture
def page(duty: Duty, tmp_path: Path) -> Iterator[Browser]:
    """A browser that prefers English, on the login page."""
    need_program(browser_program())
    with open_browser(tmp_path / "profile") as browser:
        browser.size(1920, 1080)
        browser.language("en-US")
        browser.go(duty.url)
        browser.wait(_LOGIN_SHOWN)
        yield browser


def _log_in(page: Browser) -> None:
    page.fill("#login-password", PASSWORD)
    page.click("#login-form .primary")
    page.wait("!document.getElementById('duty').hidden")


def _add_still(duty: Duty, device: str, at_us: int) -> str:
    picture = still(Scene(device.upper()), at_us % 1000)
    return duty.file(device, Layer.STILL, at_us, picture, media_type="image/avif")


def _add_pieces(duty: Duty, pieces: list[bytes], begin_us: int) -> None:
    for number, content in enumerate(pieces):
        duty.file("ball-1", Layer.PROXY, begin_us + number * 4_000_000, content, seconds=4)


def _picture_of(bundle: str) -> str:
    return f"""[...document.querySelectorAll('.tile img')].some((image) =>
        image.src.includes('{bundle}') && image.naturalWidth === 640 && !image.hidden)"""


def test_a_wrong_password_is_said_to_be_wrong_and_a_right_one_opens_the_wall(page: Browser) -> None:
    page.fill("#login-password", "not-the-password")
    page.click("#login-form .primary")
    assert "Wrong" in page.wait("document.getElementById('login-fault').textContent")
    _log_in(page)
    page.wait("document.querySelector('.empty') !== null")


def test_the_wall_shows_the_newest_stills_and_a_new_one_without_reloading(
    duty: Duty, page: Browser
) -> None:
    first = _add_still(duty, "ball-1", now_us() - 5_000_000)
    other = _add_still(duty, "drone-7", now_us() - 90_000_000)
    _log_in(page)
    page.wait(_picture_of(first))
    page.wait(_picture_of(other))
    states = page.run("[...document.querySelectorAll('.tile')].map((tile) => tile.dataset.state)")
    assert states == ["live", "late"]
    page.run("window.notReloaded = true")
    fresh = _add_still(duty, "ball-1", now_us())
    page.wait(_picture_of(fresh), timeout_s=6)
    assert page.run("window.notReloaded") is True
    assert page.errors == []


def test_the_age_of_a_picture_counts_up(duty: Duty, page: Browser) -> None:
    _add_still(duty, "ball-1", now_us() - 20_000_000)
    _log_in(page)
    age = "parseInt(document.querySelector('.age')?.textContent)"
    before = page.wait(age)
    page.wait(f"{age} >= {before + 2}", timeout_s=6)


def test_a_click_plays_the_proxy_and_follows_what_arrives(
    duty: Duty, page: Browser, pieces: list[bytes]
) -> None:
    begin = now_us() - 12_000_000
    _add_still(duty, "ball-1", begin)
    _add_pieces(duty, pieces[:2], begin)
    _log_in(page)
    page.wait("document.querySelector('.tile .picture') !== null")
    page.click(".tile .picture")
    page.wait(f"{_VIDEO}.videoWidth === 640 && {_VIDEO}.currentTime > 0 && !{_VIDEO}.paused")
    before = page.run(f"{_VIDEO}.currentTime")
    page.wait(f"{_VIDEO}.currentTime > {before} + 1")
    seen = f"{_VIDEO}.buffered.length && {_VIDEO}.buffered.end({_VIDEO}.buffered.length - 1)"
    end = page.run(seen)
    duty.file("ball-1", Layer.PROXY, begin + 8_000_000, pieces[2], seconds=4)
    page.wait(f"{seen} > {end} + 3", timeout_s=10)
    assert page.run("document.querySelectorAll('.bundle').length") == 3
    assert page.run("document.querySelector('.bundle dl').textContent.includes('wwan0')")
    assert page.errors == []


def test_the_player_jumps_over_a_gap_between_pieces(
    duty: Duty, page: Browser, pieces: list[bytes]
) -> None:
    begin = now_us() - 120_000_000
    _add_pieces(duty, pieces[:1], begin)
    duty.file("ball-1", Layer.PROXY, begin + 60_000_000, pieces[1], seconds=4)
    duty.file_gap("ball-1", begin + 4_000_000, begin + 60_000_000, "source: connection refused")
    _log_in(page)
    page.wait("document.querySelector('.tile .picture') !== null")
    page.click(".tile .picture")
    page.wait(f"{_VIDEO}.currentTime > 3600 && !{_VIDEO}.paused")
    page.wait(f"{_VIDEO}.currentTime > 3660.2", timeout_s=15)
    assert "56" in page.run("document.getElementById('player-tip').textContent")
    assert page.errors == []


def test_originals_play_and_stills_are_looked_through(
    duty: Duty, page: Browser, pieces: list[bytes]
) -> None:
    begin = now_us() - 20_000_000
    stills = [_add_still(duty, "ball-1", begin + at * 5_000_000) for at in range(3)]
    _add_pieces(duty, pieces, begin)
    original = piece(_SCENE, 0, 4, codec="h264")
    duty.file("ball-1", Layer.ORIGINAL, begin, original, seconds=4, media_type=H264_TYPE)
    _log_in(page)
    page.wait("document.querySelector('.tile .picture') !== null")
    page.click(".tile .picture")
    page.wait(f"{_VIDEO}.videoWidth === 640")
    shown = "document.getElementById('player-still')"
    page.click("[data-layer=still][role=radio]")
    page.wait(f"{shown}.src.includes('{stills[-1]}') && {shown}.naturalWidth === 640")
    page.click("#player-back")
    page.wait(f"{shown}.src.includes('{stills[-2]}')")
    if page.run(f"MediaSource.isTypeSupported({json.dumps(H264_TYPE)})"):
        page.click("[data-layer=original][role=radio]")
        page.wait(f"{_VIDEO}.videoWidth === 640 && {_VIDEO}.currentTime > 3600")
    assert page.errors == []


def test_a_piece_that_cannot_be_played_is_named_and_the_next_one_plays(
    duty: Duty, page: Browser, pieces: list[bytes]
) -> None:
    begin = now_us() - 30_000_000
    duty.file("ball-1", Layer.PROXY, begin, b"\0\0\0\x08moov" * 50, seconds=4)
    duty.file("ball-1", Layer.PROXY, begin + 4_000_000, pieces[0], seconds=4)
    _log_in(page)
    page.wait("document.querySelector('.tile .picture') !== null")
    page.click(".tile .picture")
    page.wait(f"{_VIDEO}.videoWidth === 640 && {_VIDEO}.currentTime > 3604", timeout_s=15)


def test_a_gap_is_seen_on_the_wall_and_its_reason_is_told(duty: Duty, page: Browser) -> None:
    now = now_us()
    _add_still(duty, "ball-1", now - 200_000_000)
    hostile = "source: <img src=x onerror=alert(1)> refused"
    duty.file_gap("ball-1", now - 190_000_000, now - 60_000_000, hostile)
    _log_in(page)
    page.wait("document.querySelector('.tile .bars .gap')?.getBoundingClientRect().width > 10")
    assert "1" in page.run("document.querySelector('.gap-mark').textContent")
    page.click(".tile .bars .gap")
    assert hostile in page.run("document.querySelector('.tile .tip').textContent")
    page.wait(f"document.getElementById('gaps').textContent.includes({json.dumps(hostile)})")
    assert page.run("document.querySelector('img[onerror]')") is None


def test_the_window_counts_down_and_turns_red_when_it_is_over(duty: Duty, page: Browser) -> None:
    duty.catalogue.open_incident("Slide", now_us() - 200_000_000, 3600_000_000)
    _log_in(page)
    clock = "document.getElementById('clock-value').textContent"
    first = page.wait(f"/^00:56:/.test({clock}) && {clock}")
    page.wait(f"{clock} < {json.dumps(first)}")
    over = duty.catalogue.open_incident("Over", now_us() - 100_000_000, 60_000_000)
    duty.feed.publish("incident", {"incident": over.id})
    page.wait("document.getElementById('clock').dataset.state === 'over'")
    assert page.run(clock).startswith("+00:00:4")


def test_an_incident_is_started_and_closed_from_the_page(duty: Duty, page: Browser) -> None:
    _log_in(page)
    page.wait("document.getElementById('incident').options.length === 1")
    page.fill("#incident-name", "G544 山体滑坡")
    page.fill("#incident-window", "90")
    page.click("#incident-form .primary")
    page.wait("document.getElementById('incident').selectedOptions[0].text === 'G544 山体滑坡'")
    (opened, _standing) = duty.catalogue.incidents()
    assert opened.window_us == 5400_000_000
    page.click("#incident-close")
    assert duty.catalogue.incidents()[0].closed_us is None, "one press does not close it"
    page.click("#incident-close")
    page.wait("document.getElementById('clock').dataset.state === 'closed'")
    assert duty.catalogue.incidents()[0].closed_us is not None


def test_the_language_follows_the_browser_and_a_switch_is_remembered(
    duty: Duty, page: Browser
) -> None:
    assert page.run("document.documentElement.lang") == "en"
    page.language("zh-CN")
    page.go(duty.url)
    page.wait(f"document.documentElement.lang === 'zh-CN' && {_LOGIN_SHOWN}")
    assert page.run("document.querySelector('#login-form .primary').textContent") == "登录"
    _log_in(page)
    page.click("#duty .language")
    assert page.run("document.getElementById('logout').textContent") == "Log out"
    page.go(duty.url)
    page.wait("document.getElementById('logout').textContent === 'Log out'")


def test_a_lost_centre_is_said_to_be_lost(duty: Duty, page: Browser) -> None:
    _log_in(page)
    page.wait("document.querySelector('.empty') !== null")
    page.ask("Network.enable")
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.ask("Network.emulateNetworkConditions", offline)
    page.wait("!document.getElementById('lost').hidden", timeout_s=15)
    page.ask("Network.emulateNetworkConditions", {**offline, "offline": False} | _OPEN)
    page.wait("document.getElementById('lost').hidden", timeout_s=15)


_OPEN = {"downloadThroughput": -1, "uploadThroughput": -1}


def test_a_phone_sees_every_panel_without_scrolling_sideways(duty: Duty, page: Browser) -> None:
    opened = duty.catalogue.open_incident("A long name of an incident on the road G544", now_us())
    duty.incident = opened.id
    _add_still(duty, "ball-1", now_us())
    duty.catalogue.log_event("denied", "kit-1", "x" * 400, now_us())
    page.size(390, 844, mobile=True)
    _log_in(page)
    page.wait("document.querySelector('.tile') !== null")
    for tab in ("wall", "gaps", "events", "kits", "incidents"):
        page.click(f"nav [data-tab={tab}]")
        assert page.run("document.documentElement.scrollWidth") <= 390, tab
        shown = "wall" if tab == "wall" else f"panel-{tab}"
        assert page.run(f"document.getElementById('{shown}').getClientRects().length") > 0, tab


def test_both_languages_have_the_same_words_and_every_word_used_exists() -> None:
    english = json.loads((_PAGE / "strings.en.json").read_text())
    chinese = json.loads((_PAGE / "strings.zh.json").read_text())
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert text.strip()
        assert chinese[key].strip()
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key
    sources = [path.read_text() for path in _OURS if path.suffix in {".js", ".html"}]
    used = {
        key
        for source in sources
        for found in re.findall(r'\bt\("([\w.]+)"|data-t(?:-label)?="([\w.]+)"', source)
        for key in found
        if key
    }
    assert len(used) > 50
    assert used <= english.keys(), used - english.keys()


def test_the_page_never_writes_markup_from_text_and_loads_nothing_from_elsewhere() -> None:
    for path in _OURS:
        source = path.read_text()
        banned = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
        assert not [word for word in banned if word in source], path.name
        links = set(re.findall(r"https?://[^\"'\s)]+", source))
        assert links <= {"http://www.w3.org/2000/svg"}, path.name
    html = (_PAGE / "index.html").read_text()
    assert "<script>" not in html
    assert " style=" not in html
