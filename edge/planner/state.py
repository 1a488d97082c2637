"""What the planner sees of the spool: the bundles that have bytes to send, in lanes.

Everything that a decision has to remember (what was shown of each device, how far each stream
is, who was served how much) is in here and changes by these methods alone. Lanes are few however
long the backlog, so a planner looks at their ends and never at all of 100,000 bundles. Everything
here runs on one thread.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from sortedcontainers import SortedList

from fieldlink.codecs.bundle import Layer, Ranges
from fieldlink.codecs.wire import Want
from fieldlink.edge.planner.candidate import NEVER_US, Candidate, Group, Key, Rank, Track, group_of
from fieldlink.edge.planner.lanes import Lane, LaneKey, Tier, Turns
from fieldlink.edge.planner.shown import FRESH_US, Edge, FreshStills
from fieldlink.edge.planner.wants import Wants

__all__ = ["SpoolState", "believed_bps"]

_HEAD_BYTES = 250  # what a bundle costs besides its content
_MOST_BPS = 1e12  # whoever says that it carries more is not believed


def believed_bps(rate_bps: float | None) -> float | None:
    """`rate_bps` if it can be one: a number, above 0 and below a terabit a second."""
    if rate_bps is None or not math.isfinite(rate_bps) or not 0 < rate_bps <= _MOST_BPS:
        return None
    return rate_bps


class SpoolState:
    """All bundles not in custody; those with bytes to send wait in lanes."""

    def __init__(self) -> None:
        self._known: dict[bytes, Candidate] = {}
        self._tracks: dict[Track, SortedList[Key]] = {}
        self._where: dict[bytes, Lane] = {}
        self._wants = Wants(self._known, self._tracks)
        self._stills: dict[str, Edge] = {}
        self._proxies: dict[tuple[str, str], Edge] = {}
        self._window: tuple[int, int] | None = None
        self.pictures = Turns()
        self.fresh = FreshStills()
        self.tiers: dict[Group, Tier] = {
            group: Tier(self.pictures if group in (Group.STILL, Group.PROXY) else None)
            for group in Group
        }
        self.rate_bps: float | None = None
        self.hurry: tuple[int, float, bytes | None] | None = None

    def __len__(self) -> int:
        return len(self._known)

    # --- questions -----------------------------------------------------------------------

    @property
    def lanes(self) -> Iterator[Lane]:
        """Every lane that has somebody waiting, roughly in the order of going."""
        return (lane for tier in self.tiers.values() for lane in tier.lanes())

    @property
    def waiting(self) -> int:
        """How many bundles have bytes to send now."""
        return len(self._where)

    @property
    def left_bytes(self) -> int:
        """How many bytes there are to send now."""
        return sum(tier.left_bytes for tier in self.tiers.values())

    def get(self, bundle: bytes) -> Candidate | None:
        """The candidate for `bundle`, waiting or not."""
        return self._known.get(bundle)

    def track(self, track: Track) -> Iterator[Candidate]:
        """All that is not in custody of a track, by time."""
        return (self._known[key[2]] for key in tuple(self._tracks.get(track, ())))

    def tracks(self) -> tuple[Track, ...]:
        """The tracks of which something is not in custody."""
        return tuple(self._tracks)

    def due_us(self, candidate: Candidate) -> int:
        """When `candidate` has to be there: its own deadline, or the end of the incident's
        window if that is earlier and it was taken in it; `NEVER_US` without either.
        """
        due_us = NEVER_US if candidate.deadline_us is None else candidate.deadline_us
        if self._window is not None and candidate.start_us >= self._window[0]:
            return min(due_us, self._window[1])
        return due_us

    def shown_us(self, device: str) -> int | None:
        """When the newest still of `device` that was sent was taken; None when none was."""
        edge = self._stills.get(device)
        return None if edge is None else edge.at_us

    def is_fresh(self, still: Candidate) -> bool:
        """Whether `still` shows of its device what no still before it did."""
        edge = self._stills.get(still.device)
        if edge is None or edge.at_us is None:
            return True
        return edge.before(still) and abs(still.start_us - edge.at_us) >= FRESH_US

    def is_live(self, proxy: Candidate) -> bool:
        """Whether `proxy` is newer than all that was sent of its stream."""
        edge = self._proxies.get((proxy.device, proxy.stream))
        return edge is None or edge.before(proxy)

    def lane_of(self, bundle: bytes) -> Lane | None:
        """The lane that `bundle` waits in."""
        return self._where.get(bundle)

    # --- settings ------------------------------------------------------------------------

    def window(self, start_us: int | None, due_us: int | None) -> None:
        """The incident's window: what was taken since `start_us` is due at `due_us` at the latest.

        None: no incident is open.
        """
        self._window = None if start_us is None or due_us is None else (start_us, due_us)
        self.hurry = None

    def pace(self, rate_bps: float | None) -> None:
        """All bearers together carry `rate_bps`; what is no rate is taken for unknown."""
        self.rate_bps = believed_bps(rate_bps)

    def note_hurry(self, at_us: int, rate_bps: float, pressing: bytes | None) -> None:
        """At `at_us` and that rate the deadline of `pressing` was found to press, None: of none.
        It spares looking at all lanes for every chunk.
        """
        self.hurry = at_us, rate_bps, pressing

    def follow(self, wants: Sequence[Want]) -> None:
        """Raise what `wants` mean, the first of them most, and nothing else."""
        before = {c.bundle: c.want for c in self._known.values() if c.want is not None}
        meant = self._wants.follow(wants)
        for bundle in before.keys() | meant.keys():
            if before.get(bundle) != meant.get(bundle):
                self._want(self._known[bundle], meant.get(bundle))

    def set_rank(self, bundle: bytes, rank: Rank) -> None:
        """`bundle` stands at `rank` from now on; nothing happens when it is not known."""
        candidate = self._known.get(bundle)
        if candidate is not None and candidate.rank is not rank:
            lane = self._unqueue(candidate)
            candidate.rank = rank
            if lane is not None:
                self._queue(candidate)

    # --- what happens --------------------------------------------------------------------

    def add(self, candidate: Candidate) -> None:
        """A bundle was recorded; adding it twice changes nothing."""
        if candidate.bundle in self._known:
            return
        self._known[candidate.bundle] = candidate
        self._tracks.setdefault(candidate.track, SortedList()).add(candidate.key)
        if self._wants:
            candidate.want = self._wants.place(candidate)
            before = self._wants.just_before(candidate)
            if before is not None and before.want is not None:
                self._want(before, self._wants.place(before))
        self._queue(candidate)

    def discard(self, bundle: bytes) -> None:
        """A bundle is in custody, refused or gone: forget it."""
        candidate = self._known.get(bundle)
        if candidate is None:
            return
        self._unqueue(candidate)
        del self._known[bundle]
        keys = self._tracks[candidate.track]
        keys.remove(candidate.key)
        if not keys:
            del self._tracks[candidate.track]
        self._shown(candidate, Edge.settled)

    def cover(self, candidate: Candidate, start: int, end: int) -> None:
        """The bytes from `start` to `end` are on their way."""
        before = candidate.left_bytes
        candidate.covered.add(start, end)
        candidate.done = candidate.size == 0
        lane = self._where.get(candidate.bundle)
        if lane is None:
            return
        if not candidate.begun:
            self._begin(candidate, lane)
        sent = before - candidate.left_bytes
        lane.left_bytes -= sent
        self.tiers[lane.key[0]].left_bytes -= sent
        if candidate.next_span() is None:
            self._unqueue(candidate)
            self._shown(candidate, Edge.sent)

    def hold(self, candidate: Candidate) -> None:
        """Nothing of `candidate` is to be sent until it is released."""
        self._unqueue(candidate)  # before the mark goes: the lane knows it by that
        candidate.begun = False  # what is newer by then goes first

    def release(self, candidate: Candidate, covered: Ranges) -> None:
        """All of `candidate` but `covered` is to be sent."""
        self._unqueue(candidate)
        candidate.covered = Ranges(covered)
        candidate.done = False
        if candidate.bundle in self._known and candidate.next_span() is not None:
            self._shown(candidate, Edge.lost)
            self._queue(candidate)

    # --- inside --------------------------------------------------------------------------

    def _begin(self, candidate: Candidate, lane: Lane) -> None:
        candidate.begun = True
        if lane.key[0] is not Group.STILL or not self.is_fresh(candidate):  # those go round anyway
            lane.turns.give(candidate.device, candidate.size + _HEAD_BYTES)
        lane.begin(candidate)
        self._refresh(lane)

    def _shown(self, candidate: Candidate, what: Callable[[Edge, Candidate], None]) -> None:
        """Something came of a picture: it was sent, lost, or is at the centre."""
        device, stream, layer = candidate.track
        if layer is Layer.STILL:
            what(self._stills.setdefault(device, Edge()), candidate)
            for lane in self.pictures.of(device):
                self._refresh(lane)
        elif layer is Layer.PROXY:
            what(self._proxies.setdefault((device, stream), Edge()), candidate)

    def _refresh(self, lane: Lane) -> None:
        """Which still of a device is fresh, now that its lane, or what was shown, has changed."""
        if lane.key[0] is not Group.STILL:
            return
        stills = [
            still
            for one in self.pictures.of(lane.device)
            if one.layer is Layer.STILL and (still := one.lead(self.is_fresh)) is not None
        ]
        best = min(stills, key=lambda still: (not still.begun, -still.start_us), default=None)
        self.fresh.place(lane.device, best, self.shown_us(lane.device))

    def _want(self, candidate: Candidate, want: int | None) -> None:
        lane = self._unqueue(candidate)
        candidate.want = want
        if lane is not None:
            self._queue(candidate)

    def _queue(self, candidate: Candidate) -> None:
        group, level = group_of(candidate)
        device, stream, layer = candidate.track
        key: LaneKey = group, level, candidate.precedence, device, stream, layer
        lane = self.tiers[group].lane(key, self._known)
        lane.add(candidate)
        left = candidate.left_bytes
        lane.left_bytes += left
        self.tiers[group].left_bytes += left
        self._where[candidate.bundle] = lane
        self._refresh(lane)

    def _unqueue(self, candidate: Candidate) -> Lane | None:
        lane = self._where.pop(candidate.bundle, None)
        if lane is None:
            return None
        lane.remove(candidate)
        left = candidate.left_bytes
        lane.left_bytes -= left
        tier = self.tiers[lane.key[0]]
        tier.left_bytes -= left
        if not len(lane):
            tier.drop(lane)
        self._refresh(lane)
        return lane
