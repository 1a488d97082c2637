"""The store's door: what of S3 a controller or a dock needs to bring its files, over HTTP (ASGI).

    PUT /bucket/key                            the whole file in one body
    POST ?uploads, PUT ?partNumber&uploadId, GET, POST and DELETE ?uploadId     in parts
    HEAD and GET /bucket/key                   of what its owner brought
    GET /bucket?location, HEAD /bucket

Nothing is listed and nothing is removed. A 200 for a whole file is sent when the spool has it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from fieldlink.codecs.fault import CodecError, FieldlinkError
from fieldlink.codecs.s3 import (
    EMPTY_SHA256,
    MAX_COMPLETE_BYTES,
    document,
    error_document,
    read_complete,
)
from fieldlink.edge.originals.asking import UNSIGNED, Asked, admit, plain_request
from fieldlink.edge.originals.faults import RefusalError
from fieldlink.edge.originals.ledger import KeptObject, Upload
from fieldlink.edge.originals.staging import Staged
from fieldlink.edge.originals.store import Store

__all__ = ["REGION", "Door", "bucket_of"]

REGION = "us-east-1"
"""What is said; a request may be signed for any."""

_IDLE_S = 60.0
_MAX_PART = 10_000
_XML = "application/xml"
_CHECKS = ("content-md5", "x-amz-checksum-sha1", "x-amz-checksum-sha256", "x-amz-checksum-crc32")

Read = Callable[[bytes, int, int], bytes]


def bucket_of(owner: str) -> str:
    """The bucket of an owner's files."""
    return f"fieldlink-{owner.lower()}"


class Door:
    """`check(key id, session token)` gives owner and secret, `read` bytes of a bundle."""

    def __init__(
        self, store: Store, check: Callable[[str, str], tuple[str, str]], read: Read | None
    ) -> None:
        self._store, self._check, self._read = store, check, read
        self.refused: Counter[str] = Counter()
        # Files go into the spool one by one. Who waits, waits here: on a thread he would hold one
        # of the few that the whole agent has.
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request, scope)
        except ClientDisconnect:
            self.refused["disconnected"] += 1
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request, scope: Mapping[str, Any]) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw_path, raw_query = scope.get("raw_path") or b"/", scope["query_string"]
        try:
            asked = plain_request(request.method, raw_path, raw_query, headers)
            asked = admit(asked, raw_path, raw_query, self._check)
            if asked.bucket != bucket_of(asked.owner):
                raise RefusalError(403, "AccessDenied", "these credentials are for another bucket")
            return await self._serve(asked, request)
        except RefusalError as error:
            return self._refuse(request, error)
        except CodecError as error:
            return self._refuse(request, RefusalError(400, "InvalidRequest", error.detail))
        except TimeoutError:
            return self._refuse(request, RefusalError(400, "RequestTimeout", "nothing came"))
        except (FieldlinkError, OSError) as error:
            self._store.fault = str(error)
            refusal = RefusalError(503, "ServiceUnavailable", "the kit cannot store it now")
            return self._refuse(request, refusal)

    def _refuse(self, request: Request, error: RefusalError) -> Response:
        self.refused[error.code] += 1
        body = error_document(error.code, str(error), request.url.path)
        headers = {"Connection": "close"}  # what is left of the body is not waited for
        if request.method == "HEAD":
            body = b""
        return Response(body, error.status, headers, _XML)

    async def _serve(self, asked: Asked, request: Request) -> Response:
        method, query = asked.method, asked.query
        if not asked.key:
            return self._bucket(asked)
        if method == "PUT" and "uploadId" in query:
            return await self._put_part(asked, request)
        if method == "PUT" and not query.keys() - {"x-id"}:
            return await self._put(asked, request)
        if method == "POST" and "uploads" in query:
            return await self._begin(asked, request)
        if method == "POST" and "uploadId" in query:
            return await self._complete(asked, request)
        if method == "DELETE" and "uploadId" in query:
            upload = await self._mine(asked)
            await asyncio.to_thread(self._store.abort, upload)
            return Response(status_code=204)
        if method == "GET" and "uploadId" in query:
            return await self._list_parts(asked)
        if method in ("GET", "HEAD") and not query.keys() - {"x-id"}:
            return await self._get(asked)
        raise RefusalError(501, "NotImplemented", "this store takes files, and no more")

    def _bucket(self, asked: Asked) -> Response:
        if asked.method == "GET" and "location" in asked.query:
            return Response(document("LocationConstraint", [""]), media_type=_XML)
        if asked.method == "HEAD":
            return Response(headers={"x-amz-bucket-region": REGION})
        raise RefusalError(501, "NotImplemented", "nothing is listed here")

    # --- bodies ------------------------------------------------------------------------------

    async def _take_body(self, asked: Asked, request: Request, upload: str | None) -> Staged:
        """The body on the disk, its hashes as they were said; to be kept or dropped."""
        staged = await asyncio.to_thread(self._store.stage, upload, asked.size())
        try:
            chunked = asked.chunked()
            parts = request.stream().__aiter__()
            while True:
                async with asyncio.timeout(_IDLE_S):
                    data = await anext(parts, b"")
                if not data:
                    break
                full = False
                for piece in chunked.feed(data) if chunked else (data,):
                    full |= staged.write(piece)
                if full:
                    self._store.room.grown(staged)
                    await asyncio.to_thread(staged.flush)
            if chunked is not None:
                chunked.finish()
            await asyncio.to_thread(staged.flush)
            self._store.room.grown(staged)
            _compare(asked, staged, chunked.trailers if chunked else {})
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._store.room.unstage, staged, keep=False))
            raise
        return staged

    async def _small_body(self, asked: Asked, request: Request) -> bytes:
        made = bytearray()
        parts = request.stream().__aiter__()
        while True:
            async with asyncio.timeout(_IDLE_S):
                data = await anext(parts, b"")
            if not data:
                break
            made += data
            if len(made) > MAX_COMPLETE_BYTES:
                raise RefusalError(400, "EntityTooLarge", f"at most {MAX_COMPLETE_BYTES} bytes")
        return bytes(made)

    # --- files -------------------------------------------------------------------------------

    async def _put(self, asked: Asked, request: Request) -> Response:
        if "x-amz-copy-source" in asked.headers:
            raise RefusalError(501, "NotImplemented", "nothing is copied here")
        staged = await self._take_body(asked, request, None)
        keep = False
        try:
            kind = asked.headers.get("content-type", "")
            put = self._store.put
            args = (asked.owner, asked.key, kind, staged, asked.signature)
            async with self._turn:
                made = await _whole(asyncio.to_thread(put, *args))
            keep = True
        except (FieldlinkError, OSError) as error:
            # A refusal is for good; what the spool cannot take now waits, and is tried again.
            keep = not isinstance(error, RefusalError)
            raise
        finally:
            await asyncio.to_thread(self._store.room.unstage, staged, keep=keep)
        return Response(headers={"ETag": f'"{made.etag}"'})

    async def _begin(self, asked: Asked, request: Request) -> Response:
        await self._small_body(asked, request)
        kind = asked.headers.get("content-type", "")
        ident = await asyncio.to_thread(self._store.begin, asked.owner, asked.key, kind)
        items = [("Bucket", asked.bucket), ("Key", asked.key), ("UploadId", ident)]
        return Response(document("InitiateMultipartUploadResult", items), media_type=_XML)

    async def _mine(self, asked: Asked) -> Upload:
        ident = asked.query.get("uploadId", "")
        return await asyncio.to_thread(self._store.mine, asked.owner, asked.key, ident)

    async def _put_part(self, asked: Asked, request: Request) -> Response:
        number = asked.number("partNumber", _MAX_PART) or 0
        upload = await self._mine(asked)
        staged = await self._take_body(asked, request, upload.id)
        keep = False
        try:
            keep_part = self._store.keep_part
            etag = await _whole(
                asyncio.to_thread(keep_part, upload, number, staged, asked.signature)
            )
            keep = True
        finally:
            await asyncio.to_thread(self._store.room.unstage, staged, keep=keep)
        return Response(headers={"ETag": f'"{etag}"'})

    async def _complete(self, asked: Asked, request: Request) -> Response:
        wanted = read_complete(await self._small_body(asked, request))
        ident = asked.query.get("uploadId", "")
        args = (asked.owner, asked.key, ident, wanted, asked.signature)
        async with self._turn:
            made = await _whole(asyncio.to_thread(self._store.complete, *args))
        items = [
            ("Location", request.url.path),
            ("Bucket", asked.bucket),
            ("Key", asked.key),
            ("ETag", f'"{made.etag}"'),
        ]
        return Response(document("CompleteMultipartUploadResult", items), media_type=_XML)

    async def _list_parts(self, asked: Asked) -> Response:
        parts = await asyncio.to_thread(self._store.parts, await self._mine(asked))
        after = asked.number("part-number-marker", _MAX_PART) or 0
        page = [part for part in parts if part.number > after][:1_000]
        more = bool(page) and page[-1].number < parts[-1].number
        items: list[tuple[str, str] | str] = [
            ("Bucket", asked.bucket),
            ("Key", asked.key),
            ("UploadId", asked.query.get("uploadId", "")),
            ("IsTruncated", str(more).lower()),
            ("NextPartNumberMarker", str(page[-1].number if page else 0)),
        ]
        items += [
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{part.md5}&quot;</ETag>"
            f"<Size>{part.size}</Size></Part>"
            for part in page
        ]
        return Response(document("ListPartsResult", items), media_type=_XML)

    async def _get(self, asked: Asked) -> Response:
        kept = await asyncio.to_thread(self._store.ledger.object, asked.owner, asked.key)
        if kept is None:
            raise RefusalError(404, "NoSuchKey", "there is no such file")
        headers = {
            "ETag": f'"{kept.etag}"',
            "Content-Length": str(kept.size),
            "Last-Modified": formatdate(kept.stored_us / 1e6, usegmt=True),
            "Content-Type": str(kept.content.get("media_type", "application/octet-stream")),
        }
        if asked.method == "HEAD":
            return Response(headers=headers)
        first = await asyncio.to_thread(self._piece, kept, 0)

        async def pieces() -> Any:
            yield first
            for number in range(1, len(kept.bundles)):
                yield await asyncio.to_thread(self._piece, kept, number)

        return StreamingResponse(pieces(), headers=headers)

    def _piece(self, kept: KeptObject, number: int) -> bytes:
        if self._read is None or number >= len(kept.bundles):
            return b""
        size = int(kept.content["parts"][number][2])
        try:
            return self._read(bytes.fromhex(kept.bundles[number]), 0, size)
        except FieldlinkError as error:
            raise RefusalError(404, "NoSuchKey", "it has gone to the centre") from error


async def _whole(work: Any) -> Any:
    """Let work on the disk come to its end although whoever asked for it has gone."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _compare(asked: Asked, staged: Staged, trailers: Mapping[str, str]) -> None:
    """Refuse a body that is not what was said of it."""
    length = asked.size()
    if length is not None and length != staged.size:
        raise RefusalError(400, "IncompleteBody", f"{staged.size} of {length} bytes came")
    if len(asked.payload) == len(EMPTY_SHA256) and asked.payload not in (UNSIGNED, staged.sha256):
        raise RefusalError(400, "XAmzContentSHA256Mismatch", "the body hashes to another value")
    for name in _CHECKS:
        said = asked.headers.get(name) or trailers.get(name)
        if said is not None and said != staged.check(name):
            raise RefusalError(400, "BadDigest", f"{name} is not that of the body")
