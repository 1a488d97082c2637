"""The folder in which recordings grow until they are bundles. All of it blocks; one thread at a
time.

A piece is a file that is added to and synced; closed, it goes to the sink, and is removed when that
has it on the disk. Whatever is found at a start was left by a crash or a full disk: it is read,
cut where it ends in the middle of a record, and goes to the sink.
"""

import contextlib
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.fault import CodecError, FieldlinkError
from fieldlink.drone.record.cutter import Append, Close, Ended, Op, Tally
from fieldlink.drone.record.index import FlightIndex, Gap
from fieldlink.drone.record.pieces import STREAM, Piece, flight_draft, piece_of_name
from fieldlink.drone.record.reading import Damage, scan
from fieldlink.systemd.durable import make_folder, sync_folder, write_durably

__all__ = ["GapSink", "PieceStore", "Sink"]

Sink: TypeAlias = Callable[[Draft, bytes], object]
"""Stores a bundle durably; FieldlinkError says that it cannot at present."""

GapSink: TypeAlias = Callable[[str, str, int, int, str], object]
"""Puts on record that a device's stream has nothing from and to, and why."""

_MAX_INDEX_BYTES = 4_000_000
_MAX_TROUBLES = 8


class PieceStore:
    """`clock` is UTC microseconds."""

    def __init__(
        self, folder: Path, sink: Sink, gap: GapSink | None, clock: Callable[[], int]
    ) -> None:
        self._folder, self._sink, self._gap, self._clock = folder, sink, gap, clock
        self._open: dict[str, int] = {}
        self._waiting: list[tuple[Piece, str]] = []
        self._indexes: list[FlightIndex] = []  # that wait for the sink
        self._short: set[str] = set()  # pieces that lack what could not be written
        self._lock = threading.Lock()  # a call may still work when its caller was cancelled
        self.fault = ""
        self.stored = 0
        self.lost_bytes = 0
        self.findings: list[str] = []

    @property
    def waiting(self) -> int:
        """Pieces that the sink would not take yet."""
        return len(self._waiting)

    def apply(self, ops: Sequence[Op]) -> None:
        """Do what the cutters said, in order; what was added is on the disk when this returns."""
        with self._lock:
            self._apply(ops)

    def _apply(self, ops: Sequence[Op]) -> None:
        self.fault = ""
        touched: dict[str, int] = {}
        for op in ops:
            match op:
                case Append(piece, data):
                    self._append(piece, data, touched)
                case Close(piece, index, why):
                    touched.pop(piece.name, None)
                    self._close(piece, index, why)
                case Ended(index):
                    self._end(index)
                case Tally(device, gap):
                    self._tell(device, gap)
        for name, handle in touched.items():
            self._guarded(name, lambda handle=handle: os.fdatasync(handle))  # type: ignore[misc]
        self._again()

    def _again(self) -> None:
        """Offer the sink what it would not take before."""
        waiting, self._waiting = self._waiting, []
        while waiting:
            piece, why = waiting.pop(0)
            if not self._store(piece, why):
                self._waiting += waiting  # it takes none now
                return
        indexes, self._indexes = self._indexes, []
        for index in indexes:
            self._end(index)

    def _append(self, piece: Piece, data: bytearray, touched: dict[str, int]) -> None:
        def write() -> None:
            handle = self._open.get(piece.name)
            if handle is None:
                path = self._folder / piece.name
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                handle = self._open[piece.name] = os.open(path, flags, 0o600)
                sync_folder(self._folder)
            touched[piece.name] = handle
            _write_whole(handle, data)

        if not self._guarded(piece.name, write):
            self.lost_bytes += len(data)
            self._short.add(piece.name)
            self._tell(piece.device, Gap(piece.start_us, piece.end_us, f"disk: {self.fault}"))

    def _guarded(self, name: str, work: Callable[[], None]) -> bool:
        try:
            work()
        except OSError as error:
            self.fault = f"{name} cannot be written ({error.strerror}); see the disk"
            return False
        return True

    def _close(self, piece: Piece, index: FlightIndex, why: str) -> None:
        handle = self._open.pop(piece.name, None)
        if handle is not None:
            self._guarded(piece.name, lambda: os.fdatasync(handle))
            os.close(handle)
        # The index first: a piece that is in it twice is told by its number, one in none is lost.
        self._remember(index)
        if self._waiting or not self._store(piece, why):
            self._waiting.append((piece, why))

    def _remember(self, index: FlightIndex) -> None:
        data = json.dumps(index.to_dict()).encode()
        self._guarded("the index", lambda: write_durably(self._index_path(index.device), data))

    def _index_path(self, device: str) -> Path:
        return self._folder / f"{device}.json"

    def _store(self, piece: Piece, why: str) -> bool:
        path = self._folder / piece.name
        try:
            content = path.read_bytes()
            if piece.name in self._short:
                piece, content, _ = _read_back(piece, content)
            if content:
                self._sink(piece.draft(self._clock(), why), content)
                self.stored += 1
        except FileNotFoundError:
            return True  # nothing of it could be written, which is on record
        except (OSError, FieldlinkError) as error:
            self.fault = str(error)
            return False
        path.unlink(missing_ok=True)
        self._short.discard(piece.name)
        return True

    def _end(self, index: FlightIndex) -> None:
        self._remember(index)  # that it has ended
        if index.armed and index.pieces:
            content = json.dumps(index.to_dict(), ensure_ascii=False).encode()
            try:
                self._sink(flight_draft(index, self._clock()), content)
            except (OSError, FieldlinkError) as error:
                self.fault = str(error)
                self._indexes.append(index)
                return
        path = self._index_path(index.device)
        kept = self._load(path)
        if kept is None or kept.ident == index.ident:
            path.unlink(missing_ok=True)

    def _tell(self, device: str, gap: Gap) -> None:
        if self._gap is None:
            return
        try:
            self._gap(device, STREAM, gap.start_us, gap.end_us, gap.reason)
        except FieldlinkError as error:
            self.fault = str(error)

    # --- after a crash -----------------------------------------------------------------------

    def recover(self) -> dict[str, FlightIndex]:
        """Store what is left from before; of each device the recording that may go on.

        Raises:
            OSError: the folder cannot be read or made.
        """
        make_folder(self._folder)
        kept: dict[str, FlightIndex] = {}
        for path in sorted(self._folder.glob("*.json")):
            index = self._load(path)
            if index is not None and path.name == f"{index.device}.json":
                kept[index.device] = index
        for path in sorted(self._folder.glob("*.tlog")):
            piece = piece_of_name(path.name)
            if piece is not None:
                self._recover(path, piece, kept)
        for device, index in list(kept.items()):
            if index.ended:
                self._end(kept.pop(device))
        return kept

    def _recover(self, path: Path, piece: Piece, kept: dict[str, FlightIndex]) -> None:
        content = path.read_bytes()
        piece, good, damages = _read_back(piece, content)
        if not good:
            path.unlink()
            return
        for damage in damages[: _MAX_TROUBLES - len(self.findings)]:
            if damage.reason != "truncated":  # the end of what was written when it was killed
                self.findings.append(
                    f"{path.name}: damaged from byte {damage.start} to {damage.end}; the rest is"
                    " kept 有损坏，其余已保留"
                )
        if len(good) != len(content):
            write_durably(path, good)
        index = kept.get(piece.device)
        if index is None or index.ident != piece.flight:
            if index is not None and index.ident < piece.flight:
                self._end(index)
            if index is None or index.ident < piece.flight:
                index = kept[piece.device] = FlightIndex(
                    piece.device, piece.system, piece.flight, piece.armed, piece.start_us
                )
        if index.ident == piece.flight:
            index.add_piece(piece.entry, piece.frames)
            self._remember(index)
        if not self._store(piece, "recovered"):
            self._waiting.append((piece, "recovered"))

    def _load(self, path: Path) -> FlightIndex | None:
        try:
            with path.open("rb") as file:
                return FlightIndex.from_dict(json.loads(file.read(_MAX_INDEX_BYTES)))
        except (FileNotFoundError, CodecError, ValueError):
            return None

    def close(self) -> None:
        """Let go of the files."""
        for handle in self._open.values():
            with contextlib.suppress(OSError):
                os.close(handle)
        self._open.clear()


def _write_whole(handle: int, data: bytearray) -> None:
    """All of `data`, or nothing."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError:
        written = len(data) - len(view)
        if written:
            os.ftruncate(handle, os.fstat(handle).st_size - written)
        raise


def _read_back(piece: Piece, content: bytes) -> tuple[Piece, bytes, list[Damage]]:
    """`piece` as its file has it, what is good of that, and what is not."""
    found = replace(piece, frames=Counter(), start_us=0, end_us=0, size=0)
    good, damages = bytearray(), []
    for one in scan(content):
        if isinstance(one, Damage):
            damages.append(one)
            continue
        size = 8 + len(one.frame.raw)
        good += content[one.offset : one.offset + size]
        found.count(one.frame.msgid, one.at_us, size)
    return found, bytes(good), damages
