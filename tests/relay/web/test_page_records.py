"""What the page remembers of devices and alarms, whatever order answers and news come in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fieldlab.browser import Browser, browser_program, open_browser
from fieldlab.duty import now_us, open_duty
from fieldlab.peers import need_program
from fieldlink.codecs.telemetry import Flag

_S = 1_000_000
_YEAR_US = 365 * 86_400 * _S


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser before the page of a centre; nobody is logged in."""
    need_program(browser_program())
    folder = tmp_path_factory.mktemp("records")
    with open_duty(folder / "centre") as duty, open_browser(folder / "profile") as browser:
        browser.go(duty.url)
        browser.wait("document.getElementById('login')?.hidden === false")
        yield browser


def _fleet(page: Browser, script: str) -> Any:
    return page.run(
        "import('/page/map/fleet.js').then(({ Fleet, stateOf, ageUs }) => {"
        " const fleet = new Fleet();"
        " const one = () => fleet.devices.get('kit-1/a');"
        f" {script} }})"
    )


def _told(time_us: int, arrived_us: int, revision: int, lat: float) -> str:
    position = {"time_us": time_us, "arrived_us": arrived_us, "lat": lat, "lon": 108.9}
    device = {"kit": "kit-1", "device": "a", "kind": "soldier", "heard_us": arrived_us}
    streams: dict[str, object] = {"streams": {}, "fix_lost_us": arrived_us}
    devices = [{**device, **streams, "position": position}]
    return json.dumps({"revision": revision, "devices": devices})


def _news(time_us: int, lat: float) -> str:
    return json.dumps([["kit-1", "a", "soldier", time_us, 108.9, lat, None, None, 0]])


def test_a_device_whose_clock_was_in_the_future_moves_on_and_grows_old(page: Browser) -> None:
    now = now_us()
    wrong = now + 70 * _YEAR_US
    found = _fleet(
        page,
        f"fleet.take({_told(wrong, now - 400 * _S, 5, 34.1)}, true);"
        " const before = stateOf(one());"
        f" fleet.move({_news(now, 34.2)}, 6); const moved = one().position.lat;"
        f" fleet.move({_news(wrong, 34.3)}, 7);"
        f" fleet.take({_told(now, now, 8, 34.4)}, false);"
        " return [before, moved, one().position.lat];",
    )
    assert found == ["stale", 34.2, 34.4]


def test_a_time_of_another_year_says_so_and_every_mark_has_words(page: Browser) -> None:
    shown = page.run(
        "import('/page/time.js').then(({ dayAndTime, nowUs }) =>"
        " [0, 4e15, nowUs()].map((us) => dayAndTime(us)))"
    )
    assert [text[:5] for text in shown[:2]] == ["1970-", "2096-"]
    assert len(shown[2]) == 8
    marks = [flag.name.lower() for flag in Flag if flag.name] + ["future"]
    for language in ("zh", "en"):
        words = page.run(f"fetch('/page/strings.{language}.json').then((answer) => answer.json())")
        assert [mark for mark in marks if f"mark.{mark}" not in words] == []


def test_an_answer_that_is_older_than_the_news_does_not_turn_a_device_back(page: Browser) -> None:
    now = now_us()
    found = _fleet(
        page,
        f"fleet.take({_told(now - 2 * _S, now, 5, 34.1)}, true);"
        f" fleet.move({_news(now, 34.3)}, 9);"
        f" fleet.take({_told(now - _S, now, 8, 34.2)}, false);"
        f" fleet.move({_news(now - _S, 34.2)}, 8);"
        " return one().position.lat;",
    )
    assert found == 34.3


def test_news_of_something_else_does_not_find_a_lost_fix_again(page: Browser) -> None:
    now = now_us()
    found = _fleet(
        page,
        f"fleet.take({_told(now - 400 * _S, now - 400 * _S, 5, 34.1)}, true);"
        f" fleet.move({_news(now - 400 * _S, 34.1)}, 6);"
        " return [one().fix_lost_us !== null, stateOf(one())];",
    )
    assert found == [True, "stale"]


def _book(page: Browser, script: str) -> Any:
    return page.run(
        "import('/page/alarms/book.js').then(({ AlarmBook }) => {"
        " const book = new AlarmBook(); const fresh = [];"
        " book.changed.add((found) => fresh.push(...found.map((each) => each.id)));"
        " const alarm = (id, more = {}) => ({ id, kit: 'k', device: 'd', kind: 'sos',"
        " state: 'active', raised_us: 1, acknowledged_us: null, cleared_on_site: false, ...more });"
        " const over = { state: 'cleared', cleared_us: 2, cleared_on_site: true };"
        " const ringing = () => book.ringing().map((each) => each.id);"
        f" {script} }})"
    )


def test_an_alarm_that_comes_while_all_are_read_stays(page: Browser) -> None:
    found = _book(
        page,
        "const { mark } = book; book.hear(alarm('new')); book.take({ alarms: [] }, mark);"
        " const kept = ringing(); book.take({ alarms: [] }); return [kept, ringing()];",
    )
    assert found == [["new"], []]


def test_a_call_for_help_that_ended_on_site_waits_until_it_is_seen(page: Browser) -> None:
    found = _book(
        page,
        "book.take({ alarms: [alarm('a', over), alarm('b', { ...over, kind: 'low-battery' })] });"
        " book.hear(alarm('c'));"
        " const before = ringing(); book.hear(alarm('a', { ...over, acknowledged_us: 3 }));"
        " book.take({ alarms: [alarm('a', over), alarm('c')] });"
        " return [fresh, before, ringing()];",
    )
    assert found == [["a", "c"], ["c", "a"], ["c"]]


def test_news_that_falls_silent_is_asked_for_anew(page: Browser) -> None:
    found = page.run(
        "import('/page/updates.js').then(({ follow }) => {"
        " const real = [globalThis.EventSource, globalThis.setInterval, performance.now];"
        " const made = []; const told = []; let tick; let ms = 0;"
        " globalThis.EventSource = class extends EventTarget {"
        "   constructor() { super(); made.push(this); } close() { this.closed = true; } };"
        " globalThis.setInterval = (run) => { tick = run; return 0; };"
        " performance.now = () => ms;"
        " try {"
        "   follow((kind) => told.push(kind), () => {});"
        "   const alive = JSON.stringify({ kind: 'alive', data: { every_s: 15 } });"
        "   made[0].dispatchEvent(new MessageEvent('message', { data: alive }));"
        "   ms = 44000; tick(); const patient = made.length;"
        "   ms = 46000; tick(); made[1].dispatchEvent(new Event('open'));"
        "   return [patient, made.length, made[0].closed, told];"
        " } finally {"
        "   [globalThis.EventSource, globalThis.setInterval, performance.now] = real; } })"
    )
    assert found == [1, 2, True, ["missed"]]
