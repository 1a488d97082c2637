"""Alarms in a real browser: above every view until somebody has seen them, whatever else goes on.

One centre and one browser serve all of these.
"""

from collections.abc import Iterator

import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import open_duty
from fieldlab.pages import MAP, Site, log_in
from fieldlab.peers import need_program
from fieldlink.codecs.telemetry import AlarmKind, Phase

_HOSTILE = "<img src=x onerror=alert(1)> 救命"
_BANNER = "document.getElementById('alarm-banner')"


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


def test_an_alarm_says_its_limit_with_the_unit(page: Browser) -> None:
    def said(alarm: str) -> object:
        return page.run(f"import('/page/alarms/entry.js').then((m) => m.whatText({alarm}))")

    assert said("{ value: '121', limit: '120', unit: 's' }") == "121 s · limit 120 s"
    assert said("{ value: '48', limit: '55', unit: 'bar' }") == "48 bar · limit 55 bar"


def _acknowledge(page: Browser) -> None:
    page.click("#alarm-banner [data-act=acknowledge]")
    assert page.run("document.activeElement.className") == "alarm-note"
    page.fill("#alarm-banner .alarm-note", "<b>told</b> 消防")
    page.click("#alarm-banner .alarm-form .primary")
    page.wait(f"{_BANNER}.hidden")


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
    page.wait(f"{MAP}.layer.chosen === 'kit-1/soldier-1'")
    _acknowledge(page)
    page.wait("document.querySelector('.pulse').dataset.calm === 'true'")
    [stored] = site.duty.catalogue.alarms(active_only=True)
    assert (stored.acknowledged_by, stored.note) == ("duty", "<b>told</b> 消防")
    assert page.run("document.getElementById('alarm-bell').dataset.state") == "calm"
    page.wait("!document.title.startsWith('▲')", timeout_s=4)


def test_an_acknowledged_alarm_stays_listed_until_it_is_cleared(site: Site, page: Browser) -> None:
    if not site.duty.catalogue.alarms(active_only=True):  # this test is tried by itself
        site.alarm("soldier-1", AlarmKind.SOS, b"alarm-01")
        page.wait(f"!{_BANNER}.hidden", timeout_s=5)
        _acknowledge(page)
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
