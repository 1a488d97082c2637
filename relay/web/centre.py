"""What every route of the API works on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request

from fieldlink.relay.catalogue import Catalogue, Event
from fieldlink.relay.feed import Feed
from fieldlink.relay.telemetry.service import Telemetry
from fieldlink.relay.web.passwords import hash_token
from fieldlink.relay.web.sessions import Sessions
from fieldlink.relay.web.settings import WebSettings
from fieldlink.relay.web.throttle import LoginThrottle
from fieldlink.relay.window.held import HeldKeeper

__all__ = ["Centre", "CentreHere"]


@dataclass(frozen=True)
class Centre:
    """The centre as its API sees it."""

    name: str
    catalogue: Catalogue
    archive_root: Path
    feed: Feed
    settings: WebSettings
    clock: Callable[[], int]
    sessions: Sessions
    throttle: LoginThrottle
    waiting_events: Callable[[], Sequence[Event]]
    orders_changed: Callable[[], None]
    telemetry: Telemetry
    held: HeldKeeper = field(default_factory=HeldKeeper)

    async def identify(self, cookie: str | None, token: str | None) -> str | None:
        """The name of the account or program that holds `cookie` or `token`; None for nobody."""
        return await to_thread.run_sync(self._identify, cookie, token)

    def _identify(self, cookie: str | None, token: str | None) -> str | None:
        if token is not None:
            found = self.catalogue.token(hash_token(token))
            return None if found is None else found.name
        return None if cookie is None else self.sessions.holder(cookie)


def _centre(request: Request) -> Centre:
    centre = request.app.state.centre
    assert isinstance(centre, Centre)  # noqa: S101  # create_app put it there
    return centre


CentreHere = Annotated[Centre, Depends(_centre)]
