"""A satellite and a 4G modem that drops out twice, together and each alone."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fieldlab.badlink.scenario_file import parse_scenario
from fieldlab.figure import Figure
from fieldlab.livekit import Load
from fieldlab.site import site

_SATELLITE = """
[[link]]
name = "sat"
to_centre = { rate_bps = 1_000_000, queue_bytes = 75_000, delay_ms = 300, loss = 0.02 }
to_kit = { rate_bps = 1_000_000, queue_bytes = 75_000, delay_ms = 300, loss = 0.02 }
"""
_RADIO = """
[[link]]
name = "lte"
to_centre = { rate_bps = 2_000_000, queue_bytes = 40_000, delay_ms = 40, loss = 0.01 }
to_kit = { rate_bps = 2_000_000, queue_bytes = 40_000, delay_ms = 40, loss = 0.01 }
[[outage]]
link = "lte"
at_s = 25
lasts_s = 20
every_s = 40
times = 2
"""
_SECONDS = 100.0
_BUNDLE_BYTES = 50_000
_SETTLE_S = 5.0


def measure() -> Sequence[Figure]:
    """Payload archived in the same hundred seconds: alone, alone, together."""
    satellite = _archived_bytes(_SATELLITE)
    radio = _archived_bytes(_RADIO)
    both = _archived_bytes(_SATELLITE, _RADIO)
    print(
        f"archived in {_SECONDS:g} s: satellite alone {satellite / 1e6:.2f} MB, 4G alone"
        f" {radio / 1e6:.2f} MB, both {both / 1e6:.2f} MB",
        file=sys.stderr,
    )
    return [
        Figure(
            name="two_bearers",
            value=both / 1e6,
            unit="MB",
            peer=(satellite + radio) / 1e6,
            limit=0.85,
            better="more",
        )
    ]


def _archived_bytes(*links: str) -> int:
    scenario = parse_scenario('title = "two bearers"\n' + "".join(links))
    total = sum(link.to_centre.rate_bps for link in scenario.links) * _SECONDS / 8
    toml = '[spool]\nkeep_free = "200MB"\n' + "".join(
        f'[[bearer]]\nname = "{link.name}"\ninterface = "{link.name}"\n' for link in scenario.links
    )
    with (
        tempfile.TemporaryDirectory(prefix="fieldlink-bench-") as folder,
        site(Path(folder) / "site", scenario, kit_toml=toml) as there,
    ):
        count = round(total / _BUNDLE_BYTES)
        there.preload(Load(size=_BUNDLE_BYTES, seed=number) for number in range(count))
        there.net.begin()
        there.start_kit()
        there.wait(there.arrivals, 60, "the first bundle")
        began_us = time.time_ns() // 1000
        time.sleep(_SECONDS + _SETTLE_S)
        end_us = began_us + round(_SECONDS * 1e6)
        found = there.arrivals().values()
        return sum(one.size for one in found if began_us < one.custody_us <= end_us)
