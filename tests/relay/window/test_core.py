"""The window view: what has come, what is promised, what will miss and why."""

from hypothesis import given
from hypothesis import strategies as st

from fieldlab.windows import MINUTE_US, T0_US, at, gap, kit, plan, stream, view
from fieldlink.relay.window.foresee import worst
from fieldlink.relay.window.minutes import best_minutes
from fieldlink.relay.window.spans import SpanSet, coarser, overlap_us
from fieldlink.relay.window.view import Verdict, WindowView

_PROXY = ("ball-1", "video", "proxy")
_ORIGINAL = ("ball-1", "video", "original")


def _only(made: WindowView) -> tuple[Verdict, str]:
    [one] = made.streams
    return one.verdict, one.reason.code


def test_each_minute_shows_the_best_that_there_is() -> None:
    held = {
        "still": [(0, 8)],
        "thin": [(1, 4)],
        "proxy": [(2, 4)],
        "original": [(3, 4)],
    }
    late = {"proxy": [(8.2, 9.1)]}
    one = stream(held=held, late=late, gaps=[gap(9.2, 11)])
    made = view(14, [one], kit(14, plan=plan((*_PROXY, 1, 0, 15))))
    assert made.streams[0].minutes == "stpossssslg.>>"


def test_video_counts_when_it_covers_half_of_what_a_minute_has() -> None:
    held = {"proxy": [(0, 0.45), (1, 1.55), (2.1, 2.4), (3.9, 4)]}
    gaps = [gap(2.4, 3), gap(3, 3.9)]
    made = view(10, [stream(held=held, gaps=gaps)], kit(10, plan=plan((*_PROXY, 1, 0, 11))))
    assert made.streams[0].minutes[:4] == ".ppp"


def test_minutes_before_a_stream_began_are_missing_until_the_kit_has_nothing_more() -> None:
    one = stream(held={"proxy": [(3, 10)]})
    waiting = view(10, [one], kit(10, plan=plan((*_PROXY, 5000, 0, 12))))
    assert waiting.streams[0].minutes == "...ppppppp"
    assert (waiting.streams[0].present, waiting.streams[0].wanted) == (7, 10)
    caught_up = view(10, [one], kit(10, plan=plan((*_ORIGINAL, 10**9, 2, None))))
    assert caught_up.streams[0].minutes == "---ppppppp"
    assert caught_up.streams[0].share == 1.0
    assert _only(caught_up) == (Verdict.KEPT, "complete")


def test_what_has_only_just_passed_is_not_missing() -> None:
    one = stream(held={"proxy": [(0, 8)]})
    made = view(9.4, [one], kit(9.4, plan=plan((*_PROXY, 5000, 0, 10))))
    assert made.streams[0].minutes == "pppppppp>>"
    assert made.streams[0].wanted == 8


def test_a_kits_plan_is_believed_while_it_is_heard() -> None:
    one = stream(held={"proxy": [(0, 30)]})
    rows = [(*_PROXY, 5000, 0, 40), (*_ORIGINAL, 10**9, 2, 300, "rate: too slow")]
    kept = view(30, [one], kit(30, plan=plan(*rows), arrived=10**6))
    assert _only(kept) == (Verdict.KEPT, "promised")
    assert kept.streams[0].reason.at_us == at(40)
    layers = {layer.layer: layer for layer in kept.streams[0].layers}
    assert (layers["proxy"].pending_bytes, layers["proxy"].share) == (5000, 1.0)
    assert (layers["original"].verdict, layers["original"].done_us) == (
        Verdict.WILL_MISS,
        at(300),
    )
    for said, wanted in ((1, Verdict.AT_RISK), (2, Verdict.WILL_MISS)):
        made = view(30, [one], kit(30, plan=plan((*_PROXY, 5000, said, 130, "rate: slow"))))
        assert _only(made) == (wanted, "kit")
        assert made.streams[0].reason.text == "rate: slow"


def test_a_kit_that_promises_more_than_arrives_is_doubted() -> None:
    one = stream(held={"proxy": [(0, 30)]})
    said = plan((*_PROXY, 60_000_000, 0, 100))
    slow = view(30, [one], kit(30, plan=said, arrived=1_000_000))
    assert _only(slow) == (Verdict.AT_RISK, "differ-rate")
    stalled = view(30, [one], kit(30, plan=said))
    assert _only(stalled) == (Verdict.AT_RISK, "differ-stalled")
    good = view(30, [one], kit(30, plan=said, arrived=10_000_000))
    assert _only(good) == (Verdict.KEPT, "promised")


def test_a_silent_kit_is_at_risk_and_misses_when_no_time_is_left() -> None:
    one = stream(held={"proxy": [(0, 30)]})
    said = plan((*_PROXY, 30_000_000, 0, 60), rate_bps=100_000)  # forty minutes of that link
    silent = view(50, [one], kit(40, plan=said))
    assert _only(silent) == (Verdict.AT_RISK, "silent")
    assert silent.kits[0].silent_since_us == at(40)
    assert silent.kits[0].plan_age_us == 10 * MINUTE_US
    too_long = view(85, [one], kit(40, plan=said))
    assert _only(too_long) == (Verdict.WILL_MISS, "silent-too-long")


def test_a_stream_that_was_complete_when_its_kit_fell_silent_is_only_at_risk() -> None:
    said = plan(("ball-2", "video", "proxy", 30_000_000, 0, 60), rate_bps=100_000)
    streams = [stream("ball-1", held={"proxy": [(0, 40)]}), stream("ball-2")]
    made = view(85, streams, kit(40, plan=said))
    assert [(each.verdict, each.reason.code) for each in made.streams] == [
        (Verdict.AT_RISK, "silent"),
        (Verdict.WILL_MISS, "silent-too-long"),
    ]


def test_without_a_plan_the_centre_forecasts_from_what_is_pending_and_what_arrives() -> None:
    one = stream(held={"proxy": [(0, 30)]})

    def judged(pending: dict[str, int] | None, arrived: int | None) -> tuple[Verdict, str]:
        return _only(view(30, [one], kit(30, pending=pending, arrived=arrived)))

    # 1 MB in five minutes; 90 minutes are left, which is 18 MB.
    assert judged({"proxy": 5_000_000, "original": 10**12}, 1_000_000) == (Verdict.KEPT, "coming")
    assert judged({"proxy": 16_000_000}, 1_000_000) == (Verdict.AT_RISK, "tight")
    assert judged({"proxy": 20_000_000}, 1_000_000) == (Verdict.WILL_MISS, "rate")
    assert judged({"proxy": 1}, None) == (Verdict.AT_RISK, "stalled")
    assert judged({"proxy": 0}, None) == (Verdict.KEPT, "complete")
    assert judged(None, 1_000_000) == (Verdict.UNKNOWN, "no-word")


def test_a_kit_that_was_never_heard_is_unknown() -> None:
    assert _only(view(30, [stream()])) == (Verdict.UNKNOWN, "never-heard")


def test_a_kit_that_records_on_is_caught_up_when_only_the_newest_waits() -> None:
    late = stream(held={"proxy": [(10, 30)]})
    newest = ("ball-1", "video", "proxy", 40_000, 0, 30.2)
    made = view(30, [late], kit(30, plan=plan(newest, at_us=at(30)), arrived=1000))
    assert made.streams[0].minutes.startswith("----------pppp")
    assert _only(made) == (Verdict.KEPT, "complete")
    holed = stream(held={"proxy": [(0, 10), (12, 30)]})
    made = view(30, [holed], kit(30, plan=plan(newest, at_us=at(30)), arrived=1000))
    assert _only(made) == (Verdict.AT_RISK, "unexplained")


def test_what_is_pending_beside_thinned_parts_is_not_held_against_a_kit() -> None:
    one = stream(held={"thin": [(0, 30)]})
    said = plan((*_PROXY, 60_000_000, 0, 100), fit=2)
    slow = view(30, [one], kit(30, plan=said, arrived=1_000_000))
    assert _only(slow) == (Verdict.KEPT, "promised")
    assert (slow.kits[0].verdict, slow.kits[0].reason.code) == (Verdict.AT_RISK, "rate")
    stalled = view(30, [one], kit(30, plan=said))
    assert _only(stalled) == (Verdict.AT_RISK, "differ-stalled")
    silent = view(110, [one], kit(100, plan=said))
    assert _only(silent)[0] is Verdict.AT_RISK


def test_an_old_plan_is_no_longer_believed() -> None:
    one = stream(held={"proxy": [(0, 30)]})
    said = kit(30, plan=plan((*_PROXY, 5000, 0, 40)), plan_at=19, arrived=1_000_000)
    assert _only(view(30, [one], said)) == (Verdict.KEPT, "coming")


def test_a_full_plan_may_have_left_a_stream_out() -> None:
    rows = [(f"cam-{n}", "video", "proxy", 1, 0, 40) for n in range(64)]
    made = view(30, [stream(held={"proxy": [(0, 30)]})], kit(30, plan=plan(*rows), arrived=1000))
    assert _only(made) == (Verdict.KEPT, "coming")


def test_missing_minutes_that_nobody_has_are_a_risk_and_gaps_on_record_are_none() -> None:
    nothing_left = plan()
    holed = stream(held={"proxy": [(0, 10), (15, 30)]})
    made = view(30, [holed], kit(30, plan=nothing_left))
    assert _only(made) == (Verdict.AT_RISK, "unexplained")
    assert made.streams[0].reason.minutes == 5
    told = stream(held={"proxy": [(0, 10), (15, 30)]}, gaps=[gap(10, 15)])
    made = view(30, [told], kit(30, plan=nothing_left))
    assert _only(made) == (Verdict.KEPT, "complete")
    assert made.streams[0].layers[0].share == 1.0


def test_when_the_window_is_over_what_did_not_come_in_time_was_missed() -> None:
    whole = stream("a", held={"thin": [(0, 120)]})
    holed = stream("b", held={"proxy": [(0, 100)]}, late={"proxy": [(100, 110)]})
    empty = stream("c", gaps=[gap(0, 120, device="c")])
    made = view(500, [whole, holed, empty], kit(500))
    assert [(s.verdict, s.reason.code) for s in made.streams] == [
        (Verdict.KEPT, "done"),
        (Verdict.WILL_MISS, "missed"),
        (Verdict.UNKNOWN, "nothing"),
    ]
    assert (made.streams[1].reason.minutes, made.streams[1].reason.late) == (20, 10)
    assert (made.over, made.elapsed_us, made.verdict) == (True, at(120) - T0_US, Verdict.WILL_MISS)
    assert made.counts == {"kept": 1, "at_risk": 0, "will_miss": 1, "unknown": 1}


def test_a_closed_incident_waits_until_its_window_ends() -> None:
    one = stream(held={"proxy": [(0, 20)]})
    made = view(40, [one], kit(40, plan=plan((*_PROXY, 1000, 0, 45)), arrived=1000), closed=30)
    assert (made.over, len(made.streams[0].minutes)) == (False, 30)
    assert _only(made) == (Verdict.KEPT, "promised")
    done = view(40, [stream(held={"proxy": [(0, 30)]})], kit(30), closed=30)
    assert _only(done) == (Verdict.KEPT, "done")


def test_an_incident_without_a_window_has_no_verdict_and_shows_a_day_at_most() -> None:
    made = view(3000, [stream(held={"proxy": [(0, 3000)]})], kit(3000), window=None)
    assert _only(made) == (Verdict.UNKNOWN, "no-window")
    assert (len(made.streams[0].minutes), made.from_us) == (1440, at(3000 - 1440))


def test_first_pictures_are_told_from_t0_by_stream_and_by_kit() -> None:
    streams = [stream("a", first=0.5), stream("b", first=0.25), stream("c")]
    made = view(10, streams, kit(10))
    assert [s.first_picture_s for s in made.streams] == [30.0, 15.0, None]
    assert made.kits[0].first_picture_s == 15.0


def test_a_kits_times_are_moved_by_its_clocks_known_error() -> None:
    one = stream(held={"proxy": [(0, 30)]})
    hour_us = 3600_000_000
    told = kit(30, plan=plan((*_PROXY, 5000, 0, 100)), arrived=10**6, clock_offset_us=-hour_us)
    assert view(30, [one], told).streams[0].reason.at_us == at(40)


def test_the_worst_verdict_is_the_one_to_look_at() -> None:
    assert worst(Verdict.KEPT, Verdict.UNKNOWN) is Verdict.UNKNOWN
    assert worst(Verdict.UNKNOWN, Verdict.AT_RISK) is Verdict.AT_RISK
    assert worst(*Verdict) is Verdict.WILL_MISS
    assert view(10, []).verdict is Verdict.UNKNOWN


_SPANS = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 90)), max_size=20)


@given(_SPANS, _SPANS, _SPANS, st.integers(1, 600), st.booleans())
def test_minutes_tell_the_truth_of_any_spans(
    proxies: list[tuple[int, int]],
    stills: list[tuple[int, int]],
    gaps: list[tuple[int, int]],
    length_s: int,
    coming: bool,
) -> None:
    def spans(said: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return list(SpanSet(0, ((a * 10**6, (a + b) * 10**6) for a, b in said)))

    held = {"proxy": spans(proxies), "still": spans(stills)}
    lost, end_us = spans(gaps), length_s * 10**6
    minutes = best_minutes(held, {}, lost, 0, end_us, coming=coming, began_us=None)
    assert len(minutes) == -(-length_s // 60)
    for number, mark in enumerate(minutes):
        first, last = number * MINUTE_US, min((number + 1) * MINUTE_US, end_us)
        here = overlap_us(held["proxy"], first, last)
        free = last - first - overlap_us(lost, first, last)
        has_still = any(a < last and b >= first for a, b in held["still"])
        if mark == "p":
            assert here > 0
            assert here * 2 >= free
        elif mark == "s":
            assert any(a <= first + MINUTE_US - 1 and b >= first for a, b in held["still"])
        else:
            assert not has_still
            assert here * 2 < free or not here
        if mark == "g":
            assert free <= 5_000_000
        assert mark in ("psg.>" if coming else "psg.")


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 50)), max_size=40), st.randoms())
def test_a_set_of_spans_is_the_same_in_any_order(
    spans: list[tuple[int, int]], chance: object
) -> None:
    whole = [(a, a + b) for a, b in spans]
    shuffled = list(whole)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = SpanSet(3, whole), SpanSet(3, shuffled)
    assert list(first) == list(second)
    assert all(b < c - 3 for (_, b), (c, _) in zip(list(first), list(first)[1:], strict=False))
    assert first.within(100, 200) == [s for s in first if s[0] <= 200 and s[1] >= 100]
    assert len(coarser(first, 10_000)) <= 1
