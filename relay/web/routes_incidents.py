"""Incidents, kits, events and the figures of an incident."""

import contextlib
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.catalogue import STANDING, Incident
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.models import (
    EventsPage,
    IncidentsPage,
    IncidentStart,
    IncidentView,
    KitsPage,
    SummaryView,
)
from fieldlink.relay.web.views import event_view, incident_view, kit_view, stream_summary_view

__all__ = ["INCIDENT_PATTERN", "IncidentId", "chosen_incident", "count_gaps", "incidents_router"]

INCIDENT_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"
IncidentId = Annotated[str, Path(pattern=INCIDENT_PATTERN)]
IncidentChoice = Annotated[str | None, Query(pattern=INCIDENT_PATTERN)]
_MAX_GAPS = 10_000


def chosen_incident(centre: Centre, incident: str | None) -> Incident:
    """The incident asked for; without one the newest open, else the newest, else the standing.

    Raises:
        HTTPException: 404, there is none of that id.
    """
    incidents = centre.catalogue.incidents()
    if incident is not None:
        found = [each for each in incidents if each.id == incident]
    else:
        named = [each for each in incidents if each.id != STANDING]
        found = [each for each in named if each.closed_us is None] or named or incidents
    if not found:
        raise HTTPException(404, "there is no such incident")
    return found[0]


def count_gaps(centre: Centre, incident: str) -> dict[tuple[str, str, str], int]:
    """How many gaps each stream (kit, device, stream) of an incident has."""
    counts: dict[tuple[str, str, str], int] = {}
    for filed in centre.catalogue.gaps(incident=incident, limit=_MAX_GAPS):
        key = (filed.kit, filed.gap.device, filed.gap.stream)
        counts[key] = counts.get(key, 0) + 1
    return counts


def incidents_router() -> APIRouter:
    """The routes of incidents, kits, events and summary."""
    router = APIRouter(prefix="/api", tags=["incidents"])

    @router.get("/incidents")
    def incidents(centre: CentreHere) -> IncidentsPage:
        """All incidents with their clocks, the newest first, the standing one last."""
        now_us = centre.clock()
        views = [incident_view(each, now_us) for each in centre.catalogue.incidents()]
        return IncidentsPage(now_us=now_us, incidents=views)

    @router.post("/incidents", status_code=201)
    def start(body: IncidentStart, centre: CentreHere) -> IncidentView:
        """Open an incident; its window begins at T0."""
        now_us = centre.clock()
        window_us = None if body.window_s is None else body.window_s * 1_000_000
        start_us = now_us if body.start_us is None else body.start_us
        try:
            incident = centre.catalogue.open_incident(body.name, start_us, window_us)
        except ArchiveError as error:
            raise HTTPException(422, str(error)) from error
        return _told(centre, incident, now_us)

    @router.post("/incidents/{incident}/close")
    def close(incident: IncidentId, centre: CentreHere) -> IncidentView:
        """Close an incident; what is captured from now on belongs to another."""
        now_us = centre.clock()
        try:
            closed = centre.catalogue.close_incident(incident, now_us)
        except ArchiveError as error:
            raise HTTPException(404, str(error)) from error
        return _told(centre, closed, now_us)

    @router.get("/kits")
    def kits(centre: CentreHere) -> KitsPage:
        """All kits: admission, devices, last word, what is not sent yet."""
        now_us = centre.clock()
        return KitsPage(
            now_us=now_us, kits=[kit_view(kit, now_us) for kit in centre.catalogue.kits()]
        )

    @router.get("/events")
    def events(
        centre: CentreHere,
        after: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> EventsPage:
        """The newest events; `after` the number of the last one seen: what followed. Those of
        number 0 wait for room on the centre's disk."""
        found = [*centre.catalogue.events(after=after, limit=limit), *centre.waiting_events()]
        return EventsPage(events=[event_view(event) for event in found[-limit:]])

    @router.get("/summary")
    def summary(centre: CentreHere, incident: IncidentChoice = None) -> SummaryView:
        """The figures of an incident, stream by stream."""
        chosen, now_us = chosen_incident(centre, incident), centre.clock()
        gaps = count_gaps(centre, chosen.id)
        streams = [
            stream_summary_view(each, gaps.get((each.kit, each.device, each.stream), 0))
            for each in centre.catalogue.streams(chosen.id)
        ]
        view = incident_view(chosen, now_us)
        return SummaryView(now_us=now_us, incident=view, streams=streams)

    return router


def _told(centre: Centre, incident: Incident, now_us: int) -> IncidentView:
    centre.feed.publish("incident", {"incident": incident.id})
    with contextlib.suppress(ArchiveError):  # it is on record: the watcher tells kits soon
        centre.orders_changed()
    return incident_view(incident, now_us)
