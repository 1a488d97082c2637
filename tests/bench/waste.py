"""Bytes on the wire, both ways and all headers of IP included, for each byte archived.

Over three outages on a link without random loss; and on one that loses 2 %, beside the floor that
headers and retransmission set.
"""

import sys
from collections.abc import Sequence

from fieldlab.badlink.scenario import Scenario, even_link
from fieldlab.badlink.scenario_file import parse_scenario
from fieldlab.bridge import Plan
from fieldlab.figure import Figure
from fieldlab.rivals import bridge, rsync
from fieldlab.trial import Backlog, Carried, carry, wire_bytes

_CUT = """
title = "4G of 2 Mbit/s and 80 ms without loss, away for six seconds three times"
[[link]]
name = "lte"
to_centre = { rate_bps = 2_000_000, queue_bytes = 20_000, delay_ms = 40 }
to_kit = { rate_bps = 2_000_000, queue_bytes = 20_000, delay_ms = 40 }
[[outage]]
link = "lte"
at_s = 15
lasts_s = 6
every_s = 50
times = 3
"""
_CUT_BYTES = 36_000_000  # 144 s of the link, 162 with the outages
_LOSS = 0.02
_LOSSY = even_link("sat", 1_000_000, 600, _LOSS)
_LOSSY_BYTES = 6_000_000
_BUNDLE_BYTES = 400_000  # an original of two seconds at 1.5 Mbit/s
# A full packet is 1500 bytes and carries 1448 after the headers of IP and TCP with timestamps;
# every second one is acknowledged by a packet of 52.
_FLOOR = (1500 + 52 / 2) / 1448
_LOSSY_FLOOR = (1500 / (1 - _LOSS) + 52 / 2) / 1448


def measure() -> Sequence[Figure]:
    """Ours over the outages beside rsync and mosquitto's bridge, then with loss."""
    cut = parse_scenario(_CUT)
    ours = carry(cut, Backlog(total_bytes=_CUT_BYTES, bundle_bytes=_BUNDLE_BYTES))
    synced = wire_bytes(rsync(cut, _CUT_BYTES, _BUNDLE_BYTES)[1]) / _CUT_BYTES
    plan = Plan(backlog=_CUT_BYTES // _BUNDLE_BYTES, message_bytes=_BUNDLE_BYTES)
    bridged = wire_bytes(bridge(cut, plan).readings) / _CUT_BYTES
    lossy = Scenario(title="", links=(_LOSSY,))
    lossy_ours = carry(lossy, Backlog(total_bytes=_LOSSY_BYTES, bundle_bytes=_BUNDLE_BYTES))
    print(
        f"three outages: ours {ours.overhead:.4f}, rsync {synced:.4f}, mosquitto's bridge"
        f" {bridged:.4f}, floor {_FLOOR:.4f}\n  {_parts(ours)}\n"
        f"2 % loss: ours {lossy_ours.overhead:.4f}, floor {_LOSSY_FLOOR:.4f}\n"
        f"  {_parts(lossy_ours)}",
        file=sys.stderr,
    )
    unit = "bytes on the wire for each archived"
    return [
        Figure(name="waste", value=ours.overhead, unit=unit, limit=1.08, better="less"),
        Figure(name="waste_up", value=_up(ours), unit=unit, limit=1.08, better="less"),
        Figure(
            name="waste_rsync",
            value=ours.overhead,
            unit=unit,
            peer=synced,
            limit=1.02,
            better="less",
        ),
        Figure(
            name="waste_bridge",
            value=ours.overhead,
            unit=unit,
            peer=bridged,
            limit=1.02,
            better="less",
        ),
        Figure(
            name="waste_lossy",
            value=lossy_ours.overhead,
            unit=unit,
            peer=_LOSSY_FLOOR,
            limit=1.05,
            better="less",
        ),
    ]


def _up(done: Carried) -> float:
    """The kit's direction alone: what the payload itself takes, without the answers to it."""
    up_bytes = sum(reading.to_centre.offered_bytes for reading in done.readings.values())
    return up_bytes / sum(arrival.size for arrival in done.arrivals)


def _parts(done: Carried) -> str:
    """Where the bytes of the kit's direction went, for each byte archived."""
    payload = sum(arrival.size for arrival in done.arrivals)
    (reading,) = done.readings.values()
    up, down = reading.to_centre, reading.to_kit
    shares = {
        "up": up.offered_bytes,
        "of it lost": up.lost_bytes,
        "dropped by the queue": up.dropped_bytes,
        "in an outage": up.down_bytes,
        "down": down.offered_bytes,
    }
    sizes = f"mean packet {up.offered_bytes / up.offered:.0f} bytes"
    return ", ".join([*(f"{what} {size / payload:.4f}" for what, size in shares.items()), sizes])
