"""How a kit joins: GET /api/ca and POST /api/join.

The kit first fetches the CA and compares it with its code; only over a connection verified by
that CA does it send the secret. Whoever has no good code gets one and the same answer.
"""

import base64
import binascii
import ipaddress
import re
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.join import SECRET_BYTES
from fieldlink.relay.pki.admission import Admissions, secret_hash
from fieldlink.relay.pki.authority import Authority, new_serial
from fieldlink.relay.pki.certificates import read_request
from fieldlink.systemd.mqtt import CENTRE_NAME

__all__ = ["JoinAnswer", "JoinRequest", "enrolment_router"]

MAX_BODY_BYTES: Final = 16 * 1024
_ATTEMPTS = 10
_WINDOW_US = 60 * 1_000_000
_MAX_SOURCES = 4096
_REFUSED = (
    "this join code is not valid: mistyped, already used, expired or revoked; ask the centre for "
    "a new one"
)
_SECRET = re.compile(r"[A-Za-z0-9_-]{14}")

LogEvent = Callable[[str, str | None, str], None]
"""kind, kit, text: into the event log."""


class JoinRequest(BaseModel):
    """What a kit sends: the secret (base64url without padding) and its certificate request."""

    model_config = ConfigDict(extra="ignore")
    secret: str = Field(max_length=64)
    csr: str = Field(max_length=8192)


class JoinAnswer(BaseModel):
    """What a kit gets. `broker_host` is empty when the broker is where this answer came from."""

    kit: str
    certificate: str
    ca: str
    broker_host: str
    broker_port: int
    centre: str


@dataclass
class _Refusal(Exception):  # noqa: N818  # an answer, not a fault
    status: int
    said: str
    logged: str


class _Sources:
    """How often each address tried: at most `_ATTEMPTS` in a minute; an IPv6 /64 is one."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, deque[int]] = OrderedDict()

    def allows(self, address: str, now_us: int) -> bool:
        tries = self._tries.setdefault(_network(address), deque(maxlen=_ATTEMPTS))
        self._tries.move_to_end(_network(address))
        while len(self._tries) > _MAX_SOURCES:
            self._tries.popitem(last=False)
        while tries and not now_us - _WINDOW_US < tries[0] <= now_us:
            tries.popleft()
        if len(tries) >= _ATTEMPTS:
            return False
        tries.append(now_us)
        return True


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if ip.version == 6:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


@dataclass(frozen=True)
class _Desk:
    """Where kits are let in."""

    catalogue: Admissions
    authority: Authority
    broker_address: Callable[[], tuple[str, int]]
    log_event: LogEvent
    clock: Callable[[], int]
    on_joined: Callable[[], None]

    def join(self, body: bytes) -> JoinAnswer:
        asked, secret = _read(body)
        try:
            public = read_request(asked.csr.encode())
        except CodecError as error:
            raise _Refusal(400, error.detail, f"a bad certificate request: {error}") from error
        now_us, serial = self.clock(), new_serial()
        kit = self.catalogue.take_admission(secret_hash(secret), now_us, serial)
        if kit is None:
            raise _Refusal(403, _REFUSED, "a join code that is unknown, used or expired")
        certificate = self.authority.sign_kit(public, kit, serial, now_us)
        self.log_event("joined", kit, f"{kit} has joined, with certificate {serial}")
        self.on_joined()
        host, port = self.broker_address()
        return JoinAnswer(
            kit=kit,
            certificate=certificate.decode(),
            ca=self.authority.ca_pem.decode(),
            broker_host=host,
            broker_port=port,
            centre=CENTRE_NAME,
        )


def _read(body: bytes) -> tuple[JoinRequest, bytes]:
    try:
        asked = JoinRequest.model_validate_json(body)
    except ValidationError as error:
        raise _Refusal(400, "this is not a request to join", "a malformed request") from error
    if not _SECRET.fullmatch(asked.secret):
        raise _Refusal(403, _REFUSED, "a malformed secret")
    try:
        secret = base64.b64decode(asked.secret + "==", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise _Refusal(403, _REFUSED, "a malformed secret") from error
    if len(secret) != SECRET_BYTES:
        raise _Refusal(403, _REFUSED, "a malformed secret")
    return asked, secret


def enrolment_router(
    catalogue: Admissions,
    authority: Authority,
    broker_address: Callable[[], tuple[str, int]],
    *,
    log_event: LogEvent,
    clock: Callable[[], int],
    on_joined: Callable[[], None] = lambda: None,
) -> APIRouter:
    """The routes by which kits join; mount them where no login is needed.

    `broker_address` gives the host ("" for this machine) and port for kits. `log_event` gets
    every refusal with the sender's address, never the secret. `on_joined` lets the broker in on
    a new kit before that kit hears the answer. `clock` is UTC microseconds.
    """
    desk = _Desk(catalogue, authority, broker_address, log_event, clock, on_joined)
    sources = _Sources()
    router = APIRouter(tags=["join"])

    @router.get("/api/ca", summary="The CA's certificate (PEM)")
    async def ca() -> Response:
        return Response(authority.ca_pem, media_type="application/x-pem-file")

    # The body is read here, bounded, not by FastAPI; the schema is told to OpenAPI by hand.
    schema = {"content": {"application/json": {"schema": JoinRequest.model_json_schema()}}}

    @router.post(
        "/api/join",
        summary="Trade a join code's secret for a certificate",
        response_model=JoinAnswer,
        openapi_extra={"requestBody": {"required": True, **schema}},
    )
    async def join(request: Request) -> Any:
        address = request.client.host if request.client else "unknown"
        try:
            if not sources.allows(address, clock()):
                raise _Refusal(429, "too many attempts; wait a minute", "too many attempts")
            return await run_in_threadpool(desk.join, await _body(request))
        except _Refusal as refusal:
            text = f"{refusal.logged}, from {address}"
            await run_in_threadpool(log_event, "join-refused", None, text)
            return JSONResponse({"detail": refusal.said}, refusal.status)

    return router


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY_BYTES:
            raise _Refusal(413, "the request is too long", "an oversized request")
    return bytes(data)
