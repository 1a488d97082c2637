"""Device time to UTC, and times for packets without."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.source.clock import ArrivalClock
from fieldlink.edge.source.times import Timed, TimeFiller

_T0 = 1_700_000_000_000_000


@given(st.lists(st.integers(0, 900_000), min_size=20, max_size=60), st.integers(-(10**9), 10**9))
def test_delay_on_the_way_never_makes_pictures_younger(delays: list[int], zero: int) -> None:
    clock = ArrivalClock()
    delays[3] = 0  # one packet came straight through
    for number, delay in enumerate(delays):
        assert not clock.observe("video", zero + number * 40_000, _T0 + number * 40_000 + delay)
    assert clock.utc_us(zero) == _T0


def test_a_clock_that_drifts_is_followed() -> None:
    clock, slow = ArrivalClock(), 0.9999  # 100 parts in a million
    for second in range(600):
        clock.observe("video", int(second * 1e6 * slow), _T0 + second * 1_000_000)
    assert abs(clock.utc_us(int(599e6 * slow)) - (_T0 + 599_000_000)) < 10_000


@pytest.mark.parametrize("jump_us", [-4_000_000, 30_000_000, -(2**33) * 100 // 9])
def test_a_jump_begins_a_new_count(jump_us: int) -> None:
    clock = ArrivalClock()
    clock.observe("video", 2**33, _T0)
    assert clock.observe("video", 2**33 + 40_000 + jump_us, _T0 + 40_000)
    assert clock.utc_us(2**33 + 40_000 + jump_us) == _T0 + 40_000
    assert clock.jumps == 1


def test_a_pause_of_the_link_is_not_a_jump_of_the_clock() -> None:
    clock = ArrivalClock()
    clock.observe("video", 0, _T0)
    assert not clock.observe("video", 60_000_000, _T0 + 60_000_000)
    assert not clock.observe("audio", 59_000_000, _T0 + 60_100_000)


def _times(packets: list[Timed]) -> list[tuple[int, int]]:
    return [(packet.pts, packet.dts) for packet in packets]


def test_the_first_packet_of_an_rtsp_stream_is_placed_before_the_second() -> None:
    filler = TimeFiller()
    assert filler.add(b"k", None, None, 6000, True, False) == []
    placed = filler.add(b"p", 6000, 6000, 6000, False, False)
    assert _times(placed) == [(0, 0), (6000, 6000)]
    assert _times(filler.add(b"p", None, None, 6000, False, False)) == [(12000, 12000)]


def test_reordered_pictures_keep_their_times_and_get_decoding_times() -> None:
    filler = TimeFiller()
    waiting = [(None, True), (10_800, False), (3600, False)]
    for pts, key in waiting:
        assert filler.add(b"", pts, None, 3600, key, False) == []
    placed = filler.add(b"", 7200, 3600, 3600, False, False)
    assert _times(placed) == [(0, -7200), (10_800, -3600), (3600, 0), (7200, 3600)]


def test_a_stream_without_any_times_is_a_fault_of_the_source() -> None:
    filler = TimeFiller()
    for _ in range(24):
        assert filler.add(b"", None, None, 40, True, False) == []
    with pytest.raises(SourceError, match="no-times"):
        filler.add(b"", None, None, 40, True, False)
