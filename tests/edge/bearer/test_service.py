"""A whole bearer: a real spool, a real broker over TLS, and a model of the centre behind it."""

import asyncio
import contextlib
import getpass
import random
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fieldlab.peers import need_program
from fieldlink.codecs.bundle import (
    Draft,
    Layer,
    Precedence,
    Ranges,
    content_hash,
    decode_manifest,
)
from fieldlink.codecs.fault import ConfigError, LinkError
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
from fieldlink.edge.bearer.service import Bearer, KitFacts
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import Candidate, PrecedencePlanner, SpoolState
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.relay.pki.authority import Authority, new_serial
from fieldlink.systemd.mqtt import MqttConnection

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


def _now_us() -> int:
    return time.time_ns() // 1000


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BrokerProcess:
    """nats-server or mosquitto with TLS on one port, started as often as a test kills it."""

    def __init__(self, program: str, folder: Path) -> None:
        self.authority = Authority.open(folder / "pki", now_us=_now_us())
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
                self._say(kit, "welcome", Welcome(b"run-0001", _now_us(), "centre"))
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
        if chunk.bundle not in self._manifests or chunk.bundle in self.contents:
            return
        data, held = self._parts.setdefault(chunk.bundle, (bytearray(chunk.size), Ranges()))
        data[chunk.offset : chunk.offset + len(chunk.payload)] = chunk.payload
        held.add(chunk.offset, chunk.offset + len(chunk.payload))
        if held.complete(chunk.size):
            manifest = decode_manifest(self._manifests[chunk.bundle])
            assert content_hash(bytes(data)) == manifest.content_hash
            self.order.append(manifest.sequence)
            self.contents[chunk.bundle] = bytes(data)

    def _item(self, bundle: bytes) -> AckItem:
        if bundle in self.contents:
            return AckItem(bundle, Verdict.CUSTODY, _now_us())
        held = self._parts[bundle][1] if bundle in self._parts else Ranges()
        return AckItem(bundle, Verdict.HAVE, _now_us(), Ranges(held))


class Kit:
    """A spool and a bearer, as the agent joins them."""

    def __init__(self, broker: BrokerProcess, folder: Path) -> None:
        self.folder = folder / "identity"
        policy = RetentionPolicy(quota_bytes=10**9, keep_free_bytes=0)
        self.spool = Spool.open(folder / "spool", kit="kit-a", policy=policy, clock=_now_us)
        self.identity: Identity | None = Identity(
            "kit-a", "127.0.0.1", broker.port, "https://none", "centre", self.folder
        )
        self._state = SpoolState()
        for stored in self.spool.pending():
            doubtful = stored.first_sent_us is not None
            self._state.add(Candidate.of(stored.bundle_id, stored.manifest, doubtful=doubtful))
        facts = KitFacts(
            software="test",
            spool=self.spool.spool_id,
            devices=lambda: {"ball": "ball"},
            report=lambda: {"pending": 1},
        )
        self.bearer = Bearer(
            BearerSettings.model_validate({"state_every": "1s"}),
            spool=self.spool,
            state=self._state,
            planner=PrecedencePlanner(),
            identity=self._load,
            facts=facts,
            clock=_now_us,
        )

    def _load(self) -> Identity:
        if self.identity is None:
            raise ConfigError("this kit has not joined a centre")
        return self.identity

    def record(self, size: int, precedence: Precedence = Precedence.ROUTINE) -> bytes:
        now_us = _now_us()
        draft = Draft(
            device="ball",
            stream="video",
            layer=Layer.PROXY,
            precedence=precedence,
            start_us=now_us,
            end_us=now_us,
            recorded_us=now_us,
            media_type="video/mp4",
        )
        stored = self.spool.add(draft, random.Random(size).randbytes(size))
        self._state.add(Candidate.of(stored.bundle_id, stored.manifest))
        self.bearer.wake()
        return stored.bundle_id


def _enrol(authority: Authority, folder: Path) -> None:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "kit.key").write_bytes(key.private_bytes(pem, form, plain))
    made = authority.sign_kit(key.public_key(), "kit-a", new_serial(), _now_us())
    (folder / "kit.crt").write_bytes(made)
    (folder / "ca.crt").write_bytes(authority.ca_pem)


@pytest.fixture(params=["nats-server", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrokerProcess]:
    """A running broker; a kit's files are in tmp_path/identity."""
    made = BrokerProcess(request.param, tmp_path)
    _enrol(made.authority, tmp_path / "identity")
    made.start()
    yield made
    made.kill()


@contextlib.asynccontextmanager
async def _running(kit: Kit, centre: ModelCentre) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(centre.run()),
        asyncio.create_task(kit.bearer.run(lambda: None)),
    ]
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        kit.spool.close()
    for task in tasks:
        assert task.cancelled() or task.exception() is None


async def _all_home(kit: Kit) -> None:
    while kit.spool.pending():  # noqa: ASYNC110  # the spool sets no event
        await asyncio.sleep(0.05)


def test_everything_arrives_whole_and_the_centre_is_told_who_speaks(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker, tmp_path)
        ids = {kit.record(size) for size in (0, 1, 5_000, 300_000, 2_000_000)}
        async with _running(kit, centre):
            await _all_home(kit)
            assert set(centre.contents) == ids
            while not centre.hellos:  # noqa: ASYNC110  # comes on another thread
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            report = kit.bearer.report()
            assert report["up"]
            assert report["rtt_ms"] is not None
            assert report["centre"] == "centre"

    asyncio.run(scenario())
    assert centre.hellos[0].devices == {"ball": "ball"}
    assert centre.states[0].report == {"pending": 1}


def test_a_broker_that_is_killed_again_and_again_costs_no_bundle(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker, tmp_path)
        ids = {kit.record(size) for size in range(100_000, 4_000_000, 400_000)}
        async with _running(kit, centre):
            for _ in range(2):
                while not centre.received_bytes:  # noqa: ASYNC110  # comes on another thread
                    await asyncio.sleep(0.005)
                await asyncio.to_thread(broker.kill)
                ids.add(kit.record(7_000, Precedence.FLASH))
                centre.received_bytes = 0
                await asyncio.sleep(0.2)
                await asyncio.to_thread(broker.start)
            await _all_home(kit)
        assert set(centre.contents) == ids

    asyncio.run(scenario())


def test_a_kit_that_has_not_joined_says_so_and_starts_when_it_has(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker, tmp_path)
        identity, kit.identity = kit.identity, None
        bundle = kit.record(100)
        async with _running(kit, centre):
            await asyncio.sleep(0.2)
            assert kit.bearer.report()["reason"] == "this kit has not joined a centre"
            kit.identity = identity
            await _all_home(kit)
        assert bundle in centre.contents

    asyncio.run(scenario())
