"""Taking in 5,000 devices at one position a second: 25 kits, each a sheaf of its 200 a second.

From the filed bundle to what is stored, merged, shown as the latest and told to a follower. The
clock is virtual and goes second by second, so that stores and merges fall due as they would; what
counts is the processor's time, in shares of one core. `centre_ingest_received` has the receiver in
it, too: chunks checked, files synced, ledger, catalogue, custody. The peer writes the same samples
into a plain SQLite table, one row each with an index by time, one transaction a second, and
nothing else: no decoding, no latest state, no news.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fieldlab.figure import Figure
from fieldlab.fleet import Fleet, Shelf
from fieldlab.receiving import Line, StillCentre
from fieldlink.codecs.telemetry import Sample
from fieldlink.codecs.wire import encode_frame
from fieldlink.relay.feed import Feed
from fieldlink.relay.telemetry.service import Telemetry

_DEVICES, _KITS, _SECONDS = 5_000, 25, 130
_US = 1_000_000
_RECEIVED_S = 30
_ROUNDS = 5  # of merging, a second: as `run` does it


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        ours_s = asyncio.run(_ours(Path(folder)))
        peer_s = _peer(Path(folder) / "peer.sqlite")
        received = statistics.mean(_received(Path(folder) / "received"))
    share, peer, most = statistics.mean(ours_s), statistics.mean(peer_s), max(ours_s)
    print(
        f"{_DEVICES} devices: {share:.2f} of a core, {share / _DEVICES * 1e6:.0f} us a sample, the "
        f"dearest second {most:.2f} s; with the receiver {received:.2f}; plain rows in SQLite "
        f"{peer:.2f}"
    )
    return [
        Figure(
            name="centre_ingest",
            value=share,
            unit="cores",
            peer=peer,
            limit=8,
            better="less",
            also=(
                ("under one core", share < 1),
                ("no second takes more than 2 s of the processor", max(ours_s) < 2),
            ),
        ),
        Figure(name="centre_ingest_received", value=received, unit="cores", limit=1, better="less"),
    ]


async def _ours(folder: Path) -> list[float]:
    shelf = Shelf(folder)
    fleet = Fleet(shelf, devices=_DEVICES, kits=_KITS, start_us=shelf.now_us, streams=False)
    news = shelf.feed.subscribe()
    follower = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    spent: list[float] = []
    for _ in range(_SECONDS):
        fleet.tick()
        shelf.commit()
        shelf.now_us += _US
        began_s = time.process_time()
        while shelf.telemetry.step():
            pass
        for _ in range(_ROUNDS):
            if shelf.telemetry.merging:
                shelf.telemetry.step()
        spent.append(time.process_time() - began_s)
    assert shelf.telemetry.samples == _DEVICES * _SECONDS
    follower.cancel()
    shelf.close()
    return spent


def _received(folder: Path) -> list[float]:
    kits = [f"kit-{number + 1}" for number in range(_KITS)]
    centre, line = StillCentre(folder, kits=kits), Line()
    fleet = Fleet(line, devices=_DEVICES, kits=_KITS, start_us=centre.now_us, streams=False)
    telemetry = Telemetry(
        centre.catalogue,
        centre.archive,
        Feed(),
        clock=centre.clock,
        monotonic=lambda: fleet.now_us / 1e6,
    )
    spent = []
    for _ in range(_RECEIVED_S):
        fleet.tick()
        frames = [(encode_frame(one.whole()), one.manifest.kit) for one in line.bundles]
        line.bundles.clear()
        began_s = time.process_time()
        for data, kit in frames:
            centre.take_bytes(data, "chunk", kit)
        centre.commit()
        while telemetry.step():
            pass
        spent.append(time.process_time() - began_s)
    assert telemetry.samples == _DEVICES * _RECEIVED_S
    centre.close()
    return spent


def _peer(path: Path) -> list[float]:
    fleet = Fleet(None, devices=_DEVICES, kits=_KITS, streams=False)
    members = [member for mates in fleet.members.values() for member in mates]
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    values = ",".join(f"v{n} INTEGER" for n in range(8))
    connection.execute(
        "CREATE TABLE samples (device INTEGER, sequence INTEGER, time_us INTEGER, flags INTEGER,"
        f" error_us INTEGER, {values}, PRIMARY KEY (device, sequence)) WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX by_time ON samples (device, time_us)")
    spent = []
    for second in range(_SECONDS):
        samples = [member.position(second * _US) for member in members]
        began_s = time.process_time()
        _write(connection, samples)
        spent.append(time.process_time() - began_s)
    connection.close()
    return spent


def _write(connection: sqlite3.Connection, samples: Sequence[Sample]) -> None:
    rows = [
        (device, s.sequence, s.time_us, s.flags, s.error_us, *s.values)
        for device, s in enumerate(samples)
    ]
    with connection:
        marks = ",".join("?" * 13)
        connection.executemany(f"INSERT INTO samples VALUES ({marks})", rows)  # noqa: S608
