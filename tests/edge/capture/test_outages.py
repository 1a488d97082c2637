"""Outages become gap records: one each, never silent."""

from typing import Any

from fieldlink.edge.capture.outages import Outages

_S = 1_000_000


def test_an_outage_is_one_record_with_its_first_reason_and_its_true_span(keeper: Any) -> None:
    outages = Outages("a", "video", keeper.gap)
    outages.begin(10 * _S, "source: closed")
    outages.begin(12 * _S, "source: refused")
    outages.tick(100 * _S)
    outages.end(110 * _S)
    outages.end(120 * _S)
    assert keeper.gaps == [("a", "video", 10 * _S, 110 * _S, "source: closed")]


def test_a_long_outage_is_recorded_in_parts_that_touch(keeper: Any) -> None:
    outages = Outages("a", "video", keeper.gap)
    outages.begin(0, "source: timeout")
    for second in range(1500):
        outages.tick(second * _S)
    outages.end(1500 * _S)
    spans = [(start // _S, end // _S) for _, _, start, end, _ in keeper.gaps]
    assert spans == [(0, 600), (600, 1200), (1200, 1500)]


def test_no_outage_no_record(keeper: Any) -> None:
    outages = Outages("a", "video", keeper.gap)
    outages.tick(900 * _S)
    outages.end(1000 * _S)
    assert keeper.gaps == []


def test_the_time_without_an_agent_is_one_record_however_long(keeper: Any) -> None:
    outages = Outages("a", "video", keeper.gap)
    outages.resume(0, 5000 * _S, "agent: not running")
    outages.tick(5001 * _S)
    outages.end(5002 * _S)
    assert keeper.gaps == [("a", "video", 0, 5002 * _S, "agent: not running")]


def test_a_device_that_is_away_when_the_agent_comes_back_has_its_own_reason(keeper: Any) -> None:
    outages = Outages("a", "video", keeper.gap)
    outages.resume(10 * _S, 20 * _S, "agent: not running")
    outages.begin(21 * _S, "source: refused")
    outages.begin(22 * _S, "source: refused")
    outages.end(30 * _S)
    assert [gap[2:] for gap in keeper.gaps] == [
        (10 * _S, 21 * _S, "agent: not running"),
        (21 * _S, 30 * _S, "source: refused"),
    ]


def test_a_clock_that_was_ahead_before_the_restart_hides_no_time_after_it(keeper: Any) -> None:
    outages = Outages("a", "video", keeper.gap)
    outages.resume(90_000 * _S, 20 * _S, "agent: not running")
    outages.end(25 * _S)
    assert keeper.gaps == [("a", "video", 20 * _S, 25 * _S, "agent: not running")]
