"""What the store remembers: uploads with their parts, and what has gone into the spool (SQLite).

Every change is one durable transaction. Used by several threads, one at a time.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import SpoolError

__all__ = ["KeptObject", "KeptPart", "Ledger", "Plan", "Upload"]

_VERSION = 1
_MOST_OBJECTS = 20_000
_LAYOUT = """
CREATE TABLE upload (id TEXT PRIMARY KEY, owner TEXT, key TEXT, media_type TEXT,
    made_us INTEGER, touched_us INTEGER, plan TEXT);
CREATE TABLE part (upload TEXT, number INTEGER, size INTEGER, md5 TEXT, signature TEXT, file TEXT,
    PRIMARY KEY (upload, number));
CREATE TABLE object (owner TEXT, key TEXT, stored_us INTEGER, size INTEGER, etag TEXT,
    signature TEXT, content TEXT, bundles TEXT, told INTEGER DEFAULT 0,
    fingerprint TEXT DEFAULT '', tiny TEXT DEFAULT '', PRIMARY KEY (owner, key));
CREATE INDEX object_fingerprint ON object (fingerprint);
CREATE INDEX object_tiny ON object (tiny);
"""


@dataclass
class Plan:
    """How a whole upload goes into the spool, and how far it is. `files` are names and sizes."""

    etag: str
    size: int
    files: list[tuple[str, int]]
    signature: str
    file: str
    name: str
    media_type: str
    taken: dict[str, Any] | None = None
    parts: list[tuple[int, int, int, str]] = field(default_factory=list)
    bundles: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that goes on; with a `plan` all its bytes are here."""

    id: str
    owner: str
    key: str
    media_type: str
    made_us: int
    touched_us: int
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part of an upload, durable in `file`."""

    number: int
    size: int
    md5: str
    signature: str
    file: str


@dataclass(frozen=True, slots=True)
class KeptObject:
    """What the spool has: `content` is its file's index, `bundles` the ids of its parts in hex.
    `told`: its owner has said what it is.
    """

    owner: str
    key: str
    stored_us: int
    size: int
    etag: str
    signature: str
    content: dict[str, Any]
    bundles: list[str]
    told: bool


class Ledger:
    """The ledger at `path`, made if need be."""

    def __init__(self, path: Path) -> None:
        """Raises:
        SpoolError: it cannot be opened, or is from a newer version.
        """
        self._lock = threading.Lock()
        self._totals: dict[str, int] | None = None
        try:
            self._link = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._link.row_factory = sqlite3.Row
            self._link.execute("PRAGMA journal_mode = DELETE")
            self._link.execute("PRAGMA synchronous = FULL")
            version = self._link.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._link.executescript(
                    f"BEGIN;{_LAYOUT};PRAGMA user_version = {_VERSION};COMMIT;"
                )
        except sqlite3.Error as error:
            raise SpoolError(f"{path}: {error}; remove it, and uploads begin anew") from error
        if version > _VERSION:
            raise SpoolError(f"{path} is from a newer version; update this one")

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._link.execute("BEGIN IMMEDIATE")
                try:
                    yield self._link
                except BaseException:
                    self._link.execute("ROLLBACK")
                    raise
                self._link.execute("COMMIT")
            except sqlite3.Error as error:
                raise SpoolError(f"the store's ledger cannot be written: {error}") from error

    def _rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._link.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise SpoolError(f"the store's ledger cannot be read: {error}") from error

    # --- uploads -------------------------------------------------------------------------

    def begin(self, upload: Upload) -> None:
        """An upload begins."""
        plan = None if upload.plan is None else json.dumps(vars(upload.plan))
        values = (
            *(upload.id, upload.owner, upload.key, upload.media_type),
            *(upload.made_us, upload.touched_us, plan),
        )
        with self._change() as link:
            link.execute("INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            for number, (file, size) in enumerate(upload.plan.files if upload.plan else ()):
                part = (upload.id, number, size, "", "", file)
                link.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", part)

    def uploads(self, owner: str | None = None) -> list[Upload]:
        """Those that go on, the oldest first."""
        where = "" if owner is None else "WHERE owner = ?"
        query = f"SELECT * FROM upload {where} ORDER BY made_us"  # noqa: S608 - no outside text
        return [_upload(row) for row in self._rows(query, *([] if owner is None else [owner]))]

    def upload(self, ident: str) -> Upload | None:
        """The one of that id."""
        found = self._rows("SELECT * FROM upload WHERE id = ?", ident)
        return _upload(found[0]) if found else None

    def parts(self, upload: str) -> list[KeptPart]:
        """The parts of an upload, in order."""
        query = "SELECT * FROM part WHERE upload = ? ORDER BY number"
        names = ("number", "size", "md5", "signature", "file")
        return [KeptPart(*(row[name] for name in names)) for row in self._rows(query, upload)]

    def keep_part(self, upload: str, part: KeptPart, now_us: int) -> None:
        """A part is here; it takes the place of one with its number."""
        values = (upload, part.number, part.size, part.md5, part.signature, part.file)
        with self._change() as link:
            link.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)", values)
            link.execute("UPDATE upload SET touched_us = ? WHERE id = ?", (now_us, upload))

    def plan(self, upload: str, plan: Plan) -> None:
        """All of an upload is here, and it is so far on its way to the spool."""
        with self._change() as link:
            link.execute(
                "UPDATE upload SET plan = ? WHERE id = ?", (json.dumps(vars(plan)), upload)
            )

    def end(self, upload: str, made: KeptObject | None = None) -> None:
        """An upload is over; `made` is what became of it."""
        self._totals = None
        with self._change() as link:
            link.execute("DELETE FROM part WHERE upload = ?", (upload,))
            link.execute("DELETE FROM upload WHERE id = ?", (upload,))
            if made is None:
                return
            link.execute(
                "INSERT OR REPLACE INTO object (owner, key, stored_us, size, etag, signature,"
                " content, bundles) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(made.owner, made.key, made.stored_us, made.size, made.etag, made.signature),
                    *(json.dumps(made.content), json.dumps(made.bundles)),
                ),
            )
            link.execute(
                "DELETE FROM object WHERE rowid IN (SELECT rowid FROM object"
                " ORDER BY stored_us DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (_MOST_OBJECTS,),
            )

    # --- objects -------------------------------------------------------------------------

    def object(self, owner: str, key: str) -> KeptObject | None:
        """What is stored under that key."""
        found = self._rows("SELECT * FROM object WHERE owner = ? AND key = ?", owner, key)
        return _object(found[0]) if found else None

    def tell(self, kept: KeptObject, content: dict[str, Any], fingerprint: str, tiny: str) -> None:
        """Its owner has said what it is; nothing if another file has taken its place."""
        with self._change() as link:
            link.execute(
                "UPDATE object SET told = 1, content = ?, fingerprint = ?, tiny = ?"
                " WHERE owner = ? AND key = ? AND etag = ?",
                (json.dumps(content), fingerprint, tiny, kept.owner, kept.key, kept.etag),
            )

    def has_fingerprint(self, owner: str, fingerprint: str) -> bool:
        """Whether a file of that fingerprint came of that owner. What another says of its files
        keeps nobody from bringing his.
        """
        query = "SELECT 1 FROM object WHERE fingerprint = ? AND owner = ? LIMIT 1"
        return bool(fingerprint and self._rows(query, fingerprint, owner))

    def tiny_fingerprints(self, owner: str, asked: Sequence[str]) -> list[str]:
        """Which of these came of that owner; at most 500 are looked for."""
        some = [one for one in asked[:500] if one]
        marks = ", ".join("?" * len(some))
        query = f"SELECT DISTINCT tiny FROM object WHERE owner = ? AND tiny IN ({marks})"  # noqa: S608
        return [row["tiny"] for row in self._rows(query, owner, *some)]

    def totals(self) -> dict[str, int]:
        """How many objects, and their bytes."""
        if self._totals is None:
            row = self._rows("SELECT COUNT(*) AS many, TOTAL(size) AS size FROM object")[0]
            self._totals = {"files": int(row["many"]), "bytes": int(row["size"])}
        return self._totals

    def held(self) -> int:
        """Bytes of uploads that lie here."""
        return int(self._rows("SELECT TOTAL(size) AS size FROM part")[0]["size"])

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._link.close()


def _upload(row: sqlite3.Row) -> Upload:
    plan = None
    if row["plan"] is not None:
        said = json.loads(row["plan"])
        said["files"] = [(str(name), int(size)) for name, size in said["files"]]
        said["parts"] = [tuple(one) for one in said["parts"]]
        plan = Plan(**said)
    return Upload(
        id=row["id"],
        owner=row["owner"],
        key=row["key"],
        media_type=row["media_type"],
        made_us=row["made_us"],
        touched_us=row["touched_us"],
        plan=plan,
    )


def _object(row: sqlite3.Row) -> KeptObject:
    return KeptObject(
        owner=row["owner"],
        key=row["key"],
        stored_us=row["stored_us"],
        size=row["size"],
        etag=row["etag"],
        signature=row["signature"],
        content=json.loads(row["content"]),
        bundles=json.loads(row["bundles"]),
        told=bool(row["told"]),
    )
