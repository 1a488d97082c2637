"""Lines out of bytes: `$`, an address, fields, `*`, a checksum, CR LF (NMEA 0183, 5.3).

A serial port gives whatever is on it: half a line at first, binary frames of the maker's own
protocol between two lines, noise at the wrong speed. Nothing of that raises; what looks like a
line and is none is an event with its reason, and the rest is counted.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["MAX_LINE_BYTES", "Event", "Framer", "Line", "Refused", "frame"]

MAX_LINE_BYTES = 4096
"""The standard's 82 are exceeded by many; a Beidou message ($BDTXR) takes the most."""

_END = re.compile(rb"[$\r\n]")
_ADDRESS = re.compile(rb"[A-Za-z0-9]{3,8}")
_CHECKSUM = re.compile(rb"[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose checksum is right. `ident` is its address in capitals ("GNRMC"), `body` all
    from the address to before the `*`, as it came.
    """

    ident: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """What began like a line and is none; `reason` is a short word for counters."""

    reason: str
    detail: str


Event: TypeAlias = Line | Refused


class Framer:
    """Bytes in, in pieces of any size; lines out. Holds at most one line's worth of bytes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._inside = False
        self.stray_bytes = 0
        """Bytes that belonged to no line."""

    def feed(self, data: bytes) -> list[Event]:
        """The lines, and what only looked like one, that end in `data`."""
        events: list[Event] = []
        held = self._held
        held += data
        at = 0
        while True:
            if not self._inside:
                start = held.find(b"$", at)
                if start < 0:
                    self._stray(held[at:])
                    at = len(held)
                    break
                self._stray(held[at:start])
                at, self._inside = start, True
            end = _END.search(held, at + 1)
            length = (end.start() if end else len(held)) - at
            if length > MAX_LINE_BYTES:
                events.append(Refused("too-long", f"over {MAX_LINE_BYTES} bytes without an end"))
                at += 1
                self._inside = False
            elif end is None:
                break
            else:
                line = bytes(held[at : end.start()])
                broken = held[end.start()] == ord("$")
                events.append(_cut_off(line) if broken else _judged(line))
                at, self._inside = end.start(), False
        del held[:at]
        return events

    def _stray(self, between: bytearray) -> None:
        self.stray_bytes += len(between.strip(b"\r\n"))


def frame(body: bytes) -> bytes:
    """`body` ("GNZDA,...") as a line to send."""
    return b"$%s*%02X\r\n" % (body, _xor(body))


def _judged(line: bytes) -> Event:
    body, star, checksum = line[1:].rpartition(b"*")
    if not star:
        return Refused("no-checksum", _shown(line))
    if not _CHECKSUM.fullmatch(checksum.rstrip()):
        return Refused("checksum", f"{_shown(checksum)} is none")
    if int(checksum, 16) != _xor(body):
        return Refused("checksum", f"{_xor(body):02X} is right, not that of {_shown(line)}")
    address = body.partition(b",")[0]
    if not _ADDRESS.fullmatch(address):
        return Refused("address", _shown(line))
    return Line(address.decode("ascii").upper(), body)


def _cut_off(line: bytes) -> Refused:
    return Refused("cut-off", f"another line begins in {_shown(line)}")


def _xor(body: bytes) -> int:
    value = 0
    for byte in body:
        value ^= byte
    return value


def _shown(line: bytes) -> str:
    return ascii(line[:40].decode("latin-1"))
