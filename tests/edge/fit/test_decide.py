"""How thin: the ladder, a minute on it, and the choice of the rung."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from fieldlab.fitting import T0_US, manifest
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.fit.cell import Cell
from fieldlink.edge.fit.coverage import Coverage
from fieldlink.edge.fit.decide import FitPlan, Inputs, Link, Live, decide
from fieldlink.edge.fit.ladder import FULL, LADDER, REPORTS, Level
from fieldlink.edge.fit.ranks import ranks_of
from fieldlink.edge.fit.treatment import Use, treat
from fieldlink.edge.planner import Rank


def recorded(
    devices: int = 4, minutes: int = 10, *, proxies: bool = True, stills: int = 6
) -> Coverage:
    """Minutes before `T0_US` with originals of 2 Mbit/s, proxies of 100 kbit/s and stills."""
    coverage, number = Coverage(), 0
    for device in range(devices):
        for minute in range(-minutes, 0):
            at_s = minute * 60
            made = [(Layer.ORIGINAL, at_s, at_s + 60, 15_000_000)]
            if proxies:
                made.append((Layer.PROXY, at_s, at_s + 60, 750_000))
            made += [(Layer.STILL, at_s + 10 * n, at_s + 10 * n, 9000 + n) for n in range(stills)]
            for layer, start_s, end_s, size in made:
                number += 1
                item = manifest(number, layer, start_s, end_s, size, device=f"ball-{device}")
                coverage.recorded(number.to_bytes(32, "big"), item)
    return coverage


def inputs(
    cells: Sequence[Cell],
    bps: float | None,
    *,
    due_s: float = 1800,
    now_s: float = 60,
    **more: Live,
) -> Inputs:
    """At `now_s`, with a link of `bps`, in an incident that ends at `due_s`."""
    return Inputs(
        cells=cells,
        link=Link(bps, bps),
        live=more.get("live", Live()),
        now_us=T0_US + round(now_s * 1e6),
        start_us=T0_US - 86_400_000_000,
        due_us=T0_US + round(due_s * 1e6),
    )


def test_each_rung_costs_less_than_the_one_above() -> None:
    costs = [rung.media_bps for rung in LADDER if rung.is_video]
    assert all(more > less for more, less in pairwise(costs))
    assert [rung.level for rung in LADDER] == sorted(rung.level for rung in LADDER)
    live = Live(cameras=3)
    assert all(live.bps(n) >= live.bps(n + 1) for n in range(REPORTS))


def test_nothing_is_thinned_while_all_proxies_fit() -> None:
    plan = decide(inputs(recorded().cells(), 2e6))
    assert (plan.number, plan.level, plan.needs) == (FULL, Level.FULL, ())
    assert set(ranks_of(plan).values()) == {Rank.NORMAL}


def test_minutes_without_proxies_get_renditions_as_good_as_fit() -> None:
    plan = decide(inputs(recorded(proxies=False, stills=0).cells(), 200e3))
    # 2,400 s of pictures in 1,740 s at 200 kbit/s: 145 kbit/s with sound for each.
    assert 80_000 <= plan.needs[-1].video_bps <= 125_000
    assert sum(need.stills for need in plan.needs) == 40
    assert len(plan.needs) == 80


def test_a_thinner_link_gives_a_thinner_plan_down_to_reports() -> None:
    cells = recorded().cells()
    levels = [decide(inputs(cells, bps)) for bps in (2e6, 100e3, 40e3, 17e3, 4e3, 40)]
    assert [plan.level for plan in levels] == [0, 1, 1, 2, 3, 4]
    assert all(plan.use is not None and plan.use <= 1 for plan in levels[:-1])


def test_what_stands_in_for_proxies_puts_them_behind_and_one_still_of_each_minute_first() -> None:
    cells = recorded().cells()
    ranks = ranks_of(decide(inputs(cells, 60e3)))
    for cell in cells:
        assert {ranks[piece.bundle] for piece in cell.plain} == {Rank.LATER}
        first, *rest = [ranks[piece.bundle] for piece in cell.stills]
        assert first is Rank.COVER
        assert set(rest) == {Rank.LATER}


def held(bps: int, devices: int = 1, minutes: int = 1) -> list[Cell]:
    """Minutes of which the centre has renditions at that rate and nothing else."""
    coverage = recorded(devices, minutes, proxies=False, stills=0)
    for number, cell in enumerate(coverage.cells()):
        at_s = (cell.start_us - T0_US) / 1e6
        meta: dict[str, str | int | bool | None] = {"thin": 1, "rate": bps}
        item = manifest(
            900 + number, Layer.PROXY, at_s, at_s + 60, 9, device=cell.device, meta=meta
        )
        coverage.recorded(bytes([number]) * 32, item, custody=True)
    return coverage.cells()


def test_what_is_left_over_at_the_end_makes_the_poorest_better_as_many_as_fit() -> None:
    poor, good = held(32_000, 2, 2), held(80_000, 3, 3)[4:]
    plan = decide(inputs([*poor, *good], 100e3, due_s=160))  # 100 s, 1.25 MB
    assert [need.cell.held_bps for need in plan.needs] == [32_000, 32_000]
    assert {need.video_bps for need in plan.needs} == {50_000}
    plan = decide(inputs([*poor, *good], 1e6, due_s=160))
    assert len(plan.needs) == 9
    assert len({need.video_bps for need in plan.needs}) == 1
    assert plan.needs[0].video_bps > 120_000


def test_what_is_nearly_as_good_is_not_done_again() -> None:
    assert decide(inputs(held(300_000), 1e6, due_s=100)).needs == ()


def test_what_somebody_wants_goes_as_capture_made_it() -> None:
    (cell,) = recorded(1, 1).cells()
    assert treat(cell, REPORTS - 1, closed=True, kept=True).use is Use.PLAIN


def test_an_unknown_link_changes_nothing() -> None:
    cells = recorded().cells()
    assert decide(inputs(cells, None)).number == FULL
    before = FitPlan(number=9, changed_us=5)
    after = decide(inputs(cells, None), before)
    assert (after.number, after.changed_us) == (9, 5)


def test_what_is_recorded_meanwhile_counts_and_follows() -> None:
    cells = recorded(1, 1).cells()
    alone = decide(inputs(cells, 256e3))
    with_live = decide(inputs(cells, 256e3, live=Live(cameras=4)))
    assert alone.number == FULL
    rung = LADDER[with_live.number]
    assert rung.is_video
    assert 4 * rung.media_bps < 256e3
    assert with_live.level == Level.THINNER


@pytest.mark.parametrize("factor", [0.85, 0.95, 1.05, 1.15])
def test_a_link_that_wavers_a_little_moves_nothing(factor: float) -> None:
    cells = recorded().cells()
    plan = decide(inputs(cells, 100e3))
    moved = [plan.number]
    for look in range(1, 200):
        bps = 100e3 * (factor if look % 2 else 1.0)
        plan = decide(inputs(cells, bps, now_s=60 + look * 0.01), plan)
        moved.append(plan.number)
    assert sum(a != b for a, b in pairwise(moved)) <= 1


def test_thicker_again_when_the_link_improves_but_not_at_once() -> None:
    cells = recorded().cells()
    plan = decide(inputs(cells, 50e3))
    at_once = decide(inputs(cells, 5e6, now_s=62), plan)
    later = decide(inputs(cells, 5e6, now_s=90), plan)
    assert at_once.number == plan.number
    assert later.number == FULL


def test_without_an_incident_each_minute_has_its_own_deadline() -> None:
    cells = recorded().cells()
    own = Inputs(cells=cells, link=Link(60e3, 60e3), live=Live(), now_us=T0_US + 60_000_000)
    plan = decide(own)
    due = [own.deadline_us(cell) for cell, _ in plan.treatments]
    assert due == sorted(due)
    assert len(set(due)) == 10
    assert plan.number == FULL  # two hours are long
    late = Inputs(cells=cells, link=Link(40e3, 40e3), live=Live(), now_us=T0_US + 7_200_000_000)
    assert all(late.deadline_us(cell) > late.now_us for cell in cells)


def test_a_link_mostly_down_still_counts_for_something() -> None:
    assert Link(100e3, 0.0).trusted_bps == 25e3
    assert Link(100e3, 80e3).trusted_bps == 80e3
    assert Link(0.0, 0.0).trusted_bps is None


@pytest.mark.parametrize("lie", [float("inf"), float("nan"), -5.0, 1e30])
def test_a_rate_that_cannot_be_is_unknown(lie: float) -> None:
    assert Link(lie, lie).trusted_bps is None
    assert Link(1000.0, lie).trusted_bps == 250.0


def test_a_clock_that_jumps_ten_years_holds_nothing_up() -> None:
    cells = recorded().cells()
    ten_years_s = 315_360_000
    ahead = decide(inputs(cells, 60e3, now_s=ten_years_s))
    assert all(inputs(cells, 60e3, now_s=ten_years_s).deadline_us(c) > c.end_us for c in cells)
    assert ahead.needs or ahead.number == FULL
    back = decide(inputs(cells, 60e3, now_s=100), ahead)
    assert decide(inputs(cells, 5e6, now_s=200), back).number == FULL


def test_encoders_that_make_more_than_they_are_asked_for_are_counted_with_that() -> None:
    live = Live(cameras=4, made_bps=4 * 30_000)
    plan = decide(inputs([], 100e3, live=live))
    asked = LADDER[plan.number].media_bps
    later = decide(inputs([], 100e3, live=live, now_s=300), plan)
    assert later.overshoot == pytest.approx(30_000 / asked)
    assert later.number > plan.number
    again = decide(inputs([], 100e3, live=live, now_s=302), later)
    assert (again.number, again.overshoot) == (later.number, later.overshoot)
