"""Candidates in a few words, for tests of the planner."""

from itertools import count

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.edge.planner import BearerState, Candidate, Rank, SpoolState, WindowPlanner

__all__ = ["LINE", "S_US", "WINDOW_US", "drain", "original", "piece", "proxy", "report", "still"]

S_US = 1_000_000
WINDOW_US = 7_200 * S_US
LINE = BearerState(name="main", chunk_bytes=16_000, room_bytes=64_000)
_numbers = count(1)


def piece(
    layer: Layer,
    precedence: Precedence,
    at_s: float,
    *,
    device: str = "cam-1",
    stream: str = "video",
    size: int = 1_000,
    long_s: float = 0.0,
    due: bool = True,
    rank: Rank = Rank.NORMAL,
) -> Candidate:
    """A bundle taken at `at_s`, due two hours later if `due`; sequences count up."""
    number = next(_numbers)
    start_us = round(at_s * S_US)
    return Candidate(
        bundle=number.to_bytes(32, "big"),
        precedence=precedence,
        layer=layer,
        device=device,
        stream=stream,
        sequence=number,
        start_us=start_us,
        end_us=start_us + round(long_s * S_US),
        deadline_us=start_us + WINDOW_US if due else None,
        size=size,
        rank=rank,
    )


def report(
    at_s: float, precedence: Precedence = Precedence.PRIORITY, *, device: str = "cam-1"
) -> Candidate:
    """A report of 200 bytes."""
    return piece(Layer.REPORT, precedence, at_s, device=device, size=200, due=False)


def still(at_s: float, *, device: str = "cam-1", size: int = 12_000) -> Candidate:
    """A still of 12 kB, marked IMMEDIATE as recorders do."""
    return piece(Layer.STILL, Precedence.IMMEDIATE, at_s, device=device, size=size)


def proxy(
    at_s: float, *, device: str = "cam-1", size: int = 50_000, rank: Rank = Rank.NORMAL
) -> Candidate:
    """Four seconds of thin video, 50 kB."""
    kind = Layer.PROXY, Precedence.PRIORITY
    return piece(*kind, at_s, device=device, size=size, long_s=4, rank=rank)


def original(
    at_s: float, *, device: str = "cam-1", size: int = 500_000, rank: Rank = Rank.NORMAL
) -> Candidate:
    """Ten seconds as the device sent them, 500 kB, without a deadline."""
    kind = Layer.ORIGINAL, Precedence.ROUTINE
    return piece(*kind, at_s, device=device, size=size, long_s=10, due=False, rank=rank)


def drain(
    spool: SpoolState, line: BearerState = LINE, now_us: int = 0, most: int = 100_000
) -> list[Candidate]:
    """What goes, in order, each bundle when its first bytes go."""
    planner, sent = WindowPlanner(), list[Candidate]()
    for _ in range(most):
        order = planner.next_chunk(spool, line, now_us)
        if order is None:
            break
        if order.candidate not in sent:
            sent.append(order.candidate)
        spool.cover(order.candidate, order.offset, order.offset + order.length)
    return sent
