"""The archive on disk: plain files under one root, filed so that a power cut loses none.

    <root>/<incident>/<kit>/<device>/<stream>/<YYYY-MM-DD>/<HHMMSS.mmm>-<layer>-<sequence>.<ext>
    <root>/.incoming/<kit>/   bundles that are not whole yet (the receiver's)
    <root>/.ledger/           every bundle with its manifest (see `ledger`)
    <root>/.lock              one relay at a time

A batch is filed in this order: fsync of every file, the ledger, renames, fsync of the folders.
The catalogue's commit follows, then custody.
"""

import fcntl
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.archive.ledger import Entry, Ledger
from fieldlink.relay.archive.names import check_path
from fieldlink.systemd.durable import make_folder, sync_folder

__all__ = ["Archive", "Item"]

_FOLDER_MODE = 0o750
FILE_MODE = 0o640
_SYNC_THREADS = 4
_MOST_SAFE_FOLDERS = 10_000


@dataclass(frozen=True, slots=True)
class Item:
    """One file to be filed: `part` (under `.incoming`) becomes what `entry` says."""

    part: Path
    entry: Entry


class Archive:
    """The archive under `root`; one writer, any number of readers."""

    def __init__(self, root: Path, lock: int | None) -> None:
        self.root = root
        self.incoming = root / ".incoming"
        self.ledger = Ledger(root / ".ledger")
        self._lock = lock
        self._safe_folders: set[Path] = {root}
        self._pool = ThreadPoolExecutor(_SYNC_THREADS, thread_name_prefix="fsync")

    @classmethod
    def open(cls, root: Path, *, write: bool = True) -> "Archive":
        """The archive under `root`, made if need be; with `write` false only to be read.

        Raises:
            ArchiveError: it cannot be made or written, or another relay writes it.
        """
        root = root.absolute()
        if not write:
            return cls(root, None)
        try:
            make_folder(root, _FOLDER_MODE)
            lock = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ArchiveError(
                f"the archive {root} cannot be written ({error.strerror}); "
                "give the folder to this user or set archive_dir to another"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for folder in (".incoming", ".ledger"):
                make_folder(root / folder, _FOLDER_MODE)
            sync_folder(root)  # another run may have been stopped before it did
        except OSError as error:
            os.close(lock)
            what = "is another relay's" if isinstance(error, BlockingIOError) else error.strerror
            raise ArchiveError(
                f"the archive {root} {what}; stop that relay, or set archive_dir to another folder"
            ) from error
        return cls(root, lock)

    def close(self) -> None:
        """Let another relay have it."""
        self._pool.shutdown()
        self.ledger.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def free_bytes(self) -> int:
        """Room left on the archive's disk."""
        return shutil.disk_usage(self.root).free

    def sync(self, parts: Sequence[Path]) -> dict[Path, OSError]:
        """Make the contents of `parts` durable; returns those that failed, which are lost."""
        if len(parts) == 1:
            results = [_sync_file(parts[0])]
        else:
            results = list(self._pool.map(_sync_file, parts))
        failed = zip(parts, results, strict=True)
        return {part: error for part, error in failed if error is not None}

    def file(self, items: Sequence[Item]) -> None:
        """Move synced parts to their places, durable when this returns.

        Raises:
            OSError: the disk is full or broken; none of `items` counts as filed.
        """
        self.ledger.append([item.entry for item in items])
        for item in items:
            target = self.locate(item.entry.path)
            self._ensure_folder(target.parent)
            item.part.rename(target)
        self.settle([item.entry.path for item in items])

    def settle(self, paths: Sequence[str]) -> None:
        """Make the names of filed `paths` durable.

        Raises:
            OSError: the disk is broken.
        """
        folders = {self.locate(path).parent for path in paths}
        for folder in folders:
            self._ensure_folder(folder)
        list(self._pool.map(sync_folder, folders))

    def locate(self, path: str) -> Path:
        """The file of `path`, which may not be there.

        Raises:
            ArchiveError: `path` leads out of the archive, by itself or by a symbolic link.
        """
        place = self.root
        for name in Path(check_path(path)).parts:
            place = place / name
            if place.is_symlink():
                raise ArchiveError(f"{place} is a symbolic link; the archive has none, remove it")
        return place

    def _ensure_folder(self, folder: Path) -> None:
        """Make `folder`; each parent is synced once by this run, whoever made it."""
        if folder in self._safe_folders:
            return
        self._ensure_folder(folder.parent)
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
        sync_folder(folder.parent)
        if len(self._safe_folders) >= _MOST_SAFE_FOLDERS:
            self._safe_folders = {self.root}
        self._safe_folders.add(folder)


def _sync_file(part: Path) -> OSError | None:
    try:
        handle = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        return error
    return None
