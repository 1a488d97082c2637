"""What people ask of kits: spans to be sent, and bookmarks."""

import contextlib
import secrets
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request

from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.relay.catalogue import StoredWant, TooManyWantsError
from fieldlink.relay.orders.asking import ask_for, bookmark
from fieldlink.relay.orders.target import Target
from fieldlink.relay.orders.telling import want_row
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.routes_streams import NameQuery
from fieldlink.relay.web.want_models import MarkNew, WantChange, WantNew, WantsPage, WantView

__all__ = ["wants_router"]

WantId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
_ENDED_SHOWN_US = 86_400_000_000
_MOST = 200


def wants_router() -> APIRouter:
    """The routes of requests and bookmarks."""
    router = APIRouter(prefix="/api", tags=["wants"])

    @router.get("/wants")
    def wants(
        centre: CentreHere,
        kit: NameQuery = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
    ) -> WantsPage:
        """What kits are asked for and what is bookmarked, with its progress; what has ended for
        a day."""
        now_us = centre.clock()
        found = centre.catalogue.wants(kit=kit, since_us=now_us - _ENDED_SHOWN_US)
        newest = sorted(found, key=lambda want: (not want.open, -want.created_us))[:limit]
        shown = {want.ident for want in newest}
        return WantsPage(
            now_us=now_us, wants=[_view(centre, each) for each in found if each.ident in shown]
        )

    @router.post("/wants", status_code=201)
    def ask(body: WantNew, request: Request, centre: CentreHere) -> WantView:
        """Ask a kit to send a span before the rest."""
        with _refused():
            want = ask_for(
                centre.catalogue,
                Target(body.kit, body.device, body.stream),
                (body.from_us, body.to_us),
                layer=body.layer,
                who=request.state.user,
                now_us=centre.clock(),
                random=secrets.token_bytes,
            )
        return _told(centre, want)

    @router.post("/marks", status_code=201)
    def mark(body: MarkNew, request: Request, centre: CentreHere) -> WantsPage:
        """Bookmark a moment: its span is kept on the kit and sent sooner."""
        now_us = centre.clock()
        at_us = now_us if body.at_us is None else body.at_us
        span = (max(0, at_us - round(body.before_s * 1e6)), at_us + round(body.after_s * 1e6))
        with _refused():
            made = bookmark(
                centre.catalogue,
                _target(body),
                span,
                who=request.state.user,
                note=body.note,
                now_us=now_us,
                random=secrets.token_bytes,
            )
        _tell(centre, *(each.kit for each in made))
        return WantsPage(now_us=now_us, wants=[_view(centre, each) for each in made])

    @router.patch("/wants/{want}")
    def change(want: WantId, body: WantChange, centre: CentreHere) -> WantView:
        """Put a request before everything else that its kit was asked for."""
        with _refused():
            changed = centre.catalogue.put_want_first(bytes.fromhex(want))
        return _told(centre, changed)

    @router.delete("/wants/{want}")
    def cancel(want: WantId, centre: CentreHere) -> WantView:
        """Take a request back; one that has ended stays as it is."""
        with _refused():
            cancelled = centre.catalogue.cancel_want(bytes.fromhex(want), centre.clock())
        return _told(centre, cancelled)

    return router


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise HTTPException(422, str(error)) from error
    except TooManyWantsError as error:
        raise HTTPException(409, str(error)) from error
    except ArchiveError as error:
        raise HTTPException(404, str(error)) from error


def _target(body: MarkNew) -> Target | None:
    if body.kit is None:
        if body.device is not None or body.stream is not None:
            raise ConfigError("a device is a kit's: name the kit as well")
        return None
    if body.stream is not None and body.device is None:
        raise ConfigError("a stream is a device's: name the device as well")
    return Target(body.kit, body.device or "", body.stream or "")


def _told(centre: Centre, want: StoredWant) -> WantView:
    _tell(centre, want.kit)
    return _view(centre, want)


def _tell(centre: Centre, *kits: str) -> None:
    for kit in kits:
        centre.feed.publish("want", {"kit": kit})
    with contextlib.suppress(ArchiveError):  # it is on record: the watcher tells the kit soon
        centre.orders_changed()


def _view(centre: Centre, want: StoredWant) -> WantView:
    return WantView(**want_row(centre.catalogue, want, centre.clock()))
