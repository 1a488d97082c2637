"""Finds the sets in what a data stream delivers, however it is cut.

libav gives a packet of one PES; that may hold several sets, each behind a metadata access unit
header of 5 bytes (ISO/IEC 13818-1, 2.12.4) in a synchronous stream (MISB ST 1402), of which libav
takes away the first, or a part of a set. Whatever is no set is told with its place, and the next
key is looked for.
"""

from dataclasses import dataclass

from .ber import KlvError, read_length
from .local_set import KEY, MAX_SET_BYTES, checksum

__all__ = ["Framer", "Stray"]

_LABEL = KEY[:4]  # how all keys of SMPTE begin
_CELL_BYTES = 5
_HEAD_BYTES = len(KEY) + 5


@dataclass(frozen=True, slots=True)
class Stray:
    """`size` bytes at `at` of the stream that are no set; `reason` is a word for counters: noise,
    truncated, checksum, length, size, or other-key for a set of another kind.
    """

    at: int
    size: int
    reason: str


class Framer:
    """Bytes in, sets out, those whose checksum is right. Holds no more than one set."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0  # of the first byte held

    def feed(self, data: bytes) -> list[bytes | Stray]:
        """What is whole by now, in order."""
        held = self._held + data
        found: list[bytes | Stray] = []
        at = 0
        while at < len(held):
            size, reason = _first(held, at)
            if not size:
                break
            if not reason:
                found.append(held[at : at + size])
            elif reason != "cell":
                self._add(found, Stray(self._at + at, size, reason))
            at += size
        self._held = held[at:]
        self._at += at
        return found

    def end(self) -> list[Stray]:
        """What was under way, and will not be whole: nothing more comes."""
        size, at = len(self._held), self._at
        self._held, self._at = b"", at + size
        return [Stray(at, size, "truncated")] if size else []

    @staticmethod
    def _add(found: list[bytes | Stray], new: Stray) -> None:
        """A megabyte of rubbish is one stray, not a hundred thousand."""
        last = found[-1] if found else None
        if isinstance(last, Stray) and last.reason == new.reason:
            found[-1] = Stray(last.at, last.size + new.size, last.reason)
        else:
            found.append(new)


def _first(held: bytes, at: int) -> tuple[int, str]:
    """How many bytes from `at` on are settled, and as what: "" is a set, "cell" a header, all else
    is why it is stray. 0: more has to come.
    """
    begin = held.find(_LABEL, at)
    if begin < 0:
        return len(held) - at - _beginning(held, at), "noise"
    if begin > at:
        return _between(held, at, begin)
    try:
        length, body = read_length(held, at + len(KEY), len(held))
    except KlvError as error:
        if error.reason == "truncated":
            return 0, ""
        return _skip(held, at), error.reason
    whole = body - at + length
    if whole > MAX_SET_BYTES:
        return _skip(held, at), "size"
    ours, end = held.startswith(KEY, at), at + whole
    # Of others any label does, which is near if there are many: each looks as far as the next.
    again = held.find(KEY if ours else _LABEL, at + 1, end)
    if again > 0:  # this one has lost its end: no set has another in it
        return again - at, "truncated" if held.startswith(KEY, again) else "other-key"
    if end > len(held):
        return 0, ""
    if ours and checksum(held[at : end - 2]) == int.from_bytes(held[end - 2 : end]):
        return whole, ""
    # It may have lost its end, and what counts as that is the next one's beginning.
    again = held.find(_LABEL, at + 1, end)
    if again > 0:
        return again - at, "truncated"
    return whole - _beginning(held[at:end], 1), "checksum" if ours else "other-key"


def _skip(held: bytes, at: int) -> int:
    """To the next key behind this one."""
    again = held.find(_LABEL, at + 1)
    return again - at if again > 0 else len(held) - at - _beginning(held, at + 1)


def _between(held: bytes, at: int, begin: int) -> tuple[int, str]:
    """What is before a key: the header of its cell, or noise."""
    if begin - at != _CELL_BYTES:
        return begin - at, "noise"
    try:
        length, body = read_length(held, begin + len(KEY), len(held))
    except KlvError as error:
        waits = error.reason == "truncated" and len(held) - begin < _HEAD_BYTES
        return (0 if waits else _CELL_BYTES), "noise"
    is_cell = int.from_bytes(held[at + 3 : begin]) == body - begin + length
    return _CELL_BYTES, "cell" if is_cell else "noise"


def _beginning(held: bytes, least: int) -> int:
    """How many bytes at the end, not before `least`, may be the beginning of a key."""
    most = min(3, len(held) - least)
    return next((n for n in range(most, 0, -1) if held.endswith(_LABEL[:n])), 0)
