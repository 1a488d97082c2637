"""A whole bearer: a real spool, a real broker over TLS, and a model of the centre behind it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.bearer_kit import Kit, all_home, enrol, running
from fieldlab.model_centre import BrokerProcess, ModelCentre
from fieldlink.codecs.bundle import Precedence


@pytest.fixture(params=["nats-server", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrokerProcess]:
    """A running broker; a kit's files are in tmp_path/identity."""
    made = BrokerProcess(request.param, tmp_path)
    enrol(made.authority, tmp_path / "identity")
    made.start()
    yield made
    made.kill()


def test_everything_arrives_whole_and_the_centre_is_told_who_speaks(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker.port, tmp_path)
        ids = {kit.record(size) for size in (0, 1, 5_000, 300_000, 2_000_000)}
        async with running(kit, centre):
            await all_home(kit)
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
        kit = Kit(broker.port, tmp_path)
        ids = {kit.record(size) for size in range(100_000, 4_000_000, 400_000)}
        async with running(kit, centre):
            for _ in range(2):
                while not centre.received_bytes:  # comes on another thread
                    await asyncio.sleep(0.005)
                await asyncio.to_thread(broker.kill)
                ids.add(kit.record(7_000, Precedence.FLASH))
                centre.received_bytes = 0
                await asyncio.sleep(0.2)
                await asyncio.to_thread(broker.start)
            await all_home(kit)
        assert set(centre.contents) == ids

    asyncio.run(scenario())


def test_a_kit_that_has_not_joined_says_so_and_starts_when_it_has(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker.port, tmp_path)
        identity, kit.identity = kit.identity, None
        bundle = kit.record(100)
        async with running(kit, centre):
            await asyncio.sleep(0.2)
            assert kit.fleet.report()[0]["reason"] == "this kit has not joined a centre"
            kit.identity = identity
            await all_home(kit)
        assert bundle in centre.contents

    asyncio.run(scenario())
