"""Logging in and out, and what anybody may know."""

import math

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Request, Response

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.relay.web.centre import Centre, CentreHere
from fieldlink.relay.web.models import Health, Login, SessionView
from fieldlink.relay.web.passwords import check_password
from fieldlink.relay.web.sessions import COOKIE

__all__ = ["session_router"]


def session_router() -> APIRouter:
    """The routes /api/login, logout, session and health."""
    router = APIRouter(prefix="/api", tags=["session"])
    # Each argon2 check takes 64 MiB: a flood of logins waits here instead of filling the memory.
    few_at_once = CapacityLimiter(2)

    @router.get("/health")
    async def health(centre: CentreHere) -> Health:
        """A sign of life; needs no login."""
        return Health(ok=True, now_us=centre.clock())

    @router.get("/session")
    async def session(request: Request, centre: CentreHere) -> SessionView:
        """Who is logged in; needs no login."""
        return _session(centre, request.state.user)

    @router.post("/login")
    async def login(
        body: Login, request: Request, response: Response, centre: CentreHere
    ) -> SessionView:
        """Log in; the answer sets the session cookie. 429 after too many wrong passwords."""
        address = request.client.host if request.client else ""
        wait_s = centre.throttle.wait_s(address)
        if wait_s > 0:
            raise HTTPException(
                429, "too many attempts; wait", {"retry-after": str(math.ceil(wait_s))}
            )
        if not await to_thread.run_sync(_right, centre, body, limiter=few_at_once):
            raise HTTPException(401, "wrong account or password")
        centre.throttle.forgive(address)
        cookie = await to_thread.run_sync(centre.sessions.issue, body.name)
        _set_cookie(response, cookie, int(centre.settings.session))
        return _session(centre, body.name)

    @router.post("/logout")
    async def logout(response: Response, centre: CentreHere) -> SessionView:
        """Log out: the browser forgets its cookie."""
        _set_cookie(response, "", 0)
        return _session(centre, None)

    return router


def _right(centre: Centre, body: Login) -> bool:
    try:
        user = centre.catalogue.user(check_name("account", body.name))
    except CodecError:
        user = None
    return check_password(None if user is None else user.password_hash, body.password)


def _session(centre: Centre, user: str | None) -> SessionView:
    return SessionView(user=user, centre=centre.name, now_us=centre.clock())


def _set_cookie(response: Response, value: str, max_age_s: int) -> None:
    response.set_cookie(
        COOKIE, value, max_age=max_age_s, path="/", secure=True, httponly=True, samesite="strict"
    )
