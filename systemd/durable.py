"""Files that are there after a power cut: fsync the file, rename, fsync its folder.

A failed fsync is fatal for that file: the kernel marks the pages clean and a retry would lie,
so the error goes up and the temporary file goes away.
"""

import os
import secrets
from pathlib import Path

__all__ = ["give_to_folders_owner", "make_folder", "sync_folder", "write_durably"]


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` at `path`, whole or not at all; durable when this returns.

    Raises:
        OSError: the disk is full, read-only or broken; whatever was at `path` is still there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        _write_new(temporary, data, mode)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(handle, mode)  # the umask took bits away that the caller asked for
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def give_to_folders_owner(path: Path) -> None:
    """What root makes in another user's folder is that user's: the service has to read it.

    Raises:
        OSError: it cannot be given.
    """
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)


def sync_folder(path: Path) -> None:
    """Make the names in folder `path` durable (creations, renames, removals).

    Raises:
        OSError: the folder cannot be opened or synced.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make folder `path` and the parents it lacks, each durable before the next.

    A folder that exists keeps its mode.

    Raises:
        OSError: one cannot be made, or a file stands where a folder should be.
    """
    if path.is_dir():
        return
    make_folder(path.parent, mode)
    try:
        path.mkdir(mode)
    except FileExistsError:
        # Somebody else was quicker; a file in the way is an error all the same.
        if not path.is_dir():
            raise
    sync_folder(path.parent)
