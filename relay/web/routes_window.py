"""The window of an incident."""

import threading
import time
from collections.abc import Callable

from fastapi import APIRouter, HTTPException

from fieldlink.relay.catalogue import Incident
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.routes_incidents import IncidentId
from fieldlink.relay.window.core import window_view
from fieldlink.relay.window.gather import gather
from fieldlink.relay.window.view import WindowView

__all__ = ["window_router"]

_FRESH_S = 1.0
_MOST_KEPT = 32


class _Views:
    """The view of each incident, made at most once a second however many pages look."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._made: dict[str, tuple[float, WindowView]] = {}

    def view(self, centre: Centre, incident: Incident) -> WindowView:
        with self._lock:
            made_s, view = self._made.get(incident.id, (0.0, None))
            if view is not None and self._monotonic() - made_s < _FRESH_S:
                return view
            facts = gather(centre.catalogue, incident, centre.held, centre.clock())
            view = window_view(facts)
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            self._made[incident.id] = (self._monotonic(), view)
            return view


def window_router() -> APIRouter:
    """The route of the window view."""
    router = APIRouter(prefix="/api", tags=["window"])
    views = _Views()

    @router.get("/incidents/{incident}/window")
    def window(incident: IncidentId, centre: CentreHere) -> WindowView:
        """What has come of each stream, minute by minute; what its kit promises for when, and
        the centre's own forecast, each with its age; whether the window is kept, and why not."""
        chosen = centre.catalogue.incident(incident)
        if chosen is None:
            raise HTTPException(404, "there is no such incident")
        return views.view(centre, chosen)

    return router
