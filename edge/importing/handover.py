"""An open file from whoever asks to the agent, over a socket made for it (SCM_RIGHTS, unix(7)).

The agent may not see the folder that a card is mounted in: it runs as its own user, without homes
and with a /tmp of its own. So whoever asks opens the file, as he may, and hands over what is open.
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fieldlink.codecs.fault import ConfigError

__all__ = ["give_files", "received"]

_PATIENCE_S = 20.0
_MOST = 2
_HELLO = b"files"


@asynccontextmanager
async def received(folder: Path) -> AsyncIterator[tuple[str, asyncio.Future[list[int]]]]:
    """A place to give files at, while the block runs: its path, and the descriptors once they are
    there; those belong to whoever awaits them.

    Raises:
        ConfigError: it cannot be made.
    """
    path = folder / f"i-{secrets.token_hex(4)}.sock"
    listening = _listening(path)
    taking = asyncio.ensure_future(_take(listening))
    try:
        yield str(path), taking
    finally:
        taking.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConfigError):
            await taking
        listening.close()
        path.unlink(missing_ok=True)


def _listening(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        mask = os.umask(0o177)
        try:
            made.bind(str(path))
        finally:
            os.umask(mask)
        made.listen(1)
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise ConfigError(f"{path}: {error.strerror or error}; use a shorter state_dir") from error
    return made


async def _take(listening: socket.socket) -> list[int]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            asking, _ = await loop.sock_accept(listening)
    except TimeoutError:
        raise ConfigError("no file was handed over") from None
    with asking:
        asking.settimeout(_PATIENCE_S)
        return await asyncio.to_thread(_receive, asking)


def _receive(asking: socket.socket) -> list[int]:
    try:
        said, handles, _, _ = socket.recv_fds(asking, len(_HELLO), _MOST)
    except OSError as error:
        raise ConfigError(f"no file was handed over ({error})") from error
    if said != _HELLO or not handles:
        for handle in handles:
            os.close(handle)
        raise ConfigError("no file was handed over")
    return list(handles)


def give_files(path: str, handles: Sequence[int]) -> None:
    """Hand over what is open.

    Raises:
        ConfigError: nobody takes it.
    """
    try:
        with socket.socket(socket.AF_UNIX) as giving:
            giving.settimeout(_PATIENCE_S)
            giving.connect(path)
            socket.send_fds(giving, [_HELLO], handles)
    except OSError as error:
        raise ConfigError(f"{path}: the agent does not take the file ({error})") from error
