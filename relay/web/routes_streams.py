"""Streams, their bundles, coverage and gaps."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.catalogue import FiledBundle, FiledGap
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.content import answer_content
from fieldlink.relay.web.coverage import CoverageKeeper
from fieldlink.relay.web.models import (
    BundlesPage,
    BundleView,
    CoverageView,
    GapsPage,
    StreamsPage,
)
from fieldlink.relay.web.routes_incidents import IncidentChoice, chosen_incident
from fieldlink.relay.web.views import bundle_view, gap_view, stream_view

__all__ = ["streams_router"]

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
    keeper = CoverageKeeper()

    @router.get("/streams")
    def streams(centre: CentreHere, incident: IncidentChoice = None) -> StreamsPage:
        """The wall: every stream with its latest still, state, layers, gaps and backlog."""
        chosen, now_us = chosen_incident(centre, incident), centre.clock()
        kits = {kit.kit: kit for kit in centre.catalogue.kits()}
        gaps: dict[tuple[str, str, str], list[FiledGap]] = {}
        for filed in centre.catalogue.gaps(incident=chosen.id, limit=_MAX_GAPS):
            key = (filed.kit, filed.gap.device, filed.gap.stream)
            gaps.setdefault(key, []).append(filed)
        views = [
            stream_view(
                each,
                kits.get(each.kit),
                gaps.get((each.kit, each.device, each.stream), []),
                now_us,
            )
            for each in centre.catalogue.streams(chosen.id)
        ]
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
    ) -> BundlesPage:
        """The bundles of a stream, by the start of what they cover, page by page."""
        found = centre.catalogue.bundles(
            incident=incident,
            kit=kit,
            device=device,
            stream=stream,
            layer=layer,
            from_us=from_us,
            to_us=to_us,
            after=after,
            limit=limit,
            newest_first=order == "newest",
        )
        last = found[-1].number if len(found) == limit else None
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
        views = keeper.coverage(centre.catalogue, chosen.id, names)
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
