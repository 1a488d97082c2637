"""What links are expected to carry, from what they did."""

import math

import pytest

from fieldlink.edge.planner.capacity import Capacity

S_US = 1_000_000


class Meter:
    """Samples a bearer once a second."""

    def __init__(self, capacity: Capacity, name: str = "sat") -> None:
        self.capacity, self.name, self.at_s, self.total_bytes = capacity, name, 0, 0

    def run(
        self,
        seconds: int,
        rate_bps: float | None,
        *,
        busy: bool = True,
        path_bps: float | None = None,
    ) -> None:
        """So long at `rate_bps`, down if None."""
        for _ in range(seconds):
            self.at_s += 1
            self.total_bytes += round((rate_bps or 0) / 8)
            up = rate_bps is not None
            self.capacity.sample(
                self.name, self.at_s * S_US, self.total_bytes, up, busy=busy, path_bps=path_bps
            )


def test_before_anything_was_measured_nobody_knows() -> None:
    capacity = Capacity()
    assert capacity.carried().expected_bps is None
    capacity.sample("sat", S_US, 0, True)
    assert capacity.carried().expected_bps is None


def test_a_steady_link_is_expected_to_carry_what_it_carries() -> None:
    capacity = Capacity()
    Meter(capacity).run(120, 128_000)
    carried = capacity.carried()
    assert carried.expected_bps == pytest.approx(128_000)
    assert carried.low_bps == pytest.approx(128_000, rel=0.05)
    assert carried.down_since_us is None


def test_a_link_that_varies_is_trusted_less_than_its_mean() -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    for _ in range(30):
        meter.run(10, 50_000)
        meter.run(10, 150_000)
    carried = capacity.carried()
    assert carried.expected_bps == pytest.approx(100_000, rel=0.15)
    assert carried.low_bps is not None
    assert carried.low_bps < 65_000


@pytest.mark.parametrize(("before_bps", "after_bps"), [(5e6, 128e3), (128e3, 5e6)])
def test_a_change_of_rate_is_followed_within_a_minute(before_bps: float, after_bps: float) -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    meter.run(600, before_bps)
    meter.run(60, after_bps)
    expected = capacity.carried().expected_bps
    assert expected is not None
    assert after_bps / 1.5 < expected < after_bps * 1.5


def test_a_link_that_idles_shows_nothing_of_what_it_could_carry() -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    meter.run(120, 500_000)
    meter.run(600, 2_000, busy=False)
    assert capacity.carried().expected_bps == pytest.approx(500_000, rel=0.02)


def test_of_a_link_that_only_trickles_its_own_measure_is_believed_with_caution() -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    meter.run(60, 100_000, busy=False, path_bps=20e6)
    assert capacity.carried().expected_bps == pytest.approx(400_000, rel=0.01)
    meter.run(60, 2_500_000, busy=False, path_bps=8e6)
    assert capacity.carried().expected_bps == pytest.approx(6_400_000, rel=0.1)
    meter.run(120, 3_000_000, path_bps=8e6)  # and when it is busy, what it carries
    assert capacity.carried().expected_bps == pytest.approx(3_000_000, rel=0.05)


@pytest.mark.parametrize("lie", [float("nan"), float("inf"), -1e6, 1e15])
def test_a_bearers_measure_that_cannot_be_true_is_counted_and_not_believed(lie: float) -> None:
    capacity = Capacity()
    Meter(capacity).run(60, 100_000, busy=False, path_bps=lie)
    assert capacity.strange > 5
    assert capacity.carried().expected_bps == pytest.approx(100_000, rel=0.01)


def test_one_long_outage_does_not_halve_what_is_expected_but_what_is_sure() -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    meter.run(60, 128_000)
    meter.run(1_800, None)
    meter.run(600, 128_000)
    carried = capacity.carried()
    assert carried.expected_bps == pytest.approx(128_000, rel=0.02)
    assert carried.low_bps is not None
    assert carried.low_bps < 64_000


def test_a_link_that_breaks_again_and_again_is_expected_to_go_on_like_that() -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    for _ in range(5):
        meter.run(80, 1_000_000)
        meter.run(20, None)
    short = capacity.carried()  # down now, as so often: it will be back
    assert short.expected_bps == pytest.approx(800_000, rel=0.05)
    assert short.low_bps == 0
    meter.run(80, 1_000_000)
    back = capacity.carried()
    assert back.expected_bps == pytest.approx(800_000, rel=0.1)
    assert back.available == pytest.approx(0.83, abs=0.05)
    meter.run(300, None)
    assert capacity.carried().expected_bps == 0


def test_with_no_link_it_says_since_when() -> None:
    capacity = Capacity()
    one, other = Meter(capacity, "lte"), Meter(capacity)
    one.run(100, 1_000_000)
    one.run(50, None)
    other.run(120, 128_000)
    assert capacity.carried().expected_bps == pytest.approx(128_000)
    other.run(30, None)
    carried = capacity.carried()
    assert (carried.expected_bps, carried.down_since_us) == (0.0, 121 * S_US)


def test_several_links_add_up_and_some_of_them_can_be_asked_for() -> None:
    capacity = Capacity()
    for name, rate_bps in (("lte", 1_000_000), ("sat", 128_000), ("mesh", 10_000_000)):
        Meter(capacity, name).run(60, rate_bps)
    assert capacity.carried().expected_bps == pytest.approx(11_128_000)
    assert capacity.carried(["lte", "sat", "gone"]).expected_bps == pytest.approx(1_128_000)
    assert capacity.carried([]).expected_bps is None


@pytest.mark.parametrize("jump_s", [315_360_000, -315_360_000])
def test_a_clock_that_jumps_ten_years_costs_no_more_than_one_span(jump_s: int) -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    meter.at_s = 400_000_000
    meter.run(120, 128_000)
    meter.at_s += jump_s
    meter.run(60, 128_000)
    assert capacity.strange == 1
    assert capacity.carried().expected_bps == pytest.approx(128_000, rel=0.05)


@pytest.mark.parametrize("lie", [-(10**9), 10**15, 10**30])
def test_a_bearer_that_lies_about_what_it_delivered_is_counted_and_not_believed(lie: int) -> None:
    capacity = Capacity()
    meter = Meter(capacity)
    meter.run(60, 128_000)
    meter.total_bytes += lie
    meter.run(60, 128_000)
    carried = capacity.carried()
    assert capacity.strange == 1
    assert carried.expected_bps == pytest.approx(128_000, rel=0.02)
    assert carried.low_bps is not None
    assert math.isfinite(carried.low_bps)
