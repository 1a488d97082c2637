"""A bad link's one direction under a virtual clock: its rate, queue, delay, loss and outages."""

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.badlink.line import Line
from fieldlab.badlink.scenario import Burst, Conditions

SLOW = Conditions(rate_bps=1_000_000, queue_bytes=75_000, delay_us=300_000)
SIZE = 1250  # 10 ms at 1 Mbit/s


def carry(line: Line[int], offers: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Offer packets (when, how large), and say when each of those that arrive does."""
    arrivals: list[tuple[int, int]] = []

    def collect(until_us: int | None) -> None:
        while (due_us := line.due_us) is not None and (until_us is None or due_us <= until_us):
            arrivals.extend((due_us, number) for number in line.arrived(due_us))

    for number, (at_us, size) in enumerate(offers):
        collect(at_us)
        line.offer(number, size, at_us)
    collect(None)
    return arrivals


def test_a_packet_takes_its_time_on_the_line_and_then_the_delay() -> None:
    assert carry(Line(SLOW, "1", 0), [(5_000, SIZE)]) == [(315_000, 0)]


def test_packets_leave_at_the_rate_however_they_come() -> None:
    arrivals = carry(Line(SLOW, "1", 0), [(0, SIZE)] * 20)
    assert [at_us for at_us, _ in arrivals] == [310_000 + 10_000 * n for n in range(20)]


def test_the_queue_holds_its_bytes_and_not_one_more() -> None:
    line = Line[int](replace(SLOW, queue_bytes=10 * SIZE), "1", 0)
    arrivals = carry(line, [(0, SIZE)] * 20)
    assert [number for _, number in arrivals] == list(range(11))  # ten, and the one being sent
    assert line.counters.dropped == 9
    assert line.counters.longest_queue_bytes == 10 * SIZE


def test_jitter_spreads_the_arrivals_and_never_changes_their_order() -> None:
    line = Line[int](replace(SLOW, jitter_us=50_000), "1", 0)
    offers = [(n * 100_000, SIZE) for n in range(2000)]
    arrivals = carry(line, offers)
    assert [number for _, number in arrivals] == list(range(2000))
    extra_us = [at_us - offers[number][0] - 310_000 for at_us, number in arrivals]
    assert 0 <= min(extra_us) < 1_000
    assert 49_000 < max(extra_us) <= 50_000
    assert statistics.mean(extra_us) == pytest.approx(25_000, rel=0.1)


def test_independent_loss_takes_its_share() -> None:
    line = Line[int](replace(SLOW, loss=0.02), "1", 0)
    carry(line, [(n * 10_000, SIZE) for n in range(50_000)])
    assert line.counters.lost / 50_000 == pytest.approx(0.02, rel=0.1)


def test_burst_loss_has_the_spells_it_was_told_to_have() -> None:
    burst = Burst(every_us=2_000_000, lasts_us=200_000, loss=1.0)
    line = Line[int](replace(SLOW, burst=burst), "1", 0)
    offers = [(n * 10_000, 125) for n in range(500_000)]
    arrived = {number for _, number in carry(line, offers)}
    spells: list[int] = []
    run = 0
    for number in range(len(offers)):
        if number not in arrived:
            run += 1
        elif run:
            spells.append(run)
            run = 0
    assert line.counters.lost / len(offers) == pytest.approx(burst.share, rel=0.1)
    assert line.conditions.mean_loss == pytest.approx(burst.share)
    # Seen in steps of 10 ms; the mean of an exponential is also its deviation.
    assert statistics.mean(spells) == pytest.approx(20.5, rel=0.1)
    assert statistics.stdev(spells) == pytest.approx(20, rel=0.15)


def test_bad_spells_come_when_the_seed_says_whatever_is_sent() -> None:
    bad = replace(SLOW, burst=Burst(every_us=1_000_000, lasts_us=500_000, loss=1.0))
    busy = carry(Line(bad, "7", 0), [(n * 10_000, 125) for n in range(3000)])
    calm = carry(Line(bad, "7", 0), [(n * 100_000, 125) for n in range(300)])
    assert {number for _, number in calm} == {n // 10 for _, n in busy if n % 10 == 0}
    other = carry(Line(bad, "8", 0), [(n * 100_000, 125) for n in range(300)])
    assert {number for _, number in calm} != {number for _, number in other}


def test_a_line_that_goes_down_loses_what_is_in_it_and_takes_nothing() -> None:
    line = Line[int](SLOW, "1", 0)
    for number in range(10):
        line.offer(number, SIZE, 0)
    assert line.arrived(320_000) == [0, 1]
    line.change(replace(SLOW, up=False), 325_000)
    line.offer(10, SIZE, 330_000)
    assert line.arrived(10_000_000) == []
    assert line.counters.down == 9
    line.change(SLOW, 10_000_000)
    line.offer(11, SIZE, 10_000_000)
    assert line.arrived(10_310_000) == [11]
    assert line.counters.queued_bytes == 0


def test_another_rate_counts_for_the_rest_of_what_is_being_sent() -> None:
    line = Line[int](SLOW, "1", 0)
    line.offer(0, SIZE, 0)
    line.offer(1, SIZE, 0)
    line.change(replace(SLOW, rate_bps=500_000), 5_000)
    assert carry(line, []) == [(315_000, 0), (335_000, 1)]


@given(
    st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 1500)), max_size=200),
    st.integers(0, 5_000_000),
    st.floats(0, 0.5),
)
def test_every_packet_is_accounted_for(
    steps: list[tuple[int, int]], cut_us: int, loss: float
) -> None:
    line = Line[int](replace(SLOW, queue_bytes=9_000, loss=loss, jitter_us=20_000), "1", 0)
    now_us = 0
    for number, (pause_us, size) in enumerate(steps):
        if now_us <= cut_us < now_us + pause_us:
            line.change(replace(line.conditions, up=False), cut_us)
            line.change(replace(line.conditions, up=True), cut_us)
        now_us += pause_us
        line.offer(number, size, now_us)
    line.arrived(now_us + 60_000_000)
    count = line.counters
    assert count.offered == len(steps) == count.delivered + count.lost + count.dropped + count.down
    parts = (count.delivered_bytes, count.lost_bytes, count.dropped_bytes, count.down_bytes)
    assert count.offered_bytes == sum(size for _, size in steps) == sum(parts)


@given(st.lists(st.integers(0, 300_000), max_size=60), st.integers(0, 2**32))
def test_when_it_is_asked_changes_nothing(asked: list[int], seed: int) -> None:
    bad = replace(
        SLOW, loss=0.1, jitter_us=9_000, burst=Burst(every_us=50_000, lasts_us=20_000, loss=0.9)
    )
    offers = [(n * 7_000, 900) for n in range(100)]
    lazy, eager = Line[int](bad, str(seed), 0), Line[int](bad, str(seed), 0)
    got: list[int] = []
    times = sorted(
        [
            *((at_us, number) for number, (at_us, _) in enumerate(offers)),
            *((at_us, -1) for at_us in asked),
        ]
    )
    for at_us, number in times:
        if number >= 0:
            eager.offer(number, 900, at_us)
            lazy.offer(number, 900, at_us)
        else:
            got += eager.arrived(at_us)
    got += eager.arrived(60_000_000)
    assert got == lazy.arrived(60_000_000)
    assert eager.counters == lazy.counters
