"""The whole decision in virtual time: whatever the link does, what can be there is there."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldlab.fitting import VirtualKit
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.fit.decide import Link, Live
from fieldlink.edge.fit.ladder import FULL


def steady(bps: float) -> Callable[[float], float]:
    """A link that does what it should."""
    return lambda _: bps


def test_ten_times_what_fits_arrives_whole_and_the_link_is_used() -> None:
    kit = VirtualKit(steady(4 * 600 * 2e6 / 10 / 1800), 1800, render_s=6)
    kit.record_minutes([f"ball-{n}" for n in range(4)], range(-10, 0))
    kit.run(1800)
    assert kit.missing() == []
    assert kit.coverage.minutes().moving == 40
    assert kit.carried_bytes >= 0.99 * kit.offered_bytes
    rates = sorted(cell.held_bps for cell in kit.coverage.cells())
    assert rates[0] > 0.7 * 176_000  # the even share, sound taken off
    assert len(kit.made) <= 82  # a still and a rendition of each, nothing twice


def test_an_hour_on_64_kilobits_carries_every_minute_of_four_cameras() -> None:
    kit = VirtualKit(steady(64e3), 3600, render_s=6)
    kit.record_minutes(
        [f"ball-{n}" for n in range(4)], range(-30, 0), proxy_bps=100e3, still_bytes=12_000
    )
    kit.run(3600, look_s=10, step_s=2)
    assert kit.missing() == []
    assert kit.coverage.minutes().moving == 120


def test_proxies_that_fit_go_as_they_are() -> None:
    kit = VirtualKit(steady(400e3), 1800, live=Live())
    kit.record_minutes(["ball-1", "ball-2"], range(-10, 0), proxy_bps=100e3, still_bytes=9000)
    kit.run(1800)
    assert kit.made == []
    assert kit.fitter.plan.number == FULL
    assert kit.coverage.minutes().moving == 20


def test_when_the_link_improves_the_rest_goes_thicker_and_the_thin_is_done_again() -> None:
    kit = VirtualKit(lambda s: 40e3 if s < 900 else 1e6, 1800, render_s=2)
    kit.record_minutes(["ball-1", "ball-2"], range(-10, 0))
    kit.run(1800)
    rates = [cell.held_bps for cell in kit.coverage.cells()]
    assert min(rates) >= 200_000


def test_what_nobody_can_decode_keeps_nothing_else_waiting() -> None:
    kit = VirtualKit(steady(60e3), 1800)
    kit.record_minutes(["ball-1", "ball-2"], range(-5, 0))
    cells = {cell.key: cell for cell in kit.coverage.cells()}
    for key in sorted(cells)[:5]:
        kit.coverage.barren(cells[key], Layer.ORIGINAL)
    kit.run(1800)
    # Only the originals themselves can stand for those, and not all of them fit.
    assert kit.coverage.minutes().moving >= 5
    assert {key[0] for key in kit.missing()} <= {"ball-1"}


@settings(max_examples=50, deadline=None)
@given(
    link=st.lists(st.sampled_from([0.0, 2e3, 16e3, 64e3, 256e3, 1e6]), min_size=10, max_size=10),
    belief=st.sampled_from([0.0, 0.3, 1.0, 3.0]),
    proxies=st.booleans(),
    stills=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_whatever_the_link_does_every_minute_is_there_before_any_is_better(
    link: list[float], belief: float, proxies: bool, stills: bool, seed: int
) -> None:
    kit = VirtualKit(
        lambda s: link[min(int(s // 60), 9)],
        600,
        seed=seed,
        render_s=3,
        said=lambda s: Link(link[min(int(s // 60), 9)] * belief or None, 0.0),
    )
    kit.record_minutes(
        ["ball-1", "ball-2"],
        range(-4, 0),
        proxy_bps=100e3 if proxies else 0,
        still_bytes=8000 if stills else 0,
    )
    began: int | None = None
    for second in range(1, 601):
        kit.run(float(second))
        if second % 5:
            continue
        if began is None and kit.fitter.plan.number != FULL:
            began = kit.carried_bytes
        # A still of each; while one is being made the link carries something else.
        needed = 8 * 8000 + 1e6 / 8 * (3 if stills else 20)
        if began is not None and kit.carried_bytes - began > needed:
            assert kit.missing() == []
    for _, need in kit.made:
        if need.cell.held_bps > 0:
            assert all(cell.held_bps > 0 or cell.thin for cell in kit.coverage.cells())
