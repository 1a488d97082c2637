"""Opening a spool in whatever state it was left, and saying in plain sentences what was found."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool.index import INDEX_VERSION, Index, connect
from fieldlink.edge.spool.media import media_bytes
from fieldlink.edge.spool.policy import POLICY_VERSION
from fieldlink.edge.spool.rebuild import finish_rebuild, rebuild
from fieldlink.edge.spool.shards import Shards
from fieldlink.edge.spool.stored import Stored
from fieldlink.edge.spool.view import newer
from fieldlink.systemd.durable import make_folder, sync_folder

__all__ = ["Opened", "mark_suspect", "open_index", "refusal", "take_lock"]

_SUSPECT = "index.suspect"


@dataclass
class Opened:
    """An index fit to write to, what was found on the way, and which bundles lost their file."""

    index: Index
    findings: list[str]
    first_shard: int
    lost: list[Stored] = field(default_factory=list)


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
    opened = Opened(index, findings, _next_shard(folder / "media", index))
    _settle(folder / "media", opened)
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
    return any(any((folder / "media" / f"{s:06d}").iterdir()) for s in _shards(folder))


def _shards(folder: Path) -> list[int]:
    return Shards.existing(folder / "media")


def _open(path: Path) -> Index:
    index = Index(connect(path))
    path.chmod(0o600)
    return index


def _next_shard(media: Path, index: Index) -> int:
    return max([0, index.fact("open_shard"), *index.shards(), *Shards.existing(media)]) + 1


def _settle(media: Path, opened: Opened) -> None:
    """Finish what was under way: remove doomed files and unfinished ones, find lost ones."""
    index, shards = opened.index, Shards(media, 0)
    doomed = index.doomed()
    for sequence, shard in doomed:
        shards.path(shard, sequence).unlink(missing_ok=True)
    first_open = index.fact("open_shard")
    there = Shards.existing(media)
    for shard in set(index.shards()) - set(there):
        opened.lost += index.in_shard(shard)
    for shard in [shard for shard in there if shard >= first_open]:
        _settle_shard(shards, shard, opened)
    for shard in {shard for _, shard in doomed} & set(there):
        sync_folder(shards.folder(shard))
    index.begin()
    index.forget_doomed(sequence for sequence, _ in doomed)
    index.set_fact("open_shard", opened.first_shard)
    index.commit()
    for item in opened.lost:
        opened.findings.append(f"bundle {item.manifest.sequence} lost its media file")


def _settle_shard(shards: Shards, shard: int, opened: Opened) -> None:
    rows = {shards.path(shard, row.manifest.sequence): row for row in opened.index.in_shard(shard)}
    unfinished = 0
    for entry in os.scandir(shards.folder(shard)):
        row = rows.pop(Path(entry.path), None)
        if row is None:
            Path(entry.path).unlink()
            unfinished += 1
        elif entry.stat().st_size != media_bytes(row.encoded, row.manifest.size):
            opened.lost.append(row)
    opened.lost += rows.values()
    if unfinished:
        sync_folder(shards.folder(shard))
        opened.findings.append(
            f"{unfinished} unfinished media file(s) in {shards.folder(shard).name} removed:"
            " they were being written when the power went and nobody had been told they were safe"
        )


def refusal(folder: Path, error: OSError | sqlite3.Error) -> str:
    """Why the disk under `folder` cannot be used, and what to do."""
    code = error.errno if isinstance(error, OSError) else None
    name = getattr(error, "sqlite_errorname", "")
    if code in (errno.EROFS, errno.EACCES, errno.EPERM) or name.startswith("SQLITE_READONLY"):
        return f"{folder} cannot be written ({error}): remount its disk for writing, or its owner"
    if code in (errno.ENOSPC, errno.EDQUOT) or name == "SQLITE_FULL":
        return f"the disk of {folder} is full and nothing worth less is left; free space on it"
    return f"the disk of {folder} fails ({error}); check it (dmesg) and replace it"
