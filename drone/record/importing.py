"""Flights recorded elsewhere (.tlog, .bin, .ulg) taken in as if they had been recorded here."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import Framer, is_autopilots
from fieldlink.drone.connection.logs import read_log
from fieldlink.drone.record.cutter import Append, Close, Cutter, Ended, Op
from fieldlink.drone.record.pieces import flight_draft
from fieldlink.drone.record.store import Sink

__all__ = ["Imported", "import_log", "shift_of"]

_FIRST_US = 946_684_800_000_000  # 2000-01-01
_HEARTBEAT = 0


@dataclass
class Imported:
    """What was taken in. `damage` is what is wrong with the file behind that, empty if nothing."""

    frames: int = 0
    pieces: int = 0
    flights: int = 0
    damage: str = ""


class _Bench:
    """Does at once what cutters say."""

    def __init__(self, sink: Sink, clock: Callable[[], int], done: Imported) -> None:
        self._sink, self._clock, self._done = sink, clock, done
        self._growing: dict[str, bytearray] = {}

    def apply(self, ops: list[Op]) -> None:
        for op in ops:
            match op:
                case Append(piece, data):
                    self._growing.setdefault(piece.name, bytearray()).extend(data)
                case Close(piece, _, _):
                    content = bytes(self._growing.pop(piece.name))
                    self._sink(piece.draft(self._clock(), "imported"), content)
                    self._done.pieces += 1
                case Ended(index):
                    if index.armed:
                        self._tell(op)

    def _tell(self, op: Ended) -> None:
        content = json.dumps(op.index.to_dict(), ensure_ascii=False).encode()
        self._sink(flight_draft(op.index, self._clock()), content)
        self._done.flights += 1


def import_log(
    path: Path, device: str, sink: Sink, clock: Callable[[], int], start_us: int | None = None
) -> Imported:
    """Take in the vehicle of a log as `device`. One without dates begins at `start_us`, or ended
    when its file was last written.

    Raises:
        SourceError: nothing of it can be read.
        FieldlinkError: the sink cannot take it.
    """
    done = Imported()
    bench, cutter = _Bench(sink, clock, done), None
    shift_us: int | None = None
    try:
        for logged in read_log(path):
            if shift_us is None:
                shift_us = shift_of(path, logged.at_us, start_us)
            for frame in Framer(path.name).datagram(logged.raw, logged.at_us + shift_us):
                if cutter is None:
                    if frame.msgid != _HEARTBEAT or not is_autopilots(frame.payload):
                        continue
                    cutter = Cutter(device, frame.sysid)
                bench.apply(cutter.take(frame, frame.at_us, own=frame.sysid == cutter.system))
                done.frames += 1
    except SourceError as error:
        if not done.frames:
            raise
        done.damage = str(error)
    if cutter is not None:
        bench.apply(cutter.end("imported"))
    return done


def shift_of(path: Path, first_us: int, start_us: int | None) -> int:
    """What makes UTC of the times of a log whose first is `first_us`: 0 where it has dates."""
    if first_us >= _FIRST_US:
        return 0
    if start_us is not None:
        return start_us - first_us
    return int(path.stat().st_mtime_ns // 1000) - first_us
