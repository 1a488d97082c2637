"""Writing a bundle's file: into a slot, past a full disk or a bad spot once, or not at all."""

import errno
from pathlib import Path

from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool.committer import Committer
from fieldlink.edge.spool.keeper import Keeper, Key
from fieldlink.edge.spool.media import media_bytes, write_media
from fieldlink.edge.spool.recovery import refusal
from fieldlink.edge.spool.shards import shard_of
from fieldlink.edge.spool.slots import Slots
from fieldlink.edge.spool.stored import Stored
from fieldlink.systemd.durable import sync_folder

__all__ = ["Writer"]

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Writer:
    """Writes files on the threads of those who record."""

    def __init__(
        self,
        folder: Path,
        slots: Slots,
        keeper: Keeper,
        committer: Committer,
        findings: list[str],
    ) -> None:
        self._folder = folder
        self._slots = slots
        self._keeper = keeper
        self._committer = committer
        self._findings = findings

    def write(self, item: Stored, content: bytes, key: Key) -> int:
        """The slot that the bundle is in, durably; once more after making room, or past a bad spot.

        Raises:
            SpoolError: the disk is full, read-only or broken.
        """
        try:
            return self._write_once(item, content)
        except OSError as error:
            if error.errno in _FULL:
                size = media_bytes(item.encoded, len(content))
                self._committer.do(lambda change: self._keeper.give_up(change, size, key))
            elif error.errno != errno.EIO:
                raise self._failed(error) from error
        try:
            return self._write_once(item, content)
        except OSError as error:
            raise self._failed(error) from error

    def discard(self, slot: int, *, quarantine: bool = False) -> None:
        """Put away a file that was not recorded, so that the next open does not take it in."""
        path = self._slots.files.path(slot)
        try:
            if quarantine:
                self._keeper.keep_damaged(slot)
            else:
                path.unlink(missing_ok=True)
            sync_folder(self._slots.files.folder(shard_of(slot)))
        except OSError as error:
            self._findings.append(f"{path} could not be removed ({error.strerror})")
        self._slots.settle(slot)

    def _write_once(self, item: Stored, content: bytes) -> int:
        slot = self._slots.take()
        try:
            write_media(self._slots.files.name(slot), item.encoded, content)
        except OSError as error:
            # A file that failed to sync is never synced again: it goes aside, a new one is made.
            self.discard(slot, quarantine=error.errno == errno.EIO)
            raise
        return slot

    def _failed(self, error: OSError) -> SpoolError:
        failure = SpoolError(refusal(self._folder, error))
        if error.errno not in _FULL:
            self._committer.fail(failure)
        return failure
