# ruff: noqa: S608 - the only text put into SQL is this file's list of columns
"""The spool's index: one SQLite file whose rows say what is recorded and where it stands.

WAL with synchronous=FULL: a transaction that has returned from `commit` is on the disk. Only
the committer's thread writes; readers, also in other processes, see what is committed.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Manifest, decode_manifest
from fieldlink.codecs.bundle.manifest import SPOOL_ID_BYTES
from fieldlink.edge.spool.media import media_bytes
from fieldlink.edge.spool.policy import KEPT, KEPT_END, POLICY_VERSION, retention_key
from fieldlink.edge.spool.shards import FILES_PER_SHARD
from fieldlink.edge.spool.span import Span, pack_spans, unpack_spans
from fieldlink.edge.spool.stored import State, Stored

__all__ = ["COLUMNS", "INDEX_VERSION", "Index", "connect", "stored"]

INDEX_VERSION = 1
APPLICATION_ID = 0x464C5350  # "FLSP"
_NO_DEADLINE_US = 2**63 - 1

_SCHEMA = """
CREATE TABLE bundle (
    sequence INTEGER PRIMARY KEY, bundle_id BLOB NOT NULL UNIQUE, encoded BLOB NOT NULL,
    state TEXT NOT NULL, layer TEXT NOT NULL, precedence INTEGER NOT NULL,
    due_us INTEGER NOT NULL, size INTEGER NOT NULL, held_bytes INTEGER NOT NULL, slot INTEGER,
    keep_class INTEGER NOT NULL, keep_value INTEGER NOT NULL, gap INTEGER NOT NULL,
    recorded_us INTEGER NOT NULL, first_sent_us INTEGER, last_sent_us INTEGER,
    custody_us INTEGER, bearers TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX bundle_pending ON bundle (precedence, due_us, sequence) WHERE state = 'pending';
CREATE INDEX bundle_keep ON bundle (keep_class, keep_value, sequence);
CREATE INDEX bundle_tally ON bundle (state, layer, gap, size, held_bytes);
CREATE UNIQUE INDEX bundle_slot ON bundle (slot) WHERE slot IS NOT NULL;
CREATE TABLE small (sequence INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE doomed (slot INTEGER PRIMARY KEY) STRICT;
CREATE TABLE fact (name TEXT PRIMARY KEY, value ANY) STRICT;
"""
COLUMNS = (
    "encoded, bundle_id, state, recorded_us, first_sent_us, last_sent_us, custody_us, bearers,"
    " reason"
)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to the index at `path`.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=10,
        isolation_level=None,
        check_same_thread=False,
    )
    if not read_only:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:
            # A connection left to the garbage collector removes a log that may be another's.
            connection.close()
            raise
    return connection


def stored(
    row: tuple[bytes, bytes, str, int, int | None, int | None, int | None, str, str],
) -> Stored:
    """A row of `COLUMNS` as a value."""
    encoded, bundle_id, state, recorded_us, first, last, custody, bearers, reason = row
    return Stored(
        bundle_id=bundle_id,
        manifest=decode_manifest(encoded),
        encoded=encoded,
        state=State(state),
        recorded_us=recorded_us,
        first_sent_us=first,
        last_sent_us=last,
        custody_us=custody,
        bearers=tuple(bearers.split()),
        reason=reason,
    )


class Index:
    """The rows. Callers hold transactions: `begin`, changes, `commit` or `rollback`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._spans: Sequence[Span] | None = None

    # --- whole file ----------------------------------------------------------------------

    def create(self) -> None:
        """Lay out an empty index with a new spool id."""
        self._db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}")
        self.set_fact("spool", secrets.token_bytes(SPOOL_ID_BYTES))
        self.set_fact("policy", POLICY_VERSION)
        self.set_fact("next_sequence", 1)
        self.set_fact("open_shard", 0)
        self.set_fact("given_up", 0)
        self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        self._db.execute(f"PRAGMA user_version={INDEX_VERSION}")
        self._db.execute("COMMIT")

    @property
    def version(self) -> int:
        """The layout's version; 0 of an index that was never laid out."""
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def complaint(self) -> str:
        """What SQLite finds wrong when it looks at every page; empty when nothing is."""
        found = str(self._db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        return "" if found == "ok" else found

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def begin(self) -> None:
        """Begin to change."""
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make the changes since `begin` durable."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Forget the changes since `begin`."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def fact(self, name: str) -> int:
        """A number that the index keeps about itself."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    def spool_id(self) -> bytes:
        """The 8 bytes that tell this spool from every other."""
        row = self._db.execute("SELECT value FROM fact WHERE name = 'spool'").fetchone()
        return bytes(row[0])

    def set_fact(self, name: str, value: int | bytes) -> None:
        """Keep a number about the index itself."""
        self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    # --- changes -------------------------------------------------------------------------

    def insert(self, item: Stored, content: bytes | None, slot: int | None) -> int:
        """Add a bundle, its `content` in the index or its file in `slot`; the bytes it takes."""
        manifest = item.manifest
        kept = self.keeps(manifest)
        keep_class, keep_value, _ = retention_key(manifest, item.state, kept)
        held = media_bytes(item.encoded, manifest.size)
        due_us = _NO_DEADLINE_US if manifest.deadline_us is None else manifest.deadline_us
        self._db.execute(
            "INSERT INTO bundle (sequence, bundle_id, encoded, state, layer, precedence, due_us,"
            " size, held_bytes, slot, keep_class, keep_value, gap, recorded_us)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                manifest.sequence, item.bundle_id, item.encoded, item.state.value,
                manifest.layer.value, manifest.precedence.value, due_us, manifest.size, held,
                slot, keep_class, keep_value, manifest.media_type == GAP_MEDIA_TYPE,
                item.recorded_us,
            ),
        )  # fmt: skip
        if content is not None:
            self._db.execute("INSERT INTO small VALUES (?, ?)", (manifest.sequence, content))
        return held

    def set_state(
        self, bundle_id: bytes, state: State, *, at_us: int | None = None, reason: str = ""
    ) -> bool:
        """Move a pending or refused bundle to `state`; False when there is none."""
        item = self.get(bundle_id)
        if item is None or item.state is State.CUSTODY or item.state is state:
            return False
        kept = self._is_kept(item.manifest.sequence)
        keep_class, keep_value, _ = retention_key(item.manifest, state, kept)
        self._db.execute(
            "UPDATE bundle SET state=?, keep_class=?, keep_value=?, custody_us=?, reason=?"
            " WHERE bundle_id=?",
            (
                state.value, keep_class, keep_value,
                at_us if state is State.CUSTODY else None, reason[:256], bundle_id,
            ),
        )  # fmt: skip
        return True

    def note_sent(self, bundle_id: bytes, bearers: Iterable[str], first: int, last: int) -> None:
        """Add to a bundle's journey: sent by `bearers` between `first` and `last` (us)."""
        row = self._db.execute(
            "SELECT bearers FROM bundle WHERE bundle_id=?", (bundle_id,)
        ).fetchone()
        if row is None:
            return
        names = " ".join(dict.fromkeys([*row[0].split(), *bearers]))
        self._db.execute(
            "UPDATE bundle SET first_sent_us=COALESCE(first_sent_us, ?), last_sent_us=?,"
            " bearers=? WHERE bundle_id=?",
            (first, last, names, bundle_id),
        )

    def remove(self, item: Stored) -> int:
        """Take a bundle out; its file, if it has one, is doomed. Returns the bytes it took."""
        sequence = item.manifest.sequence
        row = self._db.execute(
            "SELECT held_bytes, slot FROM bundle WHERE sequence=?", (sequence,)
        ).fetchone()
        if row[1] is not None:
            self._db.execute("INSERT OR IGNORE INTO doomed VALUES (?)", (row[1],))
        self._db.execute("DELETE FROM bundle WHERE sequence=?", (sequence,))
        self._db.execute("DELETE FROM small WHERE sequence=?", (sequence,))
        return int(row[0])

    def forget_doomed(self, slots: Iterable[int]) -> None:
        """The files in those slots are gone, and durably so."""
        self._db.executemany("DELETE FROM doomed WHERE slot=?", [(slot,) for slot in slots])

    def rank_again(self) -> None:
        """Compute every bundle's retention key anew, because the policy changed."""
        for row in self._db.execute(f"SELECT {COLUMNS} FROM bundle").fetchall():
            item = stored(row)
            self.rank(item, self._is_kept(item.manifest.sequence))
        self.set_fact("policy", POLICY_VERSION)

    def protect(self, spans: Sequence[Span]) -> None:
        """What is inserted into `spans` is kept from now on, and only that."""
        self.set_fact("spans", pack_spans(spans))
        self._spans = tuple(spans)

    def kept(self) -> list[Stored]:
        """The bundles that are kept because somebody wants them kept."""
        sql = f"SELECT {COLUMNS} FROM bundle WHERE keep_class >= ? AND keep_class < ?"
        return [stored(row) for row in self._db.execute(sql, (KEPT, KEPT_END))]

    def rank(self, item: Stored, kept: bool) -> None:
        """Compute a bundle's retention key anew."""
        keep_class, keep_value, sequence = retention_key(item.manifest, item.state, kept)
        self._db.execute(
            "UPDATE bundle SET keep_class=?, keep_value=? WHERE sequence=?",
            (keep_class, keep_value, sequence),
        )

    def _is_kept(self, sequence: int) -> bool:
        sql = "SELECT keep_class FROM bundle WHERE sequence=?"
        return KEPT <= int(self._db.execute(sql, (sequence,)).fetchone()[0]) < KEPT_END

    def keeps(self, manifest: Manifest) -> bool:
        """Whether a bundle lies in a protected span."""
        return any(span.covers(manifest) for span in self.spans())

    def spans(self) -> Sequence[Span]:
        """The protected spans."""
        if self._spans is None:
            row = self._db.execute("SELECT value FROM fact WHERE name = 'spans'").fetchone()
            self._spans = () if row is None else unpack_spans(bytes(row[0]))
        return self._spans

    # --- questions -----------------------------------------------------------------------

    def get(self, bundle_id: bytes) -> Stored | None:
        """The bundle of that id."""
        sql = f"SELECT {COLUMNS} FROM bundle WHERE bundle_id=?"
        row = self._db.execute(sql, (bundle_id,)).fetchone()
        return None if row is None else stored(row)

    def place(self, sequence: int) -> tuple[int | None, bytes | None]:
        """Where a bundle's content is: its file's slot, or the content itself."""
        row = self._db.execute(
            "SELECT slot, content FROM bundle LEFT JOIN small USING (sequence) WHERE sequence=?",
            (sequence,),
        ).fetchone()
        return (None, None) if row is None else (row[0], row[1])

    def pending(self, limit: int) -> list[Stored]:
        """What the centre does not have: by precedence, then deadline, then sequence."""
        sql = (
            f"SELECT {COLUMNS} FROM bundle WHERE state='pending'"
            " ORDER BY precedence, due_us, sequence LIMIT ?"
        )
        return [stored(row) for row in self._db.execute(sql, (limit,))]

    def all(self, limit: int = -1, after: int = 0) -> list[Stored]:
        """Bundles by sequence, those after `after`."""
        sql = f"SELECT {COLUMNS} FROM bundle WHERE sequence > ? ORDER BY sequence LIMIT ?"
        return [stored(row) for row in self._db.execute(sql, (after, limit))]

    def give_up_order(self, below: tuple[int, int, int]) -> Iterator[tuple[Stored, int]]:
        """Bundles, with the bytes they take, in the order of giving up, up to key `below`."""
        sql = (
            f"SELECT held_bytes, {COLUMNS} FROM bundle"
            " WHERE (keep_class, keep_value, sequence) < (?, ?, ?)"
            " ORDER BY keep_class, keep_value, sequence"
        )
        for row in self._db.execute(sql, below):
            yield stored(row[1:]), row[0]

    def unsent_gaps(self, device: str, stream: str) -> list[tuple[Stored, bytes]]:
        """The newest gap records of a stream that nobody has sent yet, with their content."""
        sql = (
            f"SELECT content, {COLUMNS} FROM bundle JOIN small USING (sequence)"
            " WHERE state='pending' AND layer='report' AND gap=1 AND first_sent_us IS NULL"
            " ORDER BY sequence DESC LIMIT 64"
        )
        rows = [(stored(row[1:]), bytes(row[0])) for row in self._db.execute(sql)]
        where = device, stream
        return [row for row in rows if (row[0].manifest.device, row[0].manifest.stream) == where]

    def in_shard(self, shard: int) -> list[tuple[Stored, int]]:
        """Bundles whose files are in `shard`, with their slots."""
        sql = f"SELECT slot, {COLUMNS} FROM bundle WHERE slot >= ? AND slot < ?"
        slots = shard * FILES_PER_SHARD, (shard + 1) * FILES_PER_SHARD
        return [(stored(row[1:]), row[0]) for row in self._db.execute(sql, slots)]

    def shards(self) -> list[int]:
        """Folders that hold files of bundles."""
        sql = "SELECT DISTINCT slot / ? FROM bundle WHERE slot IS NOT NULL"
        return [row[0] for row in self._db.execute(sql, (FILES_PER_SHARD,))]

    def doomed(self) -> list[int]:
        """Slots whose files are to be removed: their bundles are out already."""
        return [row[0] for row in self._db.execute("SELECT slot FROM doomed")]

    def holds(self, sequence: int) -> bool:
        """Whether the bundle of that number is here."""
        sql = "SELECT 1 FROM bundle WHERE sequence=?"
        return self._db.execute(sql, (sequence,)).fetchone() is not None

    def tally(self) -> list[tuple[str, str, int, int, int, int]]:
        """For each state, layer and gap flag: bundles, bytes of content, bytes on the disk."""
        return list(
            self._db.execute(
                "SELECT state, layer, gap, COUNT(*), SUM(size), SUM(held_bytes) FROM bundle"
                " GROUP BY state, layer, gap"
            )
        )
