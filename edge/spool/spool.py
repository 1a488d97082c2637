"""The kit's durable store: what it has confirmed is on the disk until the centre has it.

`add` returns once a bundle would survive a power cut. Each caller writes and syncs its own file,
so that files are written in parallel; one thread commits for all (`committer`). A file explains
itself, so that its row may follow it: a file without a row is taken in on open (`settle`).
Whoever looks, waits for the rows of what was added before.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from fieldlink.codecs.bundle import Draft, Gap
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool.committer import Change, Committer, Listener
from fieldlink.edge.spool.index import connect
from fieldlink.edge.spool.keeper import Keeper, Key
from fieldlink.edge.spool.media import media_bytes
from fieldlink.edge.spool.numbering import Numbering
from fieldlink.edge.spool.policy import NEVER, RetentionPolicy, retention_key
from fieldlink.edge.spool.protect import protect
from fieldlink.edge.spool.recovery import mark_suspect, open_index, refusal, take_lock
from fieldlink.edge.spool.reserve import Reserve
from fieldlink.edge.spool.settle import Opened
from fieldlink.edge.spool.slots import Slots
from fieldlink.edge.spool.span import Span
from fieldlink.edge.spool.stored import State, Stored, Totals
from fieldlink.edge.spool.view import SpoolView
from fieldlink.edge.spool.writer import Writer
from fieldlink.systemd.durable import make_folder

__all__ = ["BundleGoneError", "Spool"]

SMALL_BYTES = 4096
"""Contents up to this size are in the index itself: one commit makes them durable."""

_ROOM_BYTES = 1 << 18  # what is freed when the index itself finds the disk full


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
        self._folder, self._policy = folder, policy
        self._lock_handle = lock
        self.findings = opened.findings
        self._index = opened.index
        self.spool_id = opened.index.spool_id()
        opened.index.spans()  # read now: later the connection is the committer's
        self._slots = Slots(folder / "media", opened.first_shard)
        self._numbering = Numbering(
            kit=kit,
            spool_id=self.spool_id,
            first=opened.index.fact("next_sequence"),
            clock=clock,
        )
        self._keeper = Keeper(folder, policy, self._numbering, self._slots.files)
        reader = connect(folder / "index.db", read_only=True)
        self._view = SpoolView(folder, reader, self._index_damaged)
        self._trusted: set[bytes] = set()
        self._listeners: list[Listener] = []
        self._committer = Committer(
            opened.index,
            self._slots,
            self._numbering,
            used_bytes=sum(row[5] for row in opened.index.tally()),
            on_change=self._tell,
            make_room=lambda change: self._keeper.give_up(change, _ROOM_BYTES, NEVER),
            before_batch=self._keeper.before_batch,
            on_damage=self._index_damaged,
            reserve=Reserve(folder),
        )
        self._writer = Writer(folder, self._slots, self._keeper, self._committer, self.findings)

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
            try:
                spool = cls(folder, kit, policy, clock, opened, lock)
            except BaseException:
                opened.index.close()
                raise
        except (OSError, sqlite3.Error) as error:
            _release(lock)
            raise SpoolError(refusal(folder, error)) from error
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
        item = self._numbering.bundle(draft, content)
        kept = self._index.keeps(item.manifest)
        key = retention_key(item.manifest, State.PENDING, kept)
        wanted = media_bytes(item.encoded, len(content))
        try:
            return self._add(item, content, key, wanted)
        except SpoolError as error:
            self._keeper.owe(item, str(error))
            raise

    def add_gap(self, device: str, stream: str, start_us: int, end_us: int, reason: str) -> Stored:
        """Record that a stream has nothing from `start_us` to `end_us`, and why.

        Raises:
            SpoolError: the disk is full, read-only or broken.
        """
        gap = Gap(device, stream, start_us, end_us, reason)
        return self._committer.do(lambda change: self._keeper.insert_gap(change, gap))

    def listen(self, on_change: Listener) -> None:
        """Call it with what was added and with the ids of what was taken out, once that is durable;
        on the spool's thread: be quick."""
        self._listeners.append(on_change)

    def _add(self, item: Stored, content: bytes, key: Key, wanted: int) -> Stored:
        if self._committer.failure is not None:
            raise self._committer.failure
        keeper = self._keeper
        keeper.reserve(wanted)
        slot = None
        try:
            full = keeper.excess_bytes(self._committer.used_bytes) > 0
            worth = not full or self._committer.do(lambda change: keeper.make_room(change, key))
            if worth and len(content) > SMALL_BYTES:
                slot = self._writer.write(item, content, key)
        except BaseException:
            keeper.release(wanted)
            raise
        if not worth:
            keeper.release(wanted)
            return self._give_up_new(item)
        keeper.written(wanted)
        self._record(item, content if slot is None else None, slot, wanted)
        return item

    def _record(self, item: Stored, content: bytes | None, slot: int | None, wanted: int) -> None:
        def settled() -> None:
            self._keeper.settled(wanted)
            if slot is not None:
                self._slots.settle(slot)

        def insert(change: Change) -> None:
            change.insert(item, content, slot)
            change.settling_bytes += wanted
            change.after.append(settled)

        if slot is not None and self._committer.later(insert):
            return
        try:
            self._committer.do(insert)
        except SpoolError:
            if slot is not None:
                self._writer.discard(slot)
            self._keeper.settled(wanted)
            raise

    def _give_up_new(self, item: Stored) -> Stored:
        self._committer.do(lambda change: self._keeper.decline(change, item))
        return replace(item, state=State.GIVEN_UP)

    # --- sending -------------------------------------------------------------------------

    def pending(self, limit: int = 1_000_000) -> list[Stored]:
        """What the centre does not have: by precedence, then deadline, then sequence."""
        self._committer.catch_up()
        return self._view.pending(limit)

    def get(self, bundle_id: bytes) -> Stored | None:
        """The bundle of that id; None when the spool does not hold it."""
        if (item := self._view.get(bundle_id)) is None:
            self._committer.catch_up()
            item = self._view.get(bundle_id)
        return item

    def read(self, bundle_id: bytes, offset: int, length: int) -> bytes:
        """Bytes of a bundle's content, its hash checked the first time.

        Raises:
            BundleGoneError: it was given up, or its file turned out lost or damaged just now.
        """
        item = self.get(bundle_id)
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
            slot, _ = change.index.place(item.manifest.sequence)
            if slot is not None:
                self._keeper.keep_damaged(slot)
            self._keeper.take_out(change, [now], reason)
            return True

        if self._committer.do(job):
            self.findings.append(f"bundle {item.manifest.sequence}: {reason}")

    def sent(self, bundle_id: bytes, bearer: str, at_us: int) -> None:
        """Note that bytes of a bundle left by `bearer`; on the disk within a second."""
        self._keeper.note_sent(bundle_id, bearer, at_us)

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

    def protect(self, spans: Sequence[Span]) -> int:
        """Give up last what lies in `spans` and the bundle of each track just before, and nothing
        else; returns how many bundles that are not in custody are kept so, once it is durable.

        Raises:
            SpoolError: the index can no longer be written.
        """
        self._committer.catch_up()
        return protect(self._committer, self._view, tuple(spans))

    def withdraw(self, *bundle_ids: bytes) -> list[bytes]:
        """Take out, of these, what was never sent; those that were there. They leave no gap: what
        they were made of, or what was made of them, is still here.

        Raises:
            SpoolError: the index can no longer be written.
        """
        self._trusted.difference_update(bundle_ids)
        take = self._keeper.withdraw
        return self._committer.do(lambda change: [one for one in bundle_ids if take(change, one)])

    @property
    def protected(self) -> Sequence[Span]:
        """The spans that were last given to `protect`, in this run or an earlier one."""
        return self._index.spans()

    # --- looking -------------------------------------------------------------------------

    def totals(self) -> Totals:
        """The spool at a glance."""
        self._committer.catch_up()
        return self._view.totals(self._policy)

    def bundles(self) -> Iterable[Stored]:
        """Every bundle by sequence."""
        self._committer.catch_up()
        return self._view.bundles()

    def verify(self) -> list[tuple[Stored, str]]:
        """Every bundle that does not match its hash, with what is wrong with it."""
        self._committer.catch_up()
        return self._view.verify()

    def close(self) -> None:
        """Finish what is waiting and close; what was added stays."""
        self._committer.close()
        self._slots.close()
        self._view.close()
        self._index.close()
        _release(self._lock_handle)

    def _index_damaged(self) -> None:
        mark_suspect(self._folder)

    def _tell(self, added: Sequence[Stored], gone: Sequence[bytes]) -> None:
        for listener in self._listeners:
            listener(added, gone)


def _release(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)
