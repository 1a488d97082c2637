"""The store as it runs: its folder, its door on a port, and what is done from time to time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import FieldlinkError
from fieldlink.edge.originals.credentials import Issuer, Lease
from fieldlink.edge.originals.door import REGION, Door, Read, bucket_of
from fieldlink.edge.originals.faults import RefusalError
from fieldlink.edge.originals.room import Bounds
from fieldlink.edge.originals.spooling import Add
from fieldlink.edge.originals.store import Store
from fieldlink.edge.serving import serve_app
from fieldlink.systemd.service import Beat

__all__ = ["Originals"]

_TIDY_S = 30.0
_MOST_TOLD = 200


class Originals:
    """A store in `folder` for the owners that `device_of` knows. Opened by `open`, which blocks."""

    def __init__(
        self,
        folder: Path,
        *,
        add: Add,
        read: Read | None,
        device_of: Callable[[str], str | None],
        clock: Callable[[], int],
        bounds: Bounds,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises:
        OSError, FieldlinkError: the folder, the key or the ledger cannot be used.
        """
        self._clock, self._device_of = clock, device_of
        self.store = Store(
            folder, add=add, device_of=device_of, clock=clock, bounds=bounds, steady=steady
        )
        self.issuer = Issuer.load(folder)
        self.door = Door(self.store, self._check, read)
        self._working: set[asyncio.Task[None]] = set()

    def _check(self, key_id: str, token: str) -> tuple[str, str]:
        owner, secret = self.issuer.check(key_id, token, self._clock())
        if self._device_of(owner) is None:  # its credentials last for a while yet
            raise RefusalError(403, "AccessDenied", "this controller is not registered any more")
        return owner, secret

    async def run(self, host: str, port: int, setting: str, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the port cannot be had.
        """
        tidying = asyncio.create_task(self._tidy(), name="originals tidy")
        try:
            await serve_app(self.door, host, port, setting, beat)
        finally:
            tidying.cancel()
            await asyncio.wait([tidying, *self._working])

    async def _tidy(self) -> None:
        while True:
            await asyncio.shield(asyncio.to_thread(self._tidy_once))
            await asyncio.sleep(_TIDY_S)

    def _tidy_once(self) -> None:
        try:
            self.store.tidy()
        except (FieldlinkError, OSError) as error:
            self.store.fault = str(error)

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()

    def lease(self, owner: str) -> Lease:
        """New credentials of `owner`."""
        return self.issuer.issue(owner, self._clock())

    def place(self, owner: str) -> dict[str, str]:
        """Where an owner's files go."""
        return {"bucket": bucket_of(owner), "region": REGION, "object_key_prefix": owner}

    def tell(
        self,
        owner: str,
        key: str,
        said: dict[str, Any],
        done: Callable[[bool], None],
        prints: Sequence[str] = ("", ""),
    ) -> None:
        """Its owner says what a file is; `done` is told on the event loop whether the spool has it
        and that. It is not told while the spool refuses: the owner asks again.
        """

        if len(self._working) >= _MOST_TOLD:
            return

        async def work() -> None:
            try:
                found = await asyncio.to_thread(self.store.tell, owner, key, said, *prints)
            except (FieldlinkError, OSError) as error:
                self.store.fault = str(error)
                return
            done(found)

        task = asyncio.get_running_loop().create_task(work(), name="originals tell")
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        return {**self.store.report(), "refused": dict(self.door.refused)}
