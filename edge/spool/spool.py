"""The kit's durable store: what it has confirmed is on the disk until the centre has it.

`add` returns once a bundle would survive a power cut. Each caller writes and syncs its own file,
so that files are written in parallel; one thread commits for all (`committer`).
"""

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from fieldlink.codecs.bundle import Draft, Gap, decode_gap
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool.committer import Change, Committer, Job, Numbers
from fieldlink.edge.spool.giveup import gap_draft, gaps_left_by, joined, number
from fieldlink.edge.spool.index import connect
from fieldlink.edge.spool.media import media_bytes, write_media
from fieldlink.edge.spool.policy import NEVER, RetentionPolicy, retention_key
from fieldlink.edge.spool.recovery import Opened, mark_suspect, open_index, take_lock
from fieldlink.edge.spool.shards import Shards
from fieldlink.edge.spool.stored import State, Stored, Totals
from fieldlink.edge.spool.view import SpoolView, free_bytes
from fieldlink.systemd.durable import make_folder

__all__ = ["BundleGoneError", "Spool"]

SMALL_BYTES = 4096
"""Contents up to this size are in the index itself: one commit makes them durable."""

_ROOM_BYTES = 4 << 20  # what is freed when the index itself finds the disk full


class BundleGoneError(SpoolError):
    """The spool no longer has that bundle; `reason` is the one in its gap record."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the bundle is gone ({reason}); leave it out and go on")
        self.reason = reason


class Spool:
    """Bundles on their way to the centre. Thread-safe; every call may block on the disk."""

    def __init__(
        self,
        folder: Path,
        kit: str,
        policy: RetentionPolicy,
        clock: Callable[[], int],
        opened: Opened,
        lock: int,
    ) -> None:
        self._folder, self._kit, self._policy, self._clock = folder, kit, policy, clock
        self._lock_handle = lock
        self.findings = opened.findings
        index = opened.index
        self.spool_id = index.spool_id()
        self._index = index
        self._shards = Shards(folder / "media", opened.first_shard)
        self._numbers = Numbers(index.fact("next_sequence"))
        self._view = SpoolView(
            folder, connect(folder / "index.db", read_only=True), self._index_damaged
        )
        self._guard = threading.Lock()
        self._reserved_bytes = 0
        self._notes: dict[bytes, tuple[list[str], int, int]] = {}
        self._owed: list[Gap] = []
        self._trusted: set[bytes] = set()
        self._listeners: list[Callable[[Stored], None]] = []
        self._committer = Committer(
            index,
            self._shards,
            self._numbers,
            used_bytes=sum(row[5] for row in index.tally()),
            on_added=self._tell,
            make_room=lambda change: self._give_up(change, _ROOM_BYTES, NEVER),
            before_batch=self._before_batch,
            on_damage=self._index_damaged,
        )

    @classmethod
    def open(
        cls, folder: Path, *, kit: str, policy: RetentionPolicy, clock: Callable[[], int]
    ) -> "Spool":
        """The spool in `folder`, made or repaired as needed; `findings` says what was found.

        `clock` gives UTC microseconds.

        Raises:
            SpoolError: another process has it, it is from a newer version, or the disk refuses.
        """
        lock: int | None = None
        try:
            make_folder(folder)
            lock = take_lock(folder)
            opened = open_index(folder, clock)
            spool = cls(folder, kit, policy, clock, opened, lock)
        except (OSError, sqlite3.Error) as error:
            _release(lock)
            raise SpoolError(_refusal(folder, error)) from error
        except SpoolError:
            _release(lock)
            raise
        for item in opened.lost:
            spool._lose(item, "media file lost")
        return spool

    # --- recording -----------------------------------------------------------------------

    def add(self, draft: Draft, content: bytes) -> Stored:
        """Record a bundle; returns once it would survive a power cut.

        Its state is given-up when the disk is short and nothing in the spool is worth less; its
        gap is then on record.

        Raises:
            SpoolError: the disk is full, read-only or broken. A gap is put on record as soon as
                the disk takes one.
            CodecError: the draft's manifest is too large.
        """
        item = number(
            draft, content, kit=self._kit, spool=self.spool_id, sequence=self._numbers.take()
        )
        wanted = media_bytes(item.encoded, len(content))
        key = retention_key(item.manifest, State.PENDING)
        try:
            self._check()
            if not self._reserve(wanted, key):
                return self._add_given_up(item)
            try:
                return self._record(item, content, key)
            finally:
                self._release_bytes(wanted)
        except SpoolError as error:
            self._owe(item, str(error))
            raise

    def add_gap(self, device: str, stream: str, start_us: int, end_us: int, reason: str) -> Stored:
        """Record that a stream has nothing from `start_us` to `end_us`, and why.

        Raises:
            SpoolError: the disk is full, read-only or broken.
        """
        gap = Gap(device, stream, start_us, end_us, reason)
        return self._committer.do(lambda change: self._insert_gap(change, gap))

    def listen(self, on_added: Callable[[Stored], None]) -> None:
        """Call `on_added` with every bundle once it is durable; on the spool's thread: be quick."""
        self._listeners.append(on_added)

    def _record(self, item: Stored, content: bytes, key: tuple[int, int, int]) -> Stored:
        if len(content) <= SMALL_BYTES:
            self._committer.do(lambda change: change.insert(item, content, None))
            return item
        shard = self._write(item, content, key)
        try:
            self._committer.do(lambda change: change.insert(item, None, shard))
        except SpoolError:
            self._discard(shard, item)
            raise
        finally:
            self._shards.settle(shard)
        return item

    def _write(self, item: Stored, content: bytes, key: tuple[int, int, int]) -> int:
        """Write and sync the bundle's file; once more after making room, or past a bad spot."""
        for attempt in (1, 2):
            shard = None
            try:
                shard = self._shards.take()
                write_media(self._shards.path(shard, item.manifest.sequence), item.encoded, content)
            except OSError as error:
                if shard is not None:
                    self._discard(shard, item, quarantine=error.errno == errno.EIO)
                    self._shards.settle(shard)
                if attempt == 2 or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                    raise self._write_failed(error) from error
                if error.errno != errno.EIO:
                    size = media_bytes(item.encoded, len(content))
                    self._committer.do(lambda change, size=size: self._give_up(change, size, key))  # type: ignore[misc]
            else:
                return shard
        raise AssertionError("unreachable")

    def _discard(self, shard: int, item: Stored, *, quarantine: bool = False) -> None:
        """Put away a file that was not recorded; what cannot be put away is swept on open."""
        path = self._shards.path(shard, item.manifest.sequence)
        try:
            if quarantine:
                path.rename(self._folder / "quarantine" / f"{shard:06d}-{path.name}")
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            self.findings.append(f"{path} could not be removed ({error.strerror})")

    def _write_failed(self, error: OSError) -> SpoolError:
        failure = SpoolError(_refusal(self._folder, error))
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            self._committer.fail(failure)
        return failure

    # --- room ----------------------------------------------------------------------------

    def _reserve(self, wanted: int, key: tuple[int, int, int]) -> bool:
        """Set `wanted` bytes aside, giving up what is worth less than `key` if need be."""
        with self._guard:
            self._reserved_bytes += wanted
        if self._excess() <= 0:
            return True
        if self._committer.do(lambda change: self._give_up(change, self._excess(), key)):
            return True
        self._release_bytes(wanted)
        return False

    def _excess(self) -> int:
        with self._guard:
            reserved = self._reserved_bytes
        free = free_bytes(self._folder)
        return self._policy.excess_bytes(self._committer.used_bytes, free, reserved)

    def _release_bytes(self, count: int) -> None:
        with self._guard:
            self._reserved_bytes -= count

    def _give_up(self, change: Change, excess: int, below: tuple[int, int, int]) -> bool:
        """Take out enough bundles worth less than `below`; False when there are not enough."""
        if excess <= 0:
            return True
        chosen: list[Stored] = []
        freed = 0
        for item, held in change.index.give_up_order(below):
            # Beyond the need only what the centre has goes, so that nothing is lost too early.
            enough = freed >= excess
            slack = item.state is State.CUSTODY and freed < excess + self._policy.slack_bytes
            if enough and not slack:
                break
            chosen.append(item)
            freed += held
        if freed < excess:
            return False
        self._take_out(change, chosen, "given-up: the disk was short")
        return True

    def _take_out(self, change: Change, items: list[Stored], reason: str) -> None:
        for item in items:
            change.remove(item)
        lost = [item for item in items if item.state is not State.CUSTODY]
        change.index.set_fact("given_up", change.index.fact("given_up") + len(lost))
        for gap in gaps_left_by(items, reason):
            self._insert_gap(change, self._widened(change, gap))

    def _widened(self, change: Change, gap: Gap) -> Gap:
        """`gap` with the unsent gap record it touches, if any, which it replaces."""
        for item, content in change.index.unsent_gaps(gap.device, gap.stream):
            with self._guard:
                noted = item.bundle_id in self._notes
            wider = None if noted else joined(decode_gap(content), gap)
            if wider is not None:
                change.remove(item)
                return wider
        return gap

    def _insert_gap(self, change: Change, gap: Gap) -> Stored:
        draft, content = gap_draft(gap, self._clock())
        item = number(
            draft, content, kit=self._kit, spool=self.spool_id, sequence=self._numbers.take()
        )
        change.insert(item, content, None)
        return item

    def _add_given_up(self, item: Stored) -> Stored:
        (gap,) = gaps_left_by([item], "given-up: the disk was short") or (None,)
        if gap is not None:
            self._committer.do(lambda change: self._insert_gap(change, gap))
        return Stored(item.bundle_id, item.manifest, item.encoded, State.GIVEN_UP, item.recorded_us)

    def _owe(self, item: Stored, why: str) -> None:
        """Remember a gap that cannot be written now; the next commit that works writes it."""
        with self._guard:
            self._owed += gaps_left_by([item], f"not recorded: {why}")

    def _before_batch(self) -> Job | None:
        """What the next transaction does besides: journeys noted, gaps owed."""
        with self._guard:
            notes, self._notes = self._notes, {}
            owed = self._owed
        if not notes and not owed:
            return None

        def write(change: Change) -> None:
            for bundle_id, (bearers, first_us, last_us) in notes.items():
                change.index.note_sent(bundle_id, bearers, first_us, last_us)
            for gap in owed:
                self._insert_gap(change, gap)
            change.after.append(settle)

        def settle() -> None:
            with self._guard:
                self._owed = self._owed[len(owed) :]

        return write

    # --- sending -------------------------------------------------------------------------

    def pending(self, limit: int = 1_000_000) -> list[Stored]:
        """What the centre does not have: by precedence, then deadline, then sequence."""
        return self._view.pending(limit)

    def next_pending(self, limit: int) -> list[Stored]:
        """The first `limit` of `pending`."""
        return self._view.pending(limit)

    def get(self, bundle_id: bytes) -> Stored | None:
        """The bundle of that id; None when the spool does not hold it."""
        return self._view.get(bundle_id)

    def read(self, bundle_id: bytes, offset: int, length: int) -> bytes:
        """Bytes of a bundle's content, its hash checked the first time.

        Raises:
            BundleGoneError: it was given up, or its file turned out lost or damaged just now.
        """
        item = self._view.get(bundle_id)
        if item is None:
            raise BundleGoneError("given up, or never here")
        if bundle_id not in self._trusted:
            if fault := self._view.check(item):
                self._lose(item, fault)
                raise BundleGoneError(fault)
            self._trusted.add(bundle_id)
        content = self._view.content(item, offset, length)
        if content is None:
            self._lose(item, "media file lost")
            raise BundleGoneError("media file lost")
        return content

    def _lose(self, item: Stored, reason: str) -> None:
        """Take out a bundle whose content is not there any more, leaving its gap."""

        def job(change: Change) -> bool:
            # Somebody else may have found it, or it was given up meanwhile.
            if (now := change.index.get(item.bundle_id)) is None:
                return False
            shard, _ = change.index.place(item.manifest.sequence)
            if shard is not None:
                self._keep_damaged(shard, item)
            self._take_out(change, [now], reason)
            return True

        if self._committer.do(job):
            self.findings.append(f"bundle {item.manifest.sequence}: {reason}")

    def _keep_damaged(self, shard: int, item: Stored) -> None:
        path = self._shards.path(shard, item.manifest.sequence)
        if path.exists():
            path.rename(self._folder / "quarantine" / f"{shard:06d}-{path.name}")

    def sent(self, bundle_id: bytes, bearer: str, at_us: int) -> None:
        """Note that bytes of a bundle left by `bearer`; on the disk within a second."""
        with self._guard:
            bearers, first_us, _ = self._notes.get(bundle_id, ([], at_us, at_us))
            if bearer not in bearers:
                bearers.append(bearer)
            self._notes[bundle_id] = bearers, first_us, at_us

    def custody(self, bundle_ids: Iterable[bytes], at_us: int) -> int:
        """The centre has these; returns how many it was news of, once that is durable.

        Raises:
            SpoolError: the index can no longer be written.
        """
        ids = list(bundle_ids)

        def job(change: Change) -> int:
            mark = change.index.set_state
            return sum(mark(bundle_id, State.CUSTODY, at_us=at_us) for bundle_id in ids)

        news = self._committer.do(job)
        self._trusted.difference_update(ids)
        return news

    def refused(self, bundle_id: bytes, reason: str, at_us: int) -> None:
        """The centre will never take this one; it is kept, sent no more, and given up early.

        Raises:
            SpoolError: the index can no longer be written.
        """
        self._committer.do(
            lambda change: change.index.set_state(
                bundle_id, State.REFUSED, at_us=at_us, reason=reason
            )
        )

    # --- looking -------------------------------------------------------------------------

    def totals(self) -> Totals:
        """The spool at a glance."""
        return self._view.totals(self._policy)

    def bundles(self) -> Iterable[Stored]:
        """Every bundle by sequence."""
        return self._view.bundles()

    def verify(self) -> list[tuple[Stored, str]]:
        """Every bundle that does not match its hash, with what is wrong with it."""
        return self._view.verify()

    def close(self) -> None:
        """Finish what is waiting and close; what was added stays."""
        self._committer.close()
        self._view.close()
        self._index.close()
        _release(self._lock_handle)

    def _index_damaged(self) -> None:
        mark_suspect(self._folder)

    def _tell(self, item: Stored) -> None:
        for listener in self._listeners:
            listener(item)

    def _check(self) -> None:
        if self._committer.failure is not None:
            raise self._committer.failure


def _release(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _refusal(folder: Path, error: OSError | sqlite3.Error) -> str:
    """Why the disk under `folder` cannot be used, and what to do."""
    code = error.errno if isinstance(error, OSError) else None
    name = getattr(error, "sqlite_errorname", "")
    if code in (errno.EROFS, errno.EACCES, errno.EPERM) or name.startswith("SQLITE_READONLY"):
        return f"{folder} cannot be written ({error}): remount its disk for writing, or its owner"
    if code in (errno.ENOSPC, errno.EDQUOT) or name == "SQLITE_FULL":
        return f"the disk of {folder} is full and nothing worth less is left; free space on it"
    return f"the disk of {folder} fails ({error}); check it (dmesg) and replace it"
