"""Bytes for each record of six fields: ours beside what others make of the same numbers."""

import io
import json
import time
from collections.abc import Callable, Sequence

import msgpack
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from pcodec import ChunkConfig, standalone

from fieldlab.tracks import Track
from fieldlink.codecs.telemetry import POSITION, Block, decode_block, encode_block

__all__ = ["PEERS", "ours", "report"]

_LEVEL = 12  # zstd's, for all alike; ours uses the same
_NAMES = ("time", *(column.name for column in POSITION.columns[:5]))
_SCALES = (6, *(column.scale for column in POSITION.columns[:5]))
Row = tuple[int | None, ...]


def _json(rows: Sequence[Row]) -> bytes:
    """An object for each record, in natural units, without a space."""
    return "".join(
        json.dumps(
            {
                name: None if value is None else value / 10**scale
                for name, scale, value in zip(_NAMES, _SCALES, row, strict=True)
            },
            separators=(",", ":"),
        )
        for row in rows
    ).encode()


def _msgpack(rows: Sequence[Row]) -> bytes:
    """An array of whole numbers for each record."""
    packed: bytes = msgpack.packb(rows)
    return packed


def _msgpack_zstd(rows: Sequence[Row]) -> bytes:
    return zstandard.compress(_msgpack(rows), _LEVEL)


def _parquet(rows: Sequence[Row]) -> bytes:
    """A file of six 64-bit columns, zstd; the shorter of dictionaries and delta encoding."""
    columns = zip(*rows, strict=True)
    table = pa.table({n: pa.array(v, pa.int64()) for n, v in zip(_NAMES, columns, strict=True)})
    delta = {"use_dictionary": False, "column_encoding": "DELTA_BINARY_PACKED"}
    files = []
    for more in ({}, delta):
        file = io.BytesIO()
        pq.write_table(table, file, compression="zstd", compression_level=_LEVEL, **more)
        files.append(file.getvalue())
    return min(files, key=len)


def _pcodec(rows: Sequence[Row]) -> bytes:
    """Each column for itself, at the highest level. It has no unknown: such columns are left out,
    in its favour.
    """
    columns = [column for column in zip(*rows, strict=True) if None not in column]
    config = ChunkConfig(compression_level=12)
    return b"".join(standalone.simple_compress(np.array(c, np.int64), config) for c in columns)


PEERS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "JSON": _json,
    "msgpack": _msgpack,
    "msgpack+zstd": _msgpack_zstd,
    "Parquet+zstd": _parquet,
    "pcodec": _pcodec,
}


def ours(blocks: Sequence[Block]) -> float:
    """Bytes a record, each block by itself: device, kind, schema, epoch, time and sequence too."""
    packed = [encode_block(block) for block in blocks]
    if [decode_block(one) for one in packed] != list(blocks):
        raise AssertionError("the codec lost something")
    return sum(map(len, packed)) / sum(len(block.samples) for block in blocks)


def report(track: Track, size: int, say: Callable[[str], None]) -> dict[str, float]:
    """Bytes a record of `track` in blocks of `size`, by each way; and a line for people to say."""
    blocks = track.blocks(size)
    parts = [track.records[start : start + size] for start in range(0, len(track.records), size)]
    count = len(track.records)
    found = {"ours": ours(blocks)}
    for name, peer in PEERS.items():
        found[name] = sum(len(peer(part)) for part in parts) / count
    began = time.process_time()
    packed = [encode_block(block) for block in blocks]
    between = time.process_time()
    for one in packed:
        decode_block(one)
    encode_us = (between - began) / count * 1e6
    decode_us = (time.process_time() - between) / count * 1e6
    figures = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
    speed = f"encode {encode_us:.1f} us, decode {decode_us:.1f} us"
    known = sum(1 for column in zip(*track.records, strict=True) if set(column) != {None})
    say(f"{track.name}: {count} records of {known} fields, blocks of {size}: {figures}; {speed}")
    return found
