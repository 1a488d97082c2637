"""The window of two hours with 100 streams: read once, and read again as a page does."""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fieldlab.figure import Figure
from fieldlab.receiving import make_bundle
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.catalogue.summaries import rebuild_summaries
from fieldlink.relay.catalogue.tables import BUNDLES
from fieldlink.relay.window.core import window_view
from fieldlink.relay.window.gather import gather
from fieldlink.relay.window.held import HeldKeeper

_STREAMS = 100
_LENGTH_S = 7_100
_LAYERS = (("still", 10, 0), ("proxy", 4, 4), ("original", 4, 4))
_ROUNDS = 9
_BATCH = 5_000
_T0_US = 1_790_000_000_000_000


def measure() -> Sequence[Figure]:
    """Seconds from the question to the view: the first one, and the median of those after it."""
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        Catalogue.open(Path(folder) / "catalogue.sqlite", now_us=_T0_US) as catalogue,
    ):
        incident = catalogue.open_incident("big", _T0_US)
        _fill(catalogue, incident.id)
        keeper = HeldKeeper()
        times = []
        for number in range(_ROUNDS):
            started = time.perf_counter()
            now_us = _T0_US + (_LENGTH_S + number) * 1_000_000
            view = window_view(gather(catalogue, incident, keeper, now_us))
            times.append(time.perf_counter() - started)
            assert len(view.streams) == _STREAMS
            assert view.streams[0].minutes.startswith("o" * 118)
    again = statistics.median(times[1:])
    return [
        Figure(name="window_view_first", value=times[0], unit="s", limit=10.0, better="less"),
        Figure(name="window_view_again", value=again, unit="s", limit=0.25, better="less"),
    ]


def _fill(catalogue: Catalogue, incident: str) -> None:
    with catalogue._write() as connection:
        batch = []
        for row in _rows(incident):
            batch.append(row)
            if len(batch) == _BATCH:
                connection.execute(sa.insert(BUNDLES), batch)
                batch = []
        connection.execute(sa.insert(BUNDLES), batch)
        rebuild_summaries(connection, (incident,))


def _rows(incident: str) -> Iterator[dict[str, Any]]:
    encoded, number = make_bundle(b"x").encoded, 0
    for second in range(0, _LENGTH_S, 2):
        for stream in range(_STREAMS):
            for layer, every_s, length_s in _LAYERS:
                if second % every_s:
                    continue
                number += 1
                start_us = _T0_US + second * 1_000_000
                names = {"kit": f"kit-{stream % 5}", "device": f"cam-{stream}", "stream": "video"}
                span = {"start_us": start_us, "end_us": start_us + length_s * 1_000_000}
                yield {
                    **names,
                    **span,
                    "bundle_id": number.to_bytes(32, "big"),
                    "incident": incident,
                    "spool": b"spool-01",
                    "sequence": number,
                    "layer": layer,
                    "size": 20_000,
                    "manifest": encoded,
                    "path": str(number),
                    "captured_us": start_us,
                    "custody_us": start_us + 5_000_000,
                    "bearers": "lan",
                    "thin": None,
                }
