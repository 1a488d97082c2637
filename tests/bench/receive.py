"""Receiver throughput through the embedded broker, against a subscriber that stores nothing.

Both are paho over TLS, with the same publisher: chunks of 256 kB, four to a bundle. Ours ends
with the last custody: hashed, synced, filed, in the catalogue.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from fieldlab.figure import Figure
from fieldlink.codecs.wire import down_topic, up_filter
from fieldlink.relay.archive import Archive
from fieldlink.relay.broker.broker import Broker
from fieldlink.relay.broker.settings import BrokerSettings
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.feed import Feed
from fieldlink.relay.pki import certificates
from fieldlink.relay.pki.admission import Member
from fieldlink.relay.pki.authority import Authority, new_serial
from fieldlink.relay.receiver.service import ReceiverService
from fieldlink.relay.receiver.settings import ReceiverSettings
from fieldlink.relay.receiver.tally import Tally
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.service import Row

_ROUNDS = 5
_TOTAL_MB = 192
_KIT = "kit-a"
_PUBLISHER = Path(__file__).with_name("_receive_publisher.py")
_CREDIT_EVERY = 8


def measure() -> Figure:
    """Medians of rounds in turn."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("FIELDLINK_BENCH_DIR")) as folder:
        ours, peers = asyncio.run(_measure(Path(folder)))
    print(f"ours {ours}\npeer {peers}", file=sys.stderr)
    return Figure(
        name="receive",
        value=statistics.median(ours),
        unit="MB/s",
        peer=statistics.median(peers),
        limit=0.5,
        better="more",
    )


async def _measure(folder: Path) -> tuple[list[float], list[float]]:
    authority = Authority.open(folder / "pki", now_us=_now_us(), addresses=["127.0.0.1"])
    serial = _make_kit(folder, authority)
    broker = Broker(
        BrokerSettings(host="127.0.0.1", port=0),
        authority,
        lambda: [Member(_KIT, serial)],
        folder=folder / "broker",
        clock=_now_us,
    )
    ours, peers = [], []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(row)) for row in broker.rows()]
        await _listening(broker.address)
        for number in range(_ROUNDS):
            async with _bare(authority, broker):
                peers.append(await _publish(folder, broker, 2 * number))
            async with _receiver(folder / f"centre-{number}", authority, broker):
                ours.append(await _publish(folder, broker, 2 * number + 1))
        for task in tasks:
            task.cancel()
    return ours, peers


async def _run(row: Row) -> None:
    await row.run(lambda: None)


@asynccontextmanager
async def _bare(authority: Authority, broker: Broker) -> AsyncIterator[None]:
    """The peer: counts bytes, and tells the publisher how many now and then."""
    got = 0
    count = 0

    def on_message(_topic: str, payload: bytes) -> None:
        nonlocal got, count
        got += len(payload)
        count += 1
        if count % _CREDIT_EVERY == 0:
            connection.publish(down_topic(_KIT, "ack"), str(count * 262_144).encode())

    connection = await MqttConnection.open(
        *broker.address,
        client_id="fieldlink-centre-bare",
        tls=authority.tls,
        subscriptions=[up_filter()],
        on_message=on_message,
    )
    yield
    await connection.close()


@asynccontextmanager
async def _receiver(folder: Path, authority: Authority, broker: Broker) -> AsyncIterator[None]:
    catalogue = Catalogue.open(folder / "catalogue.sqlite", now_us=_now_us())
    catalogue.admit(_KIT, b"secret", _now_us() + 10**12, _now_us())
    catalogue.take_admission(b"secret", _now_us(), "01")
    archive = Archive.open(folder / "archive")
    service = ReceiverService(
        archive,
        catalogue,
        Feed(),
        ReceiverSettings(),
        name="centre",
        address=lambda: broker.address,
        tls=authority.tls,
        clock=_now_us,
        tally=Tally(),
    )
    running = asyncio.create_task(service.run(lambda: None))
    while not service.connected:  # nothing to wait on from outside
        await asyncio.sleep(0.02)
    yield
    running.cancel()
    await asyncio.wait([running])
    archive.close()
    catalogue.close()


async def _publish(folder: Path, broker: Broker, number: int) -> float:
    """One round; MB (10^6 bytes) a second."""
    argv = [str(_PUBLISHER), str(folder), str(broker.address[1]), str(number), str(_TOTAL_MB)]
    lab = str(Path(__file__).parents[1] / "lab")
    publisher = await asyncio.create_subprocess_exec(
        sys.executable,
        *argv,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": lab},
    )
    said, _ = await publisher.communicate()
    if publisher.returncode:
        raise RuntimeError("the publisher failed")
    return _TOTAL_MB * 1024 * 1024 / 1e6 / float(said)


def _make_kit(folder: Path, authority: Authority) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    serial = new_serial()
    (folder / "kit.crt").write_bytes(authority.sign_kit(key.public_key(), _KIT, serial, _now_us()))
    (folder / "kit.key").write_bytes(certificates.key_pem(key))
    (folder / "ca.crt").write_bytes(authority.ca_pem)
    return serial


async def _listening(address: tuple[str, int]) -> None:
    for _ in range(200):
        try:
            _reader, writer = await asyncio.open_connection(*address)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError("the broker does not listen")


def _now_us() -> int:
    return time.time_ns() // 1000
