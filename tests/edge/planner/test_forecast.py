"""When things will be complete, and whether that is in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.pending import S_US, original, proxy, report, still
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.planner import Candidate, Rank, SpoolState, Track
from fieldlink.edge.planner.capacity import Carried
from fieldlink.edge.planner.fluid import Flow, drained_s
from fieldlink.edge.planner.forecast import Forecast, TrackForecast, Verdict, forecast
from fieldlink.edge.planner.production import Production

NOW_US = 10_000 * S_US
KEPT, AT_RISK, WILL_MISS = Verdict
YEARS_US = 10 * 365 * 86_400 * S_US


def _spool(*candidates: Candidate) -> SpoolState:
    spool = SpoolState()
    for candidate in candidates:
        spool.add(candidate)
    return spool


def _ahead(
    spool: SpoolState,
    carried: Carried,
    due_s: float | None = 3_600,
    made: dict[Track, float] | None = None,
) -> Forecast:
    due_us = None if due_s is None else NOW_US + round(due_s * S_US)
    return forecast(spool, carried, made or {}, NOW_US, due_us)


def _of(found: Forecast, layer: Layer, device: str = "cam-1") -> TrackForecast:
    return next(track for track in found.tracks if (track.device, track.layer) == (device, layer))


def _rate(expected_bps: float, low_bps: float | None = None) -> Carried:
    return Carried(expected_bps, expected_bps if low_bps is None else low_bps)


def test_levels_drain_one_after_the_other_and_a_fair_share_inside_each() -> None:
    first = [Flow(1_000, 0), Flow(3_000, 0)]
    second = [Flow(500, 10)]
    drained_s([first, second], 100)
    # 1,000 each by 20 s; the other 2,000 by 40 s; then 500 and the 400 that came, at 90 net.
    assert [flow.done_s for flow in first] == pytest.approx([20, 40])
    assert second[0].done_s == pytest.approx(50)


def test_what_goes_first_of_a_flow_is_gone_when_the_rest_remains() -> None:
    mixed, other = Flow(1_000, 10, first_bytes=400), Flow(300, 0)
    drained_s([[Flow(100, 0)], [mixed, other]], 100)
    # The first level takes 1 s; then 50 each, of which 10 come in, until the other has its 300.
    assert other.done_s == pytest.approx(7)
    assert mixed.first_done_s == pytest.approx(7 + (400 - 6 * 40) / 90)
    assert mixed.done_s == pytest.approx(7 + (1_010 - 6 * 40) / 90)


def test_a_level_that_grows_faster_than_it_drains_starves_those_below_it() -> None:
    first, second, idle = Flow(1_000, 200), Flow(10, 0), Flow(0, 0)
    drained_s([[first], [second, idle]], 100)
    assert (first.done_s, second.done_s, idle.done_s) == (None, None, 0.0)


def test_whoever_needs_less_than_a_share_leaves_the_rest_to_the_others() -> None:
    small, large = Flow(0, 10), Flow(900, 0)
    drained_s([[small, large]], 100)
    assert small.done_s == 0
    assert large.done_s == pytest.approx(10)


def test_what_goes_first_is_complete_first() -> None:
    pieces = [proxy(9_000 + 4 * n) for n in range(10)]
    whole = [original(9_000 + 10 * n) for n in range(4)]
    found = _ahead(_spool(*pieces, *whole, still(9_990), report(9_995)), _rate(800_000))
    assert _of(found, Layer.REPORT).done_us == pytest.approx(NOW_US + 2_000, abs=10)
    assert _of(found, Layer.PROXY).done_us == pytest.approx(NOW_US + 5_122_000, rel=1e-3)
    assert _of(found, Layer.ORIGINAL).done_us == pytest.approx(NOW_US + 25_122_000, rel=1e-3)
    assert found.verdict is KEPT
    assert _of(found, Layer.ORIGINAL).pending_bytes == 2_000_000


def test_a_rate_that_is_too_low_is_said_with_the_rate_that_is_needed() -> None:
    found = _ahead(_spool(*[original(9_000 + 10 * n) for n in range(90)]), _rate(50_000))
    track = _of(found, Layer.ORIGINAL)
    assert track.verdict is WILL_MISS
    assert track.reason == "rate: 100 kbit/s are needed and the links carry 50"


def test_what_comes_in_meanwhile_counts() -> None:
    made = {("cam-1", "video", Layer.PROXY): 100_000.0}
    spool = _spool(proxy(9_900, size=1_000_000))
    assert _of(_ahead(spool, _rate(140_000), made=made), Layer.PROXY).done_us == NOW_US + 200 * S_US
    starved = _of(_ahead(spool, _rate(90_000), made=made), Layer.PROXY)
    assert (starved.done_us, starved.verdict) == (None, WILL_MISS)


def test_what_holds_at_the_expected_rate_alone_is_at_risk() -> None:
    spool = _spool(original(9_000, size=5_000_000))
    track = _of(_ahead(spool, _rate(20_000, 5_000)), Layer.ORIGINAL)
    assert track.verdict is AT_RISK
    assert track.reason == "rate: 11 kbit/s are needed; at bad times the links carry 5.0"
    broken = _of(_ahead(spool, Carried(20_000, 5_000, 1.0, 0.7)), Layer.ORIGINAL)
    assert broken.reason.startswith("outages: ")


def test_without_a_link_it_says_since_when() -> None:
    carried = Carried(0.0, 0.0, 0.0, 0.0, NOW_US - 720 * S_US)
    track = _of(_ahead(_spool(proxy(9_000)), carried), Layer.PROXY)
    assert (track.verdict, track.done_us) == (AT_RISK, None)
    assert track.reason == "no-link: none since 12 min"


def test_before_anything_was_measured_it_promises_nothing() -> None:
    track = _of(_ahead(_spool(proxy(9_000)), Carried(None, None)), Layer.PROXY)
    assert (track.verdict, track.done_us) == (AT_RISK, None)
    assert track.reason.startswith("unmeasured: ")


def test_when_the_window_is_over_what_is_left_missed_it() -> None:
    found = _ahead(_spool(original(9_000)), _rate(1e6), due_s=-180)
    track = _of(found, Layer.ORIGINAL)
    assert track.verdict is WILL_MISS
    assert track.reason == "late: the window ended 3 min ago and 500.0 kB wait"


def test_without_an_incident_each_bundle_has_its_own_deadline() -> None:
    spool = _spool(*[proxy(9_000 + 4 * n) for n in range(200)])  # 10 MB
    assert _of(_ahead(spool, _rate(20_000), due_s=None), Layer.PROXY).verdict is KEPT
    assert _of(_ahead(spool, _rate(10_000), due_s=None), Layer.PROXY).verdict is WILL_MISS
    late = _of(_ahead(_spool(proxy(2_000)), _rate(1e6), due_s=None), Layer.PROXY)
    assert late.reason == "late: the oldest was due 13 min ago"


@pytest.mark.parametrize("jump_us", [YEARS_US, -YEARS_US])
def test_a_clock_that_jumps_ten_years_is_named_as_the_reason(jump_us: int) -> None:
    # The window was set before the jump.
    far = YEARS_US if jump_us < 0 else 0
    spool = _spool(proxy(9_000))
    now_us = NOW_US + far + jump_us
    due_us = NOW_US + far + 3_600 * S_US
    track = _of(forecast(spool, _rate(1e6), {}, now_us, due_us), Layer.PROXY)
    assert track.verdict is AT_RISK
    assert track.reason.startswith("clock: by the kit's clock this is due ")


@given(
    rate_bps=st.none() | st.floats(0, 1e9),
    made=st.floats(allow_nan=True, allow_infinity=True),
    jump_us=st.sampled_from([0, YEARS_US]),
    sizes=st.lists(st.integers(0, 10**8), max_size=6),
)
def test_whatever_it_is_told_it_says_something(
    rate_bps: float | None, made: float, jump_us: int, sizes: list[int]
) -> None:
    makers = (proxy, original, still)
    spool = _spool(*[makers[n % 3](9_000 + n, size=size) for n, size in enumerate(sizes)])
    production = {("cam-1", "video", Layer.PROXY): made}
    found = forecast(spool, Carried(rate_bps, rate_bps), production, NOW_US + jump_us, None)
    assert sum(track.pending_bytes for track in found.tracks) == sum(sizes)
    for track in found.tracks:
        word, colon, sentence = track.reason.partition(": ")
        assert word
        assert colon
        assert sentence


def test_what_a_thinner_copy_stands_in_for_is_not_promised() -> None:
    later = [proxy(9_000 + 4 * n, size=100_000, rank=Rank.LATER) for n in range(100)]
    spool = _spool(proxy(9_000, rank=Rank.COVER), *later, original(9_000))
    found = _ahead(spool, _rate(80_000), due_s=60)
    track = _of(found, Layer.PROXY)
    assert (track.done_us, track.verdict) == (NOW_US + 5 * S_US, KEPT)
    assert track.pending_bytes == 10_050_000
    assert _of(found, Layer.ORIGINAL).done_us == NOW_US + 1_055 * S_US
    only = _of(_ahead(_spool(*later), _rate(80_000), due_s=60), Layer.PROXY)
    assert only.verdict is KEPT
    assert only.reason == "on-time: thinner copies stand in for the 10.0 MB that wait"


def test_production_is_measured_from_what_is_recorded() -> None:
    production = Production()
    for at_s in range(4, 400, 4):
        production.recorded(proxy(at_s - 4), at_s * S_US)
    rate_bps = production.rates(400 * S_US)["cam-1", "video", Layer.PROXY]
    assert rate_bps == pytest.approx(100_000, rel=0.05)
    assert production.rates(440 * S_US) == {}  # it has stopped
    for jump_us in (YEARS_US, -YEARS_US):
        production.recorded(proxy(400), 400 * S_US + jump_us)
        assert all(0 < one < 1e6 for one in production.rates(400 * S_US + jump_us).values())


def test_what_would_take_for_ever_is_never_complete_rather_than_at_a_time_beyond_all_counting() -> (
    None
):
    waiting = proxy(0, size=1_000_000_000)
    made = {waiting.track: 8_000.0 * (1 - 1e-14)}
    track = _of(_ahead(_spool(waiting), _rate(8_000.0), made=made), Layer.PROXY)
    assert (track.done_us, track.verdict) == (None, WILL_MISS)
