"""Files that others made, such as originals of an aircraft's card: one bundle, or many of one file.

A file of at most `PART_BYTES` is one bundle with its own media type. A longer one is cut: parts of
`PART_BYTES`, the last one shorter, each with `PART_MEDIA_TYPE`, the file's ident and its number in
meta. An index says what the file is and of which parts; a later one of the same ident, which knows
more about it, takes its place.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.fault import CodecError

__all__ = [
    "FILE_MEDIA_TYPE",
    "FILE_STREAM",
    "IMPORTED",
    "PART_BYTES",
    "PART_MEDIA_TYPE",
    "FileIndex",
    "FilePart",
]

FILE_STREAM = "media"
"""The stream of such files. It has no minutes to be seen, and none to be missed."""

FILE_MEDIA_TYPE = "application/vnd.fieldlink.file+json"
"""The index of a file."""

PART_MEDIA_TYPE = "application/vnd.fieldlink.part"
"""Bytes of a file that was cut."""

PART_BYTES = 32 * 1024 * 1024
"""A photo is one bundle and stays a file that anybody opens; a video of 4 GB has 128 parts, and
whoever cuts or joins one never holds more than one part."""

IMPORTED = "imported"
"""In a bundle's meta: it was made of a file of another time, whose SHA-256 begins so."""

_VERSION = 1
_MAX_PARTS, _MAX_SIZE, _MAX_ABOUT, _MAX_TEXT = 10_000, 2**40, 40, 512
_IDENT = re.compile(r"[0-9a-f]{16}")
_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part: its number from 0, where it begins, its size in bytes, and the BLAKE2b-256 of its
    content in hex, which is its bundle's `content_hash`.
    """

    number: int
    offset: int
    size: int
    hash: str


@dataclass(frozen=True)
class FileIndex:
    """What a file of `device` is. `taken_us` and `end_us` are UTC, None: nobody said. `about` is
    what else is known: lat, lon, alt, height, gimbal_yaw, key, flight_task, ... (JSON's values).
    """

    file: str
    device: str
    name: str
    media_type: str
    size: int
    parts: tuple[FilePart, ...]
    taken_us: int | None = None
    end_us: int | None = None
    about: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """BLAKE2b-256 of the hashes of all parts, in hex."""
        digest = hashlib.blake2b(digest_size=_HASH_BYTES)
        for part in self.parts:
            digest.update(bytes.fromhex(part.hash))
        return digest.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: the content of the index's bundle."""
        return {
            "version": _VERSION,
            "file": self.file,
            "device": self.device,
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "hash": self.hash,
            "taken_us": self.taken_us,
            "end_us": self.end_us,
            "about": dict(self.about),
            "parts": [[one.number, one.offset, one.size, one.hash] for one in self.parts],
        }

    @classmethod
    def from_dict(cls, said: Any) -> "FileIndex":
        """The index that `to_dict` made.

        Raises:
            CodecError: it is none, or its parts do not make the file.
        """
        try:
            if said["version"] != _VERSION:
                raise CodecError("version", f"a file's index of version {said['version']}")
            parts = tuple(
                FilePart(int(number), int(offset), int(size), str(digest))
                for number, offset, size, digest in said["parts"][:_MAX_PARTS]
            )
            made = cls(
                file=str(said["file"]),
                device=str(said["device"]),
                name=str(said["name"])[:_MAX_TEXT],
                media_type=str(said["media_type"])[:_MAX_TEXT],
                size=int(said["size"]),
                parts=parts,
                taken_us=_optional(said["taken_us"]),
                end_us=_optional(said["end_us"]),
                about=_about(said["about"]),
            )
            given = str(said["hash"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CodecError("field", f"this is no file's index: {error!r}") from error
        made._check(given)
        return made

    def _check(self, given: str) -> None:
        if not _IDENT.fullmatch(self.file) or not 0 <= self.size <= _MAX_SIZE:
            raise CodecError("field", "this is no file's index: its ident or its size is none")
        at = 0
        for number, part in enumerate(self.parts):
            good = (part.number, part.offset) == (number, at) and 0 <= part.size <= PART_BYTES
            if not good or not _HASH.fullmatch(part.hash):
                raise CodecError("field", f"part {number} of the file does not follow the last one")
            at += part.size
        if at != self.size:
            raise CodecError("size", f"the parts have {at} bytes, the file {self.size}")
        if given != self.hash:
            raise CodecError("checksum", "the hashes of the parts are not those of the file")


def _optional(value: Any) -> int | None:
    return None if value is None else int(value)


def _about(said: Any) -> dict[str, str | int | float | bool | None]:
    found: dict[str, str | int | float | bool | None] = {}
    for key, value in list(said.items())[:_MAX_ABOUT]:
        if value is None or isinstance(value, bool | int | float):
            found[str(key)[:64]] = value
        elif isinstance(value, str):
            found[str(key)[:64]] = value[:_MAX_TEXT]
    return found
