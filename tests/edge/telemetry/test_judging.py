"""What devices say is judged and never believed blindly, whatever it is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.telemetry import (
    POSITION,
    SCHEMAS,
    TEXT,
    VITALS,
    Block,
    Column,
    Flag,
    Schema,
    encode_block,
)
from fieldlink.edge.telemetry.device import Device, rounded_error
from fieldlink.edge.telemetry.device_clock import DeviceClock
from fieldlink.edge.telemetry.motion import Frozen, Motion, Place
from fieldlink.edge.telemetry.ports import Reading, Source
from fieldlink.edge.telemetry.values import Yardstick

NOW_US = 1_780_000_000_000_000
S = 1_000_000
HOUR_US = 3600 * S


def _flags(device: Device, values: dict[str, float | int | str | None], **said: int) -> Flag:
    series = device.stream(POSITION, 1)
    assert series is not None
    reading = Reading(values, flags=Flag(said.get("flags", 0)))
    made = device.sample(series, reading, None, said.get("at_us", NOW_US), 1)
    assert isinstance(made, tuple)
    return Flag(made[1].flags)


def _device() -> Device:
    return Device(Source("soldier-1", "soldier", "mqtt"))


@pytest.mark.parametrize(
    ("stream", "name", "value", "stored"),
    [
        ("position", "lat", 90, 900_000_000),
        ("position", "lat", 90.000001, None),
        ("position", "lon", math.nan, None),
        ("position", "alt", 1e308, None),
        ("position", "speed", -math.inf, None),
        ("position", "heading", 359.96, 3600),
        ("position", "satellites", 10**400, None),
        ("vitals", "heart_rate", 71.4, 71),
        ("vitals", "heart_rate", 0, None),  # a band without contact
        ("vitals", "spo2", 97.25, 972),
        ("vitals", "spo2", 127, None),
        ("vitals", "temperature", "36.6", None),
        ("battery", "level", True, 10),
        ("air", "pressure", 6553.5, None),
        ("text", "text", "a\0b\nc", "a�b\nc"),
    ],
)
def test_a_value_that_cannot_be_is_unknown_and_said_so(
    stream: str, name: str, value: float | str, stored: int | str | None
) -> None:
    schema = SCHEMAS[stream]
    values, flags = Yardstick(schema).scaled({name: value})
    at = [column.name for column in schema.columns].index(name)
    assert values[at] == stored
    assert bool(flags & Flag.RANGE) is (stored is None)
    assert all(other is None for place, other in enumerate(values) if place != at)


@pytest.mark.parametrize(
    ("values", "flags", "marks"),
    [
        ({"lat": 0, "lon": 0, "alt": 3}, 0, Flag.ZERO),
        ({"lat": 0, "lon": 7.5}, 0, Flag.NONE),  # the equator is a place
        ({"lat": 34, "lon": 108}, Flag.NO_FIX, Flag.NO_FIX),
        ({"lat": 34, "lon": 108, "fix": 0}, 0, Flag.NO_FIX),
        ({"lat": 34, "lon": 999}, 0, Flag.RANGE),
        ({"lat": 34}, 0, Flag.RANGE),
        ({"satellites": 3, "fix": 0}, 0, Flag.NO_FIX),
        ({"lat": 34, "lon": 108}, Flag.EXERCISE | Flag.FROZEN, Flag.EXERCISE),  # found, not said
    ],
)
def test_a_position_without_a_fix_is_none(
    values: dict[str, float | int | str | None], flags: int, marks: Flag
) -> None:
    device = _device()
    assert _flags(device, values, flags=flags) == marks
    last = device.series["position"].last
    assert last is not None
    unknown = bool(marks & (Flag.ZERO | Flag.NO_FIX | Flag.RANGE))
    assert (last.values[0] is None, last.values[1] is None) == (unknown, unknown)
    assert last.values[6] == values.get("satellites")


def test_what_nothing_travels_is_a_jump_until_the_device_stays_there() -> None:
    motion = Motion()
    home, away = (342_000_000, 1_089_000_000), (392_000_000, 1_089_000_000)  # 556 km
    said = [home, away, home, away, away, away, away, home]
    found = [motion.jumps(Place(NOW_US + at * S, *where)) for at, where in enumerate(said)]
    assert found == [False, True, False, True, True, False, False, True]


def test_an_aircraft_and_the_date_line_are_no_jumps() -> None:
    motion = Motion()
    for at in range(20):  # 300 m/s due east across 180 degrees
        lon = 1_799_500_000 + at * 30_000
        lon = lon - 3_600_000_000 if lon > 1_800_000_000 else lon
        assert not motion.jumps(Place(NOW_US + at * S, 0, lon))


def test_a_stream_that_repeats_itself_while_it_says_that_it_lives_is_frozen() -> None:
    moving = Frozen("position")
    values = (342_000_000, 1_089_000_000, None, 900, 300, None, None, None)
    found = [moving.repeats(values, None, NOW_US + at * S) for at in range(15)]
    assert not any(found[:9])
    assert all(found[11:])
    assert not moving.repeats((342_000_010, *values[1:]), None, NOW_US + 16 * S)
    parked = Frozen("position")
    still = (342_000_000, 1_089_000_000, None, None, 0, None, None, None)
    assert not any(parked.repeats(still, NOW_US + at * S, NOW_US + at * S) for at in range(600))
    stopped = Frozen("battery")
    level = (500, None, None, None, None)
    found = [stopped.repeats(level, NOW_US, NOW_US + at * S) for at in range(10)]
    assert found[-1]
    assert not any(found[:4])


# --- time ------------------------------------------------------------------------------------


def _hear(clock: DeviceClock, behind_us: int, count: int = 5, start_us: int = NOW_US) -> int:
    for at in range(count):
        clock.observe(start_us + at * S - behind_us, start_us + at * S)
    return start_us + count * S


def test_a_right_clock_is_believed_at_once_with_its_delay_as_error() -> None:
    clock = DeviceClock()
    clock.observe(NOW_US - 80_000, NOW_US)
    assert clock.judge(NOW_US - 80_000, NOW_US, 0) == (NOW_US - 80_000, 0, 80_000)
    assert clock.offset_us == -80_000


@pytest.mark.parametrize("device_us", [0, 5 * S, 4_102_444_800 * S, 2**60, -1])
def test_a_year_that_cannot_be_is_the_time_of_arrival(device_us: int) -> None:
    clock = DeviceClock()
    for at in range(30):
        clock.observe(device_us + at * S, NOW_US + at * S)
    assert clock.judge(device_us, NOW_US, 0) == (NOW_US, Flag.CLOCK, None)
    assert clock.offset_us is None


@pytest.mark.parametrize("behind_us", [8 * HOUR_US, -8 * HOUR_US, 90 * S])
def test_a_clock_that_is_consistently_off_is_corrected(behind_us: int) -> None:
    clock = DeviceClock()
    first = clock.judge(NOW_US - behind_us, NOW_US, 0)
    assert first == (NOW_US, Flag.CLOCK, None)
    now_us = _hear(clock, behind_us)
    assert clock.offset_us == -behind_us
    time_us, flags, error_us = clock.judge(now_us - behind_us - 300_000, now_us, 0)
    assert (time_us, flags, error_us) == (now_us - 300_000, 0, 0)


def test_a_time_of_arrival_is_of_a_millisecond_and_a_device_s_own_stays_as_it_is() -> None:
    device = _device()
    series = device.stream(POSITION, 7)
    assert series is not None
    arrived = device.sample(series, Reading({"lat": 34.0, "lon": 109.0}), None, NOW_US + 1_999, 0)
    assert not isinstance(arrived, str)
    assert arrived[1].time_us == NOW_US + 1_000
    now_us = NOW_US + 5_000_007
    own_us = now_us - 2
    device.clock.observe(own_us, now_us)
    kept = device.sample(series, Reading({"lat": 34.0}, device_us=own_us), None, now_us, 0)
    assert not isinstance(kept, str)
    assert kept[1].time_us == own_us


def test_what_was_stored_keeps_its_time_and_is_marked() -> None:
    clock = DeviceClock()
    now_us = _hear(clock, HOUR_US)
    old_us = now_us - HOUR_US - 600 * S
    for _ in range(100):
        clock.observe(old_us, now_us)
    assert clock.judge(old_us, now_us, 0)[:2] == (now_us - 600 * S, Flag.BACKFILL)
    unknown = DeviceClock()
    told = unknown.judge(now_us - 600 * S, now_us, int(Flag.BACKFILL))
    assert told == (now_us - 600 * S, Flag.BACKFILL, None)


def test_a_long_backlog_is_not_taken_for_a_clock_that_was_set_back() -> None:
    clock = DeviceClock()
    now_us = _hear(clock, 0)
    for at in range(600):  # ten minutes of stored readings, ten times as fast as they were taken
        device_us = now_us - HOUR_US + at * 5 * S
        arrival_us = now_us + at * S // 2
        clock.observe(device_us, arrival_us)
        assert clock.judge(device_us, arrival_us, 0)[:2] == (device_us, Flag.BACKFILL)
    assert clock.offset_us == 0


def test_a_clock_that_was_set_is_found_and_a_single_wrong_time_is_not_followed() -> None:
    clock = DeviceClock()
    now_us = _hear(clock, 0)
    clock.observe(now_us + HOUR_US, now_us)
    assert clock.judge(now_us + HOUR_US, now_us, 0) == (now_us, Flag.CLOCK, None)
    now_us = _hear(clock, 0, start_us=now_us)
    assert clock.offset_us == 0
    now_us = _hear(clock, -HOUR_US, start_us=now_us)
    assert clock.offset_us == HOUR_US
    now_us = _hear(clock, HOUR_US, count=30, start_us=now_us)
    assert clock.offset_us == -HOUR_US


# --- anything --------------------------------------------------------------------------------

_ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40),
    st.sampled_from([0.0, -0.0, 1e308, 2**63, 90, 180, -180]),
)  # fmt: skip
_FREE = Schema("free", (Column("a", "m", 9), Column("b"), Column("t", is_text=True)))


@given(
    schema=st.sampled_from([POSITION, VITALS, TEXT, _FREE]),
    said=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["lat", "lon", "speed", "heart_rate", "a", "b", "t"]),
                            _ANY),
            st.one_of(st.none(), st.integers(), st.integers(NOW_US - 10**10, NOW_US + 10**7)),
            st.one_of(st.none(), st.integers(-5, 2**61)),
            st.integers(0, 2**12),
        ),
        max_size=20,
    ),
    epoch=st.one_of(st.none(), st.integers(0, 2**59)),
)  # fmt: skip
def test_whatever_a_device_says_makes_samples_that_the_codec_takes(
    schema: Schema,
    said: list[tuple[dict[str, float | int | str | None], int | None, int | None, int]],
    epoch: int | None,
) -> None:
    device = _device()
    series = device.stream(schema, 3)
    assert series is not None
    for at, (values, device_us, sequence, flags) in enumerate(said):
        reading = Reading(values, device_us, sequence, Flag(flags))
        now_us = NOW_US + at * 100_000
        if device_us is not None:
            device.clock.observe(device_us, now_us)
        made = device.sample(series, reading, epoch, now_us, 1_000)
        if isinstance(made, str):
            assert made == "again" or made.startswith("sequence")
            continue
        assert made[1].time_us <= now_us
        encode_block(Block(device.name, device.kind, schema, made[0], (made[1],)))


@given(st.integers(0, 2**40))
def test_an_error_is_rounded_up_by_less_than_three_times(error_us: int) -> None:
    assert error_us <= rounded_error(error_us) <= max(error_us * 2.5, 1)


def test_a_receiver_that_gave_nought_for_its_place_is_known_by_it() -> None:
    said = Flag.ZERO | Flag.NO_FIX
    assert _flags(_device(), {"satellites": 3}, flags=said) == said


def test_a_clock_that_stopped_makes_no_history_of_what_happens_now() -> None:
    device = _device()
    series = device.stream(POSITION, 1)
    assert series is not None
    flags, times = [], []
    for second in range(90):
        now_us, said_us = NOW_US + second * S, NOW_US + min(second, 20) * S
        device.clock.observe(said_us, now_us)
        lat = 34 + min(second, 60) / 10_000  # it goes on, and then everything has stopped
        made = device.sample(series, Reading({"lat": lat, "lon": 108.9}, said_us), None, now_us, 1)
        assert isinstance(made, tuple)
        flags.append(made[1].flags)
        times.append(made[1].time_us)
    assert set(flags[31:60]) == {Flag.CLOCK}
    assert times[31:] == [NOW_US + second * S for second in range(31, 90)]
    assert flags[-1] == Flag.CLOCK | Flag.FROZEN


def test_a_message_that_comes_again_and_again_is_no_stopped_clock() -> None:
    clock = DeviceClock()
    clock.observe(NOW_US, NOW_US, 1)
    for second in range(1, 60):
        clock.observe(NOW_US + S, NOW_US + second * S, 2)
    late_us = NOW_US + 60 * S
    assert clock.judge(NOW_US + S, late_us, 0) == (NOW_US + S, Flag.BACKFILL, 0)


def test_a_kit_that_believes_it_is_1970_marks_what_it_stores() -> None:
    assert DeviceClock().judge(None, 5 * S, 0) == (5 * S, Flag.CLOCK, 0)
    assert DeviceClock().judge(None, NOW_US, 0) == (NOW_US, 0, 0)


def test_what_has_stopped_is_found_though_the_clock_was_set_back() -> None:
    device = _device()
    values: dict[str, float | int | str | None] = {"lat": 34.2, "lon": 108.9, "speed": 5}
    hour_later = [_flags(device, values, at_us=NOW_US + HOUR_US + at * S) for at in range(5)]
    assert set(hour_later) == {Flag.NONE}
    flags = [_flags(device, values, at_us=NOW_US + at * S) for at in range(20)]
    assert flags[-1] == Flag.FROZEN
