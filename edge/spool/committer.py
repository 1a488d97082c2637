"""Group commit: one thread writes the index, and each transaction serves all who wait.

A batch is whatever came in while the last one was being synced. Callers have synced their files
themselves, in parallel; the batch is one commit. What a transaction removed is unlinked after it,
never before. Rows of files, which nobody waits for, gather while files keep coming: they share
the disk with the files' own syncs.
"""

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool.index import Index
from fieldlink.edge.spool.numbering import Numbering
from fieldlink.edge.spool.reserve import Reserve
from fieldlink.edge.spool.shards import shard_of
from fieldlink.edge.spool.slots import Slots
from fieldlink.edge.spool.stored import Stored
from fieldlink.systemd.durable import sync_folder

__all__ = ["Change", "Committer", "Job", "Listener"]

_T = TypeVar("_T")
_MAX_BATCH = 1024
_MAX_LATER = 256  # rows that may follow their files; beyond, callers wait
_GATHER_S = 0.05  # from one commit of such rows to the next
_IDLE_S = 1.0


@dataclass
class Change:
    """One transaction under way: the index, and what happens to files around its commit."""

    index: Index
    used_bytes: int
    settling_bytes: int = 0  # of used_bytes: what is set aside for it goes after the commit
    added: list[Stored] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)  # slots whose files go after it
    gone: list[bytes] = field(default_factory=list)  # bundles that were taken out
    after: list[Callable[[], None]] = field(default_factory=list)  # called after the commit

    def insert(self, item: Stored, content: bytes | None, slot: int | None) -> None:
        """Add a bundle whose content is given or whose file, synced, is in `slot`."""
        self.used_bytes += self.index.insert(item, content, slot)
        self.added.append(item)

    def remove(self, item: Stored) -> None:
        """Take a bundle out; its file goes once that is durable."""
        slot, _ = self.index.place(item.manifest.sequence)
        self.used_bytes -= self.index.remove(item)
        self.gone.append(item.bundle_id)
        if slot is not None:
            self.removed.append(slot)


Job = Callable[[Change], Any]
Listener = Callable[[Sequence[Stored], Sequence[bytes]], None]  # added; taken out
_Batch = list[tuple[Job, Future[Any] | None]]  # None: nobody waits


class Committer:
    """Runs jobs on its thread, each in a transaction, and answers when that is durable."""

    def __init__(
        self,
        index: Index,
        slots: Slots,
        numbering: Numbering,
        *,
        used_bytes: int,
        on_change: Listener,
        make_room: Job,
        before_batch: "Callable[[], Job | None]",
        on_damage: Callable[[], None],
        reserve: Reserve,
    ) -> None:
        self._index = index
        self._slots = slots
        self._numbering = numbering
        self._on_change = on_change
        self._make_room = make_room
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any] | None] | None] = queue.SimpleQueue()
        self._urgent = threading.Event()  # somebody waits
        self._committed_s = 0.0
        self._later = 0  # jobs that nobody waits for and that are not durable yet
        self._left_over: _Batch = []  # those of them that failed, to be tried again
        self._facts: dict[str, int] = {}
        self._gone: list[int] = []
        self._closing = threading.Lock()
        self._closed = False
        self._failure: SpoolError | None = None
        self._before = before_batch
        self._on_damage = on_damage
        self._reserve = reserve
        self.used_bytes = used_bytes
        self._thread = threading.Thread(target=self._run, name="spool-commit", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> SpoolError | None:
        """Why nothing can be written any more, if so."""
        return self._failure

    def do(self, job: Callable[[Change], _T]) -> _T:
        """Run `job` in the next transaction; returns its answer once that is durable.

        Raises:
            SpoolError: the disk is full, or the index can no longer be written.
        """
        answer: Future[_T] = Future()
        with self._closing:
            if self._closed:
                raise SpoolError("the spool is closed")
            self._jobs.put((job, answer))
        self._urgent.set()
        return answer.result()

    def later(self, job: Job) -> bool:
        """Run `job` in one of the next transactions, and again until it is durable.

        False when the caller has to wait (`do`): too much is under way, or the index is in trouble.
        """
        with self._closing:
            if self._closed or self._failure or self._left_over or self._later >= _MAX_LATER:
                return False
            self._later += 1
            self._jobs.put((job, None))
        return True

    def catch_up(self) -> None:
        """Wait until what was handed to `later` is in the index, unless that is in trouble."""
        if self._later and not self._left_over and threading.current_thread() != self._thread:
            with contextlib.suppress(SpoolError):  # it says so to whoever writes
                self.do(lambda _: None)

    def fail(self, error: SpoolError) -> None:
        """Refuse everything from now on."""
        self._failure = self._failure or error

    def close(self) -> None:
        """Finish what is waiting and end the thread."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._urgent.set()
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._take()
            self._serve(batch)

    def _take(self) -> tuple[_Batch, bool]:
        batch: _Batch = []
        try:
            item = self._jobs.get(timeout=_IDLE_S)
            if item is not None and item[1] is None:
                self._urgent.wait(max(0.0, self._committed_s + _GATHER_S - time.monotonic()))
            self._urgent.clear()
            while item is not None:
                batch.append(item)
                if len(batch) >= _MAX_BATCH:
                    return batch, True
                item = self._jobs.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, False

    def _serve(self, batch: _Batch) -> None:
        before = self._before()
        batch, self._left_over = [*self._left_over, *batch], []
        if not batch and self._failure is None:
            self._reserve.refill()
        if not batch and before is None and not self._gone:
            return
        jobs = [job for job, _ in batch]
        try:
            answers, change = self._transact_with_room([before, *jobs] if before else jobs)
        except BaseException as error:  # noqa: BLE001 - it is handed to everyone who waits
            if not isinstance(error, SpoolError):
                self.fail(SpoolError(f"the spool stopped writing after a fault: {error!r}"))
            self._refuse(batch, error)
            return
        self._committed_s = time.monotonic()
        self._answer(batch, answers[len(answers) - len(batch) :])
        self._tell(change)

    def _refuse(self, batch: _Batch, error: BaseException) -> None:
        self._left_over = [(job, None) for job, answer in batch if answer is None]
        for _, answer in batch:
            if answer is not None:
                answer.set_exception(error)

    def _answer(self, batch: _Batch, values: list[Any]) -> None:
        with self._closing:
            self._later -= sum(answer is None for _, answer in batch)
        for (_, answer), value in zip(batch, values, strict=True):
            if answer is not None:
                answer.set_result(value)

    def _tell(self, change: Change) -> None:
        try:
            self._on_change(change.added, change.gone)
        except Exception as error:  # noqa: BLE001 - this thread must live to answer
            self.fail(SpoolError(f"a listener of the spool failed: {error!r}"))

    def _transact_with_room(self, jobs: list[Job]) -> tuple[list[Any], Change]:
        if self._failure is not None:
            raise self._failure
        try:
            try:
                return self._transact(jobs)
            except sqlite3.Error as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                    raise
            self._reserve.let_go()
            self._transact([self._make_room])
            return self._transact(jobs)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except OSError as error:
            text = f"the media folder cannot be written ({error.strerror}); check the disk"
            self.fail(SpoolError(text))
            raise SpoolError(text) from error

    def _explained(self, error: sqlite3.Error) -> SpoolError:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return SpoolError("the disk is full: the index cannot grow; free space on it")
        code = error.sqlite_errorcode & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            self._on_damage()
            text = f"the index is damaged ({error}); restart: it is rebuilt from the media files"
        elif code == sqlite3.SQLITE_READONLY or self._reserve.disk_is_read_only():
            text = "the disk is read-only: check it (dmesg), then remount it for writing"
        else:
            text = f"the index cannot be written ({error}); check the disk, then restart"
        self.fail(SpoolError(text))
        return SpoolError(text)

    def _transact(self, jobs: list[Job]) -> tuple[list[Any], Change]:
        change = Change(self._index, self.used_bytes)
        self._index.begin()
        try:
            answers = [job(change) for job in jobs]
            gone = list(self._gone)
            for shard in {shard_of(slot) for slot in gone}:
                sync_folder(self._slots.files.folder(shard))
            self._index.forget_doomed(gone)
            facts = {
                "next_sequence": self._numbering.next,
                "open_shard": self._slots.first_open(),
            }
            for name in facts.keys() - {n for n, v in self._facts.items() if facts[n] == v}:
                self._index.set_fact(name, facts[name])
            self._index.commit()
        except BaseException:
            self._index.rollback()
            raise
        self.used_bytes, self._facts = change.used_bytes, facts
        self._gone = self._gone[len(gone) :]
        for callback in change.after:
            callback()
        # Files go before the answers: whoever asked for room finds it.
        self._unlink(change.removed)
        return answers, change

    def _unlink(self, removed: list[int]) -> None:
        for slot in removed:
            self._slots.files.path(slot).unlink(missing_ok=True)
            self._gone.append(slot)
