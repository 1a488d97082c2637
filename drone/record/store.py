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
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from fieldlink.codecs.bundle import TLOG_STREAM, Draft
from fieldlink.codecs.fault import CodecError, FieldlinkError
from fieldlink.drone.record.cutter import Append, Close, Ended, Op, Tally
from fieldlink.drone.record.index import FlightIndex, Gap
from fieldlink.drone.record.pieces import Piece, flight_draft, piece_of_name
from fieldlink.drone.record.reading import Damage, scan
from fieldlink.systemd.durable import make_folder, sync_folder, write_durably

__all__ = ["GapSink", "PieceStore", "Sink"]

Sink: TypeAlias = Callable[[Draft, bytes], object]
"""Stores a bundle durably; FieldlinkError says that it cannot at present."""

GapSink: TypeAlias = Callable[[str, str, int, int, str], object]
"""Puts on record that a device's stream has nothing from and to, and why."""

Owed: TypeAlias = tuple[Piece, str] | FlightIndex | Tally
"""What the sink is to have: a piece and why it was closed, an index, a gap."""

_MAX_INDEX_BYTES = 4_000_000
_MAX_TROUBLES = 8


class PieceStore:
    """`clock` is UTC microseconds."""

    def __init__(
        self, folder: Path, sink: Sink, gap: GapSink | None, clock: Callable[[], int]
    ) -> None:
        self._folder, self._sink, self._gap, self._clock = folder, sink, gap, clock
        self._open: dict[str, int] = {}
        self._owed: deque[Owed] = deque()
        self._lacking: dict[str, Gap] = {}  # by device: what could not be written, up to now
        self._gaps: dict[str, list[Gap]] = {}  # and in the recording that goes on
        self._short: set[str] = set()  # pieces that lack what could not be written
        # A call may still work when its caller was cancelled.
        self._writing, self._giving = threading.Lock(), threading.Lock()
        self.fault = ""
        self.refusal = ""
        self.stored = 0
        self.lost_bytes = 0
        self.findings: list[str] = []

    @property
    def waiting(self) -> int:
        """What the sink has not taken yet."""
        return len(self._owed)

    def write(self, ops: Sequence[Op]) -> None:
        """Do what the cutters said, in order; what was added is on the disk when this returns."""
        with self._writing:
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
                        self._settle(index.device)
                        for gap in self._gaps.pop(index.device, ()):
                            index.add_gap(gap)
                        self._remember(index)  # that it has ended
                        self._owed.append(index)
                    case Tally(index=index):
                        if index is not None:  # a kill before the piece is closed must not cost it
                            self._remember(index)
                        self._owed.append(op)
            for name, handle in touched.items():
                self._guarded(name, partial(os.fdatasync, handle))

    def give(self) -> None:
        """Give the sink what is whole, in order, as far as it takes it. That may last: the disk
        may have to make room first, and writing goes on meanwhile.
        """
        with self._giving:
            self.refusal = ""
            while self._owed:
                try:
                    self._give(self._owed[0])
                except (OSError, FieldlinkError) as error:
                    self.refusal = str(error)
                    return
                self._owed.popleft()

    def _give(self, owed: Owed) -> None:
        if isinstance(owed, Tally):
            if self._gap is not None:
                gap = owed.gap
                self._gap(owed.device, TLOG_STREAM, gap.start_us, gap.end_us, gap.reason)
        elif isinstance(owed, FlightIndex):
            if owed.armed and owed.pieces:
                content = json.dumps(owed.to_dict(), ensure_ascii=False).encode()
                self._sink(flight_draft(owed, self._clock()), content)
            self._index_path(owed).unlink(missing_ok=True)
        else:
            self._give_piece(*owed)

    def _give_piece(self, piece: Piece, why: str) -> None:
        path = self._folder / piece.name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return  # nothing of it could be written, which is on record
        if piece.name in self._short:
            piece, content, _ = _read_back(piece, content)
        if content:
            self._sink(piece.draft(self._clock(), why), content)
            self.stored += 1
        path.unlink(missing_ok=True)
        self._short.discard(piece.name)

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
            start_us = int.from_bytes(data[:8], "big")
            before = self._lacking.get(piece.device)
            start_us = min(start_us, before.start_us) if before is not None else start_us
            gap = Gap(start_us, max(start_us, piece.end_us), f"disk: {self.fault}")
            self._lacking[piece.device] = gap
        else:
            self._settle(piece.device)

    def _settle(self, device: str) -> None:
        """It can be written again: what could not be is one gap."""
        gap = self._lacking.pop(device, None)
        if gap is not None:
            self._owed.append(Tally(device, gap))
            self._gaps.setdefault(device, []).append(gap)

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
        self._owed.append((piece, why))

    def _remember(self, index: FlightIndex) -> None:
        data = json.dumps(index.to_dict()).encode()
        self._guarded("the index", lambda: write_durably(self._index_path(index), data))

    def _index_path(self, index: FlightIndex) -> Path:
        return self._folder / f"{index.device}~{index.ident}.json"

    # --- after a crash -----------------------------------------------------------------------

    def recover(self) -> dict[str, FlightIndex]:
        """Owe to the sink what is left from before; of each device the recording that may go on.

        Raises:
            OSError: the folder cannot be read or made.
        """
        make_folder(self._folder)
        found: dict[tuple[str, str], FlightIndex] = {}
        for path in sorted(self._folder.glob("*.json")):
            index = self._load(path)
            if index is not None and self._index_path(index) == path:
                found[index.device, index.ident] = index
        for path in sorted(self._folder.glob("*.tlog")):
            piece = piece_of_name(path.name)
            if piece is not None:
                self._recover(path, piece, found)
        kept: dict[str, FlightIndex] = {}
        for (device, _), index in sorted(found.items()):
            before = kept.pop(device, None)
            if before is not None:
                before.ended = before.ended or "stopped"
                self._owed.append(before)
            kept[device] = index
        for device in [device for device, index in kept.items() if index.ended]:
            self._owed.append(kept.pop(device))
        return kept

    def _recover(self, path: Path, piece: Piece, found: dict[tuple[str, str], FlightIndex]) -> None:
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
        key = piece.device, piece.flight
        if key not in found:
            found[key] = FlightIndex(
                piece.device, piece.system, piece.flight, piece.armed, piece.start_us
            )
        found[key].add_piece(piece.entry, piece.frames)
        self._remember(found[key])
        self._owed.append((piece, "recovered"))

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
