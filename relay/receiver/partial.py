"""One bundle under way: its bytes so far in a file, the spans it holds in a journal beside it.

    <id>.part     the content, written in place
    <id>.ranges   records (as in the archive's ledger): the manifest, then one for each span

Neither is synced before the bundle is whole. After a power cut the journal may claim bytes that
the file lost: the content's hash finds out, and the kit sends it again.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from fieldlink.codecs.bundle import MAX_MANIFEST_BYTES, Manifest, Ranges, decode_manifest
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack
from fieldlink.relay.archive.ledger import append_record, read_records
from fieldlink.relay.archive.store import FILE_MODE
from fieldlink.relay.archive.verify import hash_file

__all__ = ["Partial", "Trace"]

_MAX_BODY_BYTES = MAX_MANIFEST_BYTES + 64
_MAX_BEARERS = 16
_MOST_SPANS = 4096
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Trace:
    """A bundle's journey as far as the receiver saw it."""

    first_sent_us: int | None = None
    first_received_us: int | None = None
    last_received_us: int | None = None
    bearers: list[str] = field(default_factory=list)

    def note(self, sent_us: int, received_us: int, bearer: str) -> None:
        """A chunk came."""
        if self.first_sent_us is None or sent_us < self.first_sent_us:
            self.first_sent_us = sent_us
        if self.first_received_us is None:
            self.first_received_us = received_us
        self.last_received_us = received_us
        if bearer and bearer not in self.bearers and len(self.bearers) < _MAX_BEARERS:
            self.bearers.append(bearer.replace(",", " "))


class Partial:
    """A bundle under way; used by one thread."""

    def __init__(self, folder: Path, bundle_id: bytes, encoded: bytes, manifest: Manifest) -> None:
        self.bundle_id = bundle_id
        self.encoded = encoded
        self.manifest = manifest
        self.ranges = Ranges()
        self.trace = Trace()
        self.verified = False
        self.part = folder / f"{bundle_id.hex()}.part"
        self.journal = folder / f"{bundle_id.hex()}.ranges"
        self._journal_bytes = 0
        self._handles: tuple[int, int] | None = None
        # Hashed as it comes, for as long as it comes in order; None when it did not.
        self._running: hashlib.blake2b | None = hashlib.blake2b(digest_size=32)
        self._hashed_bytes = 0

    @classmethod
    def load(cls, journal: Path) -> "Partial | None":
        """The bundle under way whose journal is `journal`; None when it says nothing useful."""
        bodies = [body for body, _ in read_records(journal.read_bytes(), _MAX_BODY_BYTES)]
        try:
            encoded = bodies[0]
            manifest = decode_manifest(encoded)
            partial = cls(journal.parent, bytes.fromhex(journal.stem), encoded, manifest)
            for body in bodies[1:]:
                partial._recall(body)
        except (CodecError, IndexError, ValueError):
            return None
        if not partial.part.is_file() or partial.part.stat().st_size < partial.ranges.end:
            return None
        partial._running = None
        partial._journal_bytes = journal.stat().st_size
        return partial

    @property
    def held_bytes(self) -> int:
        """Bytes held so far."""
        return self.ranges.held_bytes

    @property
    def disk_bytes(self) -> int:
        """Bytes held so far and what the journal says of them: chunks may be tiny."""
        return self.held_bytes + self._journal_bytes

    def crumbles(self, offset: int) -> bool:
        """Whether there are so many pieces that only the first gap may be filled now."""
        if len(self.ranges) < _MOST_SPANS:
            return False
        return offset > next(self.ranges.missing(self.manifest.size), (0, 0))[0]

    @property
    def complete(self) -> bool:
        """Whether every byte is held."""
        return self.ranges.complete(self.manifest.size)

    def write(self, offset: int, payload: bytes | memoryview) -> None:
        """Hold the bytes of `payload` that are not held yet; held ones are never overwritten.

        Raises:
            OSError: the disk is full or broken; nothing is held that was not before.
        """
        end = offset + len(payload)
        if self.ranges.covers(offset, end):
            return
        part, journal = self._open()
        view = memoryview(payload)
        for start, stop in self._lacking(offset, end):
            _write_all(part, view[start - offset : stop - offset], start)
        last = self.trace
        times = [last.first_sent_us, last.first_received_us, last.last_received_us]
        body = pack([offset, end, *times, last.bearers])
        self._journal_bytes += _append_all(journal, append_record(body))
        self.ranges.add(offset, end)
        self._hash_on(offset, view)

    def write_whole(self, payload: bytes | memoryview) -> None:
        """Hold the whole content, which the caller has verified, without a journal.

        Raises:
            OSError: the disk is full or broken.
        """
        handle = os.open(self.part, _OPEN | os.O_TRUNC, FILE_MODE)
        try:
            _write_all(handle, memoryview(payload), 0)
        finally:
            os.close(handle)
        self.ranges.add(0, len(payload))
        self.verified = True

    def content_is_good(self) -> bool:
        """Whether the whole content hashes to what the manifest says; may read the file.

        Raises:
            OSError: it cannot be read.
        """
        if self.verified:
            return True
        if self._running is not None and self._hashed_bytes == self.manifest.size:
            return self._running.digest() == self.manifest.content_hash
        os.truncate(self.part, self.manifest.size)
        return hash_file(self.part) == self.manifest.content_hash

    def close(self) -> None:
        """Close the files; they are opened again when needed."""
        if self._handles is not None:
            for handle in self._handles:
                os.close(handle)
            self._handles = None

    def forget(self) -> None:
        """Close and remove the files."""
        self.close()
        self.journal.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)

    def _open(self) -> tuple[int, int]:
        if self._handles is None:
            fresh = not self.ranges
            part = os.open(self.part, _OPEN, FILE_MODE)
            try:
                journal = os.open(self.journal, _OPEN | os.O_APPEND, FILE_MODE)
            except OSError:
                os.close(part)
                raise
            self._handles = (part, journal)
            if fresh:
                os.ftruncate(journal, 0)
                self._journal_bytes = _append_all(journal, append_record(self.encoded))
        return self._handles

    def _lacking(self, start: int, end: int) -> list[tuple[int, int]]:
        gaps = self.ranges.missing(end)
        return [(max(first, start), last) for first, last in gaps if last > start]

    def _hash_on(self, offset: int, view: memoryview) -> None:
        if self._running is None:
            return
        if offset == self._hashed_bytes:
            self._running.update(view)
            self._hashed_bytes += len(view)
        else:
            self._running = None

    def _recall(self, body: bytes) -> None:
        fields = Fields(unpack(body, "span", max_bytes=_MAX_BODY_BYTES), "span")
        start, end = fields.integer(0, self.manifest.size), fields.integer(0, self.manifest.size)
        self.ranges.add(start, end)
        trace = self.trace
        trace.first_sent_us = fields.optional_integer()
        trace.first_received_us = fields.optional_integer()
        trace.last_received_us = fields.optional_integer()
        trace.bearers = [str(bearer)[:32] for bearer in fields.array(_MAX_BEARERS)]


def _write_all(handle: int, view: memoryview, offset: int) -> None:
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written


def _append_all(handle: int, data: bytes) -> int:
    # A torn record would hide every later one: what does not fit whole is taken back.
    before = os.fstat(handle).st_size
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError:
        os.ftruncate(handle, before)
        raise
    return len(data)
