"""Opening a spool in whatever state it was left, and saying in plain sentences what was found."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool.index import INDEX_VERSION, Index, connect
from fieldlink.edge.spool.policy import POLICY_VERSION
from fieldlink.edge.spool.rebuild import finish_rebuild, rebuild
from fieldlink.edge.spool.settle import Opened, settle
from fieldlink.edge.spool.shards import Shards
from fieldlink.edge.spool.view import newer
from fieldlink.systemd.durable import make_folder, sync_folder

__all__ = ["Opened", "mark_suspect", "open_index", "refusal", "take_lock"]

_SUSPECT = "index.suspect"


def take_lock(folder: Path) -> int:
    """Make the spool in `folder` this process's alone; returns the handle that holds it.

    Raises:
        SpoolError: another process writes to it.
        OSError: the folder cannot be written.
    """
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise SpoolError(
            f"{folder} is in use by another process; stop it, or use another state_dir"
        ) from error
    return handle


def mark_suspect(folder: Path) -> None:
    """Have the next open look at every page of the index, because a page was found damaged."""
    (folder / _SUSPECT).touch(mode=0o600)


def open_index(folder: Path, now_us: Callable[[], int]) -> Opened:
    """The index of the spool in `folder`, repaired or rebuilt where needed.

    Raises:
        SpoolError: it is from a newer version.
        OSError, sqlite3.Error: the disk cannot be read or written.
    """
    for name in ("media", "quarantine"):
        make_folder(folder / name)
    path = folder / "index.db"
    _refuse_newer(path)
    findings: list[str] = []
    finish_rebuild(folder, now_us())
    fault = _fault(path, suspect=(folder / _SUSPECT).exists())
    if fault or _vanished(folder):
        rebuild(folder, fault or "the index is missing", now_us(), findings)
    index = _open(path)
    try:
        return _settled(folder, index, findings)
    except BaseException:
        index.close()
        raise


def _settled(folder: Path, index: Index, findings: list[str]) -> Opened:
    if index.version == 0:
        index.create()
    sync_folder(folder)
    (folder / _SUSPECT).unlink(missing_ok=True)
    opened = Opened(index, findings, _next_shard(Shards(folder / "media"), index))
    settle(folder, opened)
    if index.fact("policy") != POLICY_VERSION:
        index.begin()
        index.rank_again()
        index.commit()
    return opened


def _refuse_newer(path: Path) -> None:
    # Before SQLite sees the file: opening it could already move its log into it.
    if not path.exists():
        return
    with path.open("rb") as file:
        head = file.read(100)
    version = int.from_bytes(head[60:64], "big")
    if head.startswith(b"SQLite format 3\0") and len(head) == 100 and version > INDEX_VERSION:
        raise SpoolError(newer(path, version))


def _fault(path: Path, *, suspect: bool) -> str:
    if not path.exists():
        return ""
    # A log that is left over says the last run did not end cleanly; only then look closely.
    unclean = path.with_name("index.db-wal").exists()
    try:
        index = Index(connect(path))
    except sqlite3.DatabaseError as error:
        return _if_damaged(error)
    try:
        if index.version == 0:
            return ""
        if index.version > INDEX_VERSION:
            raise SpoolError(newer(path, index.version))
        index.fact("next_sequence")
        index.tally()
        return index.complaint() if suspect or unclean else ""
    except sqlite3.DatabaseError as error:
        return _if_damaged(error)
    finally:
        index.close()


def _if_damaged(error: sqlite3.DatabaseError) -> str:
    # A full, read-only or failing disk is no damage to the index: that goes up.
    damaged = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in damaged:
        raise error
    return str(error)


def _vanished(folder: Path) -> bool:
    if (folder / "index.db").exists() and (folder / "index.db").stat().st_size:
        return False
    files = Shards(folder / "media")
    return any(any(files.folder(shard).iterdir()) for shard in files.existing())


def _open(path: Path) -> Index:
    index = Index(connect(path))
    path.chmod(0o600)
    return index


def _next_shard(files: Shards, index: Index) -> int:
    return max([0, index.fact("open_shard"), *index.shards(), *files.existing()]) + 1


def refusal(folder: Path, error: OSError | sqlite3.Error) -> str:
    """Why the disk under `folder` cannot be used, and what to do."""
    code = error.errno if isinstance(error, OSError) else None
    name = getattr(error, "sqlite_errorname", "")
    if code in (errno.EROFS, errno.EACCES, errno.EPERM) or name.startswith("SQLITE_READONLY"):
        return f"{folder} cannot be written ({error}): remount its disk for writing, or its owner"
    if code in (errno.ENOSPC, errno.EDQUOT) or name == "SQLITE_FULL":
        return f"the disk of {folder} is full and nothing worth less is left; free space on it"
    return f"the disk of {folder} fails ({error}); check it (dmesg) and replace it"
