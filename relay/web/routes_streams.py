"""Streams, their bundles, coverage and gaps."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.catalogue import FiledBundle, FiledGap
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.content import answer_content
from fieldlink.relay.web.cover import best_cover, piece_of
from fieldlink.relay.web.coverage import coverage_of
from fieldlink.relay.web.models import (
    BundlesPage,
    BundleView,
    CoverageView,
    GapsPage,
    StreamsPage,
)
from fieldlink.relay.web.routes_incidents import IncidentChoice, chosen_incident
from fieldlink.relay.web.views import bundle_view, gap_view, stream_view
from fieldlink.relay.window.gather import only_reports

__all__ = ["NameQuery", "streams_router"]

_NAME = r"^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$"
NamePart = Annotated[str, Path(pattern=_NAME)]
NameQuery = Annotated[str | None, Query(pattern=_NAME)]
BundleId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
TimeQuery = Annotated[int | None, Query(ge=0, lt=2**63)]
LayerQuery = Literal["report", "still", "proxy", "original"] | None
_MAX_GAPS = 10_000
_CONDITIONS = ("range", "if-range", "if-none-match")


def streams_router() -> APIRouter:
    """The routes of streams, bundles, coverage and gaps."""
    router = APIRouter(prefix="/api", tags=["streams"])

    @router.get("/streams")
    def streams(centre: CentreHere, incident: IncidentChoice = None) -> StreamsPage:
        """The wall: every stream with its latest still, state, layers, gaps and backlog."""
        chosen, now_us = chosen_incident(centre, incident), centre.clock()
        kits = {kit.kit: kit for kit in centre.catalogue.kits()}
        gaps: dict[tuple[str, str, str], list[FiledGap]] = {}
        for filed in centre.catalogue.gaps(incident=chosen.id, limit=_MAX_GAPS):
            key = (filed.kit, filed.gap.device, filed.gap.stream)
            gaps.setdefault(key, []).append(filed)
        views = []
        for each in centre.catalogue.streams(chosen.id):
            its = gaps.get((each.kit, each.device, each.stream), [])
            # Telemetry and alarms are no cameras: /api/telemetry and /api/alarms tell of them.
            if not only_reports(each, [filed.gap for filed in its]):
                views.append(stream_view(each, kits.get(each.kit), its, now_us))
        return StreamsPage(now_us=now_us, incident=chosen.id, streams=views)

    @router.get("/streams/{kit}/{device}/{stream}/bundles")
    def bundles(
        kit: NamePart,
        device: NamePart,
        stream: NamePart,
        centre: CentreHere,
        incident: IncidentChoice = None,
        layer: LayerQuery = None,
        from_us: Annotated[TimeQuery, Query(alias="from")] = None,
        to_us: Annotated[TimeQuery, Query(alias="to")] = None,
        after: TimeQuery = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        order: Literal["oldest", "newest"] = "oldest",
        best: bool = False,
    ) -> BundlesPage:
        """The bundles of a stream, by the start of what they cover, page by page.

        With `best` (and a layer, oldest first): what to play of which, so that each instant
        comes once and as fine as there is; pass `next_us` as `from` for the next page."""
        if best and (layer is None or order != "oldest" or after is not None):
            raise HTTPException(422, "best: name a layer, oldest first, without after")
        found = centre.catalogue.bundles(
            incident=incident,
            kit=kit,
            device=device,
            stream=stream,
            layer=layer,
            # What only touches the page's begin belongs to the one before.
            from_us=from_us + 1 if best and from_us else from_us,
            to_us=to_us,
            after=after,
            limit=limit,
            newest_first=order == "newest",
        )
        more = len(found) == limit
        if best:
            return _best_page(found, from_us or 0, more=more)
        last = found[-1].number if more else None
        return BundlesPage(bundles=[bundle_view(each) for each in found], next=last)

    @router.get("/bundles/{bundle}")
    def bundle(bundle: BundleId, centre: CentreHere) -> BundleView:
        """A bundle: its manifest, where its file is, and its journey."""
        return bundle_view(_filed(centre, bundle))

    @router.get("/bundles/{bundle}/content", response_class=Response)
    def content(bundle: BundleId, request: Request, centre: CentreHere) -> Response:
        """A bundle's bytes; byte ranges, If-Range and If-None-Match as in RFC 9110."""
        return _content(bundle, request, centre)

    @router.head("/bundles/{bundle}/content", include_in_schema=False)
    def content_head(bundle: BundleId, request: Request, centre: CentreHere) -> Response:
        return _content(bundle, request, centre)

    @router.get("/coverage")
    def coverage(
        centre: CentreHere,
        incident: IncidentChoice = None,
        kit: NameQuery = None,
        device: NameQuery = None,
        stream: NameQuery = None,
    ) -> CoverageView:
        """Which spans the centre holds of each stream, and the gaps with their reasons."""
        chosen, now_us = chosen_incident(centre, incident), centre.clock()
        names = (kit, device, stream)
        views = coverage_of(centre.held, centre.catalogue, chosen, names)
        return CoverageView(now_us=now_us, streams=views)

    @router.get("/gaps")
    def gaps(
        centre: CentreHere,
        incident: IncidentChoice = None,
        kit: NameQuery = None,
        device: NameQuery = None,
        stream: NameQuery = None,
        from_us: Annotated[TimeQuery, Query(alias="from")] = None,
        to_us: Annotated[TimeQuery, Query(alias="to")] = None,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    ) -> GapsPage:
        """The newest gaps, the oldest of them first."""
        found = centre.catalogue.gaps(
            incident=chosen_incident(centre, incident).id,
            kit=kit,
            device=device,
            stream=stream,
            from_us=from_us,
            to_us=to_us,
            limit=limit,
        )
        return GapsPage(gaps=[gap_view(each) for each in found])

    return router


def _best_page(found: list[FiledBundle], from_us: int, *, more: bool) -> BundlesPage:
    """The best cover of `found`, which overlap `from_us` and what follows; with `more` to come,
    up to where the next page begins.
    """
    bundles = {each.number: each for each in found}
    next_us = found[-1].manifest.start_us if more else None
    if next_us is not None and next_us <= from_us:  # a page full of one instant
        next_us = max(from_us + 1, min(each.manifest.end_us for each in found))
    views = []
    for part in best_cover(map(piece_of, found)):
        first_us = max(part.from_us, from_us)
        last_us = part.to_us if next_us is None else min(part.to_us, next_us)
        if last_us > first_us:
            span = {"play_from_us": first_us, "play_to_us": last_us}
            views.append(bundle_view(bundles[part.piece.key]).model_copy(update=span))
    return BundlesPage(bundles=views, next=None, next_us=next_us)


def _filed(centre: Centre, bundle: str) -> FiledBundle:
    found = centre.catalogue.bundle(bytes.fromhex(bundle))
    if found is None:
        raise HTTPException(404, "there is no such bundle in custody")
    return found


def _content(bundle: str, request: Request, centre: Centre) -> Response:
    headers = {name: request.headers.get(name) for name in _CONDITIONS}
    filed = _filed(centre, bundle)
    try:
        return answer_content(centre.archive_root, filed, headers, head=request.method == "HEAD")
    except ArchiveError as error:
        raise HTTPException(410, str(error)) from error
