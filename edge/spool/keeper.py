"""What stays and what goes: room for new bundles, and a gap record for everything given up."""

import threading
from collections.abc import Iterable
from pathlib import Path

from fieldlink.codecs.bundle import Gap, decode_gap
from fieldlink.edge.spool.committer import Change, Job
from fieldlink.edge.spool.numbering import Numbering, gaps_left_by, joined
from fieldlink.edge.spool.policy import RetentionPolicy
from fieldlink.edge.spool.shards import Shards, shard_of
from fieldlink.edge.spool.stored import State, Stored
from fieldlink.edge.spool.view import free_bytes

__all__ = ["GIVEN_UP", "Keeper", "Key"]

GIVEN_UP = "given-up: the disk was short"
Key = tuple[int, int, int]


class Keeper:
    """Bounds the spool, and remembers what the next transaction has to write besides.

    Methods that take a `change` run inside a transaction; the others on any thread.
    """

    def __init__(
        self, folder: Path, policy: RetentionPolicy, numbering: Numbering, files: Shards
    ) -> None:
        self._folder = folder
        self._policy = policy
        self._numbering = numbering
        self._files = files
        self._guard = threading.Lock()
        self._reserved_bytes = 0  # not written yet
        self._written_bytes = 0  # on the disk, without a row yet
        self._notes: dict[bytes, tuple[list[str], int, int]] = {}
        self._owed: list[Gap] = []

    # --- room ----------------------------------------------------------------------------

    def reserve(self, count: int) -> None:
        """Set `count` bytes aside for a bundle that is being written."""
        with self._guard:
            self._reserved_bytes += count

    def release(self, count: int) -> None:
        """Those bytes will not be written."""
        self.reserve(-count)

    def written(self, count: int) -> None:
        """Bytes that were set aside are on the disk, and get their row next."""
        with self._guard:
            self._reserved_bytes -= count
            self._written_bytes += count

    def settled(self, count: int) -> None:
        """Written bytes have their row now, or are gone."""
        with self._guard:
            self._written_bytes -= count

    def excess_bytes(self, used_bytes: int, settling_bytes: int = 0) -> int:
        """How much has to go for all that is set aside to fit beside `used_bytes`.

        `settling_bytes` of them are among the written ones as well.
        """
        free = free_bytes(self._folder)
        with self._guard:
            used_bytes += self._written_bytes - settling_bytes
            return self._policy.excess_bytes(used_bytes, free, self._reserved_bytes)

    def make_room(self, change: Change, below: Key) -> bool:
        """Give up what is worth less than `below` until all that is set aside fits."""
        excess = self.excess_bytes(change.used_bytes, change.settling_bytes)
        return self.give_up(change, excess, below)

    def give_up(self, change: Change, excess: int, below: Key) -> bool:
        """Take out `excess` bytes worth less than `below`; False when there are not so many."""
        if excess <= 0:
            return True
        chosen: list[Stored] = []
        freed = 0
        for item, held in change.index.give_up_order(below):
            # Beyond the need only what the centre has goes, so that nothing is lost too early.
            slack = self._policy.slack_bytes if item.state is State.CUSTODY else 0
            if freed >= excess + slack:
                break
            chosen.append(item)
            freed += held
        if freed < excess:
            return False
        self.take_out(change, chosen, GIVEN_UP)
        return True

    def take_out(self, change: Change, items: Iterable[Stored], reason: str) -> None:
        """Remove `items`; whatever the centre does not have leaves a gap record."""
        lost = []
        for item in items:
            change.remove(item)
            if item.state is not State.CUSTODY:
                lost.append(item)
        change.index.set_fact("given_up", change.index.fact("given_up") + len(lost))
        for gap in gaps_left_by(lost, reason):
            self.insert_gap(change, self._widened(change, gap))

    def decline(self, change: Change, item: Stored) -> None:
        """Put on record that a new bundle was worth less than all that the spool holds."""
        for gap in gaps_left_by([item], GIVEN_UP):
            self.insert_gap(change, self._widened(change, gap))
        change.index.set_fact("given_up", change.index.fact("given_up") + 1)

    def withdraw(self, change: Change, bundle_id: bytes) -> bool:
        """Remove a bundle of which nothing was sent, without a gap; whether it was there."""
        item = change.index.get(bundle_id)
        with self._guard:
            on_its_way = bundle_id in self._notes
        if item is None or item.state is not State.PENDING:
            return False
        if on_its_way or item.first_sent_us is not None:
            return False
        change.remove(item)
        return True

    def keep_damaged(self, slot: int) -> None:
        """Put the file in `slot` aside for whoever wants to look into it.

        Raises:
            OSError: it cannot be moved.
        """
        path = self._files.path(slot)
        if path.exists():
            path.rename(self._folder / "quarantine" / f"{shard_of(slot):06d}-{path.name}")

    # --- gaps ----------------------------------------------------------------------------

    def insert_gap(self, change: Change, gap: Gap) -> Stored:
        """Put `gap` on record."""
        item, content = self._numbering.gap(gap)
        change.insert(item, content, None)
        return item

    def _widened(self, change: Change, gap: Gap) -> Gap:
        """`gap` with the unsent gap record that it touches, if any, which it replaces."""
        for item, content in change.index.unsent_gaps(gap.device, gap.stream):
            with self._guard:
                on_its_way = item.bundle_id in self._notes
            wider = None if on_its_way else joined(decode_gap(content), gap)
            if wider is not None:
                change.remove(item)
                return wider
        return gap

    def owe(self, item: Stored, why: str) -> None:
        """Remember a gap that cannot be written now; the next commit that works writes it."""
        with self._guard:
            self._owed += gaps_left_by([item], f"not recorded: {why}")

    # --- what the next transaction writes besides ----------------------------------------

    def note_sent(self, bundle_id: bytes, bearer: str, at_us: int) -> None:
        """Bytes of a bundle left by `bearer` at `at_us`."""
        with self._guard:
            bearers, first_us, _ = self._notes.get(bundle_id, ([], at_us, at_us))
            if bearer not in bearers:
                bearers.append(bearer)
            self._notes[bundle_id] = bearers, first_us, at_us

    def before_batch(self) -> Job | None:
        """Journeys noted and gaps owed, as work for the next transaction."""
        with self._guard:
            notes, owed = dict(self._notes), list(self._owed)
        if not notes and not owed:
            return None

        def write(change: Change) -> None:
            for bundle_id, (bearers, first_us, last_us) in notes.items():
                change.index.note_sent(bundle_id, bearers, first_us, last_us)
            for gap in owed:
                self.insert_gap(change, self._widened(change, gap))
            change.after.append(lambda: self._written(notes, len(owed)))

        return write

    def _written(self, notes: dict[bytes, tuple[list[str], int, int]], owed: int) -> None:
        with self._guard:
            del self._owed[:owed]
            for bundle_id, note in notes.items():
                if self._notes.get(bundle_id) == note:
                    del self._notes[bundle_id]
