"""The kit's clock in a world whose true time is known; no test here reads a real clock."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.clock.measure import Origin
from fieldlink.edge.clock_check import ClockState

TRUE_US = 1_780_000_000_000_000  # May 2026
S = 1_000_000
YEAR = 31_557_600 * S
GNSS_ERROR_US = 500_000


@dataclass
class World:
    """The truth, a machine's clocks, and what its kernel says."""

    off_us: int = 0  # the system's clock minus the truth
    drift_ppm: float = 0  # of the steady clock; the system's clock runs by it as well
    kept: bool = False
    kept_error_us: int = 0
    passed_us: int = 0
    boot_us: int = 77 * S
    clock: KitClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = KitClock(system=self.system, steady=self.steady, kernel=self.kernel)

    @property
    def true_us(self) -> int:
        return TRUE_US + self.passed_us

    def _ran_us(self) -> int:
        return round(self.passed_us * (1 + self.drift_ppm / 1e6))

    def system(self) -> int:
        return TRUE_US + self._ran_us() + self.off_us

    def steady(self) -> int:
        return self.boot_us + self._ran_us()

    def kernel(self) -> ClockState:
        return ClockState(self.kept, self.kept_error_us if self.kept else None)

    def pass_s(self, seconds: float) -> None:
        self.passed_us += round(seconds * S)

    def gnss(self, *, times: int = 1, late_us: int = 200_000, wrong_us: int = 0) -> None:
        """A receiver says the time, once a second, `late_us` off in what it is taken for."""
        for _ in range(times):
            self.pass_s(1)
            said_us = self.true_us + late_us + wrong_us
            self.clock.observe(Origin.GNSS, said_us, self.steady(), GNSS_ERROR_US)

    def centre(self, *, times: int = 2, wrong_us: int = 0) -> None:
        for _ in range(times):
            self.pass_s(1)
            said_us = self.true_us + wrong_us
            self.clock.observe(Origin.CENTRE, said_us, self.steady(), 80_000)

    def wrong_us(self) -> int:
        return abs(self.clock.now_us() - self.true_us)


@pytest.mark.parametrize("off_us", [-TRUE_US, 10 * YEAR, -3 * S], ids=["1970", "+10y", "-3s"])
def test_a_kit_whose_clock_is_wrong_gets_right_times_from_gnss(off_us: int) -> None:
    world = World(off_us=off_us)
    assert world.clock.now_us() == world.true_us + off_us
    assert world.clock.error_us() is None, "unknown, and not zero"
    world.gnss(times=2)
    assert world.clock.now_us() == world.true_us + off_us, "two readings may both be wild"
    world.gnss(times=2)
    assert world.wrong_us() <= GNSS_ERROR_US
    assert world.clock.error_us() == GNSS_ERROR_US
    report = world.clock.report()
    assert report["against"] == "gnss"
    assert report["correction_us"] == pytest.approx(-off_us, abs=GNSS_ERROR_US)
    assert report["steps"] == 1


def test_a_system_clock_that_may_be_right_is_left_alone() -> None:
    world = World(off_us=300_000)
    world.gnss(times=10)
    assert world.clock.report()["correction_us"] == 0
    assert world.clock.now_us() == world.true_us + 300_000
    assert world.clock.error_us() == 100_000 + GNSS_ERROR_US
    assert world.wrong_us() <= 600_000


def test_chrony_setting_the_clock_under_us_does_not_double_the_correction() -> None:
    world = World(off_us=-TRUE_US)
    world.gnss(times=5)
    before_us = world.clock.now_us() - world.true_us
    world.off_us = 2_000  # chrony steps it to the right time
    assert abs(world.clock.now_us() - world.true_us - before_us) <= GNSS_ERROR_US
    assert world.wrong_us() <= GNSS_ERROR_US
    world.gnss(times=2)
    assert world.clock.now_us() == world.true_us + 2_000
    report = world.clock.report()
    assert (report["correction_us"], report["system_steps"]) == (0, 1)


def test_somebody_setting_the_clock_wrong_moves_nothing() -> None:
    world = World()
    world.gnss(times=5)
    for off_us in (40 * YEAR, -20 * YEAR, 7 * S):
        world.off_us = off_us
        assert world.wrong_us() <= GNSS_ERROR_US
        world.pass_s(20)
        assert world.wrong_us() <= GNSS_ERROR_US
    world.off_us = 0
    assert world.wrong_us() == 0
    assert world.clock.report()["system_steps"] == 4


def test_without_any_source_the_clock_that_is_set_is_followed_and_said_to_have_moved() -> None:
    world = World(off_us=-TRUE_US)
    world.clock.now_us()
    world.off_us = 0
    world.pass_s(0.1)
    assert world.clock.now_us() == world.true_us
    last = world.clock.report()["last_step"]
    assert (last["what"], last["by_us"]) == ("set", TRUE_US)


def test_a_single_wild_reading_changes_nothing() -> None:
    world = World(off_us=10 * YEAR)
    world.gnss(times=5)
    for wrong_us in (-20 * YEAR, 3_600 * S):
        world.gnss(wrong_us=wrong_us)
        assert world.wrong_us() <= GNSS_ERROR_US
        world.gnss()
    assert world.clock.report()["wild"] == {"gnss": 2}


def test_what_says_otherwise_often_enough_is_believed() -> None:
    """A receiver that had the leap seconds wrong at first, by three."""
    world = World()
    world.gnss(times=5, wrong_us=3 * S)
    assert world.wrong_us() > 2 * S
    world.gnss(times=3)
    assert world.wrong_us() <= GNSS_ERROR_US


def test_the_error_grows_until_something_measures_again() -> None:
    world = World(off_us=-3 * S)
    world.gnss(times=3)
    world.pass_s(10_000)
    error_us = world.clock.error_us()
    assert error_us == pytest.approx(GNSS_ERROR_US + 1 * S, abs=10)
    world.gnss()
    assert world.clock.error_us() == GNSS_ERROR_US


def test_the_kernels_word_is_the_best_where_it_is() -> None:
    world = World(kept=True, kept_error_us=3_000)
    world.gnss(times=5)
    assert world.clock.error_us() == 3_000
    assert world.clock.report()["against"] == "system"
    assert world.clock.report()["correction_us"] == 0


def test_gnss_outranks_a_kernel_that_is_wrong() -> None:
    world = World(off_us=10 * YEAR, kept=True, kept_error_us=3_000)
    world.gnss(times=5)
    assert world.wrong_us() <= GNSS_ERROR_US
    assert world.clock.report()["contradicts"] == ["system"]


def test_a_receiver_alone_against_kernel_and_centre_is_not_followed() -> None:
    world = World(kept=True, kept_error_us=3_000)
    world.centre()
    world.gnss(times=5, wrong_us=-5 * S)
    assert world.wrong_us() == 0
    assert world.clock.report()["contradicts"] == ["gnss"]


def test_a_centre_alone_against_kernel_and_receiver_is_not_followed() -> None:
    world = World(kept=True, kept_error_us=3_000)
    world.gnss(times=5)
    world.centre(times=3, wrong_us=30 * S)
    assert world.wrong_us() == 0
    assert world.clock.report()["contradicts"] == ["centre"]


def test_the_centre_corrects_where_there_is_nothing_else() -> None:
    world = World(off_us=90 * S)
    world.centre()
    assert world.wrong_us() == 0
    assert world.clock.error_us() == 80_000
    assert world.clock.report()["against"] == "centre"


def test_of_those_that_agree_the_most_certain_is_taken() -> None:
    world = World(off_us=90 * S)
    world.centre()
    world.gnss(times=4)
    assert world.clock.report()["against"] == "centre"
    world.pass_s(8_000)  # the centre's word is old
    world.gnss(times=4)
    assert world.clock.report()["against"] == "gnss"


def test_a_kernel_that_does_not_say_counts_as_one_that_keeps_nothing() -> None:
    def refuses() -> ClockState:
        raise PermissionError(1, "adjtimex")

    world = World()
    clock = KitClock(system=world.system, steady=world.steady, kernel=refuses)
    assert clock.error_us() is None


EVENTS = st.one_of(
    st.tuples(st.just("pass"), st.floats(0, 5_000)),
    st.tuples(st.just("gnss"), st.floats(-0.5, 0.5)),
    st.tuples(st.just("set"), st.floats(-1e9, 1e9)),
    st.tuples(st.just("set"), st.floats(-2, 2)),
)


@given(
    st.lists(EVENTS, max_size=40),
    st.floats(-90, 90),
    st.booleans(),
)
def test_the_truth_is_never_further_off_than_said(
    events: list[tuple[str, float]], drift_ppm: float, near: bool
) -> None:
    """Whatever happens to the system's clock, with sources that keep their word."""
    world = World(drift_ppm=drift_ppm, off_us=0 if near else -TRUE_US)
    for what, amount in events:
        if what == "pass":
            world.pass_s(amount)
        elif what == "gnss":
            world.gnss(late_us=round(amount * GNSS_ERROR_US * 2))
        else:
            world.off_us = round(amount * S)
        now_us, error_us = world.clock.now_us(), world.clock.error_us()
        if error_us is not None:
            assert abs(now_us - world.true_us) <= error_us + 2


def test_it_says_the_time_of_this_machine() -> None:
    """With the real clocks: close to the system's, whatever the kernel says of it."""
    import time

    clock = KitClock()
    assert abs(clock.now_us() - time.time_ns() // 1000) < 5 * S
    assert clock.report()["correction_us"] == 0
