"""A broker that can be killed, and a model of the centre behind it, for tests of the kit's end."""

import asyncio
import contextlib
import getpass
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fieldlab.peers import need_program
from fieldlink.codecs.bundle import Ranges, content_hash, decode_manifest
from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.wire import (
    Ack,
    AckItem,
    Ask,
    Chunk,
    Hello,
    State,
    Verdict,
    Welcome,
    chunk_digest,
    decode_frame,
    down_topic,
    encode_frame,
    parse_topic,
    up_filter,
)
from fieldlink.relay.pki.authority import Authority
from fieldlink.systemd.mqtt import MqttConnection

__all__ = ["BrokerProcess", "ModelCentre", "now_us"]

_NATS = """
listen: "127.0.0.1:{client}"
server_name: test
jetstream {{ store_dir: "{folder}/js" }}
mqtt {{ listen: "127.0.0.1:{port}"
  tls {{ cert_file: "{tls.certificate}", key_file: "{tls.key}", ca_file: "{tls.ca}",
        verify: true }} }}
"""
_MOSQUITTO = """
user {user}
listener {port} 127.0.0.1
cafile {tls.ca}
certfile {tls.certificate}
keyfile {tls.key}
require_certificate true
allow_anonymous true
persistence false
"""


def now_us() -> int:
    """The wall clock."""
    return time.time_ns() // 1000


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BrokerProcess:
    """nats-server or mosquitto with TLS on one port, started as often as a test kills it."""

    def __init__(self, program: str, folder: Path) -> None:
        self.authority = Authority.open(folder / "pki", now_us=now_us())
        self.port = _free_port()
        installed = Path(sys.executable).with_name(program)
        path = str(installed) if installed.exists() else need_program(program)
        config = folder / "broker.conf"
        text = _NATS if program == "nats-server" else _MOSQUITTO
        config.write_text(
            text.format(
                port=self.port,
                client=_free_port(),
                folder=folder,
                tls=self.authority.tls,
                user=getpass.getuser(),
            )
        )
        self._argv = [path, "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(300):
            assert self._process.poll() is None, "the broker ended at once"
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1),
            ):
                return
            time.sleep(0.02)
        pytest.fail("the broker does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class ModelCentre:
    """Keeps what comes in memory and answers as the protocol says, tampering with nothing."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.contents: dict[bytes, bytes] = {}
        self.hellos: list[Hello] = []
        self.states: list[State] = []
        self.order: list[int] = []
        self.received_bytes = 0
        self.repeated: list[tuple[str, int, int]] = []  # bearer, offset and length of a chunk
        self._broker = broker
        self._manifests: dict[bytes, bytes] = {}
        self._parts: dict[bytes, tuple[bytearray, Ranges]] = {}
        self._connection: MqttConnection | None = None

    async def run(self) -> None:
        while True:
            try:
                self._connection = await MqttConnection.open(
                    "127.0.0.1",
                    self._broker.port,
                    client_id="centre",
                    tls=self._broker.authority.tls,
                    subscriptions=[up_filter()],
                    on_message=self._take,
                )
                await self._connection.closed()
            except LinkError:
                await asyncio.sleep(0.1)
            finally:
                if self._connection is not None:
                    await self._connection.close()

    def _take(self, topic: str, payload: bytes) -> None:
        kit = parse_topic(topic).kit
        match decode_frame(payload):
            case Hello() as hello:
                self.hellos.append(hello)
                self._say(kit, "welcome", Welcome(b"run-0001", now_us(), "centre"))
            case State() as state:
                self.states.append(state)
            case Ask(bundles):
                self._say(kit, "ack", Ack(tuple(self._item(bundle) for bundle in bundles)))
            case Chunk() as chunk:
                self._store(chunk)
                self._say(kit, "ack", Ack((self._item(chunk.bundle),)))

    def _say(self, kit: str, kind: str, frame: Ack | Welcome) -> None:
        if self._connection is not None:
            with contextlib.suppress(LinkError):
                self._connection.publish(down_topic(kit, kind), encode_frame(frame))

    def _store(self, chunk: Chunk) -> None:
        assert chunk_digest(chunk.payload) == chunk.digest
        self.received_bytes += len(chunk.payload)
        if chunk.manifest is not None:
            self._manifests[chunk.bundle] = chunk.manifest
        told = (chunk.bearer, chunk.offset, len(chunk.payload))
        if chunk.bundle in self.contents:
            self.repeated.append(told)
        if chunk.bundle not in self._manifests or chunk.bundle in self.contents:
            return
        data, held = self._parts.setdefault(chunk.bundle, (bytearray(chunk.size), Ranges()))
        if any(start < chunk.offset + told[2] and chunk.offset < end for start, end in held):
            self.repeated.append(told)
        data[chunk.offset : chunk.offset + len(chunk.payload)] = chunk.payload
        held.add(chunk.offset, chunk.offset + len(chunk.payload))
        if held.complete(chunk.size):
            manifest = decode_manifest(self._manifests[chunk.bundle])
            assert content_hash(bytes(data)) == manifest.content_hash
            self.order.append(manifest.sequence)
            self.contents[chunk.bundle] = bytes(data)

    def _item(self, bundle: bytes) -> AckItem:
        if bundle in self.contents:
            return AckItem(bundle, Verdict.CUSTODY, now_us())
        held = self._parts[bundle][1] if bundle in self._parts else Ranges()
        return AckItem(bundle, Verdict.HAVE, now_us(), Ranges(held))
