"""Opening a spool of 100,000 bundles, media files and all."""

import statistics
import tempfile
import time
from pathlib import Path

from fieldlab.figure import Figure
from fieldlab.spools import fill_quickly, open_spool

_BUNDLES = 100_000
_ROUNDS = 5


def measure() -> Figure:
    """Median time from the call to a spool that records, after a clean end."""
    times = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        fill_quickly(Path(folder), _BUNDLES)
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            spool = open_spool(Path(folder))
            times.append(time.perf_counter() - started)
            assert sum(count.bundles for count in spool.totals().pending.values()) == _BUNDLES
            spool.close()
    return Figure(
        name="spool_open", value=statistics.median(times), unit="s", limit=1.0, better="less"
    )
