"""Small maps in one file (PMTiles version 3), of pictures or vectors, for tests of the page."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["vector_tile", "write_map"]

_HEADER_BYTES = 127
_NONE = 1  # compression
VECTOR, PNG = 1, 2
# Ids of the first tiles: zoom 0, then zoom 1 along the Hilbert curve (specification, section 4).
_IDS = {(0, 0, 0): 0, (1, 0, 0): 1, (1, 0, 1): 2, (1, 1, 1): 3, (1, 1, 0): 4}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def write_map(
    path: Path, tiles: Mapping[tuple[int, int, int], bytes], kind: int, layers: Sequence[str] = ()
) -> Path:
    """A file of `tiles`, by zoom (0 or 1), x and y; of `kind` VECTOR or PNG."""
    entries = sorted((_IDS[place], content) for place, content in tiles.items())
    ids = [ident for ident, _ in entries]
    steps = [after - before for before, after in zip([0, *ids], ids, strict=False)]
    sizes = [len(content) for _, content in entries]
    offsets = [1] + [0] * (len(entries) - 1)  # each behind the one before
    parts = (steps, [1] * len(entries), sizes, offsets)
    directory = _varint(len(entries)) + b"".join(_varint(n) for part in parts for n in part)
    about = {"vector_layers": [{"id": layer, "fields": {}} for layer in layers]}
    metadata = json.dumps(about).encode()
    data = b"".join(content for _, content in entries)
    where = [_HEADER_BYTES, len(directory)]
    where += [where[0] + where[1], len(metadata)]
    where += [where[2] + where[3], 0]  # no leaves
    where += [where[4], len(data)]
    counts = [len(entries)] * 3
    zooms = [zoom for zoom, _, _ in tiles]
    places = [round(each * 1e7) for each in (-180, -85, 180, 85)]
    header = b"PMTiles\x03" + struct.pack("<8Q3Q", *where, *counts)
    header += bytes([1, _NONE, _NONE, kind, min(zooms), max(zooms)])
    header += struct.pack("<4iB2i", *places, max(zooms), round(104e7), round(35e7))
    path.write_bytes(header + directory + metadata + data)
    return path


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _move(steps: Sequence[tuple[int, int]]) -> bytes:
    """Geometry of a ring or a point (Mapbox Vector Tile 2.1, section 4.3)."""
    zigzag = [(n << 1) ^ (n >> 31) for step in steps for n in step]
    commands = [1 | 1 << 3, *zigzag[:2]]
    if len(steps) > 1:
        commands += [2 | (len(steps) - 1) << 3, *zigzag[2:], 7 | 1 << 3]
    return b"".join(_varint(n) for n in commands)


def vector_tile(name: str, *, kind: str, label: str = "") -> bytes:
    """A tile with one layer: a square over its middle, or with `label` a named point below it."""
    square = ((1024, 1024), (2048, 0), (0, 2048), (-2048, 0))
    geometry = _move(((2048, 3400),) if label else square)
    tags = b"\x00\x00" + (b"\x01\x01" if label else b"")
    feature = _field(2, tags) + _field(3, 1 if label else 3) + _field(4, geometry)
    layer = _field(15, 2) + _field(1, name.encode()) + _field(2, feature) + _field(3, b"kind")
    if label:
        layer += _field(3, b"name")
    layer += _field(4, _field(1, kind.encode()))
    if label:
        layer += _field(4, _field(1, label.encode()))
    return _field(3, layer + _field(5, 4096))
