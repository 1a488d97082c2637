"""kill -9 of the kit and its broker while devices speak: what was acknowledged is in the spool."""

from pathlib import Path

import pytest

from fieldlab.device_killing import DeviceKilling
from fieldlink.codecs.telemetry import POSITION, AlarmKind, Flag

pytestmark = pytest.mark.anyio


async def campaign(folder: Path, seed: int, devices: int, kills: int) -> None:
    killing = DeviceKilling(folder, seed)
    squad = await killing.run(devices, kills)
    stored = killing.stored()
    assert len(killing.ledger) > 20 * kills
    assert squad["refused"] == squad["given_up"] == 0
    assert min(killing.kills.values()) > 0
    assert [identity for identity in killing.ledger if identity not in stored] == []
    for identity, message in killing.ledger.items():
        for sample in stored[identity]:
            assert sample.flags & Flag.EXERCISE
            if identity[1] == POSITION.stream:
                assert sample.values[0] == round(message["lat"] * 1e7)
    raised = {alarm.device for alarm in killing.alarms() if alarm.kind is AlarmKind.SOS}
    assert killing.calls <= raised
    assert killing.calls


@pytest.mark.timeout(120)
async def test_nothing_acknowledged_is_lost_after_three_kills(tmp_path: Path) -> None:
    await campaign(tmp_path, seed=1, devices=4, kills=3)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [2, 3])
async def test_nothing_acknowledged_is_lost_after_a_hundred_kills(
    tmp_path: Path, seed: int
) -> None:
    await campaign(tmp_path, seed=seed, devices=12, kills=100)
