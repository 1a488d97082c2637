"""The running agent's control socket: <state_dir>/control.sock, one line of JSON each way.

    {"do": "status"}   -> {"ok": true, "status": {...}}
    {"do": "reload"}   -> {"ok": true, "said": "..."} or {"ok": false, "said": why not}
    {"do": "drain"}    -> stops recording; what was recorded goes on being sent
    {"do": "plan"}     -> {"ok": true, "plan": {...}}: what goes when, and whether it is in time
    {"do": "hold", "bearer": "sat", "on": true}      -> nothing more goes by that bearer
    {"do": "mark", "device": "", "from_us": 1, ...}  -> raises and keeps that span
    {"do": "device-add", "name": ..., "kind": ...}   -> credentials; device-remove, device-list
    {"do": "drone"}    -> {"ok": true, "drone": {...}}: aircraft, endpoints and their links

Only the kit's own user and root reach it (0600).
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.service import Beat

__all__ = ["Command", "ask_agent", "serve_control"]

_MAX_LINE_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_PATIENCE_S = 30.0

Command = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Takes what was asked, as it came, and answers."""


async def serve_control(path: Path, commands: Mapping[str, Command], beat: Beat) -> None:
    """Answer at `path` until cancelled.

    Raises:
        ConfigError: the socket cannot be made there.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await _answer(await reader.readline(), commands)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # whoever asked went away, or talked rubbish; the next one may do better
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, sock=_listen(path), limit=_MAX_LINE_BYTES)
    async with server:
        while True:
            beat()
            await asyncio.sleep(1.0)


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of an agent that was killed; a living one holds the spool
    listening = socket.socket(socket.AF_UNIX)
    try:
        mask = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(mask)
    except OSError as error:
        listening.close()
        raise ConfigError(f"{path}: {error.strerror or error}; use a shorter state_dir") from error
    return listening


async def _answer(line: bytes, commands: Mapping[str, Command]) -> dict[str, Any]:
    asked = json.loads(line)
    name = asked.get("do") if isinstance(asked, dict) else None
    if not isinstance(name, str) or name not in commands:
        return {"ok": False, "said": f"there is no such command; use one of {sorted(commands)}"}
    return await commands[name](asked)


def ask_agent(
    path: Path, name: str, fields: Mapping[str, Any] | None = None, timeout_s: float = 25.0
) -> dict[str, Any] | None:
    """The running agent's answer to `name` with `fields`; None when no agent runs.

    Raises:
        ConfigError: there is an agent, but this user may not ask it, or it does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(timeout_s)
            asking.connect(str(path))
            asking.sendall(json.dumps({**(fields or {}), "do": name}).encode() + b"\n")
            with asking.makefile("rb") as lines:
                answer = lines.readline(_MAX_ANSWER_BYTES)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError as error:
        raise ConfigError(f"{path}: not allowed; run as the kit's own user or as root") from error
    except OSError as error:
        raise ConfigError(f"{path}: the agent does not answer ({error})") from error
    try:
        said = json.loads(answer)
    except ValueError as error:
        raise ConfigError(f"{path}: the agent ended while it was asked") from error
    return said if isinstance(said, dict) else None
