"""Records of flights (.tlog): for each frame 8 bytes of time, big-endian UTC microseconds, and the
frame. The low two bits of the time are the link's number (MAVProxy and QGroundControl; pymavlink
masks them as well).
"""

from typing import NamedTuple

from fieldlink.codecs.fault import CodecError

from .frame import MAX_FRAME_BYTES, Frame
from .framer import Framer

__all__ = ["TlogReader", "TlogRecord", "tlog_record"]

_TIME_BYTES = 8
_MOST_US = (1 << 56) - 1
_MAX_RECORD = _TIME_BYTES + MAX_FRAME_BYTES


class TlogRecord(NamedTuple):
    """A frame of the file, and the byte at which its record begins."""

    offset: int
    at_us: int
    link: int
    frame: Frame


def tlog_record(raw: bytes, at_us: int, link: int = 0) -> bytes:
    """A frame as the file has it; `link` is 0 to 3."""
    return ((at_us & ~3) | (link & 3)).to_bytes(_TIME_BYTES, "big") + raw


class TlogReader:
    """Bytes of a file in, records out, up to where it is damaged."""

    def __init__(self, link: str = "", offset: int = 0) -> None:
        self._offset = offset
        self._rest = b""
        self._link = link

    @property
    def offset(self) -> int:
        """The byte behind the last record."""
        return self._offset

    def feed(
        self, data: bytes, *, final: bool = False
    ) -> tuple[list[TlogRecord], CodecError | None]:
        """The records that `data` completes, and what is wrong behind them. After that, nothing
        more can be read. `final` says that the file ends here.
        """
        buffer = self._rest + data
        records: list[TlogRecord] = []
        pos, base = 0, self._offset
        wrong = None
        while pos < len(buffer):
            record, size = self._record(buffer, pos, base, final=final)
            if record is None:
                wrong = self._judge(buffer, pos, base, final=final)
                break
            records.append(record)
            pos += size
        self._rest = buffer[pos:]
        self._offset = base + pos
        return records, wrong

    def _record(
        self, buffer: bytes, pos: int, base: int, *, final: bool
    ) -> tuple[TlogRecord | None, int]:
        start = pos + _TIME_BYTES
        size = frame_size(buffer, start)
        if size is None or start + size > len(buffer):
            return None, 0
        stamp = int.from_bytes(buffer[pos:start], "big")
        frames = Framer(self._link).datagram(buffer[start : start + size], stamp & ~3)
        if len(frames) != 1 or len(frames[0].raw) != size or stamp > _MOST_US:
            return None, 0
        record = TlogRecord(base + pos, stamp & ~3, stamp & 3, frames[0])
        return record, _TIME_BYTES + size

    def _judge(self, buffer: bytes, pos: int, base: int, *, final: bool) -> CodecError | None:
        left = len(buffer) - pos
        size = frame_size(buffer, pos + _TIME_BYTES)
        short = (size is None and left < _TIME_BYTES + 3) or (size or 0) + _TIME_BYTES > left
        if short and left < _MAX_RECORD:
            if not final:
                return None
            return CodecError(
                "truncated", f"it ends in the middle of the record at byte {base + pos}"
            )
        return CodecError("damaged", f"what begins at byte {base + pos} is no record of a frame")


def frame_size(buffer: bytes, pos: int) -> int | None:
    """How long the frame that begins at `pos` says it is; None if none begins there, or it cannot
    be told yet.
    """
    if len(buffer) < pos + 3:
        return None
    if buffer[pos] == 0xFE:
        return buffer[pos + 1] + 8
    if buffer[pos] == 0xFD and not buffer[pos + 2] & ~1:
        return buffer[pos + 1] + 12 + 13 * buffer[pos + 2]
    return None
