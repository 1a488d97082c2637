"""One link of an endpoint: what it is given, by its rules, and what is known of it.

An endpoint that waits to be connected to has a port for each that came.
"""

from fieldlink.codecs.mavlink import HEARTBEAT, Frame
from fieldlink.drone.router.outbox import Outbox
from fieldlink.drone.router.policy import Policy
from fieldlink.drone.router.profiles import ALWAYS, NEVER
from fieldlink.drone.router.rates import Bucket, Meter
from fieldlink.drone.router.requests import Requests
from fieldlink.drone.router.stats import LinkStats

__all__ = ["Port"]

_SELDOM_US = 2_000_000
_STRETCH_S = 10.0


class Port:
    """Made by `Core.attach`. `number` is its alone."""

    def __init__(self, number: int, name: str, policy: Policy, now_us: int) -> None:
        self.number = number
        self.name = name
        self.policy = policy
        self.stats = LinkStats()
        self.requests = Requests()
        budget = policy.budget_bytes_s
        self.outbox = Outbox(
            policy.queue_bytes, Bucket(budget, now_us) if budget is not None else None
        )
        self.plain = policy.plain
        self.aircraft = False
        """Whether an autopilot was heard on it."""
        self.seq = 0
        self.heartbeat_due_us = now_us
        self.summary_due_us: dict[tuple[int, int], int] = {}
        self._meter = Meter()
        self._buckets: dict[int, Bucket] = {}  # by system: 255 at most
        self._attached_us = now_us

    def change(self, policy: Policy, now_us: int) -> None:
        """Other rules from now on; what waits goes by them too."""
        self.policy, self.plain = policy, policy.plain
        budget = policy.budget_bytes_s
        self.outbox.change(
            policy.queue_bytes, Bucket(budget, now_us) if budget is not None else None
        )
        self._meter = Meter()
        self._buckets.clear()
        self.heartbeat_due_us = now_us

    def offer(self, frame: Frame, addressed: bool, from_ground: bool, now_us: int) -> None:
        """Something for this link: `addressed` to somebody behind it, `from_ground` stations."""
        if self.plain or self._wanted(frame, addressed, from_ground, now_us):
            self.outbox.put(frame, now_us)

    def _wanted(self, frame: Frame, addressed: bool, from_ground: bool, now_us: int) -> bool:
        policy, msgid = self.policy, frame.msgid
        if from_ground and not (addressed or policy.profile.ground or self.aircraft):
            self.stats.thinned += 1
            return False
        if not policy.give.passes(frame) or not (frame.known or policy.profile.unknown):
            self.stats.filtered += 1
            return False
        interval_us = policy.interval_us.get(msgid, policy.other_us)
        if interval_us == ALWAYS:
            return True
        if policy.profile.answers and (
            addressed or self.requests.answered_by(frame.sysid, msgid, now_us)
        ):
            return True
        if interval_us != NEVER and self._in_turn(frame, interval_us, now_us):
            return True
        self.stats.thinned += 1
        return False

    def _in_turn(self, frame: Frame, interval_us: int, now_us: int) -> bool:
        key = frame.sysid, frame.compid, frame.msgid
        bound = self.policy.system_bytes_s
        if bound is None:
            return self._meter.passes(key, interval_us, now_us)
        bucket = self._buckets.get(frame.sysid)
        if bucket is None:
            bucket = self._buckets[frame.sysid] = Bucket(bound, now_us)
        # All wait a little longer, in proportion: none is left out for another. What comes seldom,
        # or is a sign of life, does not.
        if interval_us < _SELDOM_US and frame.msgid != HEARTBEAT:
            interval_us += round(interval_us * bucket.debt_s(now_us) / _STRETCH_S)
        passes = self._meter.passes(key, interval_us, now_us)
        if passes:
            bucket.charge(len(frame.raw))
        return passes

    def take(self, max_bytes: int, now_us: int) -> list[bytes]:
        """What is to be sent now."""
        taken = self.outbox.take(max_bytes, now_us)
        if taken:
            self.stats.sent_packets += len(taken)
            self.stats.sent_bytes += sum(map(len, taken))
        return taken

    def next_seq(self) -> int:
        """The number of the next frame of our own on this link."""
        self.seq = (self.seq + 1) & 0xFF
        return self.seq

    def state(self, now_us: int) -> str:
        """`OK`, or `DOWN` when nothing was heard for longer than such a link may be silent."""
        heard_us = self.stats.heard_us
        since_us = self._attached_us if heard_us is None else heard_us
        silent = now_us - since_us > self.policy.lost_after_us
        return "DOWN" if silent or heard_us is None else "OK"
