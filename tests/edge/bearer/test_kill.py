"""kill -9 of a kit that sends by two bearers."""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from fieldlab.bearer_kit import Kit, enrol
from fieldlab.model_centre import BrokerProcess, ModelCentre

_LAB = Path(__file__).parents[2] / "lab"
_BEARERS = ("lte=127.0.0.2", "sat=127.0.0.3")
_CONNECTIONS = len(_BEARERS) * 7  # six for what is not urgent, and the one for control
_BUNDLES = 150


def _start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "fieldlab.bearer_kit", str(folder), str(port), *_BEARERS]
    return subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": str(_LAB)})


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_in_mid_transfer_loses_nothing_and_repeats_at_most_a_chunk_per_connection(
    tmp_path: Path, seed: int
) -> None:
    broker = BrokerProcess("nats-server", tmp_path)
    enrol(broker.authority, tmp_path / "identity")
    broker.start()
    kit, rng = Kit(broker.port, tmp_path), random.Random(seed)
    ids = {kit.record(rng.randrange(1, 400_000)) for _ in range(_BUNDLES)}
    kit.spool.close()
    centre = ModelCentre(broker)

    async def scenario() -> None:
        listening = asyncio.create_task(centre.run())
        process = _start(tmp_path, broker.port)
        try:
            for kills in (1, 2, 3):
                while len(centre.contents) < kills * 30 + rng.randrange(10):
                    await asyncio.sleep(0.001)
                process.kill()
                await asyncio.to_thread(process.wait)
                process = _start(tmp_path, broker.port)
            while len(centre.contents) < len(ids):
                assert process.poll() is None
                await asyncio.sleep(0.02)
        finally:
            process.kill()
            process.wait()
            listening.cancel()
            await asyncio.wait({listening})

    try:
        asyncio.run(asyncio.wait_for(scenario(), 100))
    finally:
        broker.kill()
    assert set(centre.contents) == ids
    assert len(centre.repeated) <= 3 * _CONNECTIONS
