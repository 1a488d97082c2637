"""A small client of S3, for simulators: signs, puts, and brings in parts."""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.s3 import (
    Claim,
    Seal,
    canonical_path,
    canonical_request,
    read_query,
    sign,
    signing_key,
    string_to_sign,
    write_chunks,
    write_claim,
)

__all__ = ["S3Client", "UploadRefusedError"]

_UPLOAD_ID = re.compile(r"<UploadId>([^<]{1,200})</UploadId>")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_CHUNK = 64 * 1024
_CHUNKED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


class UploadRefusedError(LinkError):
    """The store says no; `code` is its word."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the store refuses: {code}")
        self.code = code


class S3Client:
    """Speaks to the store that `config` (the output of storage_config_get) describes; `at` is what
    its clock says.
    """

    def __init__(self, config: Mapping[str, Any], http: httpx.AsyncClient, at: datetime) -> None:
        self._http, self._at = http, at
        self._endpoint, self._bucket = str(config["endpoint"]), str(config["bucket"])
        self._region, self._keys = str(config["region"]), config["credentials"]

    def headers(
        self,
        method: str,
        key: str,
        query: str,
        payload: str,
        more: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str], Seal]:
        """Path, signed headers and the seal for a body in chunks."""
        path = canonical_path(f"/{self._bucket}/{key}")
        stamp = f"{self._at:%Y%m%dT%H%M%SZ}"
        headers = {
            "host": httpx.URL(self._endpoint).netloc.decode(),
            "x-amz-content-sha256": payload,
            "x-amz-date": stamp,
            "x-amz-security-token": str(self._keys["security_token"]),
            **(more or {}),
        }
        signed = tuple(sorted(headers))
        claim = Claim(
            str(self._keys["access_key_id"]), stamp[:8], self._region, "s3", signed, "0" * 64
        )
        secret = str(self._keys["access_key_secret"])
        key_bytes = signing_key(secret, claim.date, claim.region)
        canonical = canonical_request(method, path, read_query(query), headers, signed, payload)
        signature = sign(key_bytes, string_to_sign(stamp, claim.scope, canonical))
        claim = Claim(claim.key_id, claim.date, claim.region, "s3", signed, signature)
        headers["authorization"] = write_claim(claim)
        return path, headers, Seal(key_bytes, stamp, claim.scope, signature)

    async def put(self, key: str, content: bytes, *, chunked: bool = False) -> str:
        """The whole file in one body, with `chunked` each 64 kB signed; its ETag.

        Raises:
            LinkError: it could not be brought; UploadRefusedError: the store says no.
        """
        if not chunked:
            digest = hashlib.sha256(content).hexdigest()
            return await self._etag("PUT", key, "", digest, content)
        more = {
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": str(len(content)),
        }
        path, headers, seal = self.headers("PUT", key, "", _CHUNKED, more)
        body = b"".join(write_chunks(content, _CHUNK, seal))
        answer = await self._send("PUT", path, headers, body)
        return str(answer.headers.get("etag", "")).strip('"')

    async def put_in_parts(
        self, key: str, content: bytes, size: int, *, stop_after: int = 0
    ) -> str:
        """In parts of `size`; with `stop_after` only so many, and nothing more. Its ETag.

        Raises:
            LinkError: as `put`.
        """
        answer = await self._ask("POST", key, "uploads=", b"")
        found = _UPLOAD_ID.search(answer.text)
        if found is None:
            raise LinkError("the store gives no upload id")
        parts = []
        for number, at in enumerate(range(0, len(content), size), 1):
            query = f"partNumber={number}&uploadId={found[1]}"
            piece = content[at : at + size]
            digest = hashlib.sha256(piece).hexdigest()
            parts.append((number, await self._etag("PUT", key, query, digest, piece)))
            if number == stop_after:
                return ""
        body = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
            for number, etag in parts
        )
        body = f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>"
        await self._ask("POST", key, f"uploadId={found[1]}", body.encode())
        return found[1]

    async def put_half(self, key: str, content: bytes) -> None:
        """Say that all of it comes, and break off in the middle.

        Raises:
            LinkError: it broke off, as was asked.
        """
        digest = hashlib.sha256(content).hexdigest()
        path, headers, _ = self.headers("PUT", key, "", digest)

        async def half() -> AsyncIterator[bytes]:
            yield content[: len(content) // 2]
            raise OSError("broken off")

        headers["content-length"] = str(len(content))
        try:
            await self._http.put(self._endpoint + path, content=half(), headers=headers)
        except (OSError, httpx.HTTPError) as error:
            raise LinkError(str(error)) from error

    async def _etag(self, method: str, key: str, query: str, digest: str, body: bytes) -> str:
        path, headers, _ = self.headers(method, key, query, digest)
        answer = await self._send(method, f"{path}?{query}" if query else path, headers, body)
        return str(answer.headers.get("etag", "")).strip('"')

    async def _ask(self, method: str, key: str, query: str, body: bytes) -> httpx.Response:
        digest = hashlib.sha256(body).hexdigest()
        path, headers, _ = self.headers(method, key, query, digest)
        return await self._send(method, f"{path}?{query}", headers, body)

    async def _send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        try:
            answer = await self._http.request(
                method, self._endpoint + target, headers=dict(headers), content=body
            )
        except httpx.HTTPError as error:
            raise LinkError(f"{self._endpoint}: {error}") from error
        if answer.status_code >= 300:
            found = _CODE.search(answer.text)
            raise UploadRefusedError(found[1] if found else str(answer.status_code))
        return answer


def utc_now() -> datetime:
    """By this machine's clock."""
    return datetime.now(UTC)
