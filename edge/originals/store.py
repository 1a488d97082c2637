"""The store behind the door: uploads on the disk, and whole ones on their way to the spool.

Blocks on the disk; any thread. Outside text (keys, names) is data in the ledger and never a path:
folders and files have names made here.
"""

import hashlib
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import CodecError, FieldlinkError
from fieldlink.edge.originals.faults import RefusalError
from fieldlink.edge.originals.ledger import KeptObject, KeptPart, Ledger, Plan, Upload
from fieldlink.edge.originals.patience import Patience
from fieldlink.edge.originals.room import Bounds, Room
from fieldlink.edge.originals.spooling import (
    Add,
    examine,
    file_ident,
    index_draft,
    index_of,
    media_type_of,
    name_of,
    spool_parts,
    taken_dict,
    told_index,
)
from fieldlink.edge.originals.staging import Joined, Staged
from fieldlink.systemd.durable import make_folder, sync_folder

__all__ = ["Store"]

_MOST_UPLOADS, _MOST_PARTS = 32, 10_000
_STALE_US = 48 * 3_600 * 1_000_000
_IN_THE_WAY_US = 3_600 * 1_000_000  # so long nothing came of it, and there is no room for others


class Store:
    """`device_of` gives the device that an owner's files are of; `clock` is UTC microseconds."""

    def __init__(
        self,
        folder: Path,
        *,
        add: Add,
        device_of: Callable[[str], str | None],
        clock: Callable[[], int],
        bounds: Bounds,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises:
        OSError, SpoolError: the folder or the ledger cannot be used.
        """
        make_folder(folder)
        self._staging = folder / "staging"
        self._add, self._device_of, self._clock = add, device_of, clock
        self._bounds = bounds
        self.ledger = Ledger(folder / "ledger.db")
        self.room = Room(self._staging, bounds, self.ledger.held)
        self._patience = Patience(clock, steady)
        self._spooling = threading.Lock()
        self._changing = threading.Lock()  # what an upload consists of
        self.counts: Counter[str] = Counter()
        self.fault = ""

    # --- after a start, and from time to time ------------------------------------------------

    def tidy(self) -> None:
        """Remove what belongs to no upload and uploads that nobody goes on with; finish those that
        are whole.
        """
        self._forget(self._patience.left(self.ledger.uploads(), _STALE_US))
        # In this order: what is written is busy first, then in the ledger, and always one of them.
        folders = list(self._staging.iterdir())
        known = self.room.busy | {upload.id for upload in self.ledger.uploads()}
        for folder in folders:
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)
        for upload in self.ledger.uploads():
            if upload.plan is not None:
                self._try(upload)

    def _make_way(self) -> bool:
        """Forget what is in the way of others; whether there was any."""
        left = self._patience.left(self.ledger.uploads(), _IN_THE_WAY_US)
        busy = self.room.busy
        return self._forget([one for one in left if one.plan is None and one.id not in busy])

    def _forget(self, uploads: Sequence[Upload]) -> bool:
        for upload in uploads:
            self.counts["forgotten"] += 1
            self._drop(upload.id)
        return bool(uploads)

    def stage(self, upload: str | None, size: int | None) -> Staged:
        """As `Room.stage`; uploads that nobody goes on with make way."""
        try:
            return self.room.stage(upload, size)
        except RefusalError as error:
            if error.status < 500 or not self._make_way():
                raise
        return self.room.stage(upload, size)

    def _try(self, upload: Upload) -> None:
        try:
            self._finish(upload)
        except (FieldlinkError, OSError) as error:
            self.fault = str(error)

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    # --- multipart ---------------------------------------------------------------------------

    def begin(self, owner: str, key: str, media_type: str) -> str:
        """The id of an upload that begins.

        Raises:
            RefusalError: too many go on.
        """
        if len(self.ledger.uploads(owner)) >= _MOST_UPLOADS:
            self._make_way()
        with self._changing:
            if len(self.ledger.uploads(owner)) >= _MOST_UPLOADS:
                raise RefusalError(503, "SlowDown", f"{_MOST_UPLOADS} uploads go on already")
            ident, now_us = secrets.token_hex(16), self._clock()
            self.ledger.begin(Upload(ident, owner, key, media_type, now_us, now_us, None))
        return ident

    def mine(self, owner: str, key: str, ident: str) -> Upload:
        """The upload of that id, if it is theirs.

        Raises:
            RefusalError: it is not, or there is none.
        """
        found = self.ledger.upload(ident)
        if found is None or (found.owner, found.key) != (owner, key):
            raise RefusalError(404, "NoSuchUpload", "there is no such upload")
        return found

    def keep_part(self, upload: Upload, number: int, staged: Staged, signature: str) -> str:
        """Part `number` is here, durable; its ETag.

        Raises:
            RefusalError: a request that was heard before brings other bytes.
            OSError: the disk refuses.
        """
        if not 1 <= number <= _MOST_PARTS:
            raise RefusalError(400, "InvalidArgument", f"parts are 1 to {_MOST_PARTS}")
        staged.finish()
        sync_folder(staged.path.parent)
        part = KeptPart(number, staged.size, staged.md5, signature, staged.name)
        with self._changing:  # it came a while ago: the upload may have ended, or be whole
            now = self.mine(upload.owner, upload.key, upload.id)
            if now.plan is not None:
                raise RefusalError(400, "InvalidArgument", "it is whole already")
            before = {one.number: one for one in self.ledger.parts(upload.id)}.get(number)
            if before is not None and before.signature == signature and before.md5 != part.md5:
                raise _replayed()
            self.ledger.keep_part(upload.id, part, self._clock())
        if before is not None:
            (self._staging / upload.id / before.file).unlink(missing_ok=True)
        return part.md5

    def parts(self, upload: Upload) -> list[KeptPart]:
        """The parts that are here."""
        return self.ledger.parts(upload.id)

    def complete(
        self, owner: str, key: str, ident: str, wanted: Sequence[tuple[int, str]], signature: str
    ) -> KeptObject:
        """The upload is whole: its parts in that order; returns when the spool has it.

        Raises:
            RefusalError: a part is not here, or is another.
            FieldlinkError, OSError: the spool or the disk refuses now; try again.
        """
        done = self._made_of(Upload(ident, owner, key, "", 0, 0, None))
        if done is not None:
            return done  # its answer was lost
        with self._changing:
            upload = self.mine(owner, key, ident)
            if upload.plan is None:
                self.ledger.plan(ident, self._planned(upload, wanted, signature))
        return self._finish(upload)

    def _planned(self, upload: Upload, wanted: Sequence[tuple[int, str]], signature: str) -> Plan:
        here = {part.number: part for part in self.ledger.parts(upload.id)}
        parts = [here[number] for number, _ in wanted if number in here]
        if [part.md5 for part in parts] != [etag for _, etag in wanted]:
            raise RefusalError(400, "InvalidPart", "a part is not here, or is another")
        digests = b"".join(bytes.fromhex(part.md5) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        return self._plan(upload, etag, [(part.file, part.size) for part in parts], signature)

    def _made_of(self, upload: Upload) -> KeptObject | None:
        done = self.ledger.object(upload.owner, upload.key)
        same = done is not None and done.content["about"].get("upload") == upload.id
        return done if same else None

    def abort(self, upload: Upload) -> None:
        """It is not wanted any more.

        Raises:
            RefusalError: it is whole, and on its way.
        """
        if upload.plan is not None:
            raise RefusalError(404, "NoSuchUpload", "it is whole, and on its way to the spool")
        self._drop(upload.id)

    def _drop(self, ident: str) -> None:
        with self._changing:
            self.ledger.end(ident)
        shutil.rmtree(self._staging / ident, ignore_errors=True)

    # --- whole files -------------------------------------------------------------------------

    def put(
        self, owner: str, key: str, media_type: str, staged: Staged, signature: str
    ) -> KeptObject:
        """A file in one body; returns when the spool has it.

        Raises:
            RefusalError: a request that was heard before brings other bytes.
            FieldlinkError, OSError: the spool or the disk refuses now; try again.
        """
        self._device(owner)
        done = self.ledger.object(owner, key)
        if done is not None and (done.etag, done.size) == (staged.md5, staged.size):
            self.room.unstage(staged, keep=False)
            return done
        if done is not None and done.signature == signature:
            raise _replayed()
        for other in self.ledger.uploads(owner):
            plan = other.plan
            same = plan is not None and (plan.etag, plan.size) == (staged.md5, staged.size)
            if same and other.key == key:
                self.room.unstage(staged, keep=False)  # it came before, and waits for the spool
                return self._finish(other)
        staged.finish()
        sync_folder(staged.path.parent)
        sync_folder(self._staging)
        now_us = self._clock()
        upload = Upload(staged.path.parent.name, owner, key, media_type, now_us, now_us, None)
        plan = self._plan(upload, staged.md5, [(staged.name, staged.size)], signature)
        upload = replace(upload, plan=plan)
        self.ledger.begin(upload)
        return self._finish(upload)

    def _plan(
        self, upload: Upload, etag: str, files: list[tuple[str, int]], signature: str
    ) -> Plan:
        size = sum(length for _, length in files)
        if size > self._bounds.largest:
            raise RefusalError(400, "EntityTooLarge", f"at most {self._bounds.largest} bytes")
        name = name_of(upload.key)
        ident = file_ident(upload.owner, upload.key, etag, size)
        kind = media_type_of(name, upload.media_type)
        return Plan(etag, size, files, signature, ident, name, kind)

    def _finish(self, upload: Upload) -> KeptObject:
        with self._spooling:  # one part in memory at a time
            now = self.ledger.upload(upload.id)
            if now is None or now.plan is None:
                done = self._made_of(upload)  # by somebody else, while this one waited
                if done is None:
                    raise RefusalError(404, "NoSuchUpload", "there is no such upload any more")
                return done
            made = self._spool(now, now.plan)
            self.ledger.end(now.id, made)
            shutil.rmtree(self._staging / now.id, ignore_errors=True)
            self.counts["stored"] += 1
            self.fault = ""
            return made

    def _device(self, owner: str) -> str:
        device = self._device_of(owner)
        if device is None:
            raise RefusalError(403, "AccessDenied", "this controller is not registered any more")
        return device

    def _spool(self, upload: Upload, plan: Plan) -> KeptObject:
        device = self._device(upload.owner)
        folder, now_us = self._staging / upload.id, self._clock()
        content = Joined([(folder / name, size) for name, size in plan.files])
        if plan.taken is None:
            plan.taken = taken_dict(examine(plan, content, now_us))
            self.ledger.plan(upload.id, plan)

        def after_part() -> None:
            self.ledger.plan(upload.id, plan)
            _, offset, size, _ = plan.parts[-1]
            for path in content.before(offset + size):
                path.unlink(missing_ok=True)

        spool_parts(device, plan, content, self._add, now_us, after_part)
        index = index_of(device, plan, {"key": upload.key, "upload": upload.id})
        self._add(*index_draft(index, now_us))
        return KeptObject(
            *(upload.owner, upload.key, now_us, plan.size, plan.etag, plan.signature),
            *(index.to_dict(), plan.bundles, False),
        )

    # --- what is stored ----------------------------------------------------------------------

    def tell(
        self, owner: str, key: str, said: dict[str, Any], fingerprint: str = "", tiny: str = ""
    ) -> bool:
        """Its owner says what it is: `taken_us` and what goes into the index's `about`. False:
        there is no such file; True: the spool has it, and what was said of it.

        Raises:
            FieldlinkError: the spool refuses now.
        """
        kept = self.ledger.object(owner, key)
        if kept is None:
            return False
        try:
            index, told = told_index(kept.content, said, self._clock())
        except CodecError:
            return False
        if told != index:
            self._add(*index_draft(told, self._clock()))
        if told != index or not kept.told:
            self.ledger.tell(kept, told.to_dict(), fingerprint, tiny)
        return True

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        uploads = self.ledger.uploads()
        counts = {
            **self.ledger.totals(),
            "uploads": len(uploads),
            "waiting_bytes": self.ledger.held(),
        }
        return {**counts, "reason": self.fault, "counts": dict(self.counts)}


def _replayed() -> RefusalError:
    return RefusalError(403, "AccessDenied", "this request was heard before, with other content")
