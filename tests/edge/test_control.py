"""The agent's control socket: reachable by its owner, deaf to rubbish."""

import asyncio
import json
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.control import ask_agent, serve_control


async def _status(_asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"ok": True, "status": {"kit": "kit-1"}}


async def _echo(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"ok": True, "asked": dict(asked)}


async def _served(path: Path, test: Any) -> Any:
    ready = asyncio.Event()
    task = asyncio.create_task(serve_control(path, {"status": _status, "echo": _echo}, ready.set))
    await asyncio.wait_for(ready.wait(), 5)
    try:
        return await asyncio.to_thread(test)
    finally:
        task.cancel()
        await asyncio.wait([task])


def _raw(path: Path, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(5)
        asking.connect(str(path))
        asking.sendall(line)
        return asking.makefile("rb").readline()


def test_a_command_is_answered_and_the_socket_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    def test() -> Any:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return ask_agent(path, "status")

    assert asyncio.run(_served(path, test)) == {"ok": True, "status": {"kit": "kit-1"}}


def test_a_command_gets_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    answer = asyncio.run(_served(path, lambda: ask_agent(path, "echo", {"bearer": "sat"})))
    assert answer["asked"] == {"bearer": "sat", "do": "echo"}


def test_an_unknown_command_is_named_and_rubbish_ends_only_its_own_connection(
    tmp_path: Path,
) -> None:
    path = tmp_path / "control.sock"

    def test() -> Any:
        assert _raw(path, b"\xff\x00 not json\n") == b""
        assert _raw(path, b"[1]\n").startswith(b'{"ok": false')
        return json.loads(_raw(path, b'{"do": "explode"}\n'))

    answer = asyncio.run(_served(path, test))
    assert answer["said"] == "there is no such command; use one of ['echo', 'status']"


def test_a_socket_left_by_a_killed_agent_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert ask_agent(path, "status") is None
    assert asyncio.run(_served(path, lambda: ask_agent(path, "status")))["ok"]


def test_no_agent_is_none(tmp_path: Path) -> None:
    assert ask_agent(tmp_path / "control.sock", "status") is None


def test_a_folder_too_deep_for_a_socket_is_said(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    with pytest.raises(ConfigError, match="shorter state_dir"):
        asyncio.run(serve_control(deep / "control.sock", {}, lambda: None))
