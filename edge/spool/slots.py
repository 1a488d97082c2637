"""Empty files made ahead of need, their names durable: a bundle then costs one fsync, its own.

A thread makes them by the batch, with one fsync of the folder for all. Slots are handed out in
order and only once, so that after a crash only the newest folders are looked through.
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from fieldlink.edge.spool.shards import FILES_PER_SHARD, Shards, shard_of
from fieldlink.systemd.durable import make_folder, sync_folder

__all__ = ["Slots"]

_FIRST_BATCH = 8
_MAX_BATCH = 128


class Slots:
    """Hands out slots, from shard `first` on."""

    def __init__(self, folder: Path, first: int) -> None:
        self.files = Shards(folder)
        self._next = first * FILES_PER_SHARD
        self._batch = _FIRST_BATCH
        self._ready: deque[int] = deque()
        self._taken: set[int] = set()
        self._guard = threading.Lock()
        self._making = threading.Lock()
        self._low = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def take(self) -> int:
        """An empty file for one bundle; `settle` it once the bundle has its row, or is gone.

        Raises:
            OSError: there is none, and none can be made.
        """
        while (slot := self._pop()) is None:
            self._make(unless_ready=True)
        return slot

    def settle(self, slot: int) -> None:
        """The bundle in `slot` is in the index, or its file is gone."""
        with self._guard:
            self._taken.discard(slot)

    def first_open(self) -> int:
        """No file without its row is, or will be, in a shard older than this one."""
        with self._guard:
            oldest_ready = self._ready[0] if self._ready else self._next
            return shard_of(min(self._next, oldest_ready, *self._taken))

    def close(self) -> None:
        """End the thread; files that nobody needed go."""
        with self._guard:
            self._closed = True
        self._low.set()
        if self._thread is not None:
            self._thread.join()
        with self._guard:
            unused = list(self._ready)
            self._ready.clear()
        self._drop(unused)

    def _pop(self) -> int | None:
        with self._guard:
            slot = self._ready.popleft() if self._ready else None
            if slot is not None:
                self._taken.add(slot)
            if len(self._ready) < self._batch // 2 and not self._closed:
                self._wake()
        return slot

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="spool-slots", daemon=True)
            self._thread.start()
        self._low.set()

    def _run(self) -> None:
        while True:
            self._low.wait()
            self._low.clear()
            if self._closed:
                return
            # Whoever finds no slot makes some, and is told what is wrong with the disk.
            with contextlib.suppress(OSError):
                self._make()

    def _make(self, *, unless_ready: bool = False) -> None:
        with self._making:
            if unless_ready and self._ready:
                return
            first = self._next
            count = min(self._batch, FILES_PER_SHARD - first % FILES_PER_SHARD)
            slots = range(first, first + count)
            try:
                self._make_files(slots)
            except OSError:
                # Names that failed to sync are never synced again: the next are in a new folder.
                self._next = (shard_of(first) + 1) * FILES_PER_SHARD
                self._drop(slots)
                raise
            with self._guard:
                self._next = slots.stop
                self._ready.extend(slots)
                self._batch = min(2 * self._batch, _MAX_BATCH)

    def _make_files(self, slots: range) -> None:
        folder = self.files.folder(shard_of(slots.start))
        make_folder(folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        for slot in slots:
            os.close(os.open(self.files.name(slot), flags, 0o600))
        sync_folder(folder)

    def _drop(self, slots: Iterable[int]) -> None:
        # What cannot be removed now is swept on open.
        with contextlib.suppress(OSError):
            for slot in slots:
                self.files.path(slot).unlink(missing_ok=True)
