"""Events out of a TCP stream: XML one behind the other, or protobuf with lengths.

TAK servers and ATAK send XML events back to back, with or without a declaration before each; a
stream that has negotiated version 1 has 0xBF, a length and a TakMessage instead.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from fieldlink.codecs.fault import CodecError

from .event import MAX_EVENT_BYTES
from .message import MESH_HEADER
from .protobuf import varint

__all__ = ["Piece", "Refused", "Splitter"]

_MAGIC = 0xBF
_BEGIN = re.compile(rb"(?<!\xef\xbb)\xbf|<event[\s>/]")  # not the end of a byte order mark
_BEGIN_XML = re.compile(rb"<event[\s>/]")
_TAG_END = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*?>""")
_MAX_TAG_BYTES = 4096
_CLOSE = b"</event>"
_WINDOW_BYTES = MAX_EVENT_BYTES + len(_CLOSE)
_TAIL_BYTES = 128  # held while no event has begun: a declaration, or half of a beginning


@dataclass(frozen=True, slots=True)
class Refused:
    """What is no event; `reason` is a short word for counters."""

    reason: str
    detail: str


Piece: TypeAlias = bytes | Refused


class Splitter:
    """Bytes in, in pieces of any size; whole messages for `decode_message` out."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._lost = False  # lengths made no sense: nothing but XML can be found again
        self._searched = 0  # up to here there is no end of the event that has begun
        self.stray_bytes = 0
        """Bytes between events that are neither white space nor a declaration."""

    def feed(self, data: bytes) -> list[Piece]:
        """The messages that end in `data`."""
        self._held += data
        pieces: list[Piece] = []
        while (piece := self._next()) is not None:
            pieces.append(piece)
        return pieces

    def _next(self) -> Piece | None:
        """The next message; None when more bytes are needed."""
        begin = (_BEGIN_XML if self._lost else _BEGIN).search(self._held)
        if begin is None:
            self._skip(max(0, len(self._held) - _TAIL_BYTES))
            return None
        self._skip(begin.start())
        if self._held[0] == _MAGIC:
            return self._protobuf()
        self._lost = False
        return self._xml()

    def _skip(self, count: int) -> None:
        between = bytes(self._held[:count])
        self.stray_bytes += len(re.sub(rb"<\?xml[^>]*\?>|\xef\xbb\xbf|\s", b"", between))
        if count:
            self._cut(count)

    def _xml(self) -> Piece | None:
        held = self._held
        if self._searched <= _MAX_TAG_BYTES:
            tag = _TAG_END.match(held, 0, _MAX_TAG_BYTES)
            if tag is not None and held[tag.end() - 2] == ord("/"):
                return self._cut(tag.end())
        end = held.find(_CLOSE, max(0, self._searched - len(_CLOSE)))
        self._searched = len(held)
        if 0 <= end <= MAX_EVENT_BYTES:
            return self._cut(end + len(_CLOSE))
        if len(held) > _WINDOW_BYTES:
            # Nothing in it ends, so only the last that begins in it may be whole.
            last = held.rfind(b"<event", 1, _WINDOW_BYTES)
            self._cut(last if last > 0 else _WINDOW_BYTES - _TAIL_BYTES)
            return Refused("too-long", f"an event of over {MAX_EVENT_BYTES} bytes")
        return None

    def _protobuf(self) -> Piece | None:
        held = self._held
        try:
            size, at = varint(bytes(held[:12]), 1)
        except CodecError as error:
            if len(held) < 12:
                return None
            return self._lose(Refused("length", error.detail))
        if size > MAX_EVENT_BYTES:
            return self._lose(Refused("too-long", f"an event of {size} bytes"))
        if len(held) < at + size:
            return None
        return MESH_HEADER + self._cut(at + size)[at:]

    def _lose(self, why: Refused) -> Refused:
        self._lost = True
        self._cut(1)
        return why

    def _cut(self, end: int) -> bytes:
        piece = bytes(self._held[:end])
        del self._held[:end]
        self._searched = 0
        return piece
