"""How long until a still of each of eight cameras is archived, over 128 kbit/s.

The kit is busy sending a backlog when all eight cameras appear at once, and one of them goes on
taking pictures. Also from cold: everything is recorded while there is no link, and the time
counts from the first packet.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fieldlab.badlink.scenario import Scenario, even_link
from fieldlab.bridge import Plan
from fieldlab.figure import Figure
from fieldlab.livekit import Load
from fieldlab.rivals import bridge
from fieldlab.site import Site, site
from fieldlink.codecs.bundle import Layer, Precedence

_RTT_S = 0.8
_LINK = even_link("narrow", 128_000, _RTT_S * 1000, 0.01, queue_bytes=24_000)
_SCENARIO = Scenario(title="", links=(_LINK,))
_CAMERAS = 8
_STILL_BYTES = 12_000
_BACKLOG, _BUNDLE_BYTES = 20, 50_000
_BUSY_S = 8.0
_IDEAL_S = _CAMERAS * _STILL_BYTES * 8 / _LINK.to_centre.rate_bps + _RTT_S


def measure() -> Sequence[Figure]:
    """Warm and cold, and mosquitto's bridge with the same backlog."""
    with tempfile.TemporaryDirectory(prefix="fieldlink-first-") as folder:
        warm_s = _warm(Path(folder, "warm"))
        cold_s = _cold(Path(folder, "cold"))
    plan = Plan(
        backlog=_BACKLOG,
        message_bytes=_BUNDLE_BYTES,
        alarms=_CAMERAS,
        alarm_every_s=0.0,
        alarms_after_s=_BUSY_S,
        alarm_topics=_CAMERAS,
        alarm_bytes=_STILL_BYTES,
    )
    bridged_s = max(late for each in bridge([_LINK], plan).alarms_s.values() for late in each)
    print(
        f"the eighth first still after {warm_s:.1f} s (ideal {_IDEAL_S:.1f} s);"
        f" from cold {cold_s:.1f} s; mosquitto's bridge {bridged_s:.1f} s",
        file=sys.stderr,
    )
    within = 1.5 * _IDEAL_S
    return [
        Figure(name="first_pictures", value=warm_s, unit="s", limit=within, better="less"),
        Figure(name="first_pictures_cold", value=cold_s, unit="s", limit=within, better="less"),
        Figure(
            name="first_pictures_bridge",
            value=warm_s,
            unit="s",
            peer=bridged_s,
            limit=0.5,
            better="less",
        ),
    ]


def _still(camera: int) -> Load:
    return Load(
        size=_STILL_BYTES,
        layer=Layer.STILL,
        precedence=Precedence.IMMEDIATE,
        device=f"ball-{camera}",
        media_type="image/avif",
        seed=camera,
    )


def _loads() -> list[Load]:
    return [Load(size=_BUNDLE_BYTES, device="drone-1", seed=n) for n in range(_BACKLOG)]


def _warm(folder: Path) -> float:
    """Seconds from when the stills were recorded to the eighth one's custody."""
    with site(folder, _SCENARIO) as there:
        there.preload(_loads())
        there.net.begin()
        there.start_kit()
        there.wait(there.arrivals, 60, "the first of the backlog")
        time.sleep(_BUSY_S)
        began_us = time.time_ns() // 1000
        for camera in (0, 0, 0, *range(1, _CAMERAS)):  # the first one takes three
            there.add(_still(camera))
        _wait(there)
        return (_eighth_us(there) - began_us) / 1e6


def _cold(folder: Path) -> float:
    """Seconds from the kit's first packet to the eighth one's custody."""
    with site(folder, _SCENARIO) as there:
        there.preload([*_loads(), *map(_still, (0, 0, 0, *range(1, _CAMERAS)))])
        there.net.begin()
        there.start_kit()
        _wait(there)
        first_us = there.net.link("narrow").counters().to_centre.first_us
        assert first_us is not None
        wall_us = time.time_ns() // 1000 - time.monotonic_ns() // 1000
        return (_eighth_us(there) - wall_us - first_us) / 1e6


def _firsts(there: Site) -> dict[str, int]:
    """When each camera's first still came into custody."""
    came: dict[str, int] = {}
    for arrival in there.arrivals().values():
        if arrival.layer == Layer.STILL.value:
            came[arrival.device] = min(arrival.custody_us, came.get(arrival.device, 2**62))
    return came


def _wait(there: Site) -> None:
    there.wait(lambda: len(_firsts(there)) == _CAMERAS, 300, "a still of every camera", 0.5)


def _eighth_us(there: Site) -> int:
    return max(_firsts(there).values())
