"""A replay when the link, the session, a piece or the view goes away, in a real browser."""

from collections.abc import Iterator

import pytest

from fieldlab.airfield import Narrow
from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import Duty, now_us, open_duty
from fieldlab.flights import SECOND_US, Craft, named
from fieldlab.footage import Scene, piece
from fieldlab.pages import log_in
from fieldlab.peers import need_program
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.telemetry import POSITION, TEXT, Schema

_S = SECOND_US
_REPLAY = "document.getElementById('flights').flightsView.replay"
_NOTE = "document.getElementById('replay-note').textContent"
_VIDEO = "document.getElementById('replay-video')"
LONG = "عربى שלום " + "长文字" * 60


class Talker(Narrow):
    """It says long things in other scripts, and never where it is."""

    def _measured(self, second: int) -> list[tuple[Schema, tuple[object, ...]]]:
        found = [(s, values) for s, values in super()._measured(second) if s is not POSITION]
        return [*found, (TEXT, (LONG, ""))]


class Field:
    """A flight with video of its seconds 0 to 9, of which the piece from 3 to 6 is no video; one
    that says much; and one on the ground.
    """

    def __init__(self, duty: Duty) -> None:
        self.duty = duty
        self.began = now_us() - 120 * _S
        self.flown = Craft(duty, now_us=self.began).fly(30)
        for at in (0, 3, 6):
            content = piece(Scene("m300-1", width=320, height=180), float(at), 3.0)
            content = b"\0" * 900 if at == 3 else content
            duty.file("m300-1", Layer.PROXY, self.began + at * _S, content, seconds=3.0)
        self.told = Talker(duty, device="m" * 32, now_us=self.began).fly(40)
        idle = Craft(duty, device="m300-3", now_us=self.began)
        self.idle = named(self.began, armed=False)
        one, content = idle.piece(self.idle, 0, self.began, range(20), armed=False)
        idle.send(one.draft(one.end_us, "armed"), content)
        duty.telemetry.settle()
        duty.flights.settle()


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """A centre with flights."""
    with open_duty(tmp_path_factory.mktemp("faults") / "centre") as duty:
        yield Field(duty)


@pytest.fixture(scope="module")
def page(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that prefers English, logged in, which counts what is fetched and can lose it."""
    need_program(browser_program())
    with open_browser(tmp_path_factory.mktemp("profile") / "p") as browser:
        browser.size(1280, 720)
        log_in(browser, field.duty.url)
        browser.run(
            "window.real = window.fetch; window.lose = null; window.asked = [];"
            "window.fetch = (path, ...more) => { window.asked.push(String(path));"
            " return window.lose?.test(path) ? Promise.reject(new TypeError('lost'))"
            " : window.real(path, ...more); };"
            # What is tried again after seconds is tried at once.
            "window.later = window.setTimeout;"
            "window.setTimeout = (act, ms, ...more) => window.later(act, ms / 20, ...more); 0"
        )
        yield browser


def _open(page: Browser, device: str, flight: str, lose: str = "null") -> None:
    page.run(f"window.lose = {lose}; 0")
    page.click("#view-flights")
    page.run("document.getElementById('flights').flightsView.open(null)")
    page.click(f'.flight-row[data-key="kit-1/{device}/{flight}"]')
    page.wait(f"{_REPLAY}.key === 'kit-1/{device}/{flight}'")


def _ready(page: Browser, second: int) -> None:
    """What was opened has come; it stands at its `second`."""
    page.wait(f"{_REPLAY}.track !== null")
    page.run(f"{_REPLAY}.seek({_REPLAY}.from + {second}e6)")


def test_a_link_that_comes_back_brings_the_flight_and_its_video(
    field: Field, page: Browser
) -> None:
    _open(page, "m300-1", field.flown, lose="/replay|bundles/")
    page.wait("document.getElementById('replay-fault').textContent.includes('cannot be read')")
    page.run("window.lose = /bundles/; 0")
    page.wait(
        f"{_REPLAY}.track !== null && document.getElementById('replay-fault').textContent === ''"
    )
    page.run(f"{_REPLAY}.seek({_REPLAY}.from + 1e6)")
    page.wait("window.asked.filter((path) => path.includes('/bundles')).length > 2")
    assert page.run(_NOTE) == "Loading video…", "that there is none is not known"
    page.run("window.lose = null; 0")
    page.wait(f"{_VIDEO}.dataset.there === 'true' && {_VIDEO}.readyState >= 2")


def test_a_piece_that_is_broken_costs_no_other_its_picture(field: Field, page: Browser) -> None:
    _open(page, "m300-1", field.flown)
    _ready(page, 4)
    page.wait(f"{_NOTE}.includes('could not be played')")
    for second in (1, 7):
        page.run(f"{_REPLAY}.seek({_REPLAY}.from + {second}e6)")
        at = f"({_REPLAY}.video.engine.positionUs - {_REPLAY}.from) / 1e6"
        shown = f"{_NOTE} === '' && {_VIDEO}.readyState >= 2 && !{_VIDEO}.seeking"
        page.wait(f"{shown} && Math.abs({at} - {second}) < 0.3")


def test_a_view_that_is_left_holds_and_does_nothing_and_goes_on_where_it_was(
    field: Field, page: Browser
) -> None:
    _open(page, "m300-1", field.flown)
    _ready(page, 1)
    page.wait(f"{_VIDEO}.readyState >= 2")
    page.click("#view-wall")
    held = f"[{_VIDEO}.paused, {_VIDEO}.src, {_REPLAY}.video.engine, {_REPLAY}.framing]"
    assert page.run(held) == [True, "", None, None]
    grown = f"{{ ...{_REPLAY}.flight, end_us: {_REPLAY}.flight.end_us + 1 }}"
    page.run(f"window.asked = []; {_REPLAY}.hear({grown})")
    page.run("new Promise((done) => window.later(done, 400))")
    assert page.run("window.asked.filter((path) => /flights|bundles/.test(path))") == []
    page.click("#view-flights")
    page.wait("window.asked.some((path) => path.endsWith('/replay'))")
    page.wait(f"{_VIDEO}.readyState >= 2 && {_VIDEO}.dataset.there === 'true'")
    assert page.run(f"{_REPLAY}.us - {_REPLAY}.from") == 1e6


def test_twenty_openings_leave_nothing_behind(field: Field, page: Browser) -> None:
    _open(page, "m300-1", field.flown)
    count = []
    for number in range(22):
        page.run(
            f"(async () => {{ const flights = document.getElementById('flights').flightsView;"
            f" flights.open(null); flights.open('kit-1/m300-1/{field.flown}');"
            f" while (!{_REPLAY}.video.engine?.buffer)"
            " await new Promise((done) => window.later(done, 5));"
            " })()"
        )
        if number in (1, 21):
            page.run("document.getElementById('flights').flightsView.open(null)")
            page.ask("HeapProfiler.collectGarbage")
            count.append(page.ask("Memory.getDOMCounters"))
    first, last = count
    assert last["jsEventListeners"] <= first["jsEventListeners"] + 10
    assert last["nodes"] <= first["nodes"] + 100


def test_long_words_push_nothing_off_the_screen_and_what_is_unknown_is_said(
    field: Field, page: Browser
) -> None:
    _open(page, "m" * 32, field.told)
    page.wait("document.getElementById('replay-fault').textContent.startsWith('No position')")
    page.run("document.querySelector('.replay-mark').click()")
    assert LONG[:20] in page.run("document.getElementById('replay-tip').textContent")
    parts = "[...document.querySelectorAll('#replay-downloads a, .replay-screen, .replay-plots')]"
    right = f"Math.max(...{parts}.map((e) => e.getBoundingClientRect().right))"
    assert page.run(right) <= 1280
    page.click("#flights-ground")
    _open(page, "m300-3", field.idle)
    assert "until it was armed" in page.run("document.getElementById('replay-whole').textContent")
    page.click("#flights-ground")


def test_the_cameras_of_an_aircraft_are_those_that_its_kit_says(page: Browser) -> None:
    fleet = "document.getElementById('map').mapView.fleet"
    streams = [{"kit": "kit-1", "device": name} for name in ("m300-1", "m300-1-2", "thermal", "x")]
    kits = [{"kit": "kit-1", "devices": [
        {"device": "thermal", "carrier": "m300-1"}, {"device": "m300-1-2", "carrier": "m300-2"},
    ]}]  # fmt: skip
    found = page.run(
        f"{fleet}.carry({kits}); {fleet}.cameras({{ kit: 'kit-1', device: 'm300-1' }}, {streams})"
        ".map((stream) => stream.device)"
    )
    assert found == ["m300-1", "thermal"]
    words = (
        "import('/page/map/units.js').then((m) => [m.valueText('flight', 'landed', 'in-air').text,"
    )
    words += " m.valueText('flight', 'armed', 1).text, m.valueText('flight', 'mode', 'AUTO').text])"
    assert page.run(words) == ["in the air", "yes", "AUTO"]
    assert page.errors == []
