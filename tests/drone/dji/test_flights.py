"""Flights cut from reports: virtual time."""

from typing import Any

import pytest

from fieldlink.drone.dji.flights import Flights
from fieldlink.drone.record import FlightIndex

T0 = 1_780_000_000_000_000


class Lab:
    """Reports every two seconds."""

    def __init__(self) -> None:
        self.flights, self.now_s = Flights(), 0.0

    def says(self, armed: bool | None = None, count: int = 1, **more: Any) -> None:
        """So many reports."""
        for _ in range(count):
            self.now_s += 2
            self.flights.take(
                "drone-1",
                at_us=T0 + round(self.now_s * 1e6),
                steady_us=round(self.now_s * 1e6),
                armed=armed,
                height_m=more.get("height"),
                speed_mps=more.get("speed"),
            )

    def silent(self, seconds: float) -> None:
        """Nothing is heard."""
        self.now_s += seconds
        self.flights.tick(round(self.now_s * 1e6))

    @property
    def ended(self) -> list[tuple[str, int]]:
        """Why each flight ended, and how long it was in seconds."""
        return [(one.ended, (one.end_us - one.start_us) // 1_000_000) for one in self.flights.ended]


def test_a_flight_is_from_motors_on_to_motors_off() -> None:
    lab = Lab()
    lab.says(False, 3)
    assert lab.flights.flying == {}
    lab.says(True, 10)
    lab.says(False)
    lab.says(True, 5)  # one report of another kind does not end it
    lab.says(None, 2)  # nor does one that says nothing
    lab.says(False, 2)
    assert lab.ended == [("disarmed", 30)]
    [index] = lab.flights.ended
    assert index.ident == "20260528t202648-000"
    assert FlightIndex.from_dict(index.to_dict()) == index
    assert (index.pieces, index.gaps, dict(index.frames)) == ([], [], {})


def test_where_the_mode_says_nothing_height_and_speed_do() -> None:
    lab = Lab()
    lab.says(height=0.2, speed=0.1)
    lab.says(height=30.0, speed=0.0, count=4)
    lab.says(height=0.5, speed=6.0)
    lab.says(height=0.1, speed=0.0, count=2)
    assert [why for why, _ in lab.ended] == ["disarmed"]


def test_silence_is_a_gap_and_a_long_one_the_end() -> None:
    lab = Lab()
    lab.says(True, 5)
    lab.silent(60)
    lab.says(True, 5)
    [gap] = lab.flights.flying["drone-1"].index.gaps
    assert (gap.end_us - gap.start_us, gap.reason.partition(":")[0]) == (62_000_000, "link")
    lab.silent(601)
    assert lab.ended == [("lost", 78)]
    lab.says(True)
    assert list(lab.flights.flying) == ["drone-1"]


@pytest.mark.parametrize(
    ("away_s", "armed", "ended", "gaps"),
    [
        (30, True, [], ["agent"]),
        (30, False, ["stopped"], []),
        (700, True, ["stopped"], []),
    ],
)
def test_a_flight_goes_on_over_a_new_start_if_it_still_flies(
    away_s: float, armed: bool, ended: list[str], gaps: list[str]
) -> None:
    before = Lab()
    before.says(True, 5)
    index = before.flights.flying["drone-1"].index
    lab = Lab()
    lab.now_s = before.now_s + away_s
    lab.flights.resume(FlightIndex.from_dict(index.to_dict()), round(lab.now_s * 1e6))
    lab.says(armed)
    assert [why for why, _ in lab.ended] == ended
    going = [one.index for one in lab.flights.flying.values()]
    assert [gap.reason.partition(":")[0] for one in going for gap in one.gaps] == gaps


def test_who_was_removed_or_is_never_heard_again_ends() -> None:
    lab = Lab()
    lab.says(True)
    lab.flights.stop("drone-1")
    lab.flights.stop("drone-2")
    assert lab.ended == [("stopped", 0)]
    lab.flights.resume(lab.flights.ended[0].copy(), round(lab.now_s * 1e6))
    lab.silent(601)
    assert [why for why, _ in lab.ended] == ["stopped", "lost"]
