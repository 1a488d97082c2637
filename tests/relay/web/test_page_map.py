"""The map and the alarms in a real browser, against a real centre that holds real telemetry.

One centre and one browser serve all of these: each test goes on where the one before stopped.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import PASSWORD, Duty, now_us, open_duty
from fieldlab.fleet import Fleet, Member
from fieldlab.footage import Scene, still
from fieldlab.peers import need_program
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.geo import gcj02_to_wgs84, wgs84_to_gcj02
from fieldlink.codecs.telemetry import AlarmKind, Phase

_S = 1_000_000
_HOSTILE = "<img src=x onerror=alert(1)> 救命"
_MAP = "document.getElementById('map').mapView"
_ROW = "document.querySelector('.device-row[data-key=\"{}\"]')"
_BANNER = "document.getElementById('alarm-banner')"
_CARD = "document.getElementById('map-card')"


class Site:
    """A centre with a fleet, and what happens there."""

    def __init__(self, duty: Duty) -> None:
        self.duty = duty
        self.fleet = Fleet(duty, devices=8, kits=1, start_us=now_us() - 600 * _S)
        mates = self.fleet.members["kit-1"]
        old = Member("kit-1", "sensor-9", "sensor", 342_400_000, 1_089_300_000, 1, 0.0)
        mates.append(old)
        self.fleet.tick(100)
        mates.remove(old)
        self.fleet.tick(500)
        duty.telemetry.settle()
        picture = still(Scene("S"), 1.0)
        duty.file("soldier-1", Layer.STILL, now_us(), picture, media_type="image/avif")

    def second(self) -> None:
        """One second goes by, now."""
        self.fleet.now_us = now_us() - _S
        self.fleet.tick()
        self.duty.telemetry.settle()

    def alarm(self, device: str, kind: AlarmKind, ident: bytes, **fields: Any) -> None:
        """An alarm, now."""
        self.fleet.now_us = now_us()
        self.fleet.alarm("kit-1", device, kind, ident=ident, **fields)
        self.duty.telemetry.settle()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Nine devices of one kit, ten minutes of each but one, which went silent."""
    with open_duty(tmp_path_factory.mktemp("map") / "centre") as duty:
        yield Site(duty)


@pytest.fixture(scope="module")
def page(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that prefers English, logged in, before the map."""
    need_program(browser_program())
    with open_browser(tmp_path_factory.mktemp("profile") / "p") as browser:
        browser.size(1600, 1000)
        _log_in(browser, site.duty.url)
        yield browser


def _log_in(page: Browser, url: str) -> None:
    page.language("en-US")
    page.go(url)
    page.wait("document.getElementById('login')?.hidden === false")
    page.fill("#login-password", PASSWORD)
    page.click("#login-form .primary")
    page.wait("!document.getElementById('duty').hidden")


def _shown(page: Browser) -> None:
    page.click("#view-map")
    page.wait(f"{_MAP}.layer.items.length > 0")


def _position(device: str) -> str:
    found = f"{_MAP}.fleet.devices.get('kit-1/{device}')"
    return f"[{found}.position.lat, {found}.position.lon, {found}.position.time_us]"


def test_devices_are_on_the_map_and_in_the_list_below_the_strict_policy(
    site: Site, page: Browser
) -> None:
    _shown(page)
    assert page.run("document.getElementById('map').dataset.ground") == "flat", "no tiles are set"
    loaded = page.run("performance.getEntriesByType('resource').map((e) => e.name).join()")
    assert "vendor" not in loaded
    assert page.run(f"{_MAP}.fleet.devices.size") == 9
    assert page.run("document.querySelectorAll('.device-row').length") == 9
    drawn = page.run(f"{_MAP}.layer.items.reduce((n, each) => n + (each.devices?.length ?? 1), 0)")
    assert drawn == 9
    assert page.run("document.getElementById('map-scale').textContent").endswith("m")
    assert page.errors == []


def test_news_moves_a_device_without_asking_for_everything(site: Site, page: Browser) -> None:
    before = page.run(_position("soldier-1"))
    site.second()
    page.wait(f"{_position('soldier-1')}[2] > {before[2]}", timeout_s=5)
    moved = page.run(_position("soldier-1"))
    assert moved[:2] != before[:2]
    asked = "performance.getEntriesByType('resource').map((e) => e.name)"
    latest = [url for url in page.run(asked) if "/telemetry/latest" in url]
    assert len([url for url in latest if "since=" not in url]) == 1, latest


def test_a_device_tells_all_that_is_known_of_it(site: Site, page: Browser) -> None:
    page.run(f"{_ROW.format('kit-1/soldier-1')}.click()")
    page.wait(f"{_CARD}.querySelectorAll('.spark').length >= 2")
    said = page.run(f"{_CARD}.textContent")
    for part in ("± 2.5 m", "GNSS", "14 satellites", "time ± 0.020 s", "Simulated: an exercise."):
        assert part in said, part
    for part in ("Heart rate", "/min", "Oxygen saturation", "upright", "Charge", "Voltage"):
        assert part in said, part
    page.wait(f"{_CARD}.querySelector('[data-act=camera-0]') !== null", timeout_s=8)
    page.wait(f"{_MAP}.tracks.known.get('kit-1/soldier-1')?.points.length > 20")
    page.click("#map-card [data-act=follow]")
    middle = f"(() => {{ const m = {_MAP}; const d = m.fleet.devices.get('kit-1/soldier-1');"
    middle += " return Math.hypot(m.view.x - d.x, m.view.y - d.y) * m.view.scale })()"
    page.wait(f"{middle} < 2")
    page.click("#map-card .card-close")
    assert page.run(f"{_CARD}.hidden")
    assert page.errors == []


def test_the_list_is_searched_and_filtered_and_the_map_with_it(page: Browser) -> None:
    page.run(
        "(() => { const node = document.getElementById('map-search'); node.value = 'VEHICLE';"
        " node.dispatchEvent(new Event('input')); })()"
    )
    rows = "[...document.querySelectorAll('.device-row')].map((row) => row.dataset.key)"
    found = page.run(rows)
    assert found
    assert all("vehicle" in key for key in found)
    drawn = f"{_MAP}.layer.items.flatMap((each) => each.devices ?? [each.device])"
    assert page.run(f"{drawn}.every((device) => device.kind === 'vehicle')")
    page.run(
        "(() => { const node = document.getElementById('map-search'); node.value = '';"
        " node.dispatchEvent(new Event('input')); })()"
    )
    page.click("#map-kinds [data-kind=soldier]")
    assert all("soldier" in key for key in page.run(rows))
    page.click("#map-kinds [data-kind=soldier]")
    assert len(page.run(rows)) == 9


def test_what_is_old_is_grey_and_says_how_old(page: Browser) -> None:
    row = _ROW.format("kit-1/sensor-9")
    page.click("#map-fit")
    assert page.run(f"{row}.dataset.state") == "stale"
    assert page.run(f"{row}.querySelector('.row-age').textContent").startswith("8:")
    assert page.run(f"{_ROW.format('kit-1/soldier-1')}.dataset.state") == "fresh"
    item = f"{_MAP}.layer.items.find((each) => each.device?.key === 'kit-1/sensor-9')"
    page.wait(f"{item}?.state === 'stale'")
    page.wait(f"{item}?.label?.image.height > 24")  # two lines: its name and its age


def test_where_a_station_stands_does_not_grow_old_while_it_speaks(page: Browser) -> None:
    def state(fix: int, heard_s: int) -> object:
        device = f"{{position: {{fix: {fix}, time_us: now - 3e9}}, heard_us: now - {heard_s}e6}}"
        return page.run(
            "import('/page/map/fleet.js').then(({ stateOf }) =>"
            f" {{ const now = Date.now() * 1000; return stateOf({device}, now); }})"
        )

    assert state(7, 2) == "fresh"  # its place was typed in, and is said once an hour
    assert state(7, 400) == "stale"  # it went silent
    assert state(1, 2) == "stale"  # whoever moves may be anywhere by now


def test_an_alarm_says_its_limit_with_the_unit(page: Browser) -> None:
    def said(alarm: str) -> object:
        return page.run(f"import('/page/alarms/entry.js').then((m) => m.whatText({alarm}))")

    assert said("{ value: '121', limit: '120', unit: 's' }") == "121 s · limit 120 s"
    assert said("{ value: '48', limit: '55', unit: 'bar' }") == "48 bar · limit 55 bar"


def test_an_alarm_is_above_every_view_and_calms_down_when_acknowledged(
    site: Site, page: Browser
) -> None:
    page.click("#view-wall")
    site.alarm("soldier-1", AlarmKind.SOS, b"alarm-01", text=_HOSTILE)
    page.wait(f"!{_BANNER}.hidden", timeout_s=5)
    said = page.run(f"{_BANNER}.textContent")
    for part in ("SOS", "EXERCISE", "soldier-1", "kit-1", _HOSTILE, "°N", "°E"):
        assert part in said, part
    assert page.run("document.querySelector('img[onerror]')") is None
    assert "SOS" in page.run("document.getElementById('alarm-live').textContent")
    page.wait("document.title.startsWith('▲ SOS')", timeout_s=4)
    for view in ("window", "map"):
        page.click(f"#view-{view}")
        assert page.run(f"{_BANNER}.getBoundingClientRect().height") > 40, view
    page.wait("document.querySelector('.pulse')?.dataset.calm === 'false'")
    page.click("#alarm-banner [data-act=map]")
    page.wait(f"{_MAP}.layer.chosen === 'kit-1/soldier-1'")
    page.click("#alarm-banner [data-act=acknowledge]")
    assert page.run("document.activeElement.className") == "alarm-note"
    page.fill("#alarm-banner .alarm-note", "<b>told</b> 消防")
    page.click("#alarm-banner .alarm-form .primary")
    page.wait(f"{_BANNER}.hidden")
    page.wait("document.querySelector('.pulse').dataset.calm === 'true'")
    [stored] = site.duty.catalogue.alarms(active_only=True)
    assert (stored.acknowledged_by, stored.note) == ("duty", "<b>told</b> 消防")
    assert page.run("document.getElementById('alarm-bell').dataset.state") == "calm"
    page.wait("!document.title.startsWith('▲')", timeout_s=4)


def test_an_acknowledged_alarm_stays_listed_until_it_is_cleared(site: Site, page: Browser) -> None:
    page.click("#alarm-bell")
    rows = "document.querySelectorAll('#alarm-list .alarm')"
    page.wait(f"{rows}.length === 1")
    assert "<b>told</b> 消防" in page.run("document.getElementById('alarm-list').textContent")
    page.click("#alarm-list [data-act=clear]")
    page.click("#alarm-list .alarm-form .primary")
    page.wait(f"{rows}.length === 0")
    page.click("#alarm-tab-history")
    page.wait(f"{rows}.length === 1 && {rows}[0].dataset.state === 'cleared'")
    page.run(
        "document.getElementById('alarm-panel').dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Escape' }))"
    )
    assert page.run("document.getElementById('alarm-panel').hidden")
    assert page.run("document.activeElement.id") == "alarm-bell"
    page.wait("document.querySelector('.pulse') === null")


def test_the_sound_says_whether_it_can_be_heard_and_is_muted_visibly(
    site: Site, page: Browser
) -> None:
    state = "document.getElementById('alarm-sound').dataset.state"
    page.ask("Input.dispatchKeyEvent", {"type": "keyDown", "key": "Shift"})  # a gesture
    page.wait(f"{state} === 'on'")
    page.click("#alarm-sound")
    assert page.run(state) == "muted"
    assert "Muted" in page.run("document.getElementById('alarm-sound').textContent")
    page.click("#alarm-sound")
    assert page.run(state) == "on"


def test_an_alarm_is_seen_above_the_player_until_somebody_saw_that_it_was(
    site: Site, page: Browser
) -> None:
    page.click("#view-wall")
    page.wait("document.querySelector('.tile .picture') !== null")
    page.click(".tile .picture")
    page.wait("document.getElementById('player').open")
    site.alarm("soldier-5", AlarmKind.GAS, b"alarm-02", subject="air.co", value="62", unit="ppm")
    page.wait(f"!{_BANNER}.hidden && {_BANNER}.closest('#player') !== null", timeout_s=5)
    assert "Carbon monoxide CO 62 ppm" in page.run(f"{_BANNER}.textContent")
    site.alarm("soldier-5", AlarmKind.GAS, b"alarm-02", phase=Phase.CLEARED)
    page.wait(f"{_BANNER}.textContent.includes('over on site')", timeout_s=5)
    page.click("#alarm-banner [data-act=acknowledge]")
    page.click("#alarm-banner .alarm-form .primary")
    page.wait(f"{_BANNER}.hidden", timeout_s=5)
    page.click("#player-close")
    page.wait(f"{_BANNER}.closest('#player') === null")
    assert page.errors == []


def test_a_map_that_was_opened_while_the_centre_was_gone_comes_when_it_is_back(
    site: Site, page: Browser
) -> None:
    page.go(site.duty.url)
    page.wait("document.getElementById('duty')?.hidden === false")
    page.wait(f"{_MAP} !== undefined")
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.ask("Network.enable")
    page.ask("Network.emulateNetworkConditions", {"offline": True, **offline})
    page.click("#view-map")
    page.wait(f"{_MAP}.making === false && {_MAP}.ground === undefined")
    page.ask("Network.emulateNetworkConditions", {"offline": False, **offline})
    page.wait(f"{_MAP}.layer.items.length > 0", timeout_s=8)
    page.errors.clear()  # the browser's own word for each request that failed


def test_chinese_is_spoken_and_a_phone_has_a_sheet_for_the_list(page: Browser) -> None:
    page.click("#duty .language")
    page.click("#view-map")
    page.wait("document.querySelector('#map-kinds').textContent.includes('单兵')")
    page.run(f"{_ROW.format('kit-1/soldier-1')}.click()")
    page.wait(f"{_CARD}.textContent.includes('心率') && {_CARD}.textContent.includes('次/分')")
    page.size(390, 844, mobile=True)
    page.click("nav [data-tab=map]")
    for _ in range(2):
        assert page.run("document.documentElement.scrollWidth") <= 390
        right = (
            "[...document.querySelectorAll('#duty button')].map((e) => e.getBoundingClientRect())"
        )
        assert (
            page.run(f"Math.max(...{right}.filter((r) => r.top < 200).map((r) => r.right))") <= 390
        )
        assert page.run(f"{_CARD}.getBoundingClientRect().width") in (0, 390)
        page.run(f"{_CARD}.hidden || document.querySelector('.card-close').click()")
    page.click("#map-sheet")
    assert page.run("document.getElementById('map-list').getClientRects().length") > 0
    page.size(1600, 1000)
    page.click("#duty .language")


def test_positions_for_a_gcj02_map_are_shifted_as_the_codec_does(page: Browser) -> None:
    places = [(34.27, 108.95), (22.54, 114.05), (45.75, 126.63), (51.5, -0.12), (39.9, 116.4)]
    found = page.run(
        "import('/page/map/geo.js').then((geo) => "
        f"{json.dumps(places)}.map(([lat, lon]) => [geo.gcjFromWgs(lon, lat),"
        " geo.wgsFromGcj(lon, lat), geo.projection('gcj02').from("
        "...geo.projection('gcj02').to(lon, lat))]))"
    )
    for (lat, lon), (shifted, back, same) in zip(places, found, strict=True):
        assert shifted[::-1] == pytest.approx(wgs84_to_gcj02(lat, lon), abs=1e-9)
        assert back[::-1] == pytest.approx(gcj02_to_wgs84(lat, lon), abs=1e-8)
        assert same[::-1] == pytest.approx((lat, lon), abs=1e-8)


def test_the_plain_ground_is_moved_zoomed_and_clicked(page: Browser) -> None:
    page.click("#view-map")
    page.click("#map-kinds [data-kind=soldier]")
    page.click("#map-kinds [data-kind=soldier]")
    page.run(f"{_MAP}.choose(null); {_MAP}.fitAll(true)")
    before = page.run(f"[{_MAP}.view.x, {_MAP}.view.zoom]")
    for kind, x in (("mousePressed", 500), ("mouseMoved", 560), ("mouseReleased", 560)):
        event = {"type": kind, "x": x, "y": 500, "button": "left", "buttons": 1, "clickCount": 1}
        page.ask("Input.dispatchMouseEvent", event)
    assert page.run(f"{_MAP}.view.x") < before[0]
    page.click("#map-in")
    assert page.run(f"{_MAP}.view.zoom") == pytest.approx(before[1] + 1)
    page.run(f"{_MAP}.fitAll(true)")
    place = page.run(
        f"(() => {{ const item = {_MAP}.layer.items.find((each) => each.device);"
        " const box = document.getElementById('map-ground').getBoundingClientRect();"
        f" return [item.device.key, item.px + box.x, item.py + box.y]; }})()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "x": place[1], "y": place[2], "button": "left", "clickCount": 1}
        page.ask("Input.dispatchMouseEvent", event)
    assert page.run(f"{_MAP}.layer.chosen") == place[0]
    assert page.errors == []
