"""Two aircraft with one system number, told from one that starts anew or is held up."""

from fieldlab.autopilot import Autopilot
from fieldlink.drone.vehicle.twins import Twins

S = 1_000_000
KEY = (1, 1)


def heard(*began_s: float, late_s: float = 0.0) -> bool:
    """Whether two are seen when, of one second to the next, somebody speaks who was switched on at
    that time.
    """
    twins, says = Twins(), Autopilot(1)
    for second, began in enumerate(began_s, 1000):
        boot_ms = round((second - began) * 1000)
        twins.take(says.say("attitude", boot_ms, 0, 0, 0, 0, 0, 0), second * S)
    return twins.seen(KEY, (1000 + len(began_s)) * S)


def test_two_that_speak_in_turn_are_two() -> None:
    assert heard(*[100.0, 500.0] * 5)


def test_one_that_starts_anew_or_is_held_up_or_has_no_clock_is_one() -> None:
    assert not heard(*[100.0] * 20)
    assert not heard(*[100.0] * 10, *[1009.0] * 10)  # a new start
    assert not heard(*[100.0] * 5, 130.0, 125.0, 118.0, 109.0, *[100.0] * 5)  # it catches up
    assert not heard(*[100.0, 104.0] * 10)  # two ways, one of them slow
    assert not heard(*(1000.0 + n for n in range(20)))  # always 0


def test_who_flies_alone_again_is_one_again() -> None:
    assert not heard(*[100.0, 500.0] * 5, *[100.0] * 70)
