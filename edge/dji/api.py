"""What Pilot 2 asks by HTTP before and after it brings a file (Cloud API, "Media Management").

    POST /media/api/v1/workspaces/{id}/fast-upload              is that file here already?
    POST /media/api/v1/workspaces/{id}/files/tiny-fingerprints  which of these are?
    POST /media/api/v1/workspaces/{id}/upload-callback          a file was brought
    POST /media/api/v1/workspaces/{id}/group-upload-callback    so many of a group were
    POST /storage/api/v1/workspaces/{id}/sts                    where to, and with which credentials

Each with the pass that the page was given (x-auth-token). An answer has a code, 0 for good.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response

from fieldlink.codecs.dji import read_report
from fieldlink.codecs.fault import CodecError
from fieldlink.edge.dji.uploads import Uploads

__all__ = ["add_api"]

_MAX_BODY_BYTES = 64_000
_MAX_PRINTS, _MAX_PRINT = 500, 128
_STORED_S, _BODY_S = 20.0, 10.0
_ABSENT, _MALFORMED, _NOBODY = -1, 400, 401

Handler = Callable[[str, dict[str, Any]], Awaitable[tuple[int, str, Any]]]


def add_api(
    app: FastAPI, uploads: Uploads, whose: Callable[[str], str | None], workspace: str
) -> None:
    """Serve these on `app`; `whose` gives the gateway of a pass."""

    async def fast_upload(gateway: str, body: dict[str, Any]) -> tuple[int, str, Any]:
        made = uploads.originals
        if made is not None:
            fingerprint = _print(body.get("fingerprint"))
            if await asyncio.to_thread(made.store.ledger.has_fingerprint, gateway, fingerprint):
                return 0, "success", {}
        return _ABSENT, "it is not here", {}

    async def tiny(gateway: str, body: dict[str, Any]) -> tuple[int, str, Any]:
        asked = body.get("tiny_fingerprints")
        if uploads.originals is None or not isinstance(asked, list):
            return _MALFORMED, "tiny_fingerprints is no list", {}
        some = [_print(one) for one in asked[:_MAX_PRINTS]]
        ledger = uploads.originals.store.ledger
        found = await asyncio.to_thread(ledger.tiny_fingerprints, gateway, some)
        return 0, "success", {"tiny_fingerprints": found}

    async def brought(gateway: str, body: dict[str, Any]) -> tuple[int, str, Any]:
        upload = read_report(body, uploads.zone_s())
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def done(found: bool) -> None:
            if not told.done():
                told.set_result(found)

        uploads.brought(gateway, upload, done)
        async with asyncio.timeout(_STORED_S):
            if not await told:
                return _ABSENT, "it was not brought", {}
        return 0, "success", {"object_key": upload.key}

    async def group(_gateway: str, _body: dict[str, Any]) -> tuple[int, str, Any]:
        return 0, "success", {}

    async def storage(gateway: str, _body: dict[str, Any]) -> tuple[int, str, Any]:
        found = uploads.storage(gateway)
        return (_ABSENT, "nothing is taken in", {}) if found is None else (0, "success", found)

    media = "/media/api/v1/workspaces/{workspace_id}"
    handlers: Mapping[str, Handler] = {
        f"{media}/fast-upload": fast_upload,
        f"{media}/files/tiny-fingerprints": tiny,
        f"{media}/upload-callback": brought,
        f"{media}/group-upload-callback": group,
        "/storage/api/v1/workspaces/{workspace_id}/sts": storage,
    }

    def route(handler: Handler) -> Callable[..., Awaitable[Response]]:
        async def answer(request: Request, workspace_id: str) -> Response:
            gateway = whose(request.headers.get("x-auth-token", ""))
            if gateway is None or workspace_id != workspace:
                return _said(401, _NOBODY, "open the kit's page again 请重新打开设备箱页面")
            try:
                code, words, data = await handler(gateway, await _body(request))
            except CodecError as error:
                return _said(400, _MALFORMED, error.detail)
            except TimeoutError:
                return _said(503, 503, "the kit cannot store it now")
            return _said(200, code, words, data)

        return answer

    for path, handler in handlers.items():
        app.add_api_route(path, route(handler), methods=["POST"], response_model=None)


def _print(value: Any) -> str:
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_PRINT else ""


def _said(status: int, code: int, words: str, data: Any = None) -> Response:
    body = json.dumps({"code": code, "message": words, "data": data or {}}, ensure_ascii=False)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(body, status, headers, "application/json")


async def _body(request: Request) -> dict[str, Any]:
    data = bytearray()
    async with asyncio.timeout(_BODY_S):
        async for part in request.stream():
            data += part
            if len(data) > _MAX_BODY_BYTES:
                raise CodecError("size", f"at most {_MAX_BODY_BYTES} bytes")
    try:
        said = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise CodecError("json", "not JSON") from error
    if not isinstance(said, dict):
        raise CodecError("json", "not a map")
    return said
