"""A whole bearer: a real spool, a real broker over TLS, and a model of the centre behind it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fieldlab.model_centre import BrokerProcess, ModelCentre, now_us
from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.bearer.service import Fleet, KitFacts
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import Candidate, SpoolState, WindowPlanner
from fieldlink.edge.planner.budget import admitted
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.relay.pki.authority import Authority, new_serial


class Kit:
    """A spool and a bearer, as the agent joins them."""

    def __init__(self, broker: BrokerProcess, folder: Path) -> None:
        self.folder = folder / "identity"
        policy = RetentionPolicy(quota_bytes=10**9, keep_free_bytes=0)
        self.spool = Spool.open(folder / "spool", kit="kit-a", policy=policy, clock=now_us)
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
        self.fleet = Fleet(
            [BearerSettings.model_validate({"state_every": "1s"})],
            spool=self.spool,
            state=self._state,
            planner=WindowPlanner(),
            identity=self._load,
            facts=facts,
            clock=now_us,
            folder=folder / "bearers",
            admits=lambda facts: admitted(facts, suffices=True),
        )

    def _load(self) -> Identity:
        if self.identity is None:
            raise ConfigError("this kit has not joined a centre")
        return self.identity

    def record(self, size: int, precedence: Precedence = Precedence.ROUTINE) -> bytes:
        at_us = now_us()
        draft = Draft(
            device="ball",
            stream="video",
            layer=Layer.PROXY,
            precedence=precedence,
            start_us=at_us,
            end_us=at_us,
            recorded_us=at_us,
            media_type="video/mp4",
        )
        stored = self.spool.add(draft, random.Random(size).randbytes(size))
        self._state.add(Candidate.of(stored.bundle_id, stored.manifest))
        self.fleet.wake()
        return stored.bundle_id


def _enrol(authority: Authority, folder: Path) -> None:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "kit.key").write_bytes(key.private_bytes(pem, form, plain))
    made = authority.sign_kit(key.public_key(), "kit-a", new_serial(), now_us())
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
        asyncio.create_task(kit.fleet.run(lambda: None)),
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
    while kit.spool.pending():  # the spool sets no event
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
            while not (centre.hellos and centre.states):  # they come on another thread
                await asyncio.sleep(0.02)
            while (report := kit.fleet.report()[0])["centre"] is None:
                await asyncio.sleep(0.02)
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
                while not centre.received_bytes:  # comes on another thread
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
            assert kit.fleet.report()[0]["reason"] == "this kit has not joined a centre"
            kit.identity = identity
            await _all_home(kit)
        assert bundle in centre.contents

    asyncio.run(scenario())
