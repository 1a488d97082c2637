"""The operator's own map below the devices: real PMTiles files, drawn by MapLibre."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import PASSWORD, Duty, now_us, open_duty
from fieldlab.fleet import Fleet
from fieldlab.mapfile import PNG, VECTOR, vector_tile, write_map
from fieldlab.peers import need_program
from fieldlink.relay.web.map_settings import MapSettings

_MAP = "document.getElementById('map').mapView"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[Duty, Browser]]:
    """A centre whose map file can be replaced, and a browser that is logged in there."""
    need_program(browser_program())
    settings = MapSettings(
        pmtiles=tmp_path / "a.pmtiles", attribution="© <b>测绘</b>", datum="gcj02"
    )
    with (
        open_duty(tmp_path / "centre", map_settings=settings) as duty,
        open_browser(tmp_path / "profile") as browser,
    ):
        browser.size(1000, 700)
        browser.language("en-US")
        browser.go(duty.url)
        browser.wait("!document.getElementById('login').hidden")
        browser.fill("#login-password", PASSWORD)
        browser.click("#login-form .primary")
        browser.wait("!document.getElementById('duty').hidden")
        yield duty, browser


def _opened(page: Browser, url: str) -> None:
    page.go(url)
    page.wait("document.getElementById('duty')?.hidden === false")
    page.click("#view-map")
    page.wait(f"{_MAP}.ground?.map.areTilesLoaded() && {_MAP}.ground.map.loaded()")


def _middle(page: Browser, folder: Path) -> list[int]:
    """The colour in the middle of the map: red, green, blue."""
    box = page.run(
        "(() => { const r = document.getElementById('map-ground').getBoundingClientRect();"
        " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
    )
    picture = cv2.imread(str(page.screenshot(folder / "shot.png")))
    assert picture is not None
    x, y = round(box[0]), round(box[1])
    around = picture[y - 12 : y + 12, x - 12 : x + 12].reshape(-1, 3)
    found: list[int] = np.median(around, axis=0).astype(int)[::-1].tolist()
    return found


def test_a_map_of_pictures_and_a_map_of_vectors_lie_below_the_devices(
    page: tuple[Duty, Browser], tmp_path: Path
) -> None:
    duty, browser = page
    fleet = Fleet(duty, devices=3, kits=1, start_us=now_us() - 5_000_000)
    fleet.tick(5)
    duty.telemetry.settle()
    path = tmp_path / "a.pmtiles"
    _, png = cv2.imencode(".png", np.full((256, 256, 3), (40, 200, 80), np.uint8))
    tiles = {(0, 0, 0): png.tobytes()} | {
        (1, x, y): png.tobytes() for x in range(2) for y in range(2)
    }
    write_map(path, tiles, PNG)
    _opened(browser, duty.url)
    red, green, blue = _middle(browser, tmp_path)
    assert green > 80, "the tile's green, dimmed for the night"
    assert max(red, blue) < green
    assert browser.run("document.getElementById('map-credit').textContent") == "© <b>测绘</b>"
    assert browser.run(f"{_MAP}.projection.to(108.95, 34.27)") != browser.run(
        "import('/page/map/geo.js').then((geo) => geo.toWorld(108.95, 34.27))"
    )
    browser.click("#map-bright")
    browser.wait("document.getElementById('map-bright').getAttribute('aria-pressed') === 'true'")
    browser.wait(f"{_MAP}.ground.map.loaded()")
    assert _middle(browser, tmp_path)[1] > green
    browser.click("#map-fit")
    browser.wait(
        f"{_MAP}.view.zoom > 10 && {_MAP}.layer.items.length > 0 && !{_MAP}.ground.map.isMoving()"
    )
    place = browser.run(
        f"(() => {{ const item = {_MAP}.layer.items.at(-1);"
        " const box = document.getElementById('map-ground').getBoundingClientRect();"
        " return [item.px + box.x, item.py + box.y]; })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}
        browser.ask("Input.dispatchMouseEvent", event)
    browser.wait(f"{_MAP}.layer.chosen !== null")
    water = vector_tile("water", kind="lake")
    names = vector_tile("places", kind="city", label="西安 Xi'an")
    grounds = vector_tile("earth", kind="earth") + vector_tile("roads", kind="other")
    every = dict.fromkeys(tiles, grounds + water + names)
    write_map(path, every, VECTOR, ["earth", "roads", "water", "places"])
    _opened(browser, duty.url)
    browser.run(f"{_MAP}.ground.go({{ x: 0.75, y: 0.4, zoom: 2 }}, true)")
    drawn = f"{_MAP}.ground.map.queryRenderedFeatures({{{{ layers: ['{{}}'] }}}}).length"
    for layer in ("water", "towns"):
        browser.wait(drawn.format(layer))
    assert browser.errors == []
    path.write_bytes(b"<html>not a map</html>" * 20)
    browser.go(duty.url)
    browser.wait("document.getElementById('duty')?.hidden === false")
    browser.click("#view-map")
    browser.wait("document.getElementById('map-note').textContent.includes('no PMTiles file')")
    browser.wait("document.getElementById('map').dataset.ground === 'flat'")
