"""The media file: a manifest and its content in one file that explains itself.

    magic "FLBUNDLE" | format u16 | manifest length u32 | CRC-32 of the manifest u32 |
    manifest | content                                           (integers big-endian)

The manifest holds the content's hash, so that a spool whose index is lost is rebuilt from its
files alone.
"""

import hashlib
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.bundle import MAX_MANIFEST_BYTES, Manifest, decode_manifest
from fieldlink.codecs.bundle.manifest import HASH_BYTES
from fieldlink.codecs.fault import CodecError

__all__ = [
    "MediaHead",
    "damage",
    "intact",
    "media_bytes",
    "pack_head",
    "read_content",
    "read_head",
    "write_media",
]

_HEAD = struct.Struct(">8sHII")
_MAGIC = b"FLBUNDLE"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class MediaHead:
    """What the beginning of a media file says."""

    manifest: Manifest
    encoded: bytes


def media_bytes(encoded: bytes, size: int) -> int:
    """How long the file of a bundle with packed manifest `encoded` and `size` bytes is."""
    return _HEAD.size + len(encoded) + size


def pack_head(encoded: bytes) -> bytes:
    """The beginning of the file of the bundle with packed manifest `encoded`."""
    return _HEAD.pack(_MAGIC, _FORMAT, len(encoded), zlib.crc32(encoded)) + encoded


def write_media(path: str, encoded: bytes, content: bytes | memoryview) -> None:
    """Fill the empty file at `path`, whose name is durable, and fsync it.

    Raises:
        OSError: it is not there, or the disk is full, read-only or broken; the file may be there,
            in part, and must not be synced again (the kernel has marked its pages clean).
    """
    head = pack_head(encoded)
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        views = [memoryview(head), memoryview(content)]
        while views:
            written = os.writev(handle, views)
            while views and written >= len(views[0]):
                written -= len(views.pop(0))
            if views:
                views[0] = views[0][written:]
        os.fsync(handle)
    finally:
        os.close(handle)


def read_head(path: Path) -> MediaHead:
    """The manifest at the beginning of the file at `path`.

    Raises:
        CodecError: not a media file, of another format, damaged, or shorter than it says.
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        start = file.read(_HEAD.size + MAX_MANIFEST_BYTES)
        length = os.fstat(file.fileno()).st_size
    if len(start) < _HEAD.size:
        raise CodecError("truncated", "the file ends inside its head")
    magic, version, manifest_bytes, checksum = _HEAD.unpack_from(start)
    if magic != _MAGIC or version != _FORMAT:
        raise CodecError("version", f"not a media file of format {_FORMAT}")
    encoded = start[_HEAD.size : _HEAD.size + manifest_bytes]
    if len(encoded) < manifest_bytes or zlib.crc32(encoded) != checksum:
        raise CodecError("checksum", "the manifest in the file is damaged")
    manifest = decode_manifest(encoded)
    if length != media_bytes(encoded, manifest.size):
        raise CodecError("truncated", f"the file has {length} bytes, not what its manifest says")
    return MediaHead(manifest, encoded)


def read_content(path: Path, encoded: bytes, offset: int, length: int) -> bytes:
    """`length` bytes of the content from `offset`; fewer where the file ends.

    Raises:
        OSError: it cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(handle, length, _HEAD.size + len(encoded) + offset)
    finally:
        os.close(handle)


def intact(path: Path, head: MediaHead) -> bool:
    """Whether the content of the file at `path` matches the hash in its head.

    Raises:
        OSError: it cannot be read.
    """
    return _hash_content(path, head.encoded) == head.manifest.content_hash


def damage(path: Path, encoded: bytes, manifest: Manifest) -> str:
    """What is wrong with the file of a bundle, every byte looked at; empty when nothing is."""
    try:
        head = read_head(path)
        found = _hash_content(path, encoded)
    except FileNotFoundError:
        return "media file lost"
    except CodecError as error:
        return f"media damaged: {error.detail}"
    except OSError as error:
        return f"media unreadable: {error.strerror}"
    if head.encoded != encoded:
        return "media damaged: the file holds another bundle"
    if found != manifest.content_hash:
        return "media damaged: its content does not match its hash"
    return ""


def _hash_content(path: Path, encoded: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=HASH_BYTES)
    with path.open("rb", buffering=0) as file:
        file.seek(_HEAD.size + len(encoded))
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.digest()
