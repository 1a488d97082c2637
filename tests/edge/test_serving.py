"""Ports of the kit: whoever only connects, or asks byte by byte, shuts nobody else out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from fieldlink.edge import serving
from fieldlink.systemd.nats import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[int]:
    port = free_port("127.0.0.1")
    task = asyncio.create_task(serving.serve_app(_app, "127.0.0.1", port, "p", lambda: None))
    try:
        await asyncio.sleep(0)
        yield port
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _opened(port: int, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def test_one_who_opens_hundreds_of_connections_leaves_room_for_others() -> None:
    async with served() as port:
        many = [await _opened(port, "127.0.0.2") for _ in range(100)]
        try:
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{port}/")
            assert answer.status_code == 204
            async with asyncio.timeout(10):
                assert await many[-1][0].read() == b""
        finally:
            for _, writer in many:
                writer.close()


async def test_who_never_ends_a_request_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_IDLE_S", 0.1)
    monkeypatch.setattr(serving, "_LOOK_S", 0.05)
    async with served() as port:
        reader, writer = await _opened(port, "127.0.0.1")
        writer.write(b"GET / HTTP/1.1\r\nHost: kit\r\nX: ")
        try:
            async with asyncio.timeout(10):
                assert await reader.read() == b""
        finally:
            writer.close()
