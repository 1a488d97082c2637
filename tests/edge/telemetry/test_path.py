"""The whole way: a device's message, the agent as a process, a broker, a model of the centre."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.agentkit import open_kit
from fieldlab.devices import device, until
from fieldlab.model_centre import BrokerProcess, ModelCentre
from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    SHEAF_MEDIA_TYPE,
    Alarm,
    decode_alarm,
    decode_sheaf,
)
from fieldlink.edge.spool import SpoolView


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    made = BrokerProcess("nats-server", tmp_path)
    made.start()
    yield made
    made.kill()


def _alarms(centre: ModelCentre) -> list[Alarm]:
    found = []
    for content in list(centre.contents.values()):
        try:
            found.append(decode_alarm(content))
        except CodecError:  # it is something else
            continue
    return found


async def _day(folder: Path, broker: BrokerProcess) -> int:
    """A call for help, then readings until a SIGKILL; how many of them had a receipt."""
    centre = ModelCentre(broker)
    serving = asyncio.create_task(centre.run())
    with open_kit(folder, broker, "[telemetry]\ntick = '100ms'") as kit:
        login = await asyncio.to_thread(kit.add, "soldier-1")
        async with device(login) as soldier:
            soldier.say("position", {"lat": 34.23, "lon": 108.95, "seq": 0, "boot": 7})
            assert (await soldier.receipt())["ok"]
            soldier.say("sos", {"active": True, "text": "help"})
            assert (await soldier.receipt())["ok"]
            await until(lambda: _alarms(centre))
            status = await asyncio.to_thread(kit.ask, "status")
            assert [one["kind"] for one in status["telemetry"]["alarms"]["open"]] == ["sos"]
            for number in range(1, 40):
                soldier.say("position", {"lat": 34.23, "lon": 108.95, "seq": number, "boot": 7})
                if number > 30:
                    continue  # these may be on the disk or not
                assert (await soldier.receipt())["seq"] == number
            kit.process.kill()
    serving.cancel()
    (alarm,) = _alarms(centre)
    assert (alarm.device, alarm.text, alarm.lat) == ("soldier-1", "help", 342_300_000)
    return 30


def test_a_call_for_help_arrives_and_a_sigkill_loses_nothing_that_had_a_receipt(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    acknowledged = asyncio.run(_day(tmp_path / "site", broker))
    view = SpoolView.open(tmp_path / "site" / "kit" / "spool")
    numbers, alarms = [], []
    for stored in view.bundles():
        manifest = stored.manifest
        content = view.content(stored, 0, manifest.size)
        assert content is not None
        if manifest.media_type == SHEAF_MEDIA_TYPE:
            for block in decode_sheaf(content):
                assert (block.device, block.epoch) == ("soldier-1", 7)
                numbers += [sample.sequence for sample in block.samples]
        elif manifest.media_type == ALARM_MEDIA_TYPE:
            alarms.append(manifest.precedence)
    view.close()
    assert set(range(acknowledged + 1)) <= set(numbers)
    assert len(numbers) == len(set(numbers))
    assert alarms == [Precedence.FLASH]
