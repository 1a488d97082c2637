"""Imports as a verb of the running agent, `import`: it lends its spool to whoever runs one."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import CodecError, ConfigError
from fieldlink.edge.control import Command, caller
from fieldlink.edge.importing.ledger import find_import, note_import
from fieldlink.edge.importing.passing import answer_all, draft_of
from fieldlink.edge.originals.spooling import Add
from fieldlink.edge.records import Records

__all__ = ["VERB", "Importing"]

VERB = "import"
_PATIENCE_S = 20.0


class Importing:
    """One import at a time. `records` is the spool, `clock` the kit's."""

    def __init__(self, state_dir: Path, records: Records, clock: Callable[[], int]) -> None:
        self._state_dir, self._records, self._clock = state_dir, records, clock
        self._add: Add = records.add
        self._busy = asyncio.Lock()

    @property
    def commands(self) -> Mapping[str, Command]:
        """What people ask of it."""
        return {VERB: self.ask}

    async def ask(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Take what the caller's import makes, until it is done."""
        who = caller.get()
        if who is None:
            return {"ok": False, "said": "nobody is there who could import anything"}
        if self._busy.locked():
            return {"ok": False, "said": "another file is imported just now 正在导入其他文件"}
        try:
            async with self._busy:
                with _listening(self._state_dir) as (path, listening):
                    who.tell({"give": str(path)})
                    await self._serve(listening)
        except (ConfigError, CodecError) as error:
            return {"ok": False, "said": str(error)}
        return {"ok": True}

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                asking, _ = await loop.sock_accept(listening)
        except TimeoutError:
            raise ConfigError("nobody came to import anything") from None
        reader, writer = await asyncio.open_unix_connection(sock=asking)
        try:
            await answer_all(reader, writer, self._answer)
        except ConnectionError:
            pass  # whoever imports went away; what is stored is stored
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, said: Mapping[str, Any], content: bytes) -> dict[str, Any]:
        match said:
            case {"op": "add", "draft": found}:
                draft = replace(draft_of(found), recorded_us=self._clock())
                stored = await asyncio.to_thread(self._add, draft, content)
                return {
                    "state": stored.state.value,
                    "bundle": stored.bundle_id.hex(),
                    "hash": stored.manifest.content_hash.hex(),
                }
            case {"op": "gap", "gap": [str(), str(), int(), int(), str()] as gap}:
                await asyncio.to_thread(self._records.add_gap, *gap)
                return {}
            case {"op": "find", "sha256": str(digest)}:
                found = await asyncio.to_thread(find_import, self._state_dir, digest)
                return {"found": found}
            case {"op": "note", "record": dict(record)}:
                await asyncio.to_thread(note_import, self._state_dir, record)
                return {}
        raise CodecError("coding", "there is no such message of an import")


@contextmanager
def _listening(folder: Path) -> Any:
    """A place that only this user and root reach, while the block runs."""
    for left in folder.glob(
        "i-*.sock"
    ):  # of an agent that was killed: there is one import at a time
        left.unlink(missing_ok=True)
    path = folder / f"i-{secrets.token_hex(4)}.sock"
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
    try:
        yield path, made
    finally:
        made.close()
        path.unlink(missing_ok=True)
