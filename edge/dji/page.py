"""The page that DJI Pilot 2 loads from the kit: it brings the controller to the kit's broker.

Pilot 2 wants the keys of a developer account first, then the broker's address with a name and a
password. The page gets the keys only for the name and password of a registered gateway, which
the pilot types once; they are kept in Pilot 2's own browser. HTTP, because a controller knows no CA
of ours: docs/dji.md says what that means.
"""

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from time import monotonic
from typing import Any

from fastapi import FastAPI, Request, Response

from fieldlink.edge.serving import serve_app
from fieldlink.systemd.service import Beat

__all__ = ["PageServer", "PilotFacts", "make_page"]

_MAX_BODY_BYTES, _BODY_S = 2_000, 10.0
_MAX_FAILURES, _MAX_ALL, _FAILURES_S = 20, 200, 60.0
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class PilotFacts:
    """What the page needs: the keys (never logged), the broker, an id that stays, and what
    the device of a name is granted besides: `token`, `auto`.
    """

    keys: Mapping[str, str] = field(repr=False)
    broker: str
    workspace: str
    grant: Callable[[str], Mapping[str, str]] = lambda _: {}


class _Failures:
    """How many wrong passwords came lately, from each address and in all: nobody guesses one, but
    nobody has to try either, and each costs a while. One address alone keeps no other out.
    """

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=_MAX_ALL)

    def too_many(self, address: str) -> bool:
        since_s = monotonic() - _FAILURES_S
        for times in (self._of.get(address), self._all):
            if times is not None and len(times) == times.maxlen and times[0] > since_s:
                return True
        return False

    def add(self, address: str) -> None:
        times = self._of.setdefault(address, deque(maxlen=_MAX_FAILURES))
        self._of.move_to_end(address)
        while len(self._of) > _MAX_ALL:
            self._of.popitem(last=False)
        for one in (times, self._all):
            one.append(monotonic())


def make_page(facts: PilotFacts, admits: Callable[[str, str], bool]) -> FastAPI:
    """The page and its one question; `admits(name, password)`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    failures = _Failures()
    folder = files(__package__) / "pilot"
    contents = {path: (folder / name).read_bytes() for path, (name, _) in _FILES.items()}

    async def show(request: Request) -> Response:
        path = request.url.path
        return Response(contents[path], media_type=_FILES[path][1], headers=_HEADERS)

    async def open_(request: Request) -> Response:
        address = request.client.host if request.client else "?"
        if failures.too_many(address):
            return _said(429, "too many wrong passwords; wait a minute 密码错误过多，请稍候")
        asked = await _body(request)
        if asked is None:
            return _said(400, "malformed 请求有误")
        if not admits(*asked):
            failures.add(address)
            return _said(403, "no DJI gateway has this name and password 名称或密码不正确")
        if not facts.keys:
            return _said(503, "the kit has no dji-app.toml 设备箱缺少 dji-app.toml")
        found = {
            **facts.keys,
            "broker": facts.broker,
            "workspace": facts.workspace,
            **facts.grant(asked[0]),
        }
        return Response(json.dumps(found), media_type="application/json", headers=_HEADERS)

    for path in _FILES:
        app.add_api_route(path, show, methods=["GET"])
    app.add_api_route("/open", open_, methods=["POST"])
    return app


def _said(status: int, words: str) -> Response:
    body = json.dumps({"said": words}, ensure_ascii=False)
    return Response(body, status, media_type="application/json", headers=_HEADERS)


async def _body(request: Request) -> tuple[str, str] | None:
    data = b""
    try:
        async with asyncio.timeout(_BODY_S):  # it need not be anybody who is known
            async for part in request.stream():
                data += part
                if len(data) > _MAX_BODY_BYTES:
                    return None
    except TimeoutError:
        return None
    try:
        asked: Any = json.loads(data)
        name, password = asked["name"], asked["password"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(name, str) or not isinstance(password, str):
        return None
    return name, password


class PageServer:
    """Serves the page on `host`:`port`."""

    def __init__(
        self, host: str, port: int, facts: PilotFacts, admits: Callable[[str, str], bool]
    ) -> None:
        self._place, self.app = (host, port), make_page(facts, admits)

    async def run(self, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the port cannot be had.
        """
        await serve_app(self.app, *self._place, "dji.page_port", beat)
