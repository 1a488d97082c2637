"""Boxes: a size, four letters, and a payload that may hold more boxes (ISO/IEC 14496-12 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

__all__ = ["Box", "children", "find", "make_box", "walk"]

_HEADER_BYTES = 8
_LARGE_HEADER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Box:
    """A box of `kind` in some buffer: header at `start`, payload from `body` up to `end`."""

    kind: str
    start: int
    body: int
    end: int


def walk(data: bytes | memoryview, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that lie side by side in `data[start:end]`.

    Raises:
        CodecError: a box that is shorter than its header or longer than what holds it.
    """
    end = len(data) if end is None else end
    while start < end:
        box = _box_at(data, start, end)
        yield box
        start = box.end


def _box_at(data: bytes | memoryview, start: int, end: int) -> Box:
    if end - start < _HEADER_BYTES:
        raise CodecError("truncated", f"{end - start} bytes where an MP4 box should begin")
    size = int.from_bytes(data[start : start + 4])
    kind = bytes(data[start + 4 : start + 8]).decode("latin-1")
    body = start + _HEADER_BYTES
    if size == 1:  # a 64-bit size follows
        body = start + _LARGE_HEADER_BYTES
        size = int.from_bytes(data[start + 8 : body])
    elif size == 0:  # up to the end of the file
        size = end - start
    if size < body - start or start + size > end:
        raise CodecError("size", f"MP4 box {kind!r} of {size} bytes does not fit where it is")
    return Box(kind, start, body, start + size)


def children(data: bytes | memoryview, box: Box, skip: int = 0) -> Iterator[Box]:
    """The boxes inside `box`, after `skip` bytes of its own fields.

    Raises:
        CodecError: malformed boxes.
    """
    return walk(data, box.body + skip, box.end)


def find(data: bytes | memoryview, path: str, within: Box | None = None) -> Box | None:
    """The first box at `path` ("moov/trak/mdia"), or None.

    Raises:
        CodecError: malformed boxes.
    """
    found = within
    for kind in path.split("/"):
        inside = walk(data) if found is None else children(data, found)
        found = next((box for box in inside if box.kind == kind), None)
        if found is None:
            return None
    return found


def make_box(kind: str, payload: bytes) -> bytes:
    """A box of `kind` around `payload`."""
    return (_HEADER_BYTES + len(payload)).to_bytes(4) + kind.encode("latin-1") + payload
