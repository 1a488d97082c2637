"""Room for bodies that are being written: bounded, counted, and given back."""

import os
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fieldlink.edge.originals.faults import RefusalError
from fieldlink.edge.originals.staging import Staged
from fieldlink.systemd.durable import make_folder

__all__ = ["Bounds", "Room"]

_FILES_FREE = 50  # one in so many stays for the rest of the kit


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes: the largest file, all that waits to be whole, and what stays free of the disk."""

    largest: int
    room: int
    keep_free: int


class Room:
    """Bodies in folders below `folder`; `held` is how many bytes lie there whole. Any thread."""

    def __init__(self, folder: Path, bounds: Bounds, held: Callable[[], int]) -> None:
        """Raises:
        OSError: the folder cannot be made.
        """
        make_folder(folder)
        self._folder, self._bounds, self._held = folder, bounds, held
        self._guard = threading.Lock()
        self._writing: dict[Staged, int] = {}

    def stage(self, upload: str | None, size: int | None) -> Staged:
        """A place for a body of `size` bytes (None: not known): a part of `upload`, or a whole.

        Raises:
            RefusalError: it is too large, or there is no room.
            OSError: the disk refuses.
        """
        self._check_size(size or 0)
        with self._guard:
            self._check_room(size or 0)
            folder = self._folder / (upload or secrets.token_hex(12))
            make_folder(folder)
            staged = Staged(folder)
            self._writing[staged] = size or 0
        return staged

    def grown(self, staged: Staged) -> None:
        """Check a body that is written on.

        Raises:
            RefusalError: it is too large by now, or there is no room for more.
        """
        self._check_size(staged.size)
        with self._guard:
            if staged.size > self._writing.get(staged, 0):
                self._writing[staged] = staged.size
                self._check_room(0)

    def unstage(self, staged: Staged, *, keep: bool) -> None:
        """A body is written; without `keep` it is not wanted."""
        with self._guard:
            self._writing.pop(staged, None)
        if not keep:
            staged.drop()

    @property
    def busy(self) -> set[str]:
        """The folders in which something is being written."""
        with self._guard:
            return {one.path.parent.name for one in self._writing}

    def _check_size(self, size: int) -> None:
        if size > self._bounds.largest:
            raise RefusalError(400, "EntityTooLarge", f"at most {self._bounds.largest} bytes")

    def _check_room(self, wanted: int) -> None:
        coming = sum(max(size - one.size, 0) for one, size in self._writing.items()) + wanted
        here = sum(one.size for one in self._writing)
        if self._held() + here + coming > self._bounds.room:
            raise RefusalError(503, "SlowDown", "too much waits to be whole already; try later")
        if shutil.disk_usage(self._folder).free - coming < self._bounds.keep_free:
            raise RefusalError(507, "XMinioStorageFull", "the kit's disk is full; try later")
        found = os.statvfs(self._folder)
        if found.f_favail < found.f_files // _FILES_FREE:
            raise RefusalError(507, "XMinioStorageFull", "the disk has too many files; try later")
