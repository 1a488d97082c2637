"""The order of things to send, class by class."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fieldlab.pending import LINE, S_US, drain, original, piece, proxy, report, still
from fieldlink.codecs.bundle import Layer, Precedence, Ranges
from fieldlink.edge.planner import Candidate, Rank, Role, SpoolState, WindowPlanner

FLASH, IMMEDIATE, ROUTINE = Precedence.FLASH, Precedence.IMMEDIATE, Precedence.ROUTINE
NOW_US = 1_000 * S_US


def _spool(*candidates: Candidate) -> SpoolState:
    spool = SpoolState()
    for candidate in candidates:
        spool.add(candidate)
    return spool


def test_each_class_goes_before_the_next() -> None:
    ordered = [
        report(990, FLASH),
        report(10, IMMEDIATE),
        report(20),
        still(995),
        report(5, ROUTINE),
        proxy(100, rank=Rank.WANTED),
        proxy(200, rank=Rank.COVER),
        proxy(996),
        proxy(400),
        original(300, rank=Rank.WANTED),
        proxy(500, rank=Rank.LATER),
        original(5),
    ]
    assert drain(_spool(*reversed(ordered)), now_us=NOW_US) == ordered


def test_a_fresh_still_of_every_device_goes_before_a_second_of_any() -> None:
    stills = [still(at_s, device=name) for at_s in (100, 200, 300) for name in ("a", "b", "c")]
    first = drain(_spool(*stills), now_us=NOW_US)[:3]
    assert [one.start_us for one in first] == [300 * S_US] * 3
    assert {one.device for one in first} == {"a", "b", "c"}


def test_the_device_whose_last_still_is_oldest_shows_the_next() -> None:
    spool = _spool(still(100, device="a"), still(140, device="b"))
    drain(spool, now_us=NOW_US)
    again = [still(200, device="b"), still(190, device="a")]
    for one in again:
        spool.add(one)
    assert drain(spool, now_us=NOW_US) == [again[1], again[0]]


def test_a_still_that_went_because_it_was_asked_for_counts_as_shown() -> None:
    stills = [still(200, device="a"), still(190, device="b")]
    asked = still(100, device="a")
    spool = _spool(*stills, asked)
    spool.set_rank(asked.bundle, Rank.WANTED)
    spool.cover(asked, 0, asked.size)
    assert drain(spool, now_us=NOW_US) == [stills[1], stills[0]]


def test_a_still_taken_soon_after_the_last_one_waits_behind_live_proxies() -> None:
    spool = _spool(still(100))
    drain(spool, now_us=NOW_US)
    soon, moving, later = still(110), proxy(112), still(141)
    for one in (soon, moving):
        spool.add(one)
    assert drain(spool, now_us=NOW_US) == [moving, soon]
    spool.add(later)
    spool.add(proxy(116))
    assert drain(spool, now_us=NOW_US)[0] is later


def test_a_still_that_was_lost_on_the_way_is_fresh_again() -> None:
    first = still(100)
    spool = _spool(first)
    drain(spool, now_us=NOW_US)
    spool.add(proxy(101))
    spool.hold(first)
    spool.release(first, Ranges())
    assert drain(spool, now_us=NOW_US)[0] is first


def test_live_proxies_go_newest_first_and_then_history_by_deadline() -> None:
    pieces = [proxy(at_s) for at_s in range(0, 100, 4)]
    assert drain(_spool(*pieces), now_us=NOW_US) == [pieces[-1], *pieces[:-1]]


def test_a_thinner_copy_of_something_old_is_not_live_though_it_was_made_just_now() -> None:
    spool = _spool(proxy(500))
    drain(spool, now_us=NOW_US)
    new = proxy(504)
    copy = replace(proxy(100), prompt=False)
    for one in (copy, new):
        spool.add(one)
    assert drain(spool, now_us=NOW_US) == [new, copy]
    spool.add(again := proxy(508))
    spool.add(replace(proxy(104), prompt=False))
    assert drain(spool, now_us=NOW_US)[0] is again


def test_what_is_newer_than_the_live_edge_goes_before_history() -> None:
    spool = _spool(proxy(0), proxy(4), proxy(8))
    drain(spool, now_us=NOW_US, most=5)  # the newest, and part of the oldest
    new = proxy(12)
    spool.add(new)
    assert drain(spool, now_us=NOW_US, most=1) == [new]


def test_a_live_proxy_under_way_is_finished_before_a_newer_one_begins() -> None:
    slow = proxy(100)
    spool = _spool(slow)
    assert drain(spool, now_us=NOW_US, most=2) == [slow]
    spool.add(proxy(104))
    assert drain(spool, now_us=NOW_US, most=1) == [slow]


def test_a_live_proxy_under_way_is_finished_before_one_of_another_stream_of_its_device() -> None:
    slow = proxy(100)
    spool = _spool(slow)
    drain(spool, now_us=NOW_US, most=2)
    spool.add(piece(Layer.PROXY, Precedence.PRIORITY, 104, stream="thermal", size=50_000))
    assert drain(spool, now_us=NOW_US, most=1) == [slow]


def test_after_a_break_what_was_under_way_waits_for_newer_pictures() -> None:
    old = proxy(100)
    spool = _spool(old)
    drain(spool, now_us=NOW_US, most=2)
    spool.hold(old)
    new = proxy(300)
    spool.add(new)
    spool.release(old, Ranges([(0, 16_000)]))
    assert drain(spool, now_us=NOW_US) == [new, old]


@pytest.mark.parametrize(
    ("rate_bps", "expected"),
    [(1e6, [2, 0, 1]), (60_000, [0, 2, 1]), (1_000, [2, 0, 1]), (None, [2, 0, 1])],
    ids=["in time anyway", "just in time", "hopeless", "unknown"],
)
def test_history_goes_before_live_proxies_when_it_would_just_miss(
    rate_bps: float | None, expected: list[int]
) -> None:
    pieces = [proxy(100), proxy(900), proxy(904)]
    spool = _spool(*pieces)
    spool.pace(rate_bps)
    sent = drain(spool, now_us=pieces[0].start_us + 7_180 * S_US)  # 50 kB are due in 20 s
    assert [pieces.index(one) for one in sent] == expected


def test_history_that_is_due_with_the_live_proxies_gains_nothing_by_going_first() -> None:
    old, new = proxy(100), proxy(900)
    spool = _spool(old, new)
    spool.window(0, NOW_US + 10 * S_US)
    spool.pace(100_000)
    assert drain(spool, now_us=NOW_US) == [new, old]


def test_in_an_incident_stills_of_the_past_go_before_its_proxies() -> None:
    pieces = [*(still(at_s) for at_s in (100, 110, 120)), proxy(100), proxy(104), proxy(108)]
    spool = _spool(*pieces)
    assert [pieces.index(one) for one in drain(spool, now_us=NOW_US)] == [2, 5, 0, 3, 4, 1]
    pieces = [replace(one, covered=Ranges(), begun=False) for one in pieces]
    spool = _spool(*pieces)
    spool.window(0, 7_000 * S_US)
    assert [pieces.index(one) for one in drain(spool, now_us=NOW_US)] == [2, 5, 0, 1, 3, 4]


def test_what_is_too_late_already_delays_nobody() -> None:
    late, due, new = proxy(0), proxy(100), proxy(900)
    spool = _spool(late, due, new)
    spool.pace(100_000)
    now_us = late.start_us + 7_201 * S_US
    assert drain(spool, now_us=now_us) == [new, due, late]


@pytest.mark.parametrize("rank", Rank)
def test_what_is_too_late_is_sent_all_the_same(rank: Rank) -> None:
    late = proxy(0, rank=rank)
    assert drain(_spool(late), now_us=20_000 * S_US) == [late]


def test_the_incidents_window_caps_the_deadlines_of_what_was_taken_in_it() -> None:
    before, inside = proxy(100), proxy(600)
    spool = _spool(before, inside)
    spool.window(500 * S_US, 1_000 * S_US)
    assert spool.due_us(before) == before.deadline_us
    assert spool.due_us(inside) == 1_000 * S_US
    assert spool.due_us(original(700)) == 1_000 * S_US
    spool.window(None, None)
    assert spool.due_us(inside) == inside.deadline_us


@pytest.mark.parametrize("make", [proxy, original])
def test_a_chatty_device_does_not_starve_a_quiet_one(make: Callable[..., Candidate]) -> None:
    chatty = [make(at_s, device="chatty") for at_s in range(0, 400, 4)]
    quiet = [make(at_s, device="quiet") for at_s in range(0, 40, 4)]
    sent = drain(_spool(*chatty, *quiet), now_us=NOW_US)
    assert max(sent.index(one) for one in quiet) <= 2 * len(quiet)


def test_a_device_that_was_quiet_for_long_has_no_claim_to_what_it_did_not_use() -> None:
    spool = _spool(*[original(at_s, device="a", size=10_000) for at_s in range(0, 1_000, 10)])
    drain(spool, now_us=NOW_US, most=50)
    for at_s in range(0, 1_000, 10):
        spool.add(original(at_s, device="b", size=10_000))
    devices = [one.device for one in drain(spool, now_us=NOW_US, most=40)]
    assert 19 <= devices.count("b") <= 21


def test_reports_of_higher_precedence_go_before_others() -> None:
    routine, gap = report(10, ROUTINE), report(20)
    assert drain(_spool(routine, gap), now_us=NOW_US) == [gap, routine]


def test_a_full_line_carries_nothing_but_an_alarm() -> None:
    full = replace(LINE, room_bytes=0)
    spool = _spool(report(1, IMMEDIATE), still(2), original(3))
    assert drain(spool, full, NOW_US) == []
    alarm = report(4, FLASH)
    spool.add(alarm)
    assert drain(spool, full, NOW_US) == [alarm]


def test_an_urgent_line_and_a_bulk_line_share_the_work() -> None:
    urgent, rest = [report(1, FLASH), report(2, IMMEDIATE)], [report(3), still(4), original(5)]
    spool = _spool(*urgent, *rest)
    assert drain(spool, replace(LINE, role=Role.URGENT), NOW_US) == urgent
    assert drain(spool, replace(LINE, role=Role.BULK), NOW_US) == rest


def test_a_reserve_carries_what_is_urgent_and_the_first_still_of_each_device() -> None:
    reserve = replace(LINE, admits=IMMEDIATE)
    urgent, first = report(1, IMMEDIATE), still(100)
    spool = _spool(urgent, first, report(2), proxy(3), original(4))
    assert drain(spool, reserve, NOW_US) == [urgent, first]
    spool.add(still(200))
    assert drain(spool, reserve, NOW_US) == []
    assert drain(spool, replace(LINE, admits=None), NOW_US) == []


def test_a_chunk_is_as_long_as_the_line_says_and_no_longer_than_what_is_missing() -> None:
    whole = piece(Layer.PROXY, ROUTINE, 1, size=40_000)
    spool = _spool(whole)
    spool.cover(whole, 0, 10_000)
    spool.cover(whole, 20_000, 30_000)
    spans = []
    while (order := WindowPlanner().next_chunk(spool, LINE, 0)) is not None:
        spans.append((order.offset, order.length))
        spool.cover(whole, order.offset, order.offset + order.length)
    assert spans == [(10_000, 10_000), (30_000, 10_000)]
    assert (spool.waiting, spool.left_bytes) == (0, 0)
    spool.release(whole, Ranges([(0, 39_000)]))
    assert spool.left_bytes == 1_000


def test_an_empty_bundle_is_ordered_once() -> None:
    empty = piece(Layer.REPORT, ROUTINE, 1, size=0)
    assert drain(_spool(empty)) == [empty]


def test_a_chunk_goes_though_it_is_longer_than_the_room_that_is_left() -> None:
    spool = _spool(original(1))
    assert WindowPlanner().next_chunk(spool, replace(LINE, room_bytes=100), 0) is not None
