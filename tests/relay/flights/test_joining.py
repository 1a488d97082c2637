"""Samples of several streams as one row a second."""

from fieldlink.codecs.telemetry import BATTERY, POSITION, Column, Sample, Schema
from fieldlink.drone.schemas import ATTITUDE, FLIGHT
from fieldlink.relay.flights.joining import COLUMNS, joined

T0_US = 1_790_000_000_000_000
Found = dict[str, list[tuple[Schema, Sample]]]


def _sample(schema: Schema, at_s: float, **values: int | str) -> tuple[Schema, Sample]:
    row = tuple(values.get(column.name) for column in schema.columns)
    return schema, Sample(T0_US + round(at_s * 1e6), 1, row, 0)


def _column(found: Found, name: str, most: int = 1000) -> list[object]:
    place = COLUMNS.index(name)
    return [row[place] for row in joined(found, most).rows]


def test_a_value_stands_as_long_as_it_is_honest_and_is_unknown_then() -> None:
    found: Found = {
        "position": [_sample(POSITION, at, lat=1, lon=2) for at in (0, 5, 6, 61, 62)],
        "attitude": [_sample(ATTITUDE, 0.2, yaw=900)],
        "battery": [_sample(BATTERY, 1, level=995)],
    }
    assert _column(found, "yaw") == [90, 90, None, None, None]
    assert _column(found, "battery") == [None, 99.5, 99.5, 99.5, None]


def test_what_is_said_half_a_second_later_is_of_the_same_second() -> None:
    found: Found = {
        "position": [_sample(POSITION, at, lat=1, lon=2) for at in (0, 1)],
        "attitude": [_sample(ATTITUDE, 0.5, yaw=100), _sample(ATTITUDE, 1.6, yaw=200)],
    }
    assert _column(found, "yaw") == [10, 10]


def test_a_second_of_which_nothing_is_known_has_no_row() -> None:
    found: Found = {
        "position": [_sample(POSITION, at, lat=1, lon=2) for at in (0, 1, 9)],
        "attitude": [_sample(ATTITUDE, 4, yaw=100)],
        "battery": [_sample(BATTERY, 6, level=995)],
    }
    assert [at - T0_US for at in _column(found, "time_us")] == [0, 10**6, 4 * 10**6, 9 * 10**6]  # type: ignore[operator]


def test_a_long_flight_is_thinned_and_says_so() -> None:
    found: Found = {"position": [_sample(POSITION, at, lat=at, lon=2) for at in range(95)]}
    answer = joined(found, 10)
    assert (len(answer.rows), answer.thinned) == (10, 10)
    assert [row[COLUMNS.index("lat")] for row in answer.rows[:2]] == [0, 10e-7]


def test_modes_are_bounded_and_what_is_no_number_is_unknown() -> None:
    odd = Schema("flight", (Column("mode", is_text=True), Column("height", is_text=True)))
    found: Found = {"flight": [_sample(odd, at, mode=f"m{at}", height="high") for at in range(150)]}
    answer = joined(found, 1000)
    assert len(answer.modes) == 100
    assert answer.rows[120][COLUMNS.index("mode")] is None
    assert _column(found, "height") == [None] * 150
    speed: Found = {
        "flight": [_sample(FLIGHT, 0, groundspeed=75)],
        "position": [_sample(POSITION, 0, speed=500), _sample(POSITION, 9, speed=600)],
    }
    assert _column(speed, "groundspeed") == [7.5, 6]
