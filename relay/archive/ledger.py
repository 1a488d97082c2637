"""The archive's ledger: every bundle with its manifest and path, written before its file is moved.

With it the catalogue can be made again from the archive alone, and a relay that was stopped
between moving a file and the catalogue's commit finds out. One file a day, append-only; a
record is

    0..3   length of the body, unsigned 32-bit big-endian
    4..7   CRC-32 of the body
    8..    body: a msgpack array

A reader stops at the first record that is not whole.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fieldlink.codecs.bundle import MAX_MANIFEST_BYTES
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack
from fieldlink.systemd.durable import sync_folder

__all__ = ["Entry", "Ledger", "append_record", "read_records"]

_HEAD = struct.Struct(">II")
_MAX_BODY_BYTES = 16 * 1024
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A bundle that was about to be moved to `path`. Times are UTC microseconds."""

    encoded: bytes
    incident: str
    path: str
    custody_us: int
    first_sent_us: int | None
    first_received_us: int | None
    last_received_us: int | None
    bearers: tuple[str, ...]


class Ledger:
    """The ledger in `folder`; one writer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None
        self._name = ""
        self._good_bytes = 0
        self.findings: list[str] = []

    def append(self, entries: Sequence[Entry]) -> None:
        """Write `entries`, durable when this returns.

        Raises:
            OSError: the disk is full or broken; none of them counts.
        """
        data = b"".join(append_record(_pack(entry)) for entry in entries)
        handle = self._current(entries[0].custody_us)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
        except OSError:
            self._take_back(handle)
            raise
        try:
            os.fdatasync(handle)
        except OSError:
            self.close()  # nobody knows what this file holds now: the next write goes to another
            raise
        self._good_bytes += len(data)

    def files(self) -> list[Path]:
        """The ledger's files, the oldest first."""
        return sorted(self._folder.glob("*.log"), key=_file_order)

    def read(self, file: Path) -> Iterator[Entry]:
        """The entries of one file; what is damaged is skipped and told in `findings`."""
        data = file.read_bytes()
        read_bytes = 0
        for body, end in read_records(data, _MAX_BODY_BYTES):
            read_bytes = end
            try:
                yield _unpack(body)
            except CodecError as error:
                self.findings.append(f"ledger {file.name}: an entry cannot be read ({error})")
        if read_bytes < len(data):
            self.findings.append(
                f"ledger {file.name}: {len(data) - read_bytes} bytes at its end are no whole entry"
            )

    def close(self) -> None:
        """Close the file under way; the next write goes to a new one."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _current(self, at_us: int) -> int:
        day = f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d}"
        if self._handle is not None and self._name.startswith(day):
            return self._handle
        self.close()
        # Never behind another run's end, which may be torn: each run begins a file of its own.
        taken = len(list(self._folder.glob(f"{day}.*.log")))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        while (self._folder / f"{day}.{taken}.log").exists():
            taken += 1
        self._name = f"{day}.{taken}.log"
        self._handle = os.open(self._folder / self._name, flags, 0o640)
        self._good_bytes = 0
        sync_folder(self._folder)
        return self._handle

    def _take_back(self, handle: int) -> None:
        """Cut off half an entry, so that a full disk does not cost a new file each time."""
        try:
            os.ftruncate(handle, self._good_bytes)
        except OSError:
            self.close()


def append_record(body: bytes) -> bytes:
    """`body` as one record."""
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def read_records(data: bytes, max_body_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Each whole record's body and where it ends; stops at the first that is not whole."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, crc = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + length]
        if length > max_body_bytes or len(body) < length or zlib.crc32(body) != crc:
            return
        at += _HEAD.size + length
        yield body, at


def _file_order(file: Path) -> tuple[str, int]:
    day, _, rest = file.name.partition(".")
    count = rest.removesuffix(".log")
    return day, int(count) if count.isdigit() else 0


def _pack(entry: Entry) -> bytes:
    times = [entry.custody_us, entry.first_sent_us, entry.first_received_us, entry.last_received_us]
    names = [entry.incident, entry.path, list(entry.bearers)]
    return pack([_VERSION, entry.encoded, *names, *times])


def _unpack(body: bytes) -> Entry:
    fields = Fields(unpack(body, "ledger entry", max_bytes=_MAX_BODY_BYTES), "ledger entry")
    fields.integer(_VERSION, _VERSION)
    encoded = fields.binary(1, MAX_MANIFEST_BYTES)
    incident, path = fields.text(64), fields.text(400)
    bearers = tuple(str(bearer)[:32] for bearer in fields.array(64))
    custody_us = fields.integer()
    sent_us, first_us, last_us = (fields.optional_integer() for _ in range(3))
    return Entry(encoded, incident, path, custody_us, sent_us, first_us, last_us, bearers)
