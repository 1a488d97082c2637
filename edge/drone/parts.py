"""The parts of the kit that can do something with an aircraft, as tables."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fieldlink.edge.drone.camera_doers import camera_doers
from fieldlink.edge.drone.doing import Deck, Doer
from fieldlink.edge.drone.downloads import downloads
from fieldlink.edge.drone.eyes import watch_cameras
from fieldlink.edge.drone.flying import flying
from fieldlink.edge.drone.high_latency import high_latency, keep_high_latency
from fieldlink.edge.drone.live_rates import live_rates
from fieldlink.edge.drone.video_doers import video_doers

__all__ = ["PARTS", "ROWS", "make_doers"]

PARTS: tuple[Callable[[Deck], Mapping[str, Doer]], ...] = (
    downloads,
    flying,
    high_latency,
    live_rates,
    camera_doers,
    video_doers,
)
"""Each gives its verbs, by names like "camera.photo"; made anew with each router."""

ROWS: tuple[Callable[[Deck], Coroutine[Any, Any, None]], ...] = (watch_cameras, keep_high_latency)
"""What each has to do while the router of an agent runs; a row never ends by itself."""


def make_doers(deck: Deck) -> dict[str, Doer]:
    """All verbs, for one router."""
    return {what: doer for part in PARTS for what, doer in part(deck).items()}
