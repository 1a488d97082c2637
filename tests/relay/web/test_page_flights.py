"""Aircraft on the map, and flights played again in step with their video, in a real browser.

One centre and one browser serve all of these; each test opens what it looks at.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from fieldlab.airfield import CORNERS, HOSTILE, Airfield
from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import PASSWORD, now_us, open_duty
from fieldlab.flights import SECOND_US, Craft
from fieldlab.pages import MAP, log_in
from fieldlab.peers import need_program
from fieldlink.codecs.geo import Pose, footprint, frame_centre

_S = SECOND_US
_CARD = "document.getElementById('map-card')"
_FLIGHTS = "document.getElementById('flights').flightsView"
_REPLAY = f"{_FLIGHTS}.replay"
_NOTE = "document.getElementById('replay-note').textContent"
_ROWS = "document.querySelectorAll('.flight-row')"


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airfield]:
    """A centre with aircraft and flights."""
    with open_duty(tmp_path_factory.mktemp("flights") / "centre") as duty:
        yield Airfield(duty)


@pytest.fixture(scope="module")
def page(field: Airfield, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that prefers English, logged in."""
    need_program(browser_program())
    with open_browser(tmp_path_factory.mktemp("profile") / "p") as browser:
        browser.size(1600, 1000)
        log_in(browser, field.duty.url)
        yield browser


def _look(page: Browser, device: str) -> str:
    """Choose an aircraft on the map; its item there."""
    page.click("#view-map")
    page.click(f'.device-row[data-key="kit-1/{device}"]')
    item = f"{MAP}.layer.items.find((each) => each.device?.key === 'kit-1/{device}')"
    page.wait(f"{item} !== undefined && {MAP}.layer.chosen === 'kit-1/{device}'")
    return item


def _open(page: Browser, device: str, flight: str) -> None:
    """Open the replay of a flight, standing at its start."""
    page.click("#view-flights")
    page.click(f'.flight-row[data-key="kit-1/{device}/{flight}"]')
    page.wait(f"{_REPLAY}.key === 'kit-1/{device}/{flight}' && {_REPLAY}.map.points.length > 0")
    page.run(f"{_REPLAY}.playing = false; {_REPLAY}.seek({_REPLAY}.from)")


def _key(page: Browser, key: str) -> None:
    page.run(
        "document.getElementById('replay-scrub').dispatchEvent("
        f"new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))"
    )


def test_the_page_reckons_what_a_camera_sees_as_the_kit_does(page: Browser) -> None:
    chance = random.Random(7)
    poses = [
        Pose(0, *place, height_m=chance.uniform(0, 400), gimbal_pitch=chance.uniform(-110, 20),
             gimbal_yaw=chance.uniform(-180, 360), gimbal_roll=chance.choice((None, 0.0, 12.0)),
             hfov=chance.uniform(10, 100), vfov=chance.uniform(10, 70))
        for place in ((34.23, 108.95), (-33.9, 151.2), (0.0, 179.9995), (69.6, 18.9))
        for _ in range(25)
    ]  # fmt: skip
    poses += [replace(poses[1], hfov=None), replace(poses[1], gimbal_yaw=None)]
    names = ("lat", "lon", "gimbal_pitch", "gimbal_yaw", "gimbal_roll", "hfov", "vfov")
    said = [{name: getattr(p, name) for name in names} | {"height": p.height_m} for p in poses]
    found = page.run(
        "import('/page/map/footprint.js').then((m) => "
        f"{json.dumps(said)}.map((pose) => [m.footprint(pose), m.frameCentre(pose)]))"
    )
    seen = 0
    for pose, (corners, centre) in zip(poses, found, strict=True):
        expected, middle = footprint(pose), frame_centre(pose)
        assert (corners is None, centre is None) == (expected is None, middle is None), pose
        if middle is not None:
            assert centre == pytest.approx(middle, abs=1e-9)
        if expected is not None:
            seen += 1
            flat = [value for corner in corners for value in corner]
            assert flat == pytest.approx([v for corner in expected for v in corner], abs=1e-9)
    assert 30 < seen < len(poses) - 20, "both happen often"


def test_an_aircraft_points_where_its_nose_does_and_says_what_it_has_left(page: Browser) -> None:
    item = _look(page, "m300-1")
    nose = page.run(
        f"import('/page/map/aircraft.js').then((m) => m.directionOf({item}.device, true))"
    )
    yaw = page.run(f"{item}.device.streams.attitude.values.yaw")
    assert nose == yaw != page.run(f"{item}.device.position.heading")
    assert page.run(f"{item}.sight.kind") == "ground"
    said = page.run(f"{_CARD}.textContent")
    for part in (
        "95 %",
        "AUTO",
        "● armed",
        "in the air",
        "50 m",
        "450 m",
        "1.5 % lost",
        "RSSI 190",
    ):
        assert part in said, part
    assert page.run(f"{_CARD}.querySelector('.gauge').dataset.battery") == "good"
    page.wait(f"{_CARD}.querySelector('.air-link .curve-loss') !== null")
    assert "Lost, at most 1.5 %" in page.run(f"{_CARD}.textContent")
    assert page.errors == []


def test_where_only_the_direction_is_known_the_map_shows_no_more(page: Browser) -> None:
    assert page.run(f"{_look(page, 'm300-2')}.sight.kind") == "wedge"
    line = "import('/page/map/aircraft.js').then((m) => [m.batteryState(19), m.batteryState(null),"
    low = page.run(
        f"{line} m.lineOf({{ streams: {{ battery: {{ values: {{ level: 14 }} }} }} }})])"
    )
    assert low == ["low", "unknown", "▲ 14 %"], "a shape and a number beside the colour"


def test_the_newest_still_is_beside_its_aircraft_and_lies_where_it_was_taken(page: Browser) -> None:
    _look(page, "m300-1")
    page.wait(f"{_CARD}.querySelector('.air-still img')?.naturalWidth === 640")
    assert page.run(f"{MAP}.still.shown.corners") == CORNERS
    page.run(f"{MAP}.options.tracks = 'none'; {MAP}.choose('kit-1/m300-1', true)")
    middle = f"{MAP}.view.screen(...{MAP}.projection.to(108.9506, 34.2296))"
    pixel = (
        f"(([x, y]) => [...document.getElementById('map-tracks').getContext('2d')"
        f".getImageData(x, y, 1, 1).data])({middle})"
    )
    page.wait(f"{pixel}[3] === 255")
    page.click("#map-card [data-act=still]")
    page.wait("document.getElementById('player').open")
    page.click("#player-close")
    page.run(f"{MAP}.options.tracks = 'chosen'")


def test_flights_are_listed_filtered_and_told_of_as_they_come(
    field: Airfield, page: Browser
) -> None:
    page.click("#view-flights")
    page.wait(f"{_ROWS}.length === 3")
    row = f".flight-row[data-key='kit-1/m300-1/{field.name}']"
    said = page.run(f'document.querySelector("{row}").textContent')
    for part in ("m300-1", "kit-1", "EXERCISE", "0:59", "50 m", "✓ complete", "▶ video"):
        assert part in said, part
    other = page.run(f"document.querySelector('[data-key$=\"{field.other}\"]').textContent")
    assert "EXERCISE" not in other
    assert "▨ gaps: 1" in other
    assert "no video" in other
    assert "1 of 2 pieces here" in page.run(f"{_ROWS}[2].textContent")
    change = "document.getElementById('flights-device').dispatchEvent(new Event('change'))"
    page.fill("#flights-device", "m300-2")
    page.run(change)
    page.wait(f"{_ROWS}.length === 1 && {_ROWS}[0].dataset.key.includes('m300-2')")
    page.fill("#flights-device", "")
    page.run(change)
    page.wait(f"{_ROWS}.length === 3")
    page.click("#flights-ground")
    page.wait(f"document.querySelector('[data-key$=\"{field.idle}\"]') !== null")
    assert "on the ground" in page.run(f"{_ROWS}[3].textContent")
    page.click("#flights-ground")
    page.wait(f"{_ROWS}.length === 3")
    begun = Craft(field.duty, device="m300-3", now_us=now_us() - 5 * _S, epoch=3)
    name = begun.fly(4, index=False, ended="full")
    field.settle()
    page.wait(f"document.querySelector('[data-key$=\"m300-3/{name}\"]') !== null", timeout_s=5)
    assert "in flight" in page.run(f"{_ROWS}[0].textContent")
    assert page.errors == []


def test_a_replay_moves_the_aircraft_in_step_with_its_video(field: Airfield, page: Browser) -> None:
    _open(page, "m300-1", field.name)
    video = "document.getElementById('replay-video')"
    page.wait(f"{_REPLAY}.video.pieces.length === 4")
    page.wait(f"{_NOTE} === 'No video of this moment.'")
    page.wait(f"{_REPLAY}.video.engine.buffer?.buffered.length > 0")
    far = f"{_REPLAY}.video.engine.seek({field.began} + 51e6), {_REPLAY}.video.engine.positionUs"
    assert page.run(far) - field.began == pytest.approx(51 * _S, abs=_S / 10), "beyond the buffer"
    page.run(f"{_REPLAY}.seek({field.began} + 10.5e6)")
    page.wait(f"{video}.readyState >= 2 && {video}.dataset.there === 'true'")
    _key(page, " ")
    page.wait(f"{_REPLAY}.us > {field.began} + 12e6", timeout_s=15)
    apart = page.run(f"{_REPLAY}.video.engine.positionUs - {_REPLAY}.us")
    assert abs(apart) < 0.6 * _S
    where = page.run(f"{_REPLAY}.track.values({_REPLAY}.us)")
    second = (page.run(f"{_REPLAY}.us") - field.began) / _S
    assert where["lon"] == pytest.approx(108.95 + second * 1080e-7, abs=1080e-7)
    _key(page, " ")
    page.run(f"{_REPLAY}.seek({field.began} + 31.5e6)")
    apart = f"Math.abs({_REPLAY}.video.engine.positionUs - {field.began} - 31.5e6)"
    page.wait(f"{apart} < 1e5 && !{video}.seeking && {video}.readyState >= 2")
    page.run(f"{_REPLAY}.seek({field.began} + 14e6)")
    _key(page, " ")
    page.run("document.querySelector('[data-speed=\"8\"]').click()")
    page.wait(f"{_REPLAY}.us > {field.began} + 18e6", timeout_s=15)  # beyond the video
    page.run(f"{_REPLAY}.seek({field.began} + 50e6)")
    page.wait(f"{_REPLAY}.us >= {field.began} + 59e6 && !{_REPLAY}.playing", timeout_s=25)
    page.run("document.querySelector('[data-speed=\"1\"]').click()")
    assert page.errors == []


def test_a_replay_without_video_says_so_and_goes_on_over_its_gaps(
    field: Airfield, page: Browser
) -> None:
    _open(page, "m300-2", field.other)
    page.wait(f"{_NOTE} === 'No video of this flight.'")
    gap = "document.querySelector('#replay-curves [data-curve=height] .curve-gap')"
    assert "no frames were heard" in page.run(f"{gap}.title")
    label = "document.querySelector('#replay-curves [data-curve=height] .plot-label b').textContent"
    page.run(f"{_REPLAY}.seek({_REPLAY}.from + 45e6)")
    assert page.run(label) == "50 m"
    page.run(f"{_REPLAY}.seek({_REPLAY}.from + 26e6)")
    assert page.run(label) == "unknown"
    path = "document.querySelector('[data-curve=height] .curve-height').getAttribute('d')"
    assert page.run(path).count("M") == 2, "the line breaks at the gap"
    _key(page, "ArrowRight")
    assert page.run(f"{_REPLAY}.us - {_REPLAY}.from") == 36e6
    _key(page, "ArrowUp")
    _key(page, "ArrowUp")
    assert page.run(f"{_REPLAY}.speed") == 4
    _key(page, " ")
    page.wait(f"{_REPLAY}.us >= {_REPLAY}.from + 40e6", timeout_s=10)
    _key(page, " ")
    assert not page.run(f"{_REPLAY}.playing")
    page.run("document.querySelector('[data-speed=\"1\"]').click()")


def test_what_was_said_is_a_mark_that_is_pressed_and_never_markup(
    field: Airfield, page: Browser
) -> None:
    _open(page, "m300-2", field.other)
    kinds = page.run("[...document.querySelectorAll('.replay-mark')].map((m) => m.dataset.kind)")
    assert kinds == ["text", "text", "text", "alarm", "text"]
    page.run("document.querySelectorAll('.replay-mark')[3].click()")
    assert page.run(f"{_REPLAY}.us - {_REPLAY}.from") == 40e6
    assert "Aircraft failsafe · battery" in page.run(
        "document.getElementById('replay-tip').textContent"
    )
    page.run("document.querySelectorAll('.replay-mark')[1].click()")
    assert page.run(f"{_REPLAY}.us - {_REPLAY}.from") == 15e6
    assert HOSTILE in page.run("document.getElementById('replay-tip').textContent")
    assert page.run("document.querySelector('img[onerror]')") is None


def test_a_flight_is_taken_away_as_tlog_kml_and_gpx(field: Airfield, page: Browser) -> None:
    _open(page, "m300-1", field.name)
    links = page.run("[...document.querySelectorAll('#replay-downloads a')].map((a) => a.href)")
    with httpx.Client(verify=False, headers={"origin": field.duty.url}) as client:  # noqa: S501
        who = {"name": "duty", "password": PASSWORD}
        assert client.post(f"{field.duty.url}/api/login", json=who).status_code == 200
        found = [client.get(link) for link in links]
    assert [each.status_code for each in found] == [200, 200, 200]
    assert [b"\xfd" in found[0].content, b"<kml" in found[1].content] == [True, True]
    assert b"<gpx" in found[2].content


def test_no_screen_cuts_a_button_of_the_top_off(field: Airfield, page: Browser) -> None:
    page.run("document.querySelector('#incident').append(new Option('名'.repeat(60), 'x', 1, 1))")
    page.run("document.getElementById('clock-t0').textContent = 'T0 12:00:00 · until '.repeat(4)")
    right = "Math.max(...[...document.querySelectorAll('.top button')].map((e) =>"
    right += " e.getBoundingClientRect().right))"
    for width in (1280, 1366, 1600, 1920):
        page.size(width, 720)
        assert page.run(right) <= width
        assert page.run("document.getElementById('incident').clientWidth") >= 110, width
    page.size(1600, 1000)


def test_chinese_is_spoken_and_a_phone_holds_list_and_replay(
    field: Airfield, page: Browser
) -> None:
    _open(page, "m300-1", field.name)
    page.click("#duty .language")
    page.wait("document.getElementById('flights').textContent.includes('飞行记录')")
    assert "演练 · 完整 · 已上锁" in page.run("document.getElementById('replay-whole').textContent")
    page.size(390, 844, mobile=True)
    page.click("nav [data-tab=flights]")
    boxes = "[...document.querySelectorAll('#flights button, #flights select, #flights a')]"
    right = f"Math.max(...{boxes}.map((e) => e.getBoundingClientRect().right))"
    assert page.run("document.documentElement.scrollWidth") <= 390
    assert page.run(right) <= 390
    below = "['.replay-map', '.replay-screen', '.replay-controls', '.replay-plots'].map((name) =>"
    tops = page.run(f"{below} document.querySelector(name).getBoundingClientRect().top)")
    bottoms = page.run(f"{below} document.querySelector(name).getBoundingClientRect().bottom)")
    assert all(bottom <= top + 1 for bottom, top in zip(bottoms, tops[1:], strict=False))
    page.click("#replay-close")
    page.wait(f"{_ROWS}[0].getClientRects().length > 0")
    page.size(1600, 1000)
    page.click("#duty .language")
    assert page.errors == []
