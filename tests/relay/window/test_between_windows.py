"""Windows beside and behind each other, and what a plan says when it is of another one."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldlab.receiving import make_bundle
from fieldlab.windows import T0_US, at, kit, plan, stream, view
from fieldlink.codecs.bundle import TLOG_STREAM, Gap, Layer
from fieldlink.relay.catalogue import Catalogue, Filing, Journey, KitNews
from fieldlink.relay.window.core import window_view
from fieldlink.relay.window.gather import gather
from fieldlink.relay.window.held import HeldKeeper
from fieldlink.relay.window.html import html_page
from fieldlink.relay.window.text import text_lines
from fieldlink.relay.window.view import Verdict, WindowView

_PROXY = ("ball-1", "video", "proxy")
_MINUTE_US = 60_000_000


def _only(made: WindowView) -> tuple[Verdict, str]:
    [one] = made.streams
    return one.verdict, one.reason.code


def test_history_that_its_kit_still_has_when_the_window_ends_was_missed() -> None:
    newest_first = stream(held={"proxy": [(60, 120)]})
    waiting = (*_PROXY, 5_000_000, 2, 200, "rate: too slow")
    for due_us in (at(120), None):  # None: the kit was told of no other window since
        made = view(130, [newest_first], kit(130, plan=plan(waiting, due_us=due_us)))
        assert _only(made) == (Verdict.WILL_MISS, "missed")
        assert made.streams[0].reason.minutes == 60
    for nothing in (plan(due_us=at(120)), plan(waiting, due_us=at(400))):
        # Nothing is left; or what waits is of another window.
        made = view(130, [newest_first], kit(130, plan=nothing))
        assert _only(made) == (Verdict.KEPT, "done")


def test_the_minute_in_which_a_stream_begins_is_no_longer_than_the_stream() -> None:
    one = stream(held={"proxy": [(3.7, 10)]})
    made = view(10, [one], kit(10, plan=plan()))
    assert made.streams[0].minutes == "---ppppppp"
    assert _only(made) == (Verdict.KEPT, "complete")


def test_a_plan_for_another_window_is_held_against_this_one() -> None:
    one = stream(held={"proxy": [(0, 30)]})

    def judged(verdict: int, done: float | None, due: float | None) -> tuple[Verdict, str]:
        fields = {} if due is None else {"due_us": at(due)}
        said = plan((*_PROXY, 5000, verdict, done, "rate: slow"), **fields)
        made = view(60, [one], kit(60, plan=said, arrived=10**6))
        [layer] = [each for each in made.streams[0].layers if each.layer == "proxy"]
        assert layer.verdict is made.streams[0].verdict
        return _only(made)

    assert judged(0, 110, 230) == (Verdict.KEPT, "promised")
    assert judged(0, 180, 230) == (Verdict.WILL_MISS, "promised-late")
    assert judged(2, 110, 90) == (Verdict.KEPT, "promised")
    assert judged(2, None, 90) == (Verdict.AT_RISK, "kit")
    assert judged(0, 300, 230) == (Verdict.KEPT, "promised"), "something thinner stands in for it"
    assert judged(0, 180, None) == (Verdict.KEPT, "promised")
    assert judged(1, 130, 120) == (Verdict.AT_RISK, "kit")


def test_a_kit_whose_clock_is_slow_has_less_time_than_it_believes() -> None:
    one = stream(held={"proxy": [(0, 60)]})
    said = plan((*_PROXY, 5000, 0, 70), due_us=at(120))
    told = kit(60, plan=said, arrived=10**6, clock_offset_us=60 * _MINUTE_US)
    made = view(60, [one], told)
    assert _only(made) == (Verdict.WILL_MISS, "promised-late")
    assert made.streams[0].reason.at_us == at(130)
    quick = kit(60, plan=said, arrived=10**6, clock_offset_us=-5 * _MINUTE_US)
    assert _only(view(60, [one], quick)) == (Verdict.KEPT, "promised")


def test_a_plan_that_is_full_does_not_tell_all_that_is_pending() -> None:
    rows = [(f"cam-{n}", "video", "proxy", 1, 0, 40) for n in range(64)]
    told = kit(30, plan=plan(*rows), pending={"proxy": 10**9, "original": 5}, arrived=1000)
    made = view(30, [stream(held={"proxy": [(0, 30)]})], told)
    assert (made.kits[0].pending_bytes, made.kits[0].pending_all_bytes) == (10**9, 10**9 + 5)
    assert _only(made) == (Verdict.WILL_MISS, "rate")


def test_a_report_of_more_than_a_day_draws_its_end_where_it_is() -> None:
    made = view(3000, [stream(held={"proxy": [(0, 3000)]})], kit(3000), window=None)
    page = html_page(made, "centre")
    [now_x] = re.findall(r'<line x1="([\d.]+)"[^>]*stroke="#17212b"', page)
    assert float(now_x) == pytest.approx(992, abs=0.1)
    [bar] = re.findall(r'<rect x="([\d.]+)" y="30" width="([\d.]+)" height="14"', page)
    assert float(bar[0]) + float(bar[1]) == pytest.approx(992, abs=0.1)


def test_a_report_says_of_which_day_and_zone_its_times_are() -> None:
    made = view(30, [stream(held={"proxy": [(0, 30)]})], kit(30))
    for said in (html_page(made, "centre"), "\n".join(text_lines(made))):
        assert re.search(r"T0 2026-09-2\d \d\d:\d\d:\d\d UTC[+-]\d\d:\d\d", said)


@pytest.fixture
def catalogue(tmp_path: Path) -> Any:
    with Catalogue.open(tmp_path / "catalogue.sqlite", now_us=T0_US) as opened:
        yield opened


def _file(catalogue: Catalogue, number: int, incident: str, custody_us: int, size: int = 1) -> None:
    start_us = T0_US + number * _MINUTE_US
    bundle = make_bundle(
        b"x" * size,
        sequence=number,
        layer=Layer.PROXY,
        start_us=start_us,
        end_us=start_us + _MINUTE_US,
        recorded_us=start_us + _MINUTE_US,
    )
    journey = Journey(start_us, custody_us)
    path = f"x/{number}"
    filing = Filing(bundle.id, bundle.manifest, bundle.encoded, incident, path, journey)
    catalogue.file_bundles([filing])


def test_what_is_filed_elsewhere_is_read_once(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = catalogue.open_incident("Old", T0_US)
    catalogue.close_incident(old.id, T0_US + 5 * _MINUTE_US)
    new = catalogue.open_incident("New", T0_US + 5 * _MINUTE_US)
    _file(catalogue, 1, old.id, at(2))
    keeper = HeldKeeper()
    keeper.spans(catalogue, old)
    for number in range(5, 25):
        _file(catalogue, number, new.id, at(number + 1))
    asked: list[int] = []
    spans_after = catalogue.spans_after

    def seen(incident: str, number: int) -> Any:
        asked.append(number)
        return spans_after(incident, number)

    monkeypatch.setattr(catalogue, "spans_after", seen)
    for _ in range(2):
        keeper.spans(catalogue, old)
    assert asked == [1, 21]
    _file(catalogue, 3, old.id, at(30))
    [layers] = keeper.spans(catalogue, old).values()
    assert len(layers["proxy"]) == 2


def test_what_came_before_the_clock_was_set_back_is_no_rate_of_now(catalogue: Catalogue) -> None:
    incident = catalogue.open_incident("Slide", T0_US)
    catalogue.hear_kits([KitNews("kit-a", at(30))])
    for number in range(60, 80):
        _file(catalogue, number, incident.id, at(number), size=1000)
    facts = gather(catalogue, incident, HeldKeeper(), at(30))
    assert [each.arrived_bytes for each in facts.kits.values()] == [0]
    _file(catalogue, 1, incident.id, at(29), size=10)
    facts = gather(catalogue, incident, HeldKeeper(), at(30))
    assert [each.arrived_bytes for each in facts.kits.values()] == [10]


def test_what_an_incident_that_was_closed_long_ago_has_not_is_not_coming() -> None:
    one = stream(held={"proxy": [(0, 28)]})
    waiting = plan((*_PROXY, 5_000_000, 2, 150, "rate: slow"))
    made = view(30.5, [one], kit(30.5, plan=waiting), closed=30)
    assert made.streams[0].minutes.endswith("p>>")
    made = view(60, [one], kit(60, plan=waiting), closed=30)
    assert made.streams[0].minutes.endswith("p..")
    assert _only(made) == (Verdict.WILL_MISS, "kit")


def test_the_bar_of_a_closed_incident_without_a_window_ends_where_it_was_closed() -> None:
    made = view(6000, [stream(held={"proxy": [(0, 60)]})], kit(6000), window=None, closed=60)
    [bar] = [line for line in text_lines(made) if line.startswith("  |")]
    assert bar.split("|")[1] == "p" * 60


def test_a_stream_of_nothing_but_reports_has_no_minutes_to_miss(catalogue: Catalogue) -> None:
    incident = catalogue.open_incident("Slide", T0_US)
    catalogue.admit("kit-a", b"secret", at(1), T0_US)
    catalogue.take_admission(b"secret", T0_US, "aa")
    said = plan((*_PROXY, 5, 0, 31.0), ("helmet-1", "vitals", "report", 5, 0, 31.0))
    catalogue.hear_kits([KitNews("kit-a", at(30), plan=said)])
    gap_only = Gap("ball-2", "video", T0_US, at(1), "source: refused")
    for number, (device, found) in enumerate((("any", None), ("ball-2", gap_only))):
        bundle = make_bundle(
            b"x",
            sequence=number,
            device=device,
            layer=Layer.REPORT,
            start_us=T0_US,
            end_us=at(1),
            recorded_us=at(1),
        )
        path, journey = f"x/{number}", Journey(at(1), at(1))
        filing = Filing(bundle.id, bundle.manifest, bundle.encoded, incident.id, path, journey)
        catalogue.file_bundles([replace(filing, gap=found)])
    facts = gather(catalogue, incident, HeldKeeper(), at(30))
    assert [each.device for each in facts.streams] == ["ball-1", "ball-2"]


def test_a_recording_of_a_flight_has_no_pictures_to_be_seen_or_missed(catalogue: Catalogue) -> None:
    incident = catalogue.open_incident("Slide", T0_US)
    catalogue.admit("kit-a", b"secret", at(1), T0_US)
    catalogue.take_admission(b"secret", T0_US, "aa")
    said = plan((*_PROXY, 5, 0, 31.0), ("m300-1", TLOG_STREAM, "original", 5, 0, 31.0))
    catalogue.hear_kits([KitNews("kit-a", at(30), plan=said)])
    bundle = make_bundle(
        b"x", sequence=1, device="m300-1", stream=TLOG_STREAM, layer=Layer.ORIGINAL,
        start_us=T0_US, end_us=at(1), recorded_us=at(1),
    )  # fmt: skip
    journey = Journey(at(1), at(1))
    filing = Filing(bundle.id, bundle.manifest, bundle.encoded, incident.id, "x/1", journey)
    catalogue.file_bundles([filing])
    facts = gather(catalogue, incident, HeldKeeper(), at(30))
    assert [each.device for each in facts.streams] == ["ball-1"]
    [recording] = catalogue.streams(incident.id)
    assert recording.first_picture_us is None


def test_a_gap_that_began_before_the_incident_counts_in_it(catalogue: Catalogue) -> None:
    catalogue.open_incident("Slide", T0_US)
    for number, (first, last, layer) in enumerate(((-10, 20, Layer.REPORT), (20, 30, Layer.PROXY))):
        span: dict[str, Any] = {"start_us": at(first), "end_us": at(last), "recorded_us": at(last)}
        bundle = make_bundle(b"x", sequence=number, layer=layer, **span)
        m = bundle.manifest
        home = "standing" if first < 0 else "slide"
        lost = None if layer is Layer.PROXY else Gap(m.device, m.stream, at(-10), at(20), "a: b")
        journey = Journey(at(last), at(last))
        filing = Filing(bundle.id, m, bundle.encoded, home, f"x/{number}", journey, lost)
        catalogue.file_bundles([filing])
    [incident] = [each for each in catalogue.incidents() if each.id == "slide"]
    made = window_view(gather(catalogue, incident, HeldKeeper(), at(30)))
    assert made.streams[0].minutes == "g" * 20 + "p" * 10
