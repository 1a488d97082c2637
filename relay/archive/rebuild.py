"""Making a damaged catalogue again from the archive's ledger, and saving what it still says."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.archive.filing import replay
from fieldlink.relay.archive.store import Archive
from fieldlink.relay.catalogue import Catalogue, CatalogueCorruptError, sqlite_path
from fieldlink.systemd.durable import sync_folder

__all__ = ["open_or_rebuild", "rebuild"]

_MADE = ".made"
_TAILS = ("", "-wal", "-shm")
_SAVED = (
    *("incidents", "kits", "admissions", "revoked_certificates", "users", "tokens", "events"),
    *("wants", "orders", "alarms", "cursors"),
)
# Bundles get other numbers: what follows them begins anew.
_BEGINS_ANEW = ("telemetry", "alarms", "flights", "flight-samples")


def open_or_rebuild(
    url: str, archive: Archive, clock: Callable[[], int]
) -> tuple[Catalogue, list[str]]:
    """The catalogue at `url`, made again if it is damaged, and complete up to the last ledger.

    Returns what was found and done besides.

    Raises:
        ArchiveError: it cannot be opened, or is damaged and no embedded one.
    """
    path = sqlite_path(url)
    findings = [] if path is None else _finish(path, clock())
    try:
        catalogue = Catalogue.open(url, now_us=clock(), check=True)
    except CatalogueCorruptError as error:
        findings.append(str(error))
        catalogue, done = rebuild(url, archive, clock)
        return catalogue, findings + done
    # An empty one is new: moved to another database, or lost. The archive knows everything.
    count = replay(archive, catalogue, everything=not catalogue.in_filing_order(limit=1))
    if count:
        findings.append(f"{count} bundles were in the archive and not in the catalogue: filed")
    return catalogue, findings + archive.ledger.findings


def rebuild(url: str, archive: Archive, clock: Callable[[], int]) -> tuple[Catalogue, list[str]]:
    """Put the embedded catalogue at `url` aside and make a new one from the archive.

    Raises:
        ArchiveError: it is not an embedded one, or the new one cannot be made.
    """
    path = sqlite_path(url)
    if path is None:
        raise ArchiveError(
            "only an embedded catalogue can be made again here; restore this one from its backup, "
            "or set catalogue_url to a new empty database: the next start files everything in it"
        )
    half = path.with_name(path.name + ".half")
    for tail in _TAILS:  # of a run that was stopped
        half.with_name(half.name + tail).unlink(missing_ok=True)
    with Catalogue.open(half, now_us=clock()) as catalogue:
        findings = _save(path, half) if path.exists() else []
        count = replay(archive, catalogue, everything=True)
    findings.append(f"{count} bundles were filed again from the archive")
    half.rename(path.with_name(path.name + _MADE))
    sync_folder(path.parent)
    findings += _finish(path, clock())
    return Catalogue.open(url, now_us=clock()), findings + archive.ledger.findings


def _finish(path: Path, now_us: int) -> list[str]:
    """Put a catalogue that was made again in the place of the old one, which is kept.

    Stopped at any step, it is done again at the next start: until the last one the new one has
    a name of its own, and only a whole one has that name.
    """
    made = path.with_name(path.name + _MADE)
    if not made.exists():
        return []
    findings = []
    if path.exists():
        aside = path.with_name(f"{path.name}.damaged-{now_us}")
        findings.append(f"the old catalogue is kept as {aside}")
        for tail in _TAILS[1:]:  # the old log must not meet the new file
            side = path.with_name(path.name + tail)
            if side.exists():
                side.rename(aside.with_name(aside.name + tail))
        os.link(path, aside)
        sync_folder(path.parent)
    made.replace(path)
    sync_folder(path.parent)
    return findings


def _save(old: Path, new: Path) -> list[str]:
    """Copy what can still be read of incidents, admissions and accounts."""
    lost = []
    with closing(sqlite3.connect(new)) as target, closing(sqlite3.connect(old)) as source:
        for table in _SAVED:
            try:
                found = source.execute(f"SELECT * FROM {table}")  # noqa: S608  # ours
                rows = found.fetchall()
            except sqlite3.DatabaseError as error:
                if "no such table" not in str(error):  # an earlier version did not have it
                    lost.append(table)
                continue
            # By name: an earlier version has fewer columns.
            named, marks = (
                ",".join(c[0] for c in found.description),
                ",".join("?" * len(found.description)),
            )
            put = f"INSERT OR REPLACE INTO {table} ({named}) VALUES ({marks})"  # noqa: S608
            target.executemany(put, rows)
        forget = "DELETE FROM cursors WHERE name = ?"
        target.executemany(forget, [(name,) for name in _BEGINS_ANEW])
        target.commit()
    if not lost:
        return []
    named = ", ".join(lost)
    return [f"could not be saved from it: {named}; admit kits and add users again if theirs are"]
