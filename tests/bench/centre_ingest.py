"""Taking in 5,000 devices at one position a second: 25 kits, each a sheaf of its 200 a second.

From the filed bundle to what is stored, merged, shown as the latest and told to a follower. The
clock is virtual and goes second by second, so that stores and merges fall due as they would; what
counts is the processor's time, in shares of one core. Filing itself is not in it: `receive`
measures that. The peer writes the same samples into a plain SQLite table, one row each with an
index by time, one transaction a second, and nothing else.
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
from fieldlink.codecs.telemetry import Sample

_DEVICES, _KITS, _SECONDS = 5_000, 25, 130
_US = 1_000_000
_ROUNDS = 5  # of merging, a second: as `run` does it


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        ours_s, worst_s = asyncio.run(_ours(Path(folder)))
        peer_s = _peer(Path(folder) / "peer.sqlite")
    share, peer = statistics.mean(ours_s), statistics.mean(peer_s)
    print(
        f"{_DEVICES} devices: {share:.2f} of a core, {share / _DEVICES * 1e6:.0f} us a sample, the "
        f"slowest second {worst_s:.2f} s; plain rows in SQLite {peer:.2f}"
    )
    return [
        Figure(
            name="centre_ingest",
            value=share,
            unit="cores",
            limit=1.0,
            better="less",
            also=(("no second takes more than 2 s", worst_s < 2),),
        ),
        Figure(
            name="centre_ingest_peer", value=share, unit="cores", peer=peer, limit=6, better="less"
        ),
    ]


async def _ours(folder: Path) -> tuple[list[float], float]:
    shelf = Shelf(folder)
    fleet = Fleet(shelf, devices=_DEVICES, kits=_KITS, start_us=shelf.now_us, streams=False)
    news = shelf.feed.subscribe()
    follower = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    spent: list[float] = []
    slowest_s = 0.0
    for _ in range(_SECONDS):
        fleet.tick()
        shelf.commit()
        shelf.now_us += _US
        began_s, wall_s = time.process_time(), time.monotonic()
        while shelf.telemetry.step():
            pass
        for _ in range(_ROUNDS):
            if shelf.telemetry.merging:
                shelf.telemetry.step()
        spent.append(time.process_time() - began_s)
        slowest_s = max(slowest_s, time.monotonic() - wall_s)
    assert shelf.telemetry.samples == _DEVICES * _SECONDS
    follower.cancel()
    shelf.close()
    return spent, slowest_s


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
