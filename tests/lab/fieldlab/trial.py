"""One kit, one or more bad links, a backlog, and perhaps alarms: how fast it all arrives.

    PYTHONPATH=tests/lab python -m fieldlab.trial --rate 1000000 --rtt 600 --loss 0.02 --alarms 60

The figures of `tests/bench` come from here.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldlab.badlink.lab import Reading
from fieldlab.badlink.scenario import Link, Scenario, even_link
from fieldlab.badlink.scenario_file import load_scenario
from fieldlab.livekit import Load
from fieldlab.site import Arrival, Site, site
from fieldlink.codecs.bundle import Layer, Precedence

__all__ = ["Backlog", "Carried", "carry", "percentile", "wire_bytes"]

_ALARM_BYTES = 200
_LIMIT_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What waits in the spool when the link comes: `total_bytes` of originals, in bundles."""

    total_bytes: int
    bundle_bytes: int = 100_000

    def loads(self) -> list[Load]:
        """The bundles."""
        count = -(-self.total_bytes // self.bundle_bytes)
        return [Load(size=self.bundle_bytes, seed=number) for number in range(count)]


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What came of a trial. Times are seconds since the kit's first packet, if not said."""

    payload_bytes: int  # archived within `took_s`
    took_s: float
    readings: dict[str, Reading]
    alarms_s: list[float] = field(default_factory=list)  # from recorded to custody, of each
    arrivals: list[Arrival] = field(default_factory=list)

    @property
    def goodput_bps(self) -> float:
        """Archived payload, bit/s."""
        return self.payload_bytes * 8 / self.took_s

    @property
    def overhead(self) -> float:
        """Bytes on the wire, both ways, for each byte archived."""
        return wire_bytes(self.readings) / sum(arrival.size for arrival in self.arrivals)


def wire_bytes(readings: Mapping[str, Reading]) -> int:
    """All that either side put on the links, headers of IP and queue drops included."""
    return sum(r.to_centre.offered_bytes + r.to_kit.offered_bytes for r in readings.values())


def carry(
    links: Scenario | Sequence[Link],
    backlog: Backlog,
    *,
    alarms: int = 0,
    alarms_after_s: float = 5.0,
    feed_every_s: float = 0.0,
    seed: int = 1,
    limit_s: float = _LIMIT_S,
    **options: Any,
) -> Carried:
    """Let a kit with a backlog loose on the links, with an alarm a second for so many seconds.

    With alarms, the payload counted is what was archived while they were sent, and every
    `feed_every_s` (unless it is 0) one more bundle is recorded meanwhile, so that the backlog does
    not run out; without, all of it counts, until the last of it was archived.

    Raises:
        PermissionError: this machine or user cannot make bad links.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fieldlink-trial-") as folder,
        site(Path(folder) / "site", links, seed=seed, **options) as there,
    ):
        waiting = there.preload(backlog.loads())
        there.net.begin()
        there.start_kit()
        if not alarms:
            _until(there, set(waiting), limit_s)
            return _sum_up(there, None, [])
        there.wait(there.arrivals, limit_s, "the first bundle")
        time.sleep(alarms_after_s)
        began_us = time.time_ns() // 1000
        feed = Load(size=backlog.bundle_bytes)
        sent = _send_alarms(there, alarms, feed, feed_every_s)
        span = (began_us, time.time_ns() // 1000)
        _until(there, set(sent), limit_s)
        return _sum_up(there, span, sent)


def _send_alarms(there: Site, count: int, feed: Load, feed_every_s: float) -> list[str]:
    """One a second."""
    begin = time.monotonic()
    sent: list[str] = []
    fed = 0
    for number in range(count):
        while feed_every_s and fed * feed_every_s < number:
            time.sleep(max(0.0, begin + fed * feed_every_s - time.monotonic()))
            there.add(feed)
            fed += 1
        time.sleep(max(0.0, begin + number - time.monotonic()))
        sent.append(
            there.add(
                Load(
                    size=_ALARM_BYTES,
                    layer=Layer.REPORT,
                    precedence=Precedence.FLASH,
                    device="soldier-1",
                    stream="alarm",
                    seed=number,
                )
            )
        )
    time.sleep(max(0.0, begin + count - time.monotonic()))
    return sent


def _until(there: Site, wanted: set[str], limit_s: float) -> None:
    there.wait(lambda: wanted <= there.arrivals().keys(), limit_s, "all of it", step_s=0.5)


def _sum_up(there: Site, span: tuple[int, int] | None, alarms: list[str]) -> Carried:
    arrivals = there.arrivals()
    readings = {link.name: link.counters() for link in there.net.links}
    wall_us = time.time_ns() // 1000 - time.monotonic_ns() // 1000
    begins = [r.to_centre.first_us for r in readings.values() if r.to_centre.first_us is not None]
    begin_us, end_us = span or (
        min(begins) + wall_us,
        max(arrival.custody_us for arrival in arrivals.values()),
    )
    counted = [
        arrival
        for arrival in arrivals.values()
        if begin_us <= arrival.custody_us <= end_us and arrival.layer != Layer.REPORT.value
    ]
    return Carried(
        payload_bytes=sum(arrival.size for arrival in counted),
        took_s=(end_us - begin_us) / 1e6,
        readings=readings,
        alarms_s=[(arrivals[a].custody_us - arrivals[a].captured_us) / 1e6 for a in alarms],
        arrivals=sorted(arrivals.values(), key=lambda arrival: arrival.custody_us),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(len(ordered) * share * 1000) // 1000) - 1)]


def main() -> None:
    """Run one trial and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m fieldlab.trial", description=__doc__)
    parser.add_argument("--profile", help="a scenario instead of --rate, --rtt and --loss")
    parser.add_argument("--rate", type=int, default=1_000_000, help="bit/s, both ways")
    parser.add_argument("--rtt", type=float, default=600, help="ms")
    parser.add_argument("--loss", type=float, default=0.02, help="of packets, each way")
    parser.add_argument("--bytes", type=int, default=6_000_000, help="of the backlog")
    parser.add_argument("--bundle", type=int, default=100_000, help="bytes of a bundle")
    parser.add_argument("--alarms", type=int, default=0, help="one a second, so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rmem", type=int, default=6_291_456, help="largest tcp_rmem at the centre"
    )
    told = parser.parse_args()
    scenario = (
        load_scenario(told.profile)
        if told.profile
        else Scenario(title="", links=(even_link("sat", told.rate, told.rtt, told.loss),))
    )
    backlog = Backlog(total_bytes=told.bytes, bundle_bytes=told.bundle)
    feed_every_s = told.bundle * 8 / sum(link.to_centre.rate_bps for link in scenario.links)
    rmem = (4096, 131_072, told.rmem)
    done = carry(
        scenario,
        backlog,
        alarms=told.alarms,
        feed_every_s=feed_every_s,
        seed=told.seed,
        centre_rmem=rmem,
    )
    out = sys.stdout.write
    ways = [link.to_centre for link in scenario.links]
    best_bps = sum(way.rate_bps * (1 - way.mean_loss) for way in ways)
    out(
        f"goodput {done.goodput_bps / 1000:.0f} kbit/s over {done.took_s:.1f} s,"
        f" {done.goodput_bps / best_bps:.3f} of the first rate x (1 - loss);"
        f" {done.overhead:.3f} bytes on the wire (both ways)"
        " for each of payload\n"
    )
    if done.alarms_s:
        out(
            f"alarms: median {statistics.median(done.alarms_s):.2f} s,"
            f" 95th percentile {percentile(done.alarms_s, 0.95):.2f} s,"
            f" longest {max(done.alarms_s):.2f} s\n"
        )
    for name, reading in done.readings.items():
        count = reading.to_centre
        out(
            f"{name} to the centre: {count.offered_bytes} bytes in {count.offered} packets,"
            f" {count.lost} lost, {count.dropped} too many for the queue,"
            f" longest queue {count.longest_queue_bytes} bytes\n"
        )


if __name__ == "__main__":
    main()
