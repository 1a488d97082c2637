"""Will the window be kept? For each stream and layer: when it is complete, and whether in time.

A fluid model of what the planner does: levels in its order, fair between devices. Complete means
that all of it that was recorded until then is at the centre. It is worked out twice, at the rate
that is expected and at the cautious one. Reasons are sentences whose first word stays the same:
rate, outages, no-link, late, clock, unmeasured, on-time.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter

from fieldlink.codecs.bundle import Layer
from fieldlink.edge.planner import reasons
from fieldlink.edge.planner.candidate import NEVER_US, Group, Track
from fieldlink.edge.planner.capacity import Capacity, Carried
from fieldlink.edge.planner.fluid import Flow, drained_s
from fieldlink.edge.planner.state import SpoolState, believed_bps

__all__ = ["USUAL_WINDOW_US", "Forecast", "TrackForecast", "Verdict", "forecast"]

USUAL_WINDOW_US = 7_200_000_000
"""When no incident is open, what has no deadline of its own is wanted by then."""

_LEAST_BPS = 1.0
_STRANGE_S = 30 * 86_400.0
_NEVER_S = 100 * 365 * 86_400.0
_LEVELS = {
    **{group: int(group) for group in Group},
    Group.STILL: int(Group.PROXY),  # they share their turn with proxies, by deadline
}
_LATER, _PICTURES = int(Group.LATER), int(Group.PROXY)
_MADE = {Layer.REPORT: Group.REPORT, Layer.ORIGINAL: Group.ORIGINAL}


class Verdict(IntEnum):
    """Whether the window is kept."""

    KEPT = 0
    AT_RISK = 1
    WILL_MISS = 2


@dataclass(frozen=True, slots=True)
class TrackForecast:
    """One stream's layer: what has to be sent, when it is complete (None: never, or unknown)."""

    device: str
    stream: str
    layer: Layer
    pending_bytes: int
    done_us: int | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """All of it, as of `at_us`; rates in bits of payload a second, None before any was measured."""

    at_us: int
    due_us: int | None
    rate_bps: float | None
    low_bps: float | None
    tracks: tuple[TrackForecast, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return max((track.verdict for track in self.tracks), default=Verdict.KEPT)


@dataclass(slots=True)
class _Row:
    """A track's part in each level (bytes), when it has to be complete, how late some of it is.

    For `stood_in_bytes` of it something thinner goes first; what is promised is the rest.
    """

    pending_bytes: int = 0
    levels: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    due_us: int = -1
    late_us: int = 0
    stood_in_bytes: int = 0
    in_window: bool = False

    @property
    def promised(self) -> list[int]:
        """The levels that are promised."""
        own = [level for level in self.levels if level != _LATER]
        return own or list(self.levels)


def forecast(
    spool: SpoolState,
    capacity: Capacity | Carried,
    production: Mapping[Track, float],
    now_us: int,
    due_us: int | None,
) -> Forecast:
    """What is in `spool` and comes in at `production` (bits a second), carried by `capacity`.

    Everything is wanted by `due_us`; with None, each bundle by its own deadline.
    """
    carried = capacity.carried() if isinstance(capacity, Capacity) else capacity
    rows = _rows(spool, production, now_us, due_us)
    likely = _done(rows, production, carried.expected_bps)
    least = _done(rows, production, carried.low_bps)
    needed = _needed(rows, production, now_us)
    tracks = []
    for track, row in sorted(rows.items()):
        done_s, low_s = likely.get(track), least.get(track)
        done_us = None if done_s is None else now_us + round(done_s * 1e6)
        verdict, reason = _judge(row, done_s, low_s, carried, needed[track], now_us)
        tracks.append(TrackForecast(*track, row.pending_bytes, done_us, verdict, reason))
    return Forecast(now_us, due_us, carried.expected_bps, carried.low_bps, tuple(tracks))


def _rows(
    spool: SpoolState, production: Mapping[Track, float], now_us: int, due_us: int | None
) -> dict[Track, _Row]:
    rows: defaultdict[Track, _Row] = defaultdict(_Row)
    for lane in spool.lanes:
        row = rows[lane.device, lane.stream, lane.layer]
        row.pending_bytes += lane.left_bytes
        row.levels[_LEVELS[lane.key[0]]] += lane.left_bytes
        if lane.key[0] is Group.LATER:
            row.stood_in_bytes += lane.left_bytes
            row.due_us = max(row.due_us, now_us)
            continue
        row.due_us = max(row.due_us, _wanted_us(spool.due_us(lane.newest), now_us))
        first_us = spool.due_us(lane.oldest)
        if first_us <= now_us:
            row.late_us = max(row.late_us, now_us - first_us)
    for track in production:
        row = rows[track]
        row.levels[_made_at(track)] += 0.0
        row.due_us = max(row.due_us, now_us + USUAL_WINDOW_US)
    if due_us is not None:
        for row in rows.values():
            row.due_us, row.in_window = due_us, True
    return rows


def _wanted_us(deadline_us: int, now_us: int) -> int:
    return deadline_us if deadline_us < NEVER_US else now_us + USUAL_WINDOW_US


def _made_at(track: Track) -> int:
    return _LEVELS[_MADE.get(track[2], Group.PROXY)]


def _flows(
    rows: Mapping[Track, _Row], production: Mapping[Track, float]
) -> dict[tuple[int, str], Flow]:
    """What waits and comes in, by level and device, in bytes."""
    flows: defaultdict[tuple[int, str], Flow] = defaultdict(lambda: Flow(0.0, 0.0))
    for track, row in rows.items():
        for level, size in row.levels.items():
            flows[level, track[0]].backlog_bytes += size
            if _goes_first(track, row, level):
                flows[level, track[0]].first_bytes += size
        if (made_bps := believed_bps(production.get(track))) is not None:
            flows[_made_at(track), track[0]].inflow_bps += made_bps / 8
    return flows


def _goes_first(track: Track, row: _Row, level: int) -> bool:
    """Whether it is stills that are due when the proxies of their device are: before those."""
    return track[2] is Layer.STILL and row.in_window and level == _PICTURES


def _done(
    rows: Mapping[Track, _Row], production: Mapping[Track, float], rate_bps: float | None
) -> dict[Track, float | None]:
    """In how many seconds each track is complete at `rate_bps`; None is never."""
    if rate_bps is None or rate_bps < _LEAST_BPS:
        return dict.fromkeys(rows)
    flows = _flows(rows, production)
    levels: defaultdict[int, list[Flow]] = defaultdict(list)
    for (level, _), flow in sorted(flows.items(), key=itemgetter(0)):
        levels[level].append(flow)
    drained_s([levels[level] for level in sorted(levels)], rate_bps / 8)
    done: dict[Track, float | None] = {}
    for track, row in rows.items():
        ends = [
            flow.first_done_s if _goes_first(track, row, level) else flow.done_s
            for level in row.promised
            for flow in [flows[level, track[0]]]
        ]
        known = [end for end in ends if end is not None and end < _NEVER_S]
        done[track] = max(known, default=0.0) if len(known) == len(ends) else None
    return done


def _needed(
    rows: Mapping[Track, _Row], production: Mapping[Track, float], now_us: int
) -> dict[Track, float]:
    """The rate (bits a second) at which each track, and all that goes before it, is in time."""
    sizes: defaultdict[int, float] = defaultdict(float)
    inflow: defaultdict[int, float] = defaultdict(float)
    for (level, _), flow in _flows(rows, production).items():
        sizes[level] += flow.backlog_bytes * 8
        inflow[level] += flow.inflow_bps * 8
    needed = {}
    for track, row in rows.items():
        last = max(row.promised)
        left_s = max((row.due_us - now_us) / 1e6, 1.0)
        before = [level for level in sizes if level <= last]
        needed[track] = sum(sizes[at] / left_s + inflow[at] for at in before)
    return needed


def _judge(
    row: _Row, done_s: float | None, low_s: float | None, carried: Carried, needed_bps: float,
    now_us: int,
) -> tuple[Verdict, str]:  # fmt: skip
    if row.pending_bytes and row.pending_bytes == row.stood_in_bytes:
        return Verdict.KEPT, reasons.stood_in(row.stood_in_bytes)
    left_s = (row.due_us - now_us) / 1e6
    off_s = -row.late_us / 1e6 if abs(left_s) <= _STRANGE_S else left_s
    if abs(off_s) > _STRANGE_S:
        return Verdict.AT_RISK, reasons.clock(off_s)
    if row.pending_bytes and left_s <= 0 and row.in_window:
        return Verdict.WILL_MISS, reasons.over(-left_s, row.pending_bytes)
    if row.late_us or (row.pending_bytes and left_s <= 0):
        return Verdict.WILL_MISS, reasons.late(row.late_us / 1e6)
    if not row.pending_bytes and (left_s <= 0 or (carried.expected_bps or 0) < _LEAST_BPS):
        return Verdict.KEPT, reasons.nothing()
    if carried.expected_bps is None:
        return Verdict.AT_RISK, reasons.unmeasured()
    if carried.down_since_us is not None and carried.expected_bps <= 0:
        return Verdict.AT_RISK, reasons.no_link((now_us - carried.down_since_us) / 1e6)
    if done_s is None or done_s > left_s:
        return Verdict.WILL_MISS, reasons.rate(needed_bps, carried.expected_bps, carried.available)
    if low_s is None or low_s > left_s:
        low_bps = carried.low_bps or 0.0
        return Verdict.AT_RISK, reasons.cautious(needed_bps, low_bps, carried.observed)
    return Verdict.KEPT, reasons.on_time(done_s, left_s)
