"""Records of flights, and the state of a vehicle in one message."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink import mavutil
from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import (
    HIGH_LATENCY2,
    Framer,
    HighLatency2,
    TlogReader,
    compose,
    heartbeat,
    tlog_record,
)

AT_US = 1_790_000_000_000_000


def flight(count: int = 5) -> bytes:
    return b"".join(
        tlog_record(compose(0, heartbeat(), sysid=1, compid=1, seq=n), AT_US + n * 1000, n % 4)
        for n in range(count)
    )


def test_pymavlink_reads_the_record_that_is_written_here(tmp_path: Path) -> None:
    path = tmp_path / "flight.tlog"
    path.write_bytes(flight())
    log = mavutil.mavlink_connection(str(path))
    messages = [log.recv_match() for _ in range(5)]
    log.close()
    assert [message.get_type() for message in messages] == ["HEARTBEAT"] * 5
    assert messages[0]._timestamp == pytest.approx(AT_US / 1e6, abs=1e-5)


@given(cuts=st.lists(st.integers(1, 140), max_size=6))
def test_a_record_is_read_whatever_the_pieces(cuts: list[int]) -> None:
    data, reader = flight(), TlogReader()
    edges = [0, *sorted(cuts), len(data)]
    records = []
    for start, stop in itertools.pairwise(edges):
        got, wrong = reader.feed(data[start:stop])
        records += got
        assert wrong is None
    assert [record.link for record in records] == [0, 1, 2, 3, 0]
    assert [record.at_us for record in records] == [AT_US + n * 1000 for n in range(5)]
    assert [record.frame.seq for record in records] == [0, 1, 2, 3, 4]
    assert reader.feed(b"", final=True) == ([], None)


def test_a_record_is_read_up_to_the_damage_whose_byte_is_said() -> None:
    data = flight()
    one = len(data) // 5
    broken = data[: 2 * one] + b"\xff" * 3 + data[2 * one :]
    records, wrong = TlogReader().feed(broken, final=True)
    assert (len(records), wrong.reason if wrong else "") == (2, "damaged")
    assert f"byte {2 * one}" in str(wrong)


def test_a_record_cut_off_is_read_up_to_there() -> None:
    records, wrong = TlogReader().feed(flight()[:-4], final=True)
    assert (len(records), wrong.reason if wrong else "") == (4, "truncated")


STATE = HighLatency2(
    time_ms=12345,
    type=2,
    autopilot=3,
    custom_mode=4,
    lat=30.12345,
    lon=103.5,
    alt=1234.0,
    target_alt=1300.0,
    heading=270.0,
    target_heading=90.0,
    target_distance=500.0,
    throttle=55.0,
    airspeed=12.2,
    target_airspeed=13.0,
    groundspeed=11.0,
    wind_speed=3.2,
    wind_heading=180.0,
    error=1.5,
    error_vertical=2.5,
    temperature=-7.0,
    climb=-1.5,
    battery=67.0,
    waypoint=8,
    failures=16,
    custom=(1, 2, 3),
)


def test_a_state_is_54_bytes_on_the_wire_and_what_pymavlink_reads() -> None:
    raw = compose(HIGH_LATENCY2, STATE.encode(), sysid=1, compid=1, seq=0)
    assert len(raw) == 54
    read = dialect.MAVLink(None).parse_buffer(raw)[0]
    assert (read.latitude, read.longitude, read.altitude) == (301234500, 1035000000, 1234)
    assert (read.heading, read.groundspeed, read.battery) == (135, 55, 67)
    assert (read.temperature_air, read.climb_rate, read.eph) == (-7, -15, 15)
    assert HighLatency2.decode(Framer().datagram(raw)[0].payload) == STATE


def test_unknown_is_not_zero() -> None:
    empty = HighLatency2.decode(HighLatency2().encode())
    assert (empty.lat, empty.lon, empty.battery, empty.temperature) == (None, None, None, None)
    assert (empty.error, empty.waypoint, empty.failures) == (None, None, 1)


def test_what_does_not_fit_says_as_much_as_fits() -> None:
    wild = HighLatency2(lat=1e9, lon=0.0, alt=float("nan"), battery=900.0, heading=-10.0)
    read = HighLatency2.decode(wild.encode())
    assert (read.lat, read.alt, read.battery, read.heading) == (90.0, 0.0, 100.0, 350.0)
    # Fields that are added to the dialect later stand behind those of today.
    assert HighLatency2.decode(STATE.encode() + b"\1\2") == STATE
