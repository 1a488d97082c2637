"""Bytes in, frames out.

A frame begins with 0xFD (MAVLink 2) or 0xFE (MAVLink 1), says how long it is, and ends with a
checksum over everything but its first byte, and one byte more that only those who know the message
know (Serialization, CRC_EXTRA). What looked like a frame and is none costs one byte, and the search
goes on behind that byte: a frame inside of what was taken for one is found.

A message that no dialect here has cannot be checked. It is believed to be a frame when another one
begins right behind it, or nothing more comes; `known` says that nothing stands behind it.
"""

import re
from dataclasses import dataclass, replace
from struct import Struct

from fastcrc.crc16 import mcrf4xx

from .frame import SIGNATURE_BYTES, STX1, STX2, Frame
from .table import ENTRIES

__all__ = ["Framer", "FramerCounts", "checksum"]

_START = re.compile(rb"[\xfd\xfe]")
_HEAD1 = Struct("<BBBBB").unpack_from
_HEAD2 = Struct("<BBBBBBHB").unpack_from
_SIGNED = 0x01
_EXTRA = {msgid: entry.crc_extra for msgid, entry in ENTRIES.items()}
_new = tuple.__new__


def _steps() -> list[int]:
    # What one byte does to the checksum: for the byte that is not in the frame.
    steps = []
    for value in range(256):
        low = value ^ (value << 4) & 0xFF
        steps.append((low << 8) ^ (low << 3) ^ (low >> 4))
    return steps


_STEP = _steps()


def checksum(covered: bytes, crc_extra: int) -> int:
    """CRC-16/MCRF4XX of what a frame's checksum covers, and of the seed."""
    crc = mcrf4xx(covered)
    return (crc >> 8) ^ _STEP[(crc ^ crc_extra) & 0xFF]


@dataclass(slots=True)
class FramerCounts:
    """What came so far. `bad` counts what looked like a frame and was none."""

    bytes: int = 0
    frames: int = 0
    garbage_bytes: int = 0
    bad: int = 0
    unknown: int = 0


class Framer:
    """One direction of one link. Holds at most one frame's bytes between two calls."""

    def __init__(self, link: str = "") -> None:
        self.link = link
        self.counts = FramerCounts()
        self._rest = b""

    def feed(self, data: bytes, at_us: int = 0) -> list[Frame]:
        """The frames that `data`, which came at `at_us`, completes."""
        self.counts.bytes += len(data)
        return self._cut(self._rest + data if self._rest else data, at_us, final=False)

    def end(self, at_us: int = 0) -> list[Frame]:
        """Nothing more belongs to what came: the end of a datagram, a connection, a file."""
        return self._cut(self._rest, at_us, final=True) if self._rest else []

    def datagram(self, data: bytes, at_us: int = 0) -> list[Frame]:
        """The frames of a datagram. It ends with a frame, from most senders; serial ports behind a
        plain bridge are cut anywhere, and a frame goes on in the next one.
        """
        self.counts.bytes += len(data)
        rest = self._rest
        if not rest:
            return self._cut(data, at_us, final=False, edge=True)
        before = replace(self.counts)
        frames = self._cut(data, at_us, final=False, edge=True)
        if frames and not self._rest and self.counts.garbage_bytes == before.garbage_bytes:
            self.counts.garbage_bytes += len(rest)  # it stands alone: what was before is lost
            return frames
        self.counts = before
        return self._cut(rest + data, at_us, final=False, edge=True)

    @property
    def held_bytes(self) -> int:
        """How much waits for the rest of its frame."""
        return len(self._rest)

    def _cut(self, buffer: bytes, at_us: int, *, final: bool, edge: bool = False) -> list[Frame]:
        frames: list[Frame] = []
        add, link, size = frames.append, self.link, len(buffer)
        pos = garbage = bad = 0
        while pos < size:
            if buffer[pos] == STX2:
                if size - pos < 12:
                    stop = size + 1
                else:
                    length, flags, _, seq, sysid, compid, low, high = _HEAD2(buffer, pos + 1)
                    msgid = low | high << 16
                    body = pos + 10 + length
                    stop = body + 2 + (SIGNATURE_BYTES if flags else 0)
                    if flags & ~_SIGNED:  # says: drop what you do not understand
                        stop = 0
            elif buffer[pos] == STX1:
                if size - pos < 8:
                    stop = size + 1
                else:
                    length, seq, sysid, compid, msgid = _HEAD1(buffer, pos + 1)
                    flags = 0
                    body = pos + 6 + length
                    stop = body + 2
            else:
                found = _START.search(buffer, pos)
                after = found.start() if found else size
                garbage += after - pos
                pos = after
                continue
            if stop > size and not final:
                break
            known = False
            if 0 < stop <= size:
                extra = _EXTRA.get(msgid)
                if extra is not None:
                    crc = mcrf4xx(buffer[pos + 1 : body])
                    crc = (crc >> 8) ^ _STEP[(crc ^ extra) & 0xFF]
                    known = crc == buffer[body] | buffer[body + 1] << 8
                elif stop < size:
                    if buffer[stop] not in (STX1, STX2):
                        stop = 0
                elif not final and not edge:  # the next byte tells
                    break
                if known or (extra is None and stop):
                    version = 2 if buffer[pos] == STX2 else 1
                    row = (buffer[pos:stop], sysid, compid, msgid, seq, flags == 1, version, link)
                    add(_new(Frame, (*row, at_us, known)))
                    self.counts.unknown += not known
                    pos = stop
                    continue
            bad += 1
            garbage += 1
            pos += 1
        self._rest = buffer[pos:]
        counts = self.counts
        counts.frames += len(frames)
        counts.garbage_bytes += garbage
        counts.bad += bad
        return frames
