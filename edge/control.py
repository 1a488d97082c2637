"""The running agent's control socket: <state_dir>/control.sock, one line of JSON each way.

    {"do": "status"}   -> {"ok": true, "status": {...}}
    {"do": "reload"}   -> {"ok": true, "said": "..."} or {"ok": false, "said": why not}
    {"do": "drain"}    -> stops recording; what was recorded goes on being sent
    {"do": "plan"}     -> {"ok": true, "plan": {...}}: what goes when, and whether it is in time
    {"do": "hold", "bearer": "sat", "on": true}      -> nothing more goes by that bearer
    {"do": "mark", "device": "", "from_us": 1, ...}  -> raises and keeps that span
    {"do": "device-add", "name": ..., "kind": ...}   -> credentials; device-remove, device-list
    {"do": "whip-add", "name": ...}                  -> URL and token; whip-remove, whip-list
    {"do": "drone"}    -> {"ok": true, "drone": {...}}: aircraft, endpoints and their links

    {"do": "drone-do", "what": "param.download", "vehicle": "m300-1"}
                       -> lines of {"progress": {...}}, at the end {"ok": ...}; whoever goes away
                          before that ends the work
    {"do": "import"}   -> {"progress": {"give": PATH}}: bundles are taken at that socket until it
                          is closed (edge/importing); then {"ok": ...}

Only the kit's own user and root reach it (0600).
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.service import Beat

__all__ = ["Caller", "Command", "ask_agent", "ask_agent_long", "caller", "serve_control"]

_MAX_LINE_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_MAX_PROGRESS_BYTES = 256 * 1024
_PATIENCE_S = 30.0
_LONG = {"drone-do": 3600.0, "import": 6 * 3600.0}
"""Commands that take their time, and the most of it."""
_UCRED = Struct("iII")
_NO_LOGIN = 0xFFFF_FFFF

Command = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Takes what was asked, as it came, and answers."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked, by the kernel's word: user, process, and the user that logged in (sudo does not
    change that; None: unknown). `tell` gives it a word before the answer.
    """

    uid: int
    pid: int
    tell: Callable[[dict[str, Any]], None]
    login_uid: int | None = None


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""Who asked for what is done now."""


async def serve_control(path: Path, commands: Mapping[str, Command], beat: Beat) -> None:
    """Answer at `path` until cancelled.

    Raises:
        ConfigError: the socket cannot be made there.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                name, asked = _asked(await reader.readline())
            caller.set(_caller(writer))
            async with asyncio.timeout(_LONG.get(name, _PATIENCE_S)):
                work = _answer(name, asked, commands)
                answer = await (_while_there(reader, work) if name in _LONG else work)
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


def _asked(line: bytes) -> tuple[str, dict[str, Any]]:
    asked = json.loads(line)
    name = asked.get("do") if isinstance(asked, dict) else None
    return (name, asked) if isinstance(name, str) else ("", {})


async def _answer(
    name: str, asked: Mapping[str, Any], commands: Mapping[str, Command]
) -> dict[str, Any]:
    if name not in commands:
        return {"ok": False, "said": f"there is no such command; use one of {sorted(commands)}"}
    return await commands[name](asked)


async def _while_there(
    reader: asyncio.StreamReader, work: Coroutine[Any, Any, dict[str, Any]]
) -> dict[str, Any]:
    """What `work` gives; ended when whoever asked goes away.

    Raises:
        ConnectionError: nobody is there any more.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(reader))
    try:
        await asyncio.wait([doing, gone], return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ConnectionAbortedError("whoever asked went away")
        return doing.result()
    finally:
        for task in (doing, gone):
            task.cancel()
        await asyncio.gather(doing, gone, return_exceptions=True)


async def _gone(reader: asyncio.StreamReader) -> None:
    while await reader.read(1024):
        pass  # it may say what it likes


def _caller(writer: asyncio.StreamWriter) -> Caller:
    held: socket.socket = writer.get_extra_info("socket")
    data = held.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(data)

    def tell(fields: dict[str, Any]) -> None:
        # Who does not read is told less, not waited for.
        if writer.transport.get_write_buffer_size() < _MAX_PROGRESS_BYTES:
            writer.write(json.dumps({"progress": fields}).encode() + b"\n")

    return Caller(uid, pid, tell, _login_uid(pid))


def _login_uid(pid: int) -> int | None:
    try:
        found = int(Path(f"/proc/{pid}/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if found == _NO_LOGIN else found


async def ask_agent_long(
    path: Path, name: str, fields: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any] | None:
    """The running agent's answer, however long it takes; `tell` is given what it says before that.
    None when no agent runs. Cancelled, it ends the work there.

    Raises:
        ConfigError: there is an agent, but this user may not ask it, or it does not answer.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=_MAX_ANSWER_BYTES)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        raise _unasked(path, error) from error
    try:
        writer.write(json.dumps({**fields, "do": name}).encode() + b"\n")
        await writer.drain()
        while True:
            said = _said(path, await reader.readline())
            if "progress" not in said:
                return said
            tell(said["progress"])
    except (OSError, ValueError) as error:
        raise _unasked(path, error) from error
    finally:
        writer.close()


def _unasked(path: Path, error: Exception) -> ConfigError:
    if isinstance(error, PermissionError):
        return ConfigError(f"{path}: not allowed; run as the kit's own user or as root")
    return ConfigError(f"{path}: the agent does not answer ({error})")


def _said(path: Path, line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{path}: the agent ended while it was asked") from error
    return said if isinstance(said, dict) else {}


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
    except OSError as error:
        raise _unasked(path, error) from error
    return _said(path, answer)
