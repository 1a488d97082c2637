"""The parts of the kit that can do something with an aircraft, as tables."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fieldlink.edge.drone.camera_doers import camera_doers
from fieldlink.edge.drone.doing import Deck, Doer
from fieldlink.edge.drone.downloads import downloads
from fieldlink.edge.drone.eyes import watch_cameras
from fieldlink.edge.drone.video_doers import video_doers

__all__ = ["PARTS", "ROWS", "make_doers"]

PARTS: tuple[Callable[[Deck], Mapping[str, Doer]], ...] = (
    downloads,
    camera_doers,
    video_doers,
)
"""Each gives its verbs, by names like "camera.photo"; made anew with each router."""

ROWS: tuple[Callable[[Deck], Coroutine[Any, Any, None]], ...] = (watch_cameras,)
"""What each has to do while the router of an agent runs; a row never ends by itself."""


def make_doers(deck: Deck) -> dict[str, Doer]:
    """All verbs, for one router."""
    return {what: doer for part in PARTS for what, doer in part(deck).items()}
