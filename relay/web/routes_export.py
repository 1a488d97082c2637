"""Telemetry as files, and the centre's figures for a monitoring system."""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.responses import StreamingResponse

from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.codecs.tracks import geojson, gpx, kml
from fieldlink.relay.export.csv_file import csv_file
from fieldlink.relay.export.gather import Asked, gather_table, gather_tracks
from fieldlink.relay.export.parquet import parquet
from fieldlink.relay.outlets.figures import figures
from fieldlink.relay.telemetry.alarm_row import alarm_row
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.routes_streams import NameQuery
from fieldlink.relay.web.routes_telemetry import Time

__all__ = ["export_router"]

_NAME = r"^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$"
_MOST_ALARMS = 10_000
_TRACKS: dict[str, tuple[Callable[..., Iterator[str]], str]] = {
    "geojson": (geojson, "application/geo+json"),
    "gpx": (gpx, "application/gpx+xml"),
    "kml": (kml, "application/vnd.google-earth.kml+xml"),
}


def export_router() -> APIRouter:
    """The routes of files and figures."""
    router = APIRouter(prefix="/api", tags=["export"])

    @router.get("/export/tracks.{form}", response_class=StreamingResponse)
    def tracks(
        form: Literal["geojson", "gpx", "kml"],
        from_us: Time,
        to_us: Time,
        centre: CentreHere,
        kit: NameQuery = None,
        device: NameQuery = None,
    ) -> StreamingResponse:
        """Every fix of every device in [from_us, to_us), or of those named, as GeoJSON, GPX 1.1
        or KML; nothing is thinned."""
        write, kind = _TRACKS[form]
        asked = Asked(from_us, to_us, kit, device)
        found = gather_tracks(centre.catalogue, centre.telemetry.history, asked)
        return _file(write(found), kind, f"tracks.{form}")

    @router.get("/export/samples/{stream}.{form}", response_class=StreamingResponse)
    def samples(
        stream: Annotated[str, Path(pattern=_NAME)],
        form: Literal["csv", "parquet"],
        from_us: Time,
        to_us: Time,
        centre: CentreHere,
        kit: NameQuery = None,
        device: NameQuery = None,
    ) -> StreamingResponse:
        """Every sample of a stream (position, vitals, ...) of [from_us, to_us): CSV or Parquet."""
        asked = Asked(from_us, to_us, kit, device)
        try:
            table = gather_table(centre.catalogue, centre.telemetry.history, asked, stream)
            if form == "csv":
                return _file(csv_file(table), "text/csv; charset=utf-8", f"{stream}.csv")
            return _file(parquet(table), "application/vnd.apache.parquet", f"{stream}.parquet")
        except ArchiveError as error:
            raise HTTPException(404, str(error)) from error
        except ConfigError as error:
            raise HTTPException(501, str(error)) from error

    @router.get("/metrics", response_class=Response)
    def metrics(centre: CentreHere) -> Response:
        """The centre's figures in Prometheus' text format; let it send a token."""
        return Response(_metrics(centre), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _metrics(centre: Centre) -> str:
    catalogue, now_us = centre.catalogue, centre.clock()
    layers: dict[tuple[str, str], tuple[int, int]] = {}
    for incident in catalogue.incidents():
        for stream in catalogue.streams(incident.id):
            for name, one in stream.layers.items():
                count, size = layers.get((incident.id, name), (0, 0))
                layers[incident.id, name] = (count + one.bundles, size + one.size)
    lines = figures(
        now_us=now_us,
        devices=json.loads(centre.telemetry.board.answer(now_us))["devices"],
        alarms=[alarm_row(each) for each in catalogue.alarms(active_only=True, limit=_MOST_ALARMS)],
        kits={kit.kit: kit.last_heard_us for kit in catalogue.kits()},
        layers=layers,
        flights=catalogue.flight_totals(),
    )
    return "\n".join(lines) + "\n"


def _file(pieces: Iterator[str] | Iterator[bytes], kind: str, name: str) -> StreamingResponse:
    headers = {
        "content-disposition": f'attachment; filename="fieldlink-{name}"',
        "cache-control": "no-store",
    }
    return StreamingResponse(pieces, media_type=kind, headers=headers)
