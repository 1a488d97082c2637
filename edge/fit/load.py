"""What fit asks of the rest of the kit, in its own terms."""

from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.bundle import Layer
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.fit.decide import Link, Live
from fieldlink.edge.planner.candidate import Track
from fieldlink.edge.planner.capacity import Carried

__all__ = ["link_of", "live_of"]


def link_of(carried: Carried) -> Link:
    """What the bearers together carry."""
    return Link(carried.expected_bps, carried.low_bps)


def live_of(
    devices: Mapping[str, Mapping[str, Any]],
    capture: CaptureSettings,
    production: Mapping[Track, float],
) -> Live:
    """What goes on being recorded, by the devices' reports, the settings for all of them, and what
    each track makes (bits a second).
    """
    proxy, still = capture.proxy, capture.still
    made = dict.fromkeys(Layer, 0.0)
    for (_, _, layer), bps in production.items():
        made[layer] += bps
    return Live(
        cameras=sum(report.get("state") == "live" for report in devices.values()),
        proxy_bps=proxy.rate + proxy.audio_rate if proxy.enabled else 0,
        still_bytes=still.size if still.enabled else 0,
        still_every_s=still.every,
        other_bps=made[Layer.REPORT],
        made_bps=made[Layer.PROXY] or None,
    )
