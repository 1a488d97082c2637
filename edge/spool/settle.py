"""Finishing, on open, what was under way: what is told apart is whether a file has its row.

`add` of a file returns before its row is committed. So a file without a row that is whole is
taken in; one that is not was still being written, and nobody had been told that it was safe.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from fieldlink.edge.spool.index import Index
from fieldlink.edge.spool.media import media_bytes
from fieldlink.edge.spool.rebuild import take_file
from fieldlink.edge.spool.shards import Shards, shard_of
from fieldlink.edge.spool.stored import Stored
from fieldlink.systemd.durable import sync_folder

__all__ = ["Opened", "settle"]


@dataclass
class Opened:
    """An index fit to write to, what was found on the way, and which bundles lost their file."""

    index: Index
    findings: list[str]
    first_shard: int
    lost: list[Stored] = field(default_factory=list)


@dataclass
class _Strays:
    """What became of the files of one shard that had no row."""

    adopted: list[int] = field(default_factory=list)
    unfinished: int = 0
    unreadable: int = 0
    unused: int = 0


def settle(folder: Path, opened: Opened) -> None:
    """Remove doomed and unfinished files, take in whole ones, find lost ones.

    Raises:
        OSError, sqlite3.Error: the disk cannot be read or written.
    """
    index, files = opened.index, Shards(folder / "media")
    doomed = index.doomed()
    for slot in doomed:
        files.path(slot).unlink(missing_ok=True)
    there = files.existing()
    for shard in {shard_of(slot) for slot in doomed} & set(there):
        sync_folder(files.folder(shard))
    for shard in set(index.shards()) - set(there):
        opened.lost += [item for item, _ in index.in_shard(shard)]
    first_open = index.fact("open_shard")
    index.begin()
    for shard in [shard for shard in there if shard >= first_open]:
        _settle_shard(folder, files, shard, opened)
    index.forget_doomed(doomed)
    index.set_fact("open_shard", opened.first_shard)
    index.commit()
    for item in opened.lost:
        opened.findings.append(f"bundle {item.manifest.sequence} lost its media file")


def _settle_shard(folder: Path, files: Shards, shard: int, opened: Opened) -> None:
    rows = {files.path(slot): item for item, slot in opened.index.in_shard(shard)}
    strays = _Strays()
    for path in sorted(files.folder(shard).iterdir()):
        row = rows.pop(path, None)
        if row is None:
            _settle_stray(path, files.slot(path), opened.index, strays, folder / "quarantine")
        elif path.stat().st_size != media_bytes(row.encoded, row.manifest.size):
            opened.lost.append(row)
    opened.lost += rows.values()
    if strays.unused or strays.unfinished or strays.unreadable:
        sync_folder(files.folder(shard))
    if strays.adopted:
        following = max(strays.adopted) + 1
        if following > opened.index.fact("next_sequence"):
            opened.index.set_fact("next_sequence", following)
    opened.findings += _said(strays, files.folder(shard).name)


def _settle_stray(
    path: Path, slot: int | None, index: Index, strays: _Strays, quarantine: Path
) -> None:
    if slot is not None and path.stat().st_size == 0:
        path.unlink()
        strays.unused += 1
        return
    try:
        sequence = None if slot is None else _adopt(path, slot, index)
    except OSError:  # a bad spot on the disk costs one file, not the spool
        path.rename(quarantine / f"{path.parent.name}-{path.name}")
        strays.unreadable += 1
        return
    if sequence is not None:
        strays.adopted.append(sequence)
    else:
        path.unlink()
        strays.unfinished += 1


def _adopt(path: Path, slot: int, index: Index) -> int | None:
    # A process that was killed may have written it all and synced nothing.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return take_file(path, slot, index, whole=True)


def _said(strays: _Strays, where: str) -> list[str]:
    said = []
    if strays.adopted:
        said.append(
            f"{len(strays.adopted)} media file(s) in {where} that the index did not list yet were"
            " taken in: each is whole and matches its hash"
        )
    if strays.unfinished:
        said.append(
            f"{strays.unfinished} unfinished media file(s) in {where} removed: they were being"
            " written when the power went and nobody had been told they were safe"
        )
    if strays.unreadable:
        said.append(
            f"{strays.unreadable} media file(s) in {where} that the index did not list could not"
            " be read and are in quarantine; check the disk (dmesg)"
        )
    return said
