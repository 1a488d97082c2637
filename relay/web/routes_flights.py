"""Flights of aircraft: which there are, what each was like, and as files."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.tracks import geojson, gpx, kml
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import StoredFlight
from fieldlink.relay.flights.detail import Detail, detail_of
from fieldlink.relay.flights.replay import replay_of
from fieldlink.relay.flights.row import detail_row, flight_row
from fieldlink.relay.flights.tlog import recording_of
from fieldlink.relay.flights.track import flight_tracks
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.flight_models import FlightDetailView, FlightsPage, ReplayView
from fieldlink.relay.web.ranges import Unsatisfiable, choose_slice
from fieldlink.relay.web.routes_streams import NamePart, NameQuery

__all__ = ["flights_router"]

FlightPart = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
Time = Annotated[int | None, Query(ge=0, lt=2**63)]
_TRACKS: dict[str, tuple[Callable[..., Iterator[str]], str]] = {
    "geojson": (geojson, "application/geo+json"),
    "gpx": (gpx, "application/gpx+xml"),
    "kml": (kml, "application/vnd.google-earth.kml+xml"),
}
_POLICY = "default-src 'none'; sandbox"


def flights_router() -> APIRouter:
    """The routes of flights."""
    router = APIRouter(prefix="/api/flights", tags=["flights"])

    @router.get("", response_model=FlightsPage)
    def flights(
        centre: CentreHere,
        from_us: Time = None,
        to_us: Time = None,
        kit: NameQuery = None,
        device: NameQuery = None,
        armed: bool | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """Recordings of aircraft that overlap [from_us, to_us), the newest first: flights, and with
        `armed` left out also what was recorded between them."""
        found = centre.catalogue.flights(
            from_us=from_us, to_us=to_us, kit=kit, device=device, armed=armed, limit=limit
        )
        return _json({"now_us": centre.clock(), "flights": [flight_row(each) for each in found]})

    @router.get("/{kit}/{device}/{flight}", response_model=FlightDetailView)
    def flight(kit: NamePart, device: NamePart, flight: FlightPart, centre: CentreHere) -> Response:
        """A flight with its pieces, its messages and all its gaps."""
        return _json(detail_row(_detail(centre, kit, device, flight)))

    @router.get("/{kit}/{device}/{flight}/replay", response_model=ReplayView)
    def replay(kit: NamePart, device: NamePart, flight: FlightPart, centre: CentreHere) -> Response:
        """Where it was and how it was, second by second, with what it said and its alarms."""
        detail = _detail(centre, kit, device, flight)
        return _json(
            replay_of(
                centre.catalogue,
                centre.telemetry.history,
                detail.flight,
                detail.gaps,
                centre.clock(),
            )
        )

    @router.get("/{kit}/{device}/{flight}/flight.tlog", response_class=StreamingResponse)
    def tlog(
        kit: NamePart, device: NamePart, flight: FlightPart, request: Request, centre: CentreHere
    ) -> Response:
        """Its recording as one .tlog file, by byte ranges if asked. Pieces that are missing are
        named in the header x-fieldlink-missing, like 3,7-9."""
        return _tlog(_detail(centre, kit, device, flight), request, centre)

    @router.head("/{kit}/{device}/{flight}/flight.tlog", include_in_schema=False)
    def tlog_head(
        kit: NamePart, device: NamePart, flight: FlightPart, request: Request, centre: CentreHere
    ) -> Response:
        return _tlog(_detail(centre, kit, device, flight), request, centre)

    @router.get("/{kit}/{device}/{flight}/flight.{form}", response_class=StreamingResponse)
    def track(
        kit: NamePart,
        device: NamePart,
        flight: FlightPart,
        form: Literal["geojson", "gpx", "kml"],
        centre: CentreHere,
    ) -> StreamingResponse:
        """Its way as GeoJSON, GPX 1.1 or KML, out of its telemetry; nothing is thinned."""
        found = _flight(centre, kit, device, flight)
        tracks = flight_tracks(centre.catalogue, centre.telemetry.history, found, centre.clock())
        write, kind = _TRACKS[form]
        headers = _attached(found, form) | {"cache-control": "no-store"}
        return StreamingResponse(write(tracks), media_type=kind, headers=headers)

    return router


def _flight(centre: Centre, kit: str, device: str, flight: str) -> StoredFlight:
    found = centre.catalogue.flight(kit, device, flight)
    if found is None:
        raise HTTPException(404, "there is no such flight")
    return found


def _detail(centre: Centre, kit: str, device: str, flight: str) -> Detail:
    found = _flight(centre, kit, device, flight)
    return detail_of(centre.catalogue, Archive.open(centre.archive_root, write=False), found)


def _tlog(detail: Detail, request: Request, centre: Centre) -> Response:
    try:
        found = recording_of(centre.catalogue, centre.archive_root, detail)
    except ArchiveError as error:
        raise HTTPException(404, str(error)) from error
    headers = {
        **_attached(detail.flight, "tlog"),
        "accept-ranges": "bytes",
        "etag": found.etag,
        "cache-control": "private, no-cache",
    }
    if found.holes:
        headers["x-fieldlink-missing"] = found.holes
    asked = request.headers
    if _is_known(asked.get("if-none-match", ""), found.etag):
        return Response(status_code=304, headers=headers)
    try:
        part = choose_slice(found.size, found.etag, asked.get("range"), asked.get("if-range"))
    except Unsatisfiable:
        headers["content-range"] = f"bytes */{found.size}"
        return Response(status_code=416, headers=headers)
    headers["content-length"] = str(part.end - part.start)
    if part.partial:
        headers["content-range"] = part.content_range
    status, kind = 206 if part.partial else 200, "application/octet-stream"
    if request.method == "HEAD":
        return Response(status_code=status, media_type=kind, headers=headers)
    body = found.read(part.start, part.end)
    return StreamingResponse(body, status_code=status, media_type=kind, headers=headers)


def _is_known(seen: str, etag: str) -> bool:
    """Whether If-None-Match (RFC 9110, 13.1.2) names `etag`, among others or by a star."""
    return any(one.strip().removeprefix("W/") in {etag, "*"} for one in seen.split(","))


def _attached(flight: StoredFlight, form: str) -> dict[str, str]:
    name = "-".join(flight.key)
    # Names are plain already; a file's name is made of nothing else, whatever they become.
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:140]
    return {
        "content-disposition": f'attachment; filename="{safe}.{form}"',
        "content-security-policy": _POLICY,
    }


def _json(answer: dict[str, Any]) -> Response:
    body = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
    return Response(body.encode(), media_type="application/json")
