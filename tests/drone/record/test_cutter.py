"""What belongs to which flight and piece, in virtual time."""

import pytest

from fieldlab.autopilot import T0_US, Autopilot
from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.record.cutter import Append, Close, Cutter, Ended, Op, Tally
from fieldlink.drone.record.index import FlightIndex, Gap

_S = 1_000_000


class _Flight:
    """A vehicle, and what a cutter said of it."""

    def __init__(self, resumed: FlightIndex | None = None) -> None:
        self.vehicle = Autopilot()
        self.cutter = Cutter("m300-1", 1, lambda _: 10 * _S, resumed)
        self.ops: list[Op] = []
        self.set_back_us = 0  # how far the time was set back since the start

    def beat(self, second: float, *, armed: bool) -> None:
        self.vehicle.armed = armed
        self.take(self.vehicle.beat(at_us=T0_US + round(second * _S)))

    def take(self, frame: Frame, *, own: bool = True) -> None:
        now_us = frame.at_us + self.set_back_us
        self.ops += self.cutter.take(frame, now_us, own=own)

    @property
    def pieces(self) -> list[tuple[bool, int, int, str]]:
        """Of each piece that was closed: armed, number, frames, why."""
        return [
            (op.piece.armed, op.piece.number, op.piece.frames.total(), op.why)
            for op in self.ops
            if isinstance(op, Close)
        ]

    @property
    def gaps(self) -> list[Gap]:
        return [op.gap for op in self.ops if isinstance(op, Tally)]


def test_a_flight_is_from_armed_to_disarmed_with_both_heartbeats_in_it() -> None:
    flight = _Flight()
    for second, armed in enumerate([False, False, True, True, True, False, False]):
        flight.beat(second, armed=armed)
    flight.ops += flight.cutter.end("stopped")
    assert flight.pieces == [
        (False, 0, 2, "armed"),
        (True, 0, 4, "disarmed"),
        (False, 0, 1, "stopped"),
    ]
    ended = [op.index for op in flight.ops if isinstance(op, Ended)]
    assert [(index.armed, index.ended) for index in ended] == [
        (False, "armed"), (True, "disarmed"), (False, "stopped"),
    ]  # fmt: skip
    assert ended[1].frames.total() == 4
    assert len({index.ident for index in ended}) == 3


def test_pieces_are_cut_by_time_and_by_size() -> None:
    flight = _Flight()
    for second in range(150):
        flight.beat(second, armed=True)
    assert flight.pieces == [(True, 0, 61, "full"), (True, 1, 61, "full")]
    big = _Flight()
    big.beat(0, armed=True)
    for number in range(5000):
        big.take(big.vehicle.say("file_transfer_protocol", 0, 255, 0, [1 + number % 200] * 251))
    sizes = [op.piece.size for op in big.ops if isinstance(op, Close)]
    assert sizes
    assert all(1_000_000 <= size < 1_001_000 for size in sizes)


def test_a_lost_link_is_a_gap_and_the_same_flight_goes_on() -> None:
    flight = _Flight()
    for second in (0, 1, 2):
        flight.beat(second, armed=True)
    flight.ops += flight.cutter.tick(T0_US + 5 * _S)
    assert flight.pieces == []
    flight.ops += flight.cutter.tick(T0_US + 20 * _S)
    assert flight.pieces == [(True, 0, 3, "silent")]
    ident = flight.cutter.index.ident if flight.cutter.index else ""
    flight.beat(95, armed=True)
    assert flight.cutter.index is not None
    assert flight.cutter.index.ident == ident
    assert [(gap.start_us, gap.end_us) for gap in flight.gaps] == [
        (T0_US + 2 * _S, T0_US + 95 * _S)
    ]
    assert flight.gaps[0].reason.startswith("link:")
    flight.ops += flight.cutter.tick(T0_US + 800 * _S)
    assert flight.pieces[-1] == (True, 1, 1, "lost")


def test_silence_on_the_ground_is_no_gap() -> None:
    flight = _Flight()
    flight.beat(0, armed=False)
    flight.beat(300, armed=False)
    assert flight.gaps == []


def _resumable(*, armed: bool = True) -> FlightIndex:
    before = _Flight()
    for second in range(3):
        before.beat(second, armed=armed)
    before.ops += before.cutter.pause("stopped")
    [closed] = [op for op in before.ops if isinstance(op, Close)]
    return closed.index


def test_a_new_start_in_flight_goes_on_with_that_flight_and_says_what_is_missing() -> None:
    resumed = _resumable()
    flight = _Flight(resumed)
    # Before its first heartbeat nobody knows whether it is armed: taken for what it was.
    flight.take(flight.vehicle.place(34.2, 108.9, at_us=T0_US + 59 * _S))
    flight.beat(60, armed=True)
    flight.ops += flight.cutter.pause("stopped")
    assert flight.pieces == [(True, 1, 2, "stopped")]
    assert flight.gaps == [
        Gap(T0_US + 2 * _S, T0_US + 59 * _S, "agent: the kit's program did not run")
    ]
    assert flight.cutter.index is not None
    assert flight.cutter.index.ident == resumed.ident
    assert [one.number for one in flight.cutter.index.pieces] == [0, 1]


@pytest.mark.parametrize(("second", "armed"), [(60, False), (5000, True)])
def test_a_flight_that_was_over_meanwhile_is_ended(second: int, armed: bool) -> None:
    resumed = _resumable()
    flight = _Flight(resumed)
    flight.beat(second, armed=armed)
    [ended] = [op.index for op in flight.ops if isinstance(op, Ended)]
    assert ended.ident == resumed.ident
    assert ended.ended
    assert flight.cutter.index is not None
    assert flight.cutter.index.ident != resumed.ident


def test_the_kit_started_in_the_air_begins_a_flight_with_what_it_hears_first() -> None:
    flight = _Flight()
    flight.beat(0, armed=True)
    assert flight.cutter.index is not None
    assert flight.cutter.index.armed


def test_arming_is_what_one_autopilot_says() -> None:
    flight = _Flight()
    flight.beat(0, armed=True)
    for other in (Autopilot(compid=2), Autopilot(compid=100, kind=30, autopilot=8)):
        flight.take(other.beat(at_us=T0_US + _S))
    flight.take(Autopilot(sysid=255, kind=6, autopilot=8).beat(at_us=T0_US + _S), own=False)
    assert flight.pieces == []


@pytest.mark.parametrize("set_back_s", [1000, -56 * 365 * 86_400])
def test_a_clock_that_is_set_cuts_a_piece_and_is_no_gap(set_back_s: int) -> None:
    flight = _Flight()
    flight.beat(2000, armed=True)
    flight.beat(2001, armed=True)
    flight.set_back_us = set_back_s * _S
    flight.beat(2002 - set_back_s, armed=True)
    flight.beat(2032 - set_back_s, armed=True)  # and then a real one
    flight.ops += flight.cutter.end("stopped")
    assert flight.pieces == [(True, 0, 2, "clock"), (True, 1, 2, "stopped")]
    closed = [op.piece for op in flight.ops if isinstance(op, Close)]
    assert all(piece.start_us <= piece.end_us for piece in closed)
    assert [gap.end_us - gap.start_us for gap in flight.gaps] == [30 * _S]


def test_an_index_is_read_back_as_it_was() -> None:
    index = _resumable()
    index.add_gap(Gap(1, 2, "link: 断开"))
    assert FlightIndex.from_dict(index.to_dict()) == index


def test_what_is_added_is_what_came() -> None:
    flight = _Flight()
    flight.beat(0, armed=True)
    [op] = [op for op in flight.ops if isinstance(op, Append)]
    assert int.from_bytes(op.data[:8], "big") == T0_US
    assert len(op.data) == op.piece.size


@pytest.mark.parametrize("every_s", [0.001, 0.5])
def test_two_aircraft_with_one_number_are_one_flight_until_both_are_disarmed(
    every_s: float,
) -> None:
    flight = _Flight()
    for second in range(5):
        flight.beat(second, armed=True)
    for number in range(400):
        flight.beat(5 + number * every_s, armed=bool(number % 2))
    before = len([op for op in flight.ops if isinstance(op, Ended)])
    assert before <= 2  # the first one that says disarmed is believed
    end_s = 5 + 400 * every_s
    for number in range(4):
        flight.beat(end_s + number, armed=False)
    ended = [op.index for op in flight.ops if isinstance(op, Ended)]
    assert len(ended) == before + 1
    assert (ended[-1].armed, ended[-1].ended) == (True, "disarmed")
