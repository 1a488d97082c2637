"""The map in a real browser, against a real centre that holds real telemetry.

One centre and one browser serve all of these, so that each begins by opening what it looks at.
"""

import json
from collections.abc import Iterator

import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import open_duty
from fieldlab.pages import MAP, ROW, ROWS, Site, log_in, press, show_map
from fieldlab.peers import need_program
from fieldlink.codecs.geo import gcj02_to_wgs84, wgs84_to_gcj02

_CARD = "document.getElementById('map-card')"


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
        log_in(browser, site.duty.url)
        yield browser


def _position(device: str) -> str:
    found = f"{MAP}.fleet.devices.get('kit-1/{device}')"
    return f"[{found}.position.lat, {found}.position.lon, {found}.position.time_us]"


def test_devices_are_on_the_map_and_in_the_list_below_the_strict_policy(
    site: Site, page: Browser
) -> None:
    show_map(page)
    assert page.run("document.getElementById('map').dataset.ground") == "flat", "no tiles are set"
    loaded = page.run("performance.getEntriesByType('resource').map((e) => e.name).join()")
    assert "vendor" not in loaded
    assert page.run(f"{MAP}.fleet.devices.size") == 9
    drawn = page.run(f"{MAP}.layer.items.reduce((n, each) => n + (each.devices?.length ?? 1), 0)")
    assert drawn == 9
    assert page.run("document.getElementById('map-scale').textContent").endswith("m")
    assert page.errors == []


def test_news_moves_a_device_without_asking_for_everything(site: Site, page: Browser) -> None:
    show_map(page)
    before = page.run(_position("soldier-1"))
    site.second()
    page.wait(f"{_position('soldier-1')}[2] > {before[2]}", timeout_s=5)
    moved = page.run(_position("soldier-1"))
    assert moved[:2] != before[:2]
    asked = "performance.getEntriesByType('resource').map((e) => e.name)"
    latest = [url for url in page.run(asked) if "/telemetry/latest" in url]
    assert len([url for url in latest if "since=" not in url]) == 1, latest


def test_a_device_tells_all_that_is_known_of_it(site: Site, page: Browser) -> None:
    show_map(page)
    page.click('.device-row[data-key="kit-1/soldier-1"]')
    page.wait(f"{_CARD}.querySelectorAll('.spark').length >= 2")
    said = page.run(f"{_CARD}.textContent")
    for part in ("± 2.5 m", "GNSS", "14 satellites", "time ± 0.020 s", "Simulated: an exercise."):
        assert part in said, part
    for part in ("Heart rate", "/min", "Oxygen saturation", "upright", "Charge", "Voltage"):
        assert part in said, part
    page.wait(f"{_CARD}.querySelector('[data-act=camera-0]') !== null", timeout_s=8)
    page.wait(f"{MAP}.tracks.known.get('kit-1/soldier-1')?.points.length > 20")
    page.click("#map-card [data-act=follow]")
    middle = f"(() => {{ const m = {MAP}; const d = m.fleet.devices.get('kit-1/soldier-1');"
    middle += " return Math.hypot(m.view.x - d.x, m.view.y - d.y) * m.view.scale })()"
    page.wait(f"{middle} < 2")
    page.click("#map-card .card-close")
    assert page.run(f"{_CARD}.hidden")
    assert page.errors == []


def test_a_press_is_a_click_although_the_list_is_put_in_order_meanwhile(page: Browser) -> None:
    show_map(page)
    keys = page.run(f"[...{ROWS}].map((row) => row.dataset.key)")
    alarmed = f"{MAP}.fleet.alarmed(new Map({{}})); {MAP}.list.draw(null)"
    page.run(alarmed.format(f"[['{keys[-1]}', {{ calm: true, kind: 'sos' }}]]"))
    page.wait(f"{ROWS}[0].dataset.key === '{keys[-1]}'")
    row = ROW.format(keys[3])
    page.run(f"{row}.focus()")
    press(page, "Pressed", row)
    page.run(alarmed.format("[]"))
    press(page, "Released", row)
    page.wait(f"{MAP}.layer.chosen === '{keys[3]}'", timeout_s=5)
    page.wait(f"{ROWS}[0].dataset.key === '{keys[0]}'", timeout_s=5)
    assert page.run("document.activeElement.dataset.key") == keys[3]
    follow = f"{_CARD}.querySelector('[data-act=follow]')"
    page.run(f"{_CARD}.scrollTop = 0")
    press(page, "Pressed", follow)
    page.run(f"{MAP}.tick()")
    press(page, "Released", follow)
    page.wait(f"{follow}.getAttribute('aria-pressed') === 'true'", timeout_s=5)
    page.click("#map-card .card-close")


def test_the_list_is_searched_and_filtered_and_the_map_with_it(page: Browser) -> None:
    show_map(page)
    page.run(
        "(() => { const node = document.getElementById('map-search'); node.value = 'VEHICLE';"
        " node.dispatchEvent(new Event('input')); })()"
    )
    rows = "[...document.querySelectorAll('.device-row')].map((row) => row.dataset.key)"
    found = page.run(rows)
    assert found
    assert all("vehicle" in key for key in found)
    drawn = f"{MAP}.layer.items.flatMap((each) => each.devices ?? [each.device])"
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
    row = ROW.format("kit-1/sensor-9")
    show_map(page)
    page.click("#map-fit")
    assert page.run(f"{row}.dataset.state") == "stale"
    assert page.run(f"{row}.querySelector('.row-age').textContent").startswith("8:")
    assert page.run(f"{ROW.format('kit-1/soldier-1')}.dataset.state") == "fresh"
    item = f"{MAP}.layer.items.find((each) => each.device?.key === 'kit-1/sensor-9')"
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


def test_a_map_that_was_opened_while_the_centre_was_gone_comes_when_it_is_back(
    site: Site, page: Browser
) -> None:
    page.go(site.duty.url)
    page.wait("document.getElementById('duty')?.hidden === false")
    page.wait(f"{MAP} !== undefined")
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.ask("Network.enable")
    page.ask("Network.emulateNetworkConditions", {"offline": True, **offline})
    page.click("#view-map")
    page.wait(f"{MAP}.making === false && {MAP}.ground === undefined")
    page.ask("Network.emulateNetworkConditions", {"offline": False, **offline})
    page.wait(f"{MAP}.layer.items.length > 0", timeout_s=8)
    page.errors.clear()  # the browser's own word for each request that failed


def test_chinese_is_spoken_and_a_phone_has_a_sheet_for_the_list(page: Browser) -> None:
    page.click("#duty .language")
    page.click("#view-map")
    page.wait("document.querySelector('#map-kinds').textContent.includes('单兵')")
    page.click('.device-row[data-key="kit-1/soldier-1"]')
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
    page.run(f"{MAP}.choose(null); {MAP}.fitAll(true)")
    before = page.run(f"[{MAP}.view.x, {MAP}.view.zoom]")
    for kind, x in (("mousePressed", 500), ("mouseMoved", 560), ("mouseReleased", 560)):
        event = {"type": kind, "x": x, "y": 500, "button": "left", "buttons": 1, "clickCount": 1}
        page.ask("Input.dispatchMouseEvent", event)
    assert page.run(f"{MAP}.view.x") < before[0]
    page.click("#map-in")
    assert page.run(f"{MAP}.view.zoom") == pytest.approx(before[1] + 1)
    page.run(f"{MAP}.fitAll(true)")
    place = page.run(
        f"(() => {{ const item = {MAP}.layer.items.find((each) => each.device);"
        " const box = document.getElementById('map-ground').getBoundingClientRect();"
        f" return [item.device.key, item.px + box.x, item.py + box.y]; }})()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "x": place[1], "y": place[2], "button": "left", "clickCount": 1}
        page.ask("Input.dispatchMouseEvent", event)
    assert page.run(f"{MAP}.layer.chosen") == place[0]
    assert page.errors == []
