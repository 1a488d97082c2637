"""Exif's directories as bytes (TIFF 6.0 section 2; Exif 2.32 = CIPA DC-008-2019, 4.6).

Only what a still needs: four types of values, and the two directories below the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack
from typing import TypeAlias

__all__ = ["Rational", "Tag", "tiff"]

Rational: TypeAlias = tuple[int, int]
"""A numerator and a denominator, both from 0 below 2^32."""

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL = 1, 2, 3, 4, 5
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_HEAD = b"MM\0*\0\0\0\x08"


@dataclass(frozen=True, slots=True)
class Tag:
    """One value: text (ASCII, ended with a zero), bytes (of type `BYTE`, or `UNDEFINED` with
    `is_undefined`), one SHORT, or rationals.
    """

    number: int
    value: str | bytes | int | Sequence[Rational]
    is_undefined: bool = False

    def parts(self) -> tuple[int, int, bytes]:
        """Type, count and data."""
        value = self.value
        if isinstance(value, str):
            data = value.encode("ascii", "replace") + b"\0"
            return _ASCII, len(data), data
        if isinstance(value, bytes):
            return 7 if self.is_undefined else _BYTE, len(value), value
        if isinstance(value, int):
            return _SHORT, 1, pack(">H", value)
        return _RATIONAL, len(value), b"".join(pack(">II", *one) for one in value)


def tiff(main: Sequence[Tag], exif: Sequence[Tag], gps: Sequence[Tag]) -> bytes:
    """The three directories, big-endian, as AVIF, WebP and (behind "Exif") JPEG hold them.

    Raises:
        struct.error: a number does not fit its type.
    """
    below = [(number, tags) for number, tags in ((_EXIF_IFD, exif), (_GPS_IFD, gps)) if tags]
    places = {number: 0 for number, _ in below}
    # The first directory's length does not depend on what its pointers say.
    at = len(_HEAD) + len(_directory(main, places, 0))
    parts = []
    for number, tags in below:
        places[number] = at
        parts.append(_directory(tags, {}, at))
        at += len(parts[-1])
    return _HEAD + _directory(main, places, len(_HEAD)) + b"".join(parts)


def _directory(tags: Sequence[Tag], places: dict[int, int], at: int) -> bytes:
    """A directory that begins at `at`, its entries in order and its longer values behind it."""
    entries = {tag.number: tag.parts() for tag in tags}
    entries |= {number: (_LONG, 1, pack(">I", place)) for number, place in places.items()}
    head = 2 + 12 * len(entries) + 4
    out, behind = bytearray(pack(">H", len(entries))), bytearray()
    for number, (kind, count, data) in sorted(entries.items()):
        out += pack(">HHI", number, kind, count)
        if len(data) <= 4:
            out += data.ljust(4, b"\0")
        else:
            out += pack(">I", at + head + len(behind))
            behind += data + b"\0" * (len(data) % 2)  # values begin on a word
    return bytes(out + b"\0\0\0\0" + behind)
