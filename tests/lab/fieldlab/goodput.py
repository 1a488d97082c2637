"""What a kit archives over one bad link, beside iperf3, rsync and mosquitto's bridge."""

import sys
from collections.abc import Sequence

from fieldlab.badlink.scenario import Link
from fieldlab.bridge import Plan
from fieldlab.figure import Figure
from fieldlab.rivals import bridge, iperf, rsync
from fieldlab.trial import Backlog, carry

__all__ = ["goodput_figures"]

_BUNDLE_BYTES = 100_000


def goodput_figures(
    name: str, link: Link, *, seconds: float, least: float, least_of_iperf: float
) -> Sequence[Figure]:
    """Shares of rate x (1 - loss), each side running for about `seconds`."""
    best_bps = link.to_centre.rate_bps * (1 - link.to_centre.loss)
    total_bytes = round(best_bps * seconds / 8)
    ours = carry([link], Backlog(total_bytes=total_bytes, bundle_bytes=_BUNDLE_BYTES))
    share = ours.goodput_bps / best_bps
    straight = iperf([link], seconds) / best_bps
    # Slower ones get less to do, so that they take as long; a bridge is counted for its time.
    synced = rsync([link], total_bytes // 2, _BUNDLE_BYTES)[0] / best_bps
    plan = Plan(backlog=total_bytes // _BUNDLE_BYTES, message_bytes=_BUNDLE_BYTES)
    bridged = _bridged([link], plan, seconds) / best_bps
    sys.stderr.write(
        f"of rate x (1 - loss): ours {share:.3f} ({ours.took_s:.0f} s), iperf3 {straight:.3f},"
        f" rsync {synced:.3f}, mosquitto's bridge {bridged:.3f}\n"
    )
    also = (f"at least {least:g} of rate x (1 - loss)", share >= least)
    unit = "of rate x (1 - loss)"
    return [
        Figure(
            name=name,
            value=share,
            unit=unit,
            peer=straight,
            limit=least_of_iperf,
            better="more",
            also=(also,),
        ),
        Figure(name=f"{name}_rsync", value=share, unit=unit, peer=synced, limit=1.0, better="more"),
        Figure(
            name=f"{name}_bridge", value=share, unit=unit, peer=bridged, limit=1.0, better="more"
        ),
    ]


def _bridged(links: Sequence[Link], plan: Plan, seconds: float) -> float:
    """Bit/s in the first `seconds`; the run ends soon after, or when all has come."""
    counts: list[int] = []

    def enough(bulk: int, _alarms: int) -> bool:
        counts.append(bulk)  # asked twice a second
        return bulk >= plan.backlog or len(counts) * 0.5 > seconds

    done = bridge(links, plan, until=enough)
    return done.goodput_bps(0.0, min(seconds, done.took_s))
