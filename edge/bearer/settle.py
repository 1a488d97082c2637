"""What a bearer owes the spool: custody, refusals and first sendings, written in batches.

Custody is a commit to disk. One for every answer would cost the link more than the disk, so
whatever came while the last batch was written is the next batch.
"""

import asyncio

from fieldlink.edge.spool import Spool

__all__ = ["Settler"]

_GATHER_S = 0.03


class Settler:
    """Collects on the event loop, writes on a thread."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._custody: dict[int, list[bytes]] = {}
        self._refused: list[tuple[bytes, str, int]] = []
        self._sent: list[tuple[bytes, str, int]] = []
        self._wake = asyncio.Event()

    def custody(self, bundle: bytes, at_us: int) -> None:
        """The centre answers for `bundle` since `at_us`."""
        self._custody.setdefault(at_us, []).append(bundle)
        self._wake.set()

    def refused(self, bundle: bytes, reason: str, at_us: int) -> None:
        """The centre will never take `bundle`."""
        self._refused.append((bundle, reason, at_us))
        self._wake.set()

    def sent(self, bundle: bytes, bearer: str, at_us: int) -> None:
        """The first bytes of `bundle` went out by `bearer`."""
        self._sent.append((bundle, bearer, at_us))
        self._wake.set()

    async def run(self) -> None:
        """Write what comes until cancelled, then the rest.

        Raises:
            SpoolError: the spool cannot be written.
        """
        try:
            while True:
                await self._wake.wait()
                await asyncio.sleep(_GATHER_S)
                await asyncio.to_thread(self._write, *self._take())
        finally:
            self._write(*self._take())

    def _take(
        self,
    ) -> tuple[list[tuple[bytes, str, int]], dict[int, list[bytes]], list[tuple[bytes, str, int]]]:
        self._wake.clear()
        taken = self._sent, self._custody, self._refused
        self._sent, self._custody, self._refused = [], {}, []
        return taken

    def _write(
        self,
        sent: list[tuple[bytes, str, int]],
        custody: dict[int, list[bytes]],
        refused: list[tuple[bytes, str, int]],
    ) -> None:
        for bundle, bearer, at_us in sent:
            self._spool.sent(bundle, bearer, at_us)
        if custody:
            newest_us = max(custody)
            self._spool.custody([one for ids in custody.values() for one in ids], newest_us)
        for bundle, reason, at_us in refused:
            self._spool.refused(bundle, reason, at_us)
