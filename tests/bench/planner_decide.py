"""One decision among 100,000 pending bundles, as a bearer asks for it.

A kit of twelve devices after an outage of hours: originals, proxies, stills and a few reports; in
a second backlog some are wanted, cover for others, or covered by others. Each step decides on one
chunk, marks it as under way, and every tenth puts a bundle into custody and records another. The
peer is a planner that looks at every bundle that waits, which is what the choice costs without
lanes. Times are of the processor, so that a busy machine does not count.
"""

import random
import statistics
import time
from collections.abc import Sequence

from fieldlab.figure import Figure
from fieldlab.pending import S_US, original, proxy, report, still
from fieldlink.edge.planner import BearerState, Candidate, Rank, SpoolState, WindowPlanner

_DEVICES = 12
_PENDING = 100_000
_STEPS = 5_000
_PEER_STEPS = 20
_RANKS = [Rank.NORMAL] * 97 + [Rank.COVER, Rank.LATER, Rank.WANTED]
_LINE = BearerState(name="main", chunk_bytes=64_000, room_bytes=1_000_000, rate_bps=1e6)


def measure() -> Figure:
    random.seed(7)
    times = _ours(_backlog([Rank.NORMAL])) + _ours(_backlog(_RANKS))
    taken_s, worst_s = statistics.median(times), statistics.quantiles(times, n=100)[98]
    peer_s = _peer(_backlog(_RANKS))
    print(
        f"decision among {_PENDING:,}: median {taken_s * 1e6:.0f} us,"
        f" 99th percentile {worst_s * 1e6:.0f} us; looking at all {peer_s * 1e6:.0f} us"
    )
    return Figure(
        name="planner_decide",
        value=taken_s * 1e3,
        unit="ms",
        peer=peer_s * 1e3,
        limit=0.1,
        better="less",
        also=(
            ("median under 1 ms", taken_s < 1e-3),
            ("99th percentile under 1 ms", worst_s < 1e-3),
        ),
    )


def _backlog(ranks: Sequence[Rank]) -> SpoolState:
    spool = SpoolState()
    spool.window(0, 50_000 * S_US)
    spool.pace(1e6)
    number = 0
    while len(spool) < _PENDING:
        at_s, device = (number // _DEVICES) * 2.0, f"cam-{number % _DEVICES}"
        spool.add(original(at_s, device=device, rank=random.choice(ranks)))
        spool.add(proxy(at_s, device=device, rank=random.choice(ranks)))
        spool.add(still(at_s, device=device))
        if number % 100 == 0:
            spool.add(report(at_s, device=device))
        number += 1
    return spool


def _ours(spool: SpoolState) -> list[float]:
    """How long deciding and marking takes, in seconds, step by step."""
    planner, times, carried = WindowPlanner(), [], list[Candidate]()
    for step in range(_STEPS):
        now_us = 17_000 * S_US + step * 100_000
        began = time.thread_time()
        order = planner.next_chunk(spool, _LINE, now_us)
        assert order is not None
        spool.cover(order.candidate, order.offset, order.offset + order.length)
        times.append(time.thread_time() - began)
        carried.append(order.candidate)
        if step % 10 == 9:
            spool.discard(carried[step // 2].bundle)
            spool.add(random.choice((still, proxy, original))(now_us / S_US, device="cam-3"))
    return times


def _peer(spool: SpoolState) -> float:
    waiting = [one for lane in spool.lanes for one in lane]
    times = []
    for _ in range(_PEER_STEPS):
        began = time.thread_time()
        first = min(waiting, key=lambda one: (one.precedence, spool.due_us(one), one.sequence))
        waiting.remove(first)
        times.append(time.thread_time() - began)
    return statistics.median(times)
