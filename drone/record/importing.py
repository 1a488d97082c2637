"""Flights recorded elsewhere (.tlog, .bin, .ulg) taken in as if they had been recorded here.

The file is read piece by piece; what is held is one piece of each vehicle, a megabyte at most.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from fieldlink.codecs.bundle import TLOG_STREAM
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import (
    HEARTBEAT,
    HIGH_LATENCY2,
    Frame,
    Framer,
    id_of,
    is_autopilots,
    target_of,
)
from fieldlink.drone.connection.logs import LogFile, read_log
from fieldlink.drone.record.cutter import Append, Close, Cutter, Ended, Op, Tally
from fieldlink.drone.record.index import FlightIndex
from fieldlink.drone.record.pieces import flight_draft
from fieldlink.drone.record.store import GapSink, Sink

__all__ = ["FlightImport", "Imported", "dated_frames", "import_log", "shift_of"]

_FIRST_US = 946_684_800_000_000  # 2000-01-01
_DAY_US = 86_400_000_000
_MAX_VEHICLES, _MAX_STRANGERS, _MAX_EARLY, _MAX_FLIGHTS = 16, 16, 500, 1_000
_RADIOS = frozenset((id_of("RADIO_STATUS"), id_of("RADIO")))
_SILENT = "log: it says nothing of this time"


@dataclass
class Imported:
    """What was taken in. `damage` is what is wrong with the file behind that, empty if nothing;
    `odd` counts frames whose time cannot be.
    """

    frames: int = 0
    pieces: int = 0
    flights: int = 0
    damage: str = ""
    odd: int = 0
    first_us: int | None = None
    last_us: int = 0
    devices: dict[str, int] = field(default_factory=dict)
    indexes: list[FlightIndex] = field(default_factory=list)


class FlightImport:
    """Frames in, pieces and indexes out. `name_of` says what the vehicle of a system is called;
    `mark` ends the names of all flights, so that the same file gives the same names and one that
    was recorded here as well is another.
    """

    def __init__(
        self,
        sink: Sink,
        clock: Callable[[], int],
        name_of: Callable[[int], str],
        *,
        gap: GapSink | None = None,
        mark: str = "",
    ) -> None:
        self._sink, self._clock, self._name_of, self._gap = sink, clock, name_of, gap
        self._mark = f"-{mark}" if mark else ""
        self._cutters: dict[int, Cutter] = {}
        self._strangers: dict[int, deque[Frame]] = {}
        self._growing: dict[str, bytearray] = {}
        self._now_us = 0
        self.done = Imported()

    def take(self, frame: Frame) -> str | None:
        """Record `frame`; the device that said it, None: nobody's, or said to one."""
        if not _FIRST_US <= frame.at_us <= self._clock() + _DAY_US:
            self.done.odd += 1
            return None
        self._now_us = max(self._now_us, frame.at_us)
        cutter = self._cutters.get(frame.sysid) or self._met(frame)
        if cutter is not None:
            self._note(cutter, frame, own=True)
            return cutter.device
        if frame.msgid in _RADIOS:
            for one in self._cutters.values():
                self._note(one, frame, own=False)
        elif (to := target_of(frame.msgid, frame.payload)[0]) in self._cutters:
            self._note(self._cutters[to], frame, own=False)
        return None

    def end(self) -> Imported:
        """All that came is recorded."""
        for cutter in self._cutters.values():
            self._apply(cutter.end("imported"))
        return self.done

    def _met(self, frame: Frame) -> Cutter | None:
        if not frame.known:
            return None
        beat = frame.msgid == HEARTBEAT and is_autopilots(frame.payload)
        if not beat and frame.msgid != HIGH_LATENCY2:
            if frame.sysid in self._strangers or len(self._strangers) < _MAX_STRANGERS:
                self._strangers.setdefault(frame.sysid, deque(maxlen=_MAX_EARLY)).append(frame)
            return None
        if len(self._cutters) >= _MAX_VEHICLES:
            return None
        device = self._name_of(frame.sysid)
        cutter = self._cutters[frame.sysid] = Cutter(device, frame.sysid)
        self.done.devices[device] = frame.sysid
        for before in self._strangers.pop(frame.sysid, ()):
            self._note(cutter, before, own=True)
        return cutter

    def _note(self, cutter: Cutter, frame: Frame, *, own: bool) -> None:
        self._apply(cutter.tick(self._now_us))  # what is silent too long is another flight
        self._apply(cutter.take(frame, self._now_us, own=own))
        done = self.done
        done.frames += 1
        done.first_us = frame.at_us if done.first_us is None else min(done.first_us, frame.at_us)
        done.last_us = max(done.last_us, frame.at_us)

    def _apply(self, ops: list[Op]) -> None:
        for op in ops:
            match op:
                case Append(piece, data):
                    self._growing.setdefault(piece.name, bytearray()).extend(data)
                case Close(piece, _, why):
                    content = bytes(self._growing.pop(piece.name))
                    named = replace(piece, flight=piece.flight + self._mark)
                    self._sink(named.draft(self._clock(), why), content)
                    self.done.pieces += 1
                case Ended(index):
                    if index.armed:
                        self._tell(index)
                case Tally(device, gap) if self._gap is not None:
                    self._gap(device, TLOG_STREAM, gap.start_us, gap.end_us, _SILENT)

    def _tell(self, index: FlightIndex) -> None:
        gaps = [replace(one, reason=_SILENT) for one in index.gaps]
        made = replace(index, ident=index.ident + self._mark, ended="imported", gaps=gaps)
        content = json.dumps(made.to_dict(), ensure_ascii=False).encode()
        self._sink(flight_draft(made, self._clock()), content)
        self.done.flights += 1
        if len(self.done.indexes) < _MAX_FLIGHTS:
            self.done.indexes.append(made)


def dated_frames(file: LogFile, shift: Callable[[int], int]) -> Iterator[Frame]:
    """The frames of a log, in UTC; `shift` is asked once what makes that of its first time.

    Raises:
        SourceError: it cannot be read, or, behind the last frame that could be, is damaged.
    """
    shift_us: int | None = None
    framer = Framer(file.name)
    for logged in read_log(file):
        if shift_us is None:
            shift_us = shift(logged.at_us)
        yield from framer.datagram(logged.raw, logged.at_us + shift_us)


def import_log(
    path: Path, device: str, sink: Sink, clock: Callable[[], int], start_us: int | None = None
) -> Imported:
    """Take in the vehicle of a log as `device`. One without dates begins at `start_us`, or ended
    when its file was last written.

    Raises:
        SourceError: nothing of it can be read.
        FieldlinkError: the sink cannot take it.
    """
    work = FlightImport(sink, clock, lambda sysid: device)
    try:
        for frame in dated_frames(path, lambda first_us: shift_of(path, first_us, start_us)):
            work.take(frame)
    except SourceError as error:
        if not work.done.frames:
            raise
        work.done.damage = str(error)
    return work.end()


def shift_of(path: Path, first_us: int, start_us: int | None) -> int:
    """What makes UTC of the times of a log whose first is `first_us`: 0 where it has dates."""
    if first_us >= _FIRST_US:
        return 0
    if start_us is not None:
        return start_us - first_us
    return int(path.stat().st_mtime_ns // 1000) - first_us
