"""How often something passes, in virtual time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.mavlink import Frame, Framer, compose, heartbeat, id_of
from fieldlink.drone.router.outbox import FRESH_US, Outbox
from fieldlink.drone.router.rates import Bucket, Meter
from fieldlink.drone.router.values import ANSWERS, value_of

SECOND = 1_000_000


def passed(source_hz: float, rate_hz: float, duration_s: int, jitter: float = 0.3) -> int:
    """How many of a source that wavers pass."""
    rng, meter = random.Random(3), Meter()
    interval_us = round(1e6 / rate_hz)
    step_us = 1e6 / source_hz
    return sum(
        meter.passes("a", interval_us, round((turn + rng.uniform(0, jitter)) * step_us))
        for turn in range(int(duration_s * source_hz))
    )


@pytest.mark.parametrize("source_hz", [1.0, 1.3, 2, 3, 4.7, 10, 50])
@pytest.mark.parametrize("rate_hz", [1.0, 0.2])
def test_a_rate_holds_within_5_percent_whatever_the_source(
    source_hz: float, rate_hz: float
) -> None:
    assert passed(source_hz, rate_hz, 400) == pytest.approx(400 * rate_hz, rel=0.05)


def test_a_source_that_is_slower_passes_whole() -> None:
    assert passed(0.9, 1.0, 300) == 270


@given(st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=200))
def test_never_more_than_asked_for_and_no_burst_after_a_pause(gaps: list[int]) -> None:
    meter, now, times = Meter(), 0, []
    for gap in gaps:
        now += gap
        if meter.passes("a", SECOND, now):
            times.append(now)
    for start in range(len(times)):
        for stop in range(start, len(times)):
            # The first half-early, the last half-early: one more than the span has room for.
            assert stop - start <= (times[stop] - times[start]) / SECOND + 1


def test_kinds_do_not_share_a_turn_and_are_bounded() -> None:
    meter = Meter(max_keys=10)
    assert all(meter.passes(kind, SECOND, 0) for kind in range(30))
    assert len(meter) == 10
    assert not meter.passes(29, SECOND, 1)


def test_a_budget_is_kept_over_time_and_saves_two_seconds_at_most() -> None:
    bucket = Bucket(1000, 0)
    taken = sum(100 for at in range(0, 60 * SECOND, 10_000) if bucket.take(100, at))
    assert taken == pytest.approx(60_000, rel=0.01)
    assert sum(100 for _ in range(100) if bucket.take(100, 600 * SECOND)) == 2000


def test_the_longest_frame_fits_into_the_smallest_budget() -> None:
    bucket = Bucket(50, 0)
    assert [bucket.take(280, at * SECOND) for at in range(1, 8)] == [*[False] * 5, True, False]


def frames(name: str, count: int, size: int = 20) -> list[Frame]:
    made = []
    for seq in range(count):
        raw = compose(id_of(name), b"\1" * size, sysid=1, compid=1, seq=seq)
        made += Framer().datagram(raw)
    return made


def names(raws: list[bytes]) -> list[int]:
    return [Framer().datagram(raw)[0].msgid for raw in raws]


def test_what_waits_is_bounded_and_the_oldest_of_the_lowest_value_goes() -> None:
    box = Outbox(10_000)
    for frame in [*frames("HEARTBEAT", 20, 9), *frames("RAW_IMU", 300), *frames("ATTITUDE", 30)]:
        box.put(frame, 0)
        assert box.bytes <= 10_000
    kept = names(box.take(100_000, 0))
    assert kept.count(0) == 20
    assert kept.count(30) == 30
    assert kept.count(27) == 300 - box.dropped > 0
    assert kept == sorted(kept, key=lambda msgid: [0, 27, 30].index(msgid))  # in order


def test_within_a_budget_the_best_goes_first() -> None:
    box = Outbox(100_000, Bucket(100, -1_000_000))
    for frame in [*frames("RAW_IMU", 10), *frames("COMMAND_ACK", 2, 3), *frames("ATTITUDE", 1)]:
        box.put(frame, 0)
    assert sorted(names(box.take(10_000, 0))) == [27, 30, 77, 77]  # 94 bytes


def test_a_state_that_is_old_is_not_sent_and_an_answer_is() -> None:
    box = Outbox(100_000)
    for frame in [*frames("ATTITUDE", 3), *frames("PARAM_VALUE", 3), *frames("STATUSTEXT", 1)]:
        box.put(frame, 0)
    assert names(box.take(10_000, FRESH_US + 1)) == [22, 22, 22, 253]
    assert box.stale == 3


def test_at_most_so_much_is_taken_at_once_but_one_frame_at_least() -> None:
    box = Outbox(100_000)
    for frame in frames("PARAM_VALUE", 5):
        box.put(frame, 0)
    assert [len(box.take(size, 0)) for size in (10, 70, 1000)] == [1, 2, 2]
    assert box.take(1000, 0) == []
    assert box.bytes == 0


def test_commands_and_heartbeats_are_worth_more_than_telemetry_and_that_than_bulk() -> None:
    order = ["HEARTBEAT", "PARAM_VALUE", "ATTITUDE", "RAW_IMU", "LOG_DATA"]
    worth = [value_of(id_of(name)) for name in order]
    assert worth == sorted(worth)
    assert len(set(worth)) == 5
    assert id_of("LOG_DATA") in ANSWERS[id_of("LOG_REQUEST_DATA")]


def test_a_heartbeat_is_the_kits_own_unless_said_otherwise() -> None:
    assert heartbeat() == bytes([0, 0, 0, 0, 18, 8, 0, 4, 3])


def test_what_waits_is_not_sorted_for_each_frame_that_comes_and_what_fits_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Outbox(1_000_000, Bucket(1000, 0))
    looked: list[int] = []
    value = Outbox._value

    def look(self: Outbox, at: int) -> int:
        looked.append(at)
        return value(self, at)

    monkeypatch.setattr(Outbox, "_value", look)
    [long] = Framer().datagram(compose(30, bytes([1]) * 28, sysid=1, compid=1, seq=1))
    for _ in range(1000):
        box.put(long, 0)
    gone_us = [now_us for now_us in range(0, 200_000, 1000) if box.take(10_000, now_us)]
    assert gone_us == [40_000, 80_000, 120_000, 160_000]  # 40 bytes each
    assert len(looked) < 12_000
    [short] = Framer().datagram(compose(0, heartbeat(), sysid=1, compid=1, seq=1))
    box.put(short, 200_000)
    assert box.take(10_000, 200_000) == [short.raw]
