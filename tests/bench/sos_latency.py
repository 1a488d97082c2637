"""How long a call for help takes from the device's message to where the kit's bearer brings it.

The real agent as a process: its device API's broker, the intake, the spool on the disk, planner and
bearer over TLS, on the loopback; behind that a broker and a model of the centre. Another device
speaks ten times a second meanwhile. What is measured includes the way through both brokers, so that
it is more than the time to the bearer's socket.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fieldlab.agentkit import KitProcess, open_kit
from fieldlab.devices import Peer, device
from fieldlab.figure import Figure
from fieldlab.model_centre import BrokerProcess, ModelCentre
from fieldlab.trial import percentile
from fieldlink.codecs.bundle import decode_manifest
from fieldlink.codecs.telemetry import ALARM_MEDIA_TYPE
from fieldlink.codecs.wire import Chunk

_ALARMS = 60
_WRITES = 50


class _Centre(ModelCentre):
    """Notes when each alarm came."""

    def __init__(self, broker: BrokerProcess) -> None:
        super().__init__(broker)
        self.alarms_s: list[float] = []

    def _store(self, chunk: Chunk) -> None:
        at_s = time.monotonic()
        known = chunk.bundle in self.contents
        super()._store(chunk)
        if chunk.manifest is None or known:
            return
        if decode_manifest(chunk.manifest).media_type == ALARM_MEDIA_TYPE:
            self.alarms_s.append(at_s)


def measure() -> Sequence[Figure]:
    """Sixty alarms, raised and cleared in turn, each by a message of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = BrokerProcess("nats-server", folder)
        broker.start()
        try:
            took_s = asyncio.run(_trial(folder, broker))
        finally:
            broker.kill()
        synced_s = _synced_s(folder)
    p95, longest = percentile(took_s, 0.95), max(took_s)
    print(
        f"median {statistics.median(took_s) * 1e3:.1f} ms, 95th percentile {p95 * 1e3:.1f} ms,"
        f" longest {longest * 1e3:.1f} ms; a synced write of 200 bytes {synced_s * 1e3:.1f} ms",
        file=sys.stderr,
    )
    return [
        Figure(
            name="sos_latency",
            value=statistics.median(took_s),
            unit="s",
            limit=0.2,
            better="less",
            also=((f"a synced write takes {synced_s:.4f} s", p95 >= synced_s),),
        ),
        Figure(name="sos_latency_longest", value=longest, unit="s", limit=0.2, better="less"),
    ]


async def _trial(folder: Path, broker: BrokerProcess) -> list[float]:
    centre = _Centre(broker)
    serving = asyncio.create_task(centre.run())
    with open_kit(folder / "site", broker) as kit:
        try:
            return await _alarms(kit, centre)
        finally:
            serving.cancel()


async def _alarms(kit: KitProcess, centre: _Centre) -> list[float]:
    took_s = []
    logins = [await asyncio.to_thread(kit.add, name) for name in ("soldier-1", "soldier-2")]
    async with device(logins[0]) as soldier, device(logins[1]) as other:
        chatter = asyncio.create_task(_speak(other))
        await asyncio.sleep(3.0)
        for number in range(_ALARMS):
            count = len(centre.alarms_s)
            began_s = time.monotonic()
            soldier.say("sos", {"active": number % 2 == 0})
            while len(centre.alarms_s) == count:
                await asyncio.sleep(0.001)
                assert time.monotonic() - began_s < 30, "an alarm did not arrive"
            took_s.append(centre.alarms_s[count] - began_s)
            await asyncio.sleep(0.1 + 0.01 * (number % 10))  # at any time between two sheaves
        chatter.cancel()
    return took_s


async def _speak(peer: Peer) -> None:
    number = 0
    while True:
        number += 1
        peer.say("position", {"lat": 34.23, "lon": 108.95, "seq": number, "boot": 1})
        await asyncio.sleep(0.1)


def _synced_s(folder: Path) -> float:
    took = []
    for number in range(_WRITES):
        began = time.perf_counter()
        with (folder / f"probe-{number}").open("wb") as file:
            file.write(os.urandom(200))
            file.flush()
            os.fsync(file.fileno())
        took.append(time.perf_counter() - began)
    return statistics.median(took)
