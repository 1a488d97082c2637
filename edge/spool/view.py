"""Looking at a spool: what it holds, where it stands, whether it is sound. Changes nothing."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from fieldlink.codecs.bundle import Layer, content_hash
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool.index import INDEX_VERSION, Index, connect
from fieldlink.edge.spool.media import damage, read_content
from fieldlink.edge.spool.policy import RetentionPolicy
from fieldlink.edge.spool.shards import Shards
from fieldlink.edge.spool.stored import Count, State, Stored, Totals

__all__ = ["SpoolView", "free_bytes"]

_T = TypeVar("_T")
_PAGE = 500


def free_bytes(folder: Path) -> int:
    """Bytes of the disk under `folder` that may still be written."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


class SpoolView:
    """A read-only view, also beside a running agent. Thread-safe."""

    def __init__(
        self,
        folder: Path,
        connection: sqlite3.Connection,
        on_damage: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._index = Index(connection)
        self._on_damage = on_damage
        self._lock = threading.Lock()
        self._files = Shards(folder / "media")

    @classmethod
    def open(cls, folder: Path) -> "SpoolView":
        """Look at the spool in `folder`.

        Raises:
            SpoolError: there is none, it cannot be read, or it is from a newer version.
        """
        path = folder / "index.db"
        if not path.exists():
            raise SpoolError(f"{folder} holds no spool; start the agent, or check spool folder")
        try:
            view = cls(folder, connect(path, read_only=True))
            version = view._ask(lambda index: index.version)
        except sqlite3.Error as error:
            raise SpoolError(
                f"{path} cannot be read ({error}); start the agent to repair it"
            ) from (error)
        if version > INDEX_VERSION:
            raise SpoolError(newer(path, version))
        return view

    @property
    def is_laid_out(self) -> bool:
        """Whether there is a spool already: an agent that starts may be about to make it."""
        return self._ask(lambda index: index.version) > 0

    def close(self) -> None:
        """Close the index."""
        with self._lock:
            self._index.close()

    def _ask(self, question: Callable[[Index], _T]) -> _T:
        try:
            with self._lock:
                return question(self._index)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                self._on_damage()
            raise SpoolError(
                f"the index cannot be read ({error}); restart the agent, which repairs it"
            ) from error

    def get(self, bundle_id: bytes) -> Stored | None:
        """The bundle of that id; None when the spool does not hold it."""
        return self._ask(lambda index: index.get(bundle_id))

    def pending(self, limit: int) -> list[Stored]:
        """What the centre does not have: by precedence, then deadline, then sequence."""
        return self._ask(lambda index: index.pending(limit))

    def bundles(self, after: int = 0) -> Iterator[Stored]:
        """Every bundle by sequence, those after `after`."""
        while page := self._page(after):
            yield from page
            after = page[-1].manifest.sequence

    def _page(self, after: int) -> list[Stored]:
        return self._ask(lambda index: index.all(_PAGE, after))

    def find(self, prefix: str) -> list[Stored]:
        """Bundles whose id, in hex, begins with `prefix`, or whose sequence it is."""
        return [
            item
            for item in self.bundles()
            if item.bundle_id.hex().startswith(prefix) or str(item.manifest.sequence) == prefix
        ]

    def content(self, item: Stored, offset: int, length: int) -> bytes | None:
        """Bytes of a bundle's content, unchecked; None when it or its file is gone."""
        slot, small = self._ask(lambda index: index.place(item.manifest.sequence))
        if slot is None:
            return None if small is None else small[offset : offset + length]
        path = self._files.path(slot)
        length = max(0, min(length, item.manifest.size - offset))
        try:
            return read_content(path, item.encoded, offset, length)
        except FileNotFoundError:
            return None

    def check(self, item: Stored) -> str:
        """What is wrong with a bundle, its content hashed anew; empty when nothing is."""
        slot, small = self._ask(lambda index: index.place(item.manifest.sequence))
        if slot is not None:
            return damage(self._files.path(slot), item.encoded, item.manifest)
        if small is None:
            return "media file lost"
        good = content_hash(small) == item.manifest.content_hash
        return "" if good else "media damaged: its content does not match its hash"

    def count(self) -> int:
        """How many bundles there are."""
        return sum(row[3] for row in self._ask(lambda index: index.tally()))

    def verify(self, progress: Callable[[], None] | None = None) -> list[tuple[Stored, str]]:
        """Every bundle that does not match its hash, with what is wrong with it."""
        wrong = []
        for item in self.bundles():
            # One that was given up meanwhile is not wrong.
            if (fault := self.check(item)) and self.get(item.bundle_id) is not None:
                wrong.append((item, fault))
            if progress is not None:
                progress()
        return wrong

    def totals(self, policy: RetentionPolicy | None = None) -> Totals:
        """The spool at a glance."""
        rows, given_up, next_sequence = self._ask(_glance)
        return Totals(
            pending=_by_layer(rows, State.PENDING),
            custody=_by_layer(rows, State.CUSTODY),
            refused=_sum(row for row in rows if row[0] == State.REFUSED),
            gaps=sum(row[3] for row in rows if row[2]),
            given_up=given_up,
            used_bytes=sum(row[5] for row in rows),
            quota_bytes=policy.quota_bytes if policy else 0,
            disk_free_bytes=free_bytes(self._folder),
            next_sequence=next_sequence,
        )


def newer(path: Path, version: int) -> str:
    """What to say of an index of a later version."""
    return (
        f"{path} has version {version} and this program knows up to {INDEX_VERSION}:"
        " update fieldlink; nothing was touched"
    )


def _glance(index: Index) -> tuple[list[tuple[str, str, int, int, int, int]], int, int]:
    return index.tally(), index.fact("given_up"), index.fact("next_sequence")


def _sum(rows: Iterator[tuple[Any, ...]]) -> Count:
    chosen = list(rows)
    return Count(sum(row[3] for row in chosen), sum(row[4] for row in chosen))


def _by_layer(rows: list[tuple[str, str, int, int, int, int]], state: State) -> dict[Layer, Count]:
    return {
        layer: _sum(row for row in rows if row[0] == state and row[1] == layer)
        for layer in Layer
        if any(row[0] == state and row[1] == layer for row in rows)
    }
