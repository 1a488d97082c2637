"""What every request meets first: who asks, from where, how much, and the headers of the answer.

Deny is the rule and the exceptions are listed, so that a route added later is closed until
somebody opens it here.
"""

from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fieldlink.relay.web.sessions import COOKIE

__all__ = [
    "MAX_BODY_BYTES",
    "OPEN_PATHS",
    "PAGE_PREFIX",
    "Guard",
    "Identify",
    "content_policy",
    "credentials",
]

MAX_BODY_BYTES = 64 * 1024
PAGE_PREFIX = "/page/"
OPEN_PATHS = frozenset(
    {"/", "/favicon.ico", "/api/login", "/api/session", "/api/join", "/api/ca", "/api/health"}
)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def content_policy(tiles_from: str | None = None) -> str:
    """The Content-Security-Policy of every answer; `tiles_from` is the origin of a tile server that
    the operator configured, the only one besides this that a page may ask.

    The map works in a worker, whose program is a file of this page; its URL passes the one policy
    that Trusted Types know here (page/trusted.js).
    """
    elsewhere = "" if tiles_from is None else f" {tiles_from}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            f"img-src 'self'{elsewhere}",
            "media-src 'self' blob:",
            f"connect-src 'self'{elsewhere}",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types default",
        )
    )


# No HSTS: the certificate is the centre's own, and HSTS would lock browsers out after a new one.
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

Identify = Callable[[str | None, str | None], Awaitable[str | None]]
"""Session cookie and bearer token to the name of who asks, None when nobody."""


class Guard:
    """ASGI middleware: size, origin, identity, headers. Sets `state.user`."""

    def __init__(self, app: ASGIApp, *, identify: Identify, tiles_from: str | None = None) -> None:
        self._app = app
        self._identify = identify
        self._headers = {"content-security-policy": content_policy(tiles_from), **_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send, scope["path"], self._headers)
        refusal = await self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _bounded(receive), send)

    async def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        path: str = scope["path"]
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length[:18]) > MAX_BODY_BYTES:
            return _refuse(413, "size", "the body is over 64 KiB")
        cookie, token = credentials(headers)
        if scope["method"] not in _SAFE_METHODS and token is None and not _same_origin(headers):
            return _refuse(403, "origin", "the request comes from another site")
        known = cookie is not None or token is not None
        user = await self._identify(cookie, token) if known else None
        scope.setdefault("state", {})["user"] = user
        if user is None and path not in OPEN_PATHS and not path.startswith(PAGE_PREFIX):
            return _refuse(401, "login", "log in, or send a bearer token")
        return None


def _refuse(status: int, reason: str, detail: str) -> JSONResponse:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"reason": reason, "detail": detail}, status_code=status, headers=headers)


def _same_origin(headers: Headers) -> bool:
    # Browsers send Origin with every unsafe request; a program that sends none has no cookie jar
    # that a foreign page could ride on.
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
    return origin == f"https://{headers.get('host', '')}"


def credentials(headers: Headers) -> tuple[str | None, str | None]:
    """The session cookie and the bearer token of a request; a token makes the cookie void."""
    token = _bearer(headers)
    return (None if token is not None else _cookie(headers)), token


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip()[:128] if scheme.lower() == "bearer" and token.strip() else None


def _cookie(headers: Headers) -> str | None:
    try:
        jar = SimpleCookie(headers.get("cookie", "")[:4096])
    except CookieError:
        return None
    return jar[COOKIE].value if COOKIE in jar else None


def _bounded(receive: Receive) -> Receive:
    total = 0

    async def bounded() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY_BYTES:
            raise HTTPException(413, "the body is over 64 KiB")
        return message

    return bounded


def _with_headers(send: Send, path: str, always: Mapping[str, str]) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in always.items():
                headers.setdefault(name, value)
            if path.startswith("/api/"):
                headers.setdefault("cache-control", "no-store")
        await send(message)

    return with_headers
