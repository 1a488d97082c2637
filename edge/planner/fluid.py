"""When backlogs run dry: flows that share a rate fairly, in levels that go one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Flow", "drained_s"]

_NOTHING_BYTES = 0.5


@dataclass(slots=True)
class Flow:
    """What waits (bytes), and what comes in (bytes a second); `done_s` is the answer: seconds
    until nothing waits, None if that never happens. Of what waits, `first_bytes` go first;
    `first_done_s` is when they are gone.
    """

    backlog_bytes: float
    inflow_bps: float
    first_bytes: float = 0.0
    done_s: float | None = None
    first_done_s: float | None = None
    rest_bytes: float = 0.0


def drained_s(levels: Sequence[Sequence[Flow]], rate_bps: float) -> None:
    """Say of each flow when it is drained by `rate_bps` bytes a second.

    A level gets what those before it leave: nothing until they are drained, then all but their
    inflow. Inside a level whoever needs less than an equal share gets what it needs.
    """
    began_s, left_bps = 0.0, rate_bps
    for level in levels:
        waiting = [flow for flow in level if flow.backlog_bytes > 0 or flow.inflow_bps > 0]
        for flow in level:
            flow.done_s = 0.0 if flow not in waiting else None
            flow.backlog_bytes += flow.inflow_bps * began_s
            flow.rest_bytes = flow.backlog_bytes - flow.first_bytes
            flow.first_done_s = None if flow.first_bytes > 0 else 0.0
        ended_s = _drain(waiting, began_s, left_bps)
        if ended_s is None:
            for lower in levels[levels.index(level) + 1 :]:
                for flow in lower:
                    idle = flow.backlog_bytes <= 0 and flow.inflow_bps <= 0
                    flow.done_s = 0.0 if idle else None
            return
        began_s = ended_s
        left_bps -= sum(flow.inflow_bps for flow in waiting)


def _drain(flows: list[Flow], now_s: float, rate_bps: float) -> float | None:
    """Drain one level; when the last is dry, None if some never are."""
    while True:
        shares = _shares(flows, rate_bps)
        steps = [
            flow.backlog_bytes / (share - flow.inflow_bps)
            for flow, share in zip(flows, shares, strict=True)
            if flow.backlog_bytes > _NOTHING_BYTES and share > flow.inflow_bps
        ]
        for flow, share in zip(flows, shares, strict=True):
            if flow.backlog_bytes <= _NOTHING_BYTES and share >= flow.inflow_bps:
                flow.done_s = now_s if flow.done_s is None else flow.done_s
        if not steps:
            return now_s if all(flow.done_s is not None for flow in flows) else None
        step_s = min(steps)
        for flow, share in zip(flows, shares, strict=True):
            _first(flow, share - flow.inflow_bps, now_s, step_s)
        now_s += step_s
        for flow, share in zip(flows, shares, strict=True):
            grown = flow.backlog_bytes + (flow.inflow_bps - share) * step_s
            flow.backlog_bytes = grown if grown > _NOTHING_BYTES else 0.0


def _first(flow: Flow, drains_bps: float, now_s: float, step_s: float) -> None:
    over = flow.backlog_bytes - flow.rest_bytes
    if flow.first_done_s is None and drains_bps > 0 and over <= drains_bps * step_s * (1 + 1e-9):
        flow.first_done_s = now_s + max(over, 0.0) / drains_bps


def _shares(flows: Sequence[Flow], rate_bps: float) -> list[float]:
    """Equal shares of `rate_bps`, but to one without a backlog no more than what comes in."""
    given = [0.0] * len(flows)
    open_ = list(range(len(flows)))
    left = max(rate_bps, 0.0)
    while open_:
        share = left / len(open_)
        content = [
            at
            for at in open_
            if flows[at].backlog_bytes <= _NOTHING_BYTES and flows[at].inflow_bps <= share
        ]
        if not content:
            for at in open_:
                given[at] = share
            break
        for at in content:
            given[at] = flows[at].inflow_bps
            left -= flows[at].inflow_bps
        open_ = [at for at in open_ if at not in content]
    return given
