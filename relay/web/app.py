"""The centre's HTTP application: the API, the page, and the guard before both."""

import time
from collections.abc import Callable, Sequence
from importlib import resources
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import Catalogue, Event
from fieldlink.relay.feed import Feed
from fieldlink.relay.telemetry.service import Telemetry
from fieldlink.relay.web.centre import Centre
from fieldlink.relay.web.guard import Guard
from fieldlink.relay.web.map_settings import MapSettings
from fieldlink.relay.web.routes_alarms import alarms_router
from fieldlink.relay.web.routes_export import export_router
from fieldlink.relay.web.routes_flights import flights_router
from fieldlink.relay.web.routes_incidents import incidents_router
from fieldlink.relay.web.routes_map import map_router
from fieldlink.relay.web.routes_session import session_router
from fieldlink.relay.web.routes_streams import streams_router
from fieldlink.relay.web.routes_telemetry import telemetry_router
from fieldlink.relay.web.routes_wants import wants_router
from fieldlink.relay.web.routes_window import window_router
from fieldlink.relay.web.sessions import Sessions
from fieldlink.relay.web.settings import WebSettings
from fieldlink.relay.web.throttle import LoginThrottle
from fieldlink.relay.web.updates import updates_router

__all__ = ["create_app"]

_ABOUT = """What the command centre holds, for programs and for the page.

Send `Authorization: Bearer TOKEN` (`fieldlink relay token create NAME`) or log in for a cookie.
Times are UTC microseconds since 1970-01-01."""


def create_app(
    *,
    name: str,
    catalogue: Catalogue,
    archive_root: Path,
    feed: Feed,
    settings: WebSettings,
    map_settings: MapSettings | None = None,
    session_key: bytes,
    clock: Callable[[], int],
    monotonic: Callable[[], float] = time.monotonic,
    enrolment: APIRouter | None = None,
    waiting_events: Callable[[], Sequence[Event]] = tuple,
    orders_changed: Callable[[], None] = lambda: None,
    telemetry: Telemetry | None = None,
) -> FastAPI:
    """The application. `name` is the centre's, `session_key` is from `load_session_key`,
    `clock` UTC microseconds, `enrolment` the router of GET /api/ca and POST /api/join,
    `waiting_events` what the catalogue could not take yet; `orders_changed` tells kits what they
    are asked for now; `telemetry` runs beside it, without one what is in the catalogue is shown.
    """

    def stored_hash(account: str) -> str | None:
        user = catalogue.user(account)
        return None if user is None else user.password_hash

    centre = Centre(
        name=name,
        catalogue=catalogue,
        archive_root=archive_root,
        feed=feed,
        settings=settings,
        clock=clock,
        sessions=Sessions(session_key, settings.session, clock, stored_hash),
        throttle=LoginThrottle(settings.login_attempts, settings.login_window, monotonic),
        waiting_events=waiting_events,
        orders_changed=orders_changed,
        telemetry=telemetry
        or Telemetry(catalogue, Archive.open(archive_root, write=False), feed, clock=clock),
    )
    ground = map_settings or MapSettings()
    app = FastAPI(
        title="Fieldlink command centre",
        version=version("fieldlink"),
        description=_ABOUT,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page loads scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.centre = centre
    app.add_exception_handler(RequestValidationError, _malformed)
    for router in (
        *(session_router(), incidents_router(), streams_router(), window_router()),
        *(wants_router(), telemetry_router(), alarms_router(), export_router(), updates_router()),
        *(map_router(ground), flights_router()),
    ):
        app.include_router(router)
    if enrolment is not None:
        app.include_router(enrolment)
    _add_page(app)
    app.add_middleware(Guard, identify=centre.identify, tiles_from=ground.tiles_from)
    return app


async def _malformed(_request: Request, error: Exception) -> Response:
    """What is wrong with a request, without what it said: that may be a password, or no JSON."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # it is registered for that
    told = [{name: each[name] for name in ("type", "loc", "msg")} for each in error.errors()]
    return JSONResponse({"detail": told}, status_code=422)


def _add_page(app: FastAPI) -> None:
    page = Path(str(resources.files("fieldlink.relay.web") / "page"))

    @app.get("/", include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(page / "index.html", headers={"cache-control": "no-cache"})

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return Response(status_code=204)

    files = _Page(directory=page, follow_symlink=False)
    app.mount("/page", GZipMiddleware(files, minimum_size=4096, compresslevel=6), name="page")


class _Page(StaticFiles):
    """The page's files, asked for anew after an update; what others published lies in a folder
    named by its version, so it is asked for once."""

    def file_response(self, full_path: str | PathLike[str], *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(full_path, *args, **kwargs)
        published = "vendor" in Path(full_path).parts
        lasting = "public, max-age=31536000, immutable"
        response.headers["cache-control"] = lasting if published else "no-cache"
        if Path(full_path).suffix == ".mjs":  # what a machine's own table calls it may not run
            response.headers["content-type"] = "text/javascript; charset=utf-8"
        return response
