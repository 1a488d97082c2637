"""How much detail goes follows the link, without flapping."""

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.telemetry import Detail
from fieldlink.edge.telemetry.ladder import Ladder, Offer, needed_bps


def _run(ladder: Ladder, offer: Offer, seconds: int, start_s: int = 0) -> list[Detail]:
    return [ladder.look(offer, start_s + at) for at in range(seconds)]


def test_what_flows_goes_in_full_whatever_is_measured() -> None:
    for link_bps in (1e6, 2_400.0, 1.0):
        assert set(_run(Ladder(), Offer(link_bps, 50_000, 400, 2), 100)) == {Detail.FULL}


def test_a_narrow_link_carries_less_within_seconds() -> None:
    for link_bps, detail in (
        (1e6, Detail.SECONDS_5),  # something else is in the way
        (30_000, Detail.SECONDS_5),
        (9_600, Detail.CHANGE),
        (2_400, Detail.LAST),
        (300, Detail.LAST),
    ):
        assert _run(Ladder(), Offer(link_bps, 50_000, 400, 10), 6)[-1] is detail


def test_it_goes_up_a_step_each_half_a_minute_when_nothing_waits() -> None:
    ladder = Ladder()
    _run(ladder, Offer(2_400, 50_000, 400, 10), 10)
    details = _run(ladder, Offer(2_400, 50_000, 400, 1), 100, 10)
    assert details[25] is Detail.LAST
    assert [details[at] for at in (35, 65, 95)] == [
        Detail.CHANGE, Detail.SECONDS_5, Detail.FULL,
    ]  # fmt: skip


def test_sheaves_that_hardly_wait_change_nothing_on_a_link_that_hovers() -> None:
    ladder = Ladder()
    _run(ladder, Offer(60_000, 50_000, 400, 10), 10)
    assert ladder.detail is Detail.SECONDS_5
    for at in range(600):
        link_bps = 70_000 if at % 2 else 130_000
        assert ladder.look(Offer(link_bps, 50_000, 400, 4), 10 + at) is Detail.SECONDS_5


def test_without_a_link_nothing_changes_and_a_moment_of_weakness_is_none() -> None:
    ladder = Ladder()
    for link_bps in (None, 0.0):
        assert set(_run(ladder, Offer(link_bps, 50_000, 400, 100), 60)) == {Detail.FULL}
    for start_s in range(0, 100, 10):
        _run(ladder, Offer(2_400, 50_000, 400, 10), 3, start_s)
        _run(ladder, Offer(2_400, 50_000, 400, 1), 7, start_s + 3)
    assert ladder.detail is Detail.FULL


@given(link_bps=st.floats(1, 1e9), full_bps=st.floats(0, 1e7), series=st.integers(0, 4_000))
def test_what_it_rests_at_fits_or_is_the_least(
    link_bps: float, full_bps: float, series: int
) -> None:
    offer = Offer(link_bps, full_bps, series, 10)
    detail = _run(Ladder(), offer, 10)[-1]
    assert detail is not Detail.FULL
    assert (
        detail is Detail.LAST
        or needed_bps(detail, offer) <= 0.6 * link_bps
        or (detail is Detail.SECONDS_5 and full_bps <= 0.6 * link_bps)
    )
