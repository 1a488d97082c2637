"""Alarms: what is wrong on site, who has seen it, and what is over."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request

from fieldlink.relay.catalogue import StoredAlarm
from fieldlink.relay.telemetry.alarm_row import alarm_row
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.routes_streams import NamePart
from fieldlink.relay.web.telemetry_models import AlarmNote, AlarmsPage, AlarmView

__all__ = ["alarms_router"]

AlarmId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


def alarms_router() -> APIRouter:
    """The routes of alarms."""
    router = APIRouter(prefix="/api/alarms", tags=["alarms"])

    @router.get("")
    def alarms(
        centre: CentreHere,
        state: Literal["active", "all"] = "active",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> AlarmsPage:
        """The newest alarms. `active` are all that are not cleared, acknowledged or not, and calls
        for help that ended on site before anybody here acknowledged them; unseen ones first, of
        these the gravest."""
        found = centre.catalogue.alarms(active_only=state == "active", limit=limit)
        return AlarmsPage(now_us=centre.clock(), alarms=[_view(each) for each in found])

    @router.post("/{kit}/{alarm}/acknowledge")
    def acknowledge(
        kit: NamePart, alarm: AlarmId, body: AlarmNote, request: Request, centre: CentreHere
    ) -> AlarmView:
        """Say that somebody has seen it. Whoever was first stays: the answer names them."""
        _there(centre, kit, alarm)
        changed = centre.telemetry.acknowledge(
            kit, bytes.fromhex(alarm), who=request.state.user, note=body.note
        )
        return _view(changed)

    @router.post("/{kit}/{alarm}/clear")
    def clear(
        kit: NamePart, alarm: AlarmId, body: AlarmNote, request: Request, centre: CentreHere
    ) -> AlarmView:
        """End it at the centre; one that has ended stays as it is."""
        _there(centre, kit, alarm)
        changed = centre.telemetry.clear(
            kit, bytes.fromhex(alarm), who=request.state.user, note=body.note
        )
        return _view(changed)

    return router


def _there(centre: Centre, kit: str, alarm: str) -> None:
    if centre.catalogue.alarm(kit, bytes.fromhex(alarm)) is None:
        raise HTTPException(404, "there is no such alarm")


def _view(alarm: StoredAlarm) -> AlarmView:
    return AlarmView(**alarm_row(alarm))
