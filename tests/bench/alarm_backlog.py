"""How long an alarm takes behind 5 MB on a link of 1 Mbit/s, 600 ms and 2 % loss."""

import statistics
import sys
from collections.abc import Sequence

from fieldlab.badlink.scenario import even_link
from fieldlab.bridge import Plan
from fieldlab.figure import Figure
from fieldlab.rivals import bridge
from fieldlab.trial import Backlog, carry, percentile

_LINK = even_link("sat", 1_000_000, 600, 0.02)
_BEST_BPS = 980_000
_BUNDLE_BYTES = 100_000
_BACKLOG_BYTES = 6_000_000  # 1 MB of it goes before the first alarm
_AFTER_S = 8.0
_ALARMS = 60
# As much is recorded meanwhile as the link carries, so that 5 MB are always pending.
_FEED_EVERY_S = _BUNDLE_BYTES * 8 / 1_000_000


def measure() -> Sequence[Figure]:
    """One alarm a second for a minute, each from when it was recorded to the centre's custody."""
    ours = carry(
        [_LINK],
        Backlog(total_bytes=_BACKLOG_BYTES, bundle_bytes=_BUNDLE_BYTES),
        alarms=_ALARMS,
        alarms_after_s=_AFTER_S,
        feed_every_s=_FEED_EVERY_S,
    )
    plan = Plan(
        backlog=_BACKLOG_BYTES // _BUNDLE_BYTES,
        message_bytes=_BUNDLE_BYTES,
        alarms=_ALARMS,
        alarms_after_s=_AFTER_S,
        feed_every_s=_FEED_EVERY_S,
    )
    theirs = [late for each in bridge([_LINK], plan).alarms_s.values() for late in each]
    share = ours.goodput_bps / _BEST_BPS
    for who, late in (("ours", ours.alarms_s), ("mosquitto's bridge", theirs)):
        print(
            f"{who}: median {statistics.median(late):.2f} s, 95th percentile"
            f" {percentile(late, 0.95):.2f} s, longest {max(late):.2f} s",
            file=sys.stderr,
        )
    print(f"meanwhile {share:.3f} of rate x (1 - loss)", file=sys.stderr)
    p95, longest = percentile(ours.alarms_s, 0.95), max(ours.alarms_s)
    return [
        Figure(
            name="alarm_backlog",
            value=p95,
            unit="s",
            peer=percentile(theirs, 0.95),
            limit=0.1,
            better="less",
            also=(
                ("95th percentile at most 1.5 s", p95 <= 1.5),
                ("longest at most 3 s", longest <= 3),
                ("goodput at least 0.8", share >= 0.8),
            ),
        ),
        Figure(name="alarm_backlog_longest", value=longest, unit="s", limit=3.0, better="less"),
        Figure(
            name="alarm_backlog_goodput",
            value=share,
            unit="of rate x (1 - loss)",
            limit=0.8,
            better="more",
        ),
    ]
