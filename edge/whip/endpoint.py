"""WHIP over HTTP (RFC 9725): POST /whip/NAME begins, PATCH brings candidates, DELETE ends.

ICE restarts are not supported: 422, as 4.3 asks of a session that does only the one. Who has no
Authorization field, as DJI's controllers, has the token in the query: /whip/NAME?token=...
"""

import asyncio
from collections import OrderedDict, deque
from time import monotonic

from fastapi import FastAPI, Request, Response

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.whip import read_fragment, read_offer
from fieldlink.edge.whip.hub import token_hash
from fieldlink.edge.whip.peer import Peer
from fieldlink.edge.whip.sessions import FullError, Sessions
from fieldlink.edge.whip.wording import REFUSED, UNWANTED

__all__ = ["make_endpoint"]

_SDP, _FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
_MAX_OFFER_BYTES, _MAX_FRAGMENT_BYTES = 64_000, 16_000
_BODY_S, _ANSWER_S = 10.0, 10.0
_MAX_TOKEN_CHARS, _MAX_NAME_CHARS, _MAX_PATH_CHARS = 200, 32, 400
_MAX_FAILURES, _FAILURES_S, _MAX_STRANGERS = 20, 60.0, 1_000
_METHODS = "POST, PATCH, DELETE, OPTIONS"


class _Failures:
    """Wrong tokens of each address lately. A right one is let in all the same: nobody guesses 256
    bits, and whoever tries must not shut out the others behind his address.
    """

    def __init__(self) -> None:
        self._at: OrderedDict[str, deque[float]] = OrderedDict()

    def add(self, address: str) -> bool:
        """Count one; whether there were too many."""
        times = self._at.setdefault(address, deque(maxlen=_MAX_FAILURES))
        self._at.move_to_end(address)
        while len(self._at) > _MAX_STRANGERS:
            self._at.popitem(last=False)
        times.append(monotonic())
        return len(times) == _MAX_FAILURES and times[-1] - times[0] < _FAILURES_S


class _Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    def __init__(self, status: int, words: str, **headers: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class _Endpoint:
    def __init__(self, sessions: Sessions, origins: tuple[str, ...]) -> None:
        self._sessions, self._origins = sessions, origins
        self._failures = _Failures()

    async def publish(self, request: Request) -> Response:
        """A new session (4.2)."""
        name, hashed = self._who(request)
        mount = self._sessions.hub.wanted(name)
        if mount is None:
            raise _Refused(404, UNWANTED)
        _need_type(request, _SDP)
        try:
            offer = read_offer(await _body(request, _MAX_OFFER_BYTES))
        except CodecError as error:
            words = f"{error.detail}; {REFUSED[error.reason]}"
            mount.refuse(words)
            self._sessions.counts[f"refused {error.reason}"] += 1
            raise _Refused(400 if error.reason == "sdp" else 406, words) from error
        address = request.client.host if request.client else "?"
        try:
            async with asyncio.timeout(_ANSWER_S):
                peer, answer = await self._sessions.begin(mount, address, hashed, offer)
        except FullError as error:
            mount.refuse("there are too many publishers 推流过多")
            raise _Refused(503, "too many publishers 推流过多，请稍候", Retry_After="10") from error
        except TimeoutError as error:
            raise _Refused(503, "the kit is busy 设备箱忙", Retry_After="5") from error
        headers = {"Location": f"/whip/{name}/{peer.key}", "ETag": _tag(peer)}
        return self._answer(request, 201, answer, _SDP, headers)

    async def trickle(self, request: Request) -> Response:
        """Candidates that come later (4.3.2)."""
        peer = self._session(request)
        _need_type(request, _FRAGMENT)
        wanted = request.headers.get("if-match")
        if wanted is None:
            raise _Refused(428, "send If-Match with the ETag")
        if wanted.strip() == "*":
            raise _Refused(422, "ICE is not restarted here; end the session and begin a new one")
        if wanted.strip() != _tag(peer):
            raise _Refused(412, "the ETag is another")
        try:
            fragment = read_fragment(await _body(request, _MAX_FRAGMENT_BYTES))
        except CodecError as error:
            raise _Refused(400, error.detail) from error
        if fragment.ufrag not in (None, peer.ufrag):
            raise _Refused(422, "ICE is not restarted here; end the session and begin a new one")
        await peer.add(fragment)
        return self._answer(request, 204, "", None)

    async def end(self, request: Request) -> Response:
        """The publisher has ended it (4.2)."""
        await self._sessions.end(self._session(request), "the publisher ended it")
        return self._answer(request, 200, "", None)

    async def options(self, request: Request) -> Response:
        """What a browser asks before (CORS), and what is accepted."""
        return self._answer(request, 204, "", None, {"Accept-Post": _SDP, "Allow": _METHODS})

    async def handle(self, request: Request) -> Response:
        """Any request."""
        routes = {
            ("POST", False): self.publish,
            ("PATCH", True): self.trickle,
            ("DELETE", True): self.end,
            ("OPTIONS", False): self.options,
            ("OPTIONS", True): self.options,
        }
        try:
            if len(request.url.path) > _MAX_PATH_CHARS:
                raise _Refused(404, "no such path")
            route = routes.get((request.method, "key" in request.path_params))
            if route is None:
                raise _Refused(405, "not here", Allow=_METHODS)
            return await route(request)
        except _Refused as refused:
            self._sessions.counts[f"answered {refused.status}"] += 1
            return self._answer(
                request,
                refused.status,
                refused.words + "\n",
                "text/plain; charset=utf-8",
                refused.headers,
            )

    def _session(self, request: Request) -> Peer:
        name, _ = self._who(request)
        peer = self._sessions.find(name, request.path_params["key"])
        if peer is None:
            raise _Refused(404, "there is no such session, or it has ended")
        return peer

    def _who(self, request: Request) -> tuple[str, str]:
        """The device that the right token came for, and the token's hash."""
        name = str(request.path_params["name"])[:_MAX_NAME_CHARS]
        kind, _, told = request.headers.get("authorization", "").partition(" ")
        token = told.strip() if kind.lower() == "bearer" else request.query_params.get("token", "")
        hashed = token_hash(token[:_MAX_TOKEN_CHARS])
        if token and self._sessions.admits(name, hashed):
            return name, hashed
        self._sessions.counts["wrong token"] += 1
        if mount := self._sessions.hub.wanted(name):
            mount.refuse(
                "somebody came with a wrong token; give it a new one: fieldlink edge whip "
                f"add {name} 令牌不正确，请重新生成"
            )
        if self._failures.add(request.client.host if request.client else "?"):
            raise _Refused(429, "too many wrong tokens 令牌错误过多，请稍候", Retry_After="60")
        raise _Refused(401, "the token is wrong 令牌不正确", WWW_Authenticate="Bearer")

    def _answer(
        self,
        request: Request,
        status: int,
        body: str,
        kind: str | None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        origin = request.headers.get("origin", "")
        cors: dict[str, str] = {}
        if "*" in self._origins or origin in self._origins:
            cors = {
                "Access-Control-Allow-Origin": "*" if "*" in self._origins else origin,
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
                "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After",
                "Access-Control-Max-Age": "600",
                "Vary": "Origin",
            }
        always = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(body, status, {**always, **cors, **(headers or {})}, kind)


def make_endpoint(sessions: Sessions, origins: tuple[str, ...]) -> FastAPI:
    """The HTTP application."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    endpoint = _Endpoint(sessions, origins)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app.add_api_route("/whip/{name}", endpoint.handle, methods=methods)
    app.add_api_route("/whip/{name}/{key}", endpoint.handle, methods=methods)
    return app


def _tag(peer: Peer) -> str:
    return f'"{peer.key}"'


def _need_type(request: Request, kind: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise _Refused(415, f"send {kind}", Accept_Post=_SDP)


async def _body(request: Request, most: int) -> bytes:
    data = b""
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                data += part
                if len(data) > most:
                    raise _Refused(413, f"over {most} bytes")
    except TimeoutError as error:
        raise _Refused(408, "the body did not come") from error
    return data
