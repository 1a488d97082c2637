"""Telemetry: the latest state of devices, their history, their tracks."""

import json
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from starlette.types import Receive, Scope, Send

from fieldlink.relay.telemetry import history as past
from fieldlink.relay.telemetry.tracks import find_tracks
from fieldlink.relay.web.centre import CentreHere
from fieldlink.relay.web.routes_streams import NameQuery
from fieldlink.relay.web.telemetry_models import (
    HistoryView,
    LatestPage,
    TracksPage,
    TrackView,
)

__all__ = ["telemetry_router"]

_NAME = r"^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$"
Name = Annotated[str, Query(pattern=_NAME)]
Time = Annotated[int, Query(ge=0, lt=2**63)]
_MOST_SAMPLES = 50_000
_MOST_COLUMNS = 64
_PIECE_BYTES = 128 * 1024


def telemetry_router() -> APIRouter:
    """The routes of telemetry."""
    router = APIRouter(prefix="/api/telemetry", tags=["telemetry"])

    @router.get("/latest", response_model=LatestPage)
    async def latest(
        centre: CentreHere, since: Annotated[int | None, Query(ge=0, lt=2**63)] = None
    ) -> Response:
        """The latest state of every device; with `since` of those that changed after that
        revision."""
        return _InPieces(
            centre.telemetry.board.answer(centre.clock(), since), media_type="application/json"
        )

    @router.get("/history", response_model=HistoryView)
    def history(
        kit: Name,
        device: Name,
        stream: Name,
        from_us: Time,
        to_us: Time,
        centre: CentreHere,
        columns: Annotated[str, Query(max_length=2200)] = "",
        every_us: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=_MOST_SAMPLES)] = 10_000,
    ) -> Response:
        """The samples of a stream in [from_us, to_us), by time: of the `columns` named (with
        commas between), at most one in each `every_us`, the first."""
        wanted = tuple(filter(None, columns.split(",")))
        if len(wanted) > _MOST_COLUMNS:
            raise HTTPException(422, f"columns: name at most {_MOST_COLUMNS}")
        query = past.Query(kit, device, stream, from_us, to_us, wanted, every_us, limit)
        found = centre.telemetry.history.find(query, centre.clock())
        answer = {
            "columns": [{"name": c.name, "unit": c.unit, "scale": c.scale} for c in found.columns],
            "samples": found.rows,
            "gaps": [
                {"from_us": gap.from_us, "to_us": gap.to_us, "why": gap.why} for gap in found.gaps
            ],
            "truncated": found.truncated,
            "next_us": found.next_us,
        }
        return _json(json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode())

    @router.get("/tracks")
    def tracks(
        from_us: Time,
        to_us: Time,
        centre: CentreHere,
        kit: NameQuery = None,
        device: NameQuery = None,
    ) -> TracksPage:
        """Where devices went in [from_us, to_us), thin enough to be drawn: at most 2,000 points
        of each, 500 devices and 200,000 points in all."""
        found, truncated = find_tracks(
            centre.catalogue,
            centre.telemetry.history,
            kit=kit,
            device=device,
            from_us=from_us,
            to_us=min(to_us, max(from_us, centre.clock())),
        )
        views = [
            TrackView(kit=each.kit, device=each.device, kind=each.kind, points=each.points)
            for each in found
        ]
        return TracksPage(tracks=views, truncated=truncated)

    return router


class _InPieces(Response):
    """An answer of megabytes, handed over in pieces: what was sent is read and decrypted while
    the rest is encrypted.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        body = memoryview(self.body)
        for at in range(0, max(1, len(body)), _PIECE_BYTES):
            piece = bytes(body[at : at + _PIECE_BYTES])
            more = at + _PIECE_BYTES < len(body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
