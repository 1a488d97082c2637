"""The table of rows: they start together, end together, and their beats feed the watchdog."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fieldlink.systemd.service import Beat, Row, RowEnded, serve


async def _beating(beat: Beat) -> None:
    while True:
        beat()
        await asyncio.sleep(0.01)


def test_sigterm_cancels_every_row_and_lets_it_clean_up() -> None:
    left: list[str] = []

    async def careful(beat: Beat) -> None:
        try:
            await _beating(beat)
        finally:
            await asyncio.sleep(0.01)
            left.append("flushed")

    def stop() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    asyncio.run(serve([Row("a", careful), Row("b", careful)], on_ready=stop))
    assert left == ["flushed", "flushed"]


def test_a_row_that_returns_ends_the_service_by_name() -> None:
    async def early(beat: Beat) -> None:
        beat()

    with pytest.raises(RowEnded, match="the task early ended"):
        asyncio.run(serve([Row("early", early), Row("other", _beating)]))


def test_a_row_that_raises_ends_the_others_and_its_error_comes_out_alone() -> None:
    async def broken(beat: Beat) -> None:
        beat()
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(serve([Row("broken", broken), Row("other", _beating)]))


def test_ready_is_told_only_when_every_row_has_beaten() -> None:
    order: list[str] = []

    async def slow(beat: Beat) -> None:
        await asyncio.sleep(0.1)
        order.append("slow is up")
        await _beating(beat)

    def ready() -> None:
        order.append("ready")
        os.kill(os.getpid(), signal.SIGINT)

    asyncio.run(serve([Row("slow", slow), Row("quick", _beating)], on_ready=ready))
    assert order == ["slow is up", "ready"]


def test_the_watchdog_starves_when_one_row_goes_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "80000")

    async def stuck(beat: Beat) -> None:
        beat()
        await asyncio.sleep(0.8)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(5)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind(str(path))
        inbox.setblocking(False)
        asyncio.run(serve([Row("stuck", stuck, stale_after_s=0.2), Row("fine", _beating)]))
        got = []
        while True:
            try:
                got.append(inbox.recv(100))
            except BlockingIOError:
                break
    assert got[0] == b"READY=1"
    assert got[-1] == b"STOPPING=1"
    # 0.8 s at one ping per 20 ms would be 40; the row's beat is fresh for only 0.2 s of it.
    assert 3 <= got.count(b"WATCHDOG=1") <= 20


def test_a_row_that_ignores_its_cancellation_is_named_and_the_process_ends() -> None:
    program = """
import asyncio, os, signal
from fieldlink.systemd.service import Row, serve
async def deaf(beat):
    beat()
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
asyncio.run(serve([Row("deaf", deaf)], shutdown_s=0.3))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "gave up waiting for deaf" in done.stderr
