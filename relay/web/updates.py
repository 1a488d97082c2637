"""Server-sent events (WHATWG HTML, "Server-sent events"): the centre's news to every page.

News says what changed, not what it is now: a page that missed some asks for the state anew, so a
Last-Event-ID needs no answer but the news "missed".
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import cast

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from fieldlink.relay.feed import MISSED, Feed, News, Written
from fieldlink.relay.web.centre import CentreHere
from fieldlink.relay.web.guard import credentials

__all__ = ["frame", "news_frames", "updates_router"]

_RETRY = "retry: 2000\n\n"


def frame(number: int, news: News) -> str:
    """One event: its number and {"kind", "data"} as one line of JSON."""
    kind, data = news
    if isinstance(data, Written):
        return f'id: {number}\ndata: {{"kind":"{kind}","data":{data.text}}}\n\n'
    body = json.dumps({"kind": kind, "data": dict(data)}, separators=(",", ":"))
    return f"id: {number}\ndata: {body}\n\n"


async def news_frames(
    feed: Feed, keepalive_s: float, allowed: Callable[[], Awaitable[bool]], *, resumed: bool
) -> AsyncIterator[str]:
    """The stream of one page until it is no longer `allowed`, which is asked at least every
    `keepalive_s` seconds. After that long a silence there is news of kind "alive": a page whose
    connection died without a word hears nothing, and begins anew.
    """
    alive = {"every_s": keepalive_s}
    yield _RETRY
    number = 0
    if resumed:
        yield frame(number, (MISSED, {"count": None}))
    subscribed = cast("AsyncGenerator[News, None]", feed.subscribe())
    waiting = asyncio.ensure_future(anext(subscribed))
    asked_s = time.monotonic()
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=keepalive_s)
            if time.monotonic() - asked_s >= keepalive_s * 0.9:
                asked_s = time.monotonic()
                if not await allowed():
                    return
            number += 1
            if not done:
                yield frame(number, ("alive", alive))
                continue
            news = waiting.result()
            waiting = asyncio.ensure_future(anext(subscribed))
            yield frame(number, news)
    finally:
        waiting.cancel()
        await asyncio.wait({waiting})
        await subscribed.aclose()


def updates_router() -> APIRouter:
    """The route /api/updates."""
    router = APIRouter(prefix="/api", tags=["updates"])

    @router.get("/updates", response_class=StreamingResponse)
    async def updates(request: Request, centre: CentreHere) -> StreamingResponse:
        """News as server-sent events: {"kind", "data"}; kinds bundle, still, gap, kit, event,
        incident, want, positions, samples, alarm, flight, alive (after a silence), missed (read
        everything again)."""
        if centre.feed.followers >= centre.settings.max_watchers:
            raise HTTPException(503, "too many pages follow; close one", {"retry-after": "10"})
        resumed = "last-event-id" in request.headers
        cookie, token = credentials(request.headers)

        async def allowed() -> bool:
            return await centre.identify(cookie, token) is not None

        frames = news_frames(centre.feed, centre.settings.keepalive, allowed, resumed=resumed)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(frames, media_type="text/event-stream", headers=headers)

    return router
