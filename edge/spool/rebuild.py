"""Making a new index from what the media files say of themselves, when the old one is lost."""

import sqlite3
from pathlib import Path

from fieldlink.codecs.bundle import bundle_id
from fieldlink.codecs.fault import CodecError
from fieldlink.edge.spool.index import Index, connect, salvage
from fieldlink.edge.spool.media import damage, read_head
from fieldlink.edge.spool.shards import Shards
from fieldlink.edge.spool.stored import State, Stored
from fieldlink.systemd.durable import make_folder, sync_folder

__all__ = ["READY", "finish_rebuild", "rebuild"]

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
        small, highest_small = salvage(folder / "index.db", index)
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
    media = folder / "media"
    shards, files, bad, highest = Shards(media, 0), 0, 0, 0
    existing = Shards.existing(media)
    for shard in existing:
        for path in sorted(shards.folder(shard).iterdir()):
            sequence = _take_file(path, shard, index, whole=shard in existing[-_CHECKED_SHARDS:])
            if sequence is None:
                path.rename(folder / "quarantine" / f"{shard:06d}-{path.name}")
                bad += 1
            else:
                files, highest = files + 1, max(highest, sequence)
    return highest, files, bad


def _take_file(path: Path, shard: int, index: Index, *, whole: bool) -> int | None:
    try:
        head = read_head(path)
    except CodecError:
        return None
    manifest = head.manifest
    if path.name != f"{manifest.sequence:012d}.bundle":
        return None
    if whole and damage(path, head.encoded, manifest):
        return None
    item = Stored(
        bundle_id(head.encoded), manifest, head.encoded, State.PENDING, manifest.recorded_us
    )
    try:
        index.insert(item, None, shard)
    except sqlite3.IntegrityError:  # two spools' numbers met: the older file stays
        return None
    return manifest.sequence
