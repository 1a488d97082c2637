"""Durable adds to the spool, against the same bytes as plain files with an fsync each."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from fieldlab.figure import Figure
from fieldlab.spools import draft_of, open_spool
from fieldlink.edge.spool import Spool

_WRITERS = 4
_BUNDLE_BYTES = 256_000
_BUNDLES = 200
_ROUNDS = 15


def measure() -> Figure:
    """Median rates of both, in turn, with the same number of writers."""
    content = os.urandom(_BUNDLE_BYTES)
    ours, peers = [], []
    # Not /tmp, which may be memory: an fsync has to cost what it costs.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        # One spool throughout, as on a kit; the first turn, which grows its files, is not counted.
        spool = open_spool(Path(folder, "spool"))
        for turn in range(_ROUNDS + 1):
            plain = Path(folder, f"plain-{turn}")
            plain.mkdir()
            peers.append(_rate(partial(_write_plain, plain, content)))
            ours.append(_rate(partial(_add, spool, content)))
        spool.close()
    return Figure(
        name="spool_write",
        value=statistics.median(ours[1:]),
        unit="MB/s",
        peer=statistics.median(peers[1:]),
        limit=0.7,
        better="more",
    )


def _add(spool: Spool, content: bytes, number: int) -> None:
    spool.add(draft_of(number), content)


def _write_plain(folder: Path, content: bytes, number: int) -> None:
    handle = os.open(folder / f"{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def _rate(one: Callable[[int], object]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(one, range(_BUNDLES)))
    return _BUNDLES * _BUNDLE_BYTES / 1e6 / (time.perf_counter() - started)
