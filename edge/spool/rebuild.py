# ruff: noqa: S608 - the only text put into SQL is the index's list of columns
"""Making a new index from what the media files say of themselves, when the old one is lost."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fieldlink.codecs.bundle import bundle_id, content_hash
from fieldlink.codecs.fault import CodecError
from fieldlink.edge.spool.index import COLUMNS, Index, connect, stored
from fieldlink.edge.spool.media import intact, read_head
from fieldlink.edge.spool.shards import Shards
from fieldlink.edge.spool.stored import State, Stored
from fieldlink.systemd.durable import make_folder, sync_folder

__all__ = ["READY", "finish_rebuild", "rebuild", "take_file"]

READY = "index.ready"  # a rebuilt index, whole, that waits for its place

_CHECKED_SHARDS = 2  # the newest may hold files that were never finished: those are hashed


def rebuild(folder: Path, why: str, now_us: int, findings: list[str]) -> None:
    """Make a new index in `folder`; the old one goes to quarantine, it is never deleted.

    The spool gets a new id, because numbers that the lost index gave out may be used again.

    Raises:
        OSError, sqlite3.Error: the disk cannot be read or written.
    """
    building = folder / "index.new"
    for leftover in folder.glob("index.new*"):
        leftover.unlink()
    index = Index(connect(building))
    try:
        index.create()
        index.begin()
        highest, files, bad = _take_in(folder, index)
        small, highest_small = _salvage(folder / "index.db", index)
        index.set_fact("next_sequence", max(highest, highest_small) + 1)
        index.commit()
    finally:
        index.close()
    building.rename(folder / READY)
    sync_folder(folder)
    finish_rebuild(folder, now_us)
    findings.append(
        f"the index could not be used ({why}) and was rebuilt from {files} media files;"
        " what is left of the old one is in quarantine"
    )
    findings.append(
        f"{small} small bundles were saved from the old index; those it no longer shows are lost"
    )
    if bad:
        findings.append(f"{bad} media files were damaged and are in {folder / 'quarantine'}")


def finish_rebuild(folder: Path, now_us: int) -> None:
    """Put a rebuilt index in the old one's place; does nothing when none is ready."""
    if not (folder / READY).exists():
        return
    kept = folder / "quarantine" / f"index-{now_us}"
    make_folder(kept)
    # The old log goes first: it must never meet the new database.
    for name in ("index.db-shm", "index.db-wal", "index.db"):
        if (folder / name).exists():
            (folder / name).rename(kept / name)
    sync_folder(kept)
    sync_folder(folder)
    (folder / READY).rename(folder / "index.db")
    sync_folder(folder)


def _take_in(folder: Path, index: Index) -> tuple[int, int, int]:
    shards, files, bad, highest = Shards(folder / "media"), 0, 0, 0
    existing = shards.existing()
    for shard in existing:
        for path in sorted(shards.folder(shard).iterdir()):
            if path.stat().st_size == 0:  # a slot that no bundle has been written to
                path.unlink()
                continue
            slot = shards.slot(path)
            whole = shard in existing[-_CHECKED_SHARDS:]
            sequence = None if slot is None else _taken(path, slot, index, whole=whole)
            if sequence is None:
                path.rename(folder / "quarantine" / f"{shard:06d}-{path.name}")
                bad += 1
            else:
                files, highest = files + 1, max(highest, sequence)
    return highest, files, bad


def _taken(path: Path, slot: int, index: Index, *, whole: bool) -> int | None:
    try:
        return take_file(path, slot, index, whole=whole)
    except OSError:  # a bad spot on the disk costs one file, not the spool
        return None


def take_file(path: Path, slot: int, index: Index, *, whole: bool) -> int | None:
    """Put the bundle in the file at `path` into the index, every byte checked if `whole`.

    Returns its sequence; None when the file is damaged, or a bundle of that number is there.

    Raises:
        OSError: it cannot be read.
    """
    try:
        head = read_head(path)
    except CodecError:
        return None
    manifest = head.manifest
    if whole and not intact(path, head):
        return None
    item = Stored(
        bundle_id(head.encoded), manifest, head.encoded, State.PENDING, manifest.recorded_us
    )
    if index.holds(manifest.sequence):  # two spools' numbers met: the older file stays
        return None
    index.insert(item, None, slot)
    return manifest.sequence


def _salvage(path: Path, index: Index) -> tuple[int, int]:
    """Copy what is still readable of the small bundles of a damaged index at `path` to `index`.

    Returns how many, and the highest sequence seen.
    """
    count = highest = 0
    for item, content in _readable(path):
        highest = max(highest, item.manifest.sequence)
        good = content_hash(content) == item.manifest.content_hash
        if good and not index.holds(item.manifest.sequence):
            index.insert(item, content, None)
            count += 1
    return count, highest


def _readable(path: Path) -> Iterator[tuple[Stored, bytes]]:
    if not path.exists():
        return
    sql = f"SELECT content, {COLUMNS} FROM small JOIN bundle USING (sequence)"
    damaged = connect(path, read_only=True)
    try:
        for row in damaged.execute(sql):
            yield replace(stored(row[1:]), state=State.PENDING), bytes(row[0])
    except (sqlite3.DatabaseError, CodecError, ValueError, TypeError):
        return  # the rest is damaged: the finding says so
    finally:
        damaged.close()
