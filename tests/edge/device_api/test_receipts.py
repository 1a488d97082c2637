"""What a device says reaches the intake; its receipt comes when that has it; on both brokers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import cbor2
import msgpack
import pytest

from fieldlab.devices import DeviceLab, device, device_api, mosquitto_api, until
from fieldlab.intake import FakeIntake
from fieldlink.codecs.telemetry import POSITION, AlarmKind, Flag

pytestmark = pytest.mark.anyio

Start = Callable[[Path, FakeIntake], AbstractAsyncContextManager[DeviceLab]]


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake()


@pytest.fixture(params=[device_api, mosquitto_api], ids=["nats", "mosquitto"])
async def lab(
    request: pytest.FixtureRequest, tmp_path: Path, intake: FakeIntake
) -> AsyncIterator[DeviceLab]:
    start: Start = request.param
    async with start(tmp_path, intake) as made:
        yield made


async def test_a_position_is_recorded_under_its_kind_boot_and_number(
    lab: DeviceLab, intake: FakeIntake
) -> None:
    login = lab.add("soldier-1", "soldier")
    async with device(login) as soldier:
        said = {"time_us": 1_780_000_000_000_000, "seq": 7, "boot": 3, "lat": 34.2, "lon": 108.9}
        receipt = await soldier.asks("position", said)
    assert receipt == {"ok": True, "stream": "position", "seq": 7, "boot": 3}
    [record] = intake.records
    assert (record.source.device, record.source.kind, record.source.epoch) == (
        "soldier-1",
        "soldier",
        3,
    )
    assert record.schema == POSITION
    assert record.readings[0].device_us == 1_780_000_000_000_000
    assert (record.readings[0].sequence, record.readings[0].flags) == (7, Flag.NONE)
    assert record.readings[0].values == {"lat": 34.2, "lon": 108.9}


async def test_no_receipt_goes_before_the_spool_has_it(lab: DeviceLab, intake: FakeIntake) -> None:
    intake.held = True
    login = lab.add("soldier-1")
    async with device(login) as soldier:
        soldier.say("vitals", {"heart_rate": 71, "id": "a"})
        await until(lambda: intake.waiting)
        with pytest.raises(TimeoutError):
            await soldier.heard(0.2)
        intake.settle()
        assert await soldier.receipt() == {"ok": True, "stream": "vitals", "id": "a"}
        soldier.say("vitals", {"heart_rate": 71, "id": "b"})
        await until(lambda: intake.waiting)
        intake.settle("disk: no room")
        assert await soldier.receipt() == {
            "ok": False,
            "stream": "vitals",
            "id": "b",
            "error": "disk: no room",
            "again": True,
        }


async def test_a_batch_of_two_boots_has_one_receipt_when_all_of_it_is_stored(
    lab: DeviceLab, intake: FakeIntake
) -> None:
    intake.held = True
    login = lab.add("soldier-1")
    async with device(login) as soldier:
        batch = [{"level": 40.5 - n, "seq": n % 3, "boot": n // 3} for n in range(5)]
        soldier.say("battery", batch)
        await until(lambda: len(intake.waiting) == 2)
        intake.waiting.pop(0)(None)
        with pytest.raises(TimeoutError):
            await soldier.heard(0.1)
        intake.settle()
        receipt = await soldier.receipt()
    assert receipt == {"ok": True, "stream": "battery", "count": 5, "seq": 1, "boot": 1}
    assert [(r.source.epoch, len(r.readings)) for r in intake.records] == [(0, 3), (1, 2)]


async def test_msgpack_and_cbor_are_answered_in_kind(lab: DeviceLab, intake: FakeIntake) -> None:
    login = lab.add("rain-1", "sensor")
    said = {"values": {"rain": {"v": 3.2, "unit": "mm"}}, "id": 5}
    async with device(login) as rain:
        rain.say("series", msgpack.packb(said))
        assert msgpack.unpackb(await rain.heard()) == {"ok": True, "stream": "series", "id": 5}
        rain.say("series", cbor2.dumps(said))
        assert cbor2.loads(await rain.heard()) == {"ok": True, "stream": "series", "id": 5}
    first, second = intake.records
    assert first == second
    assert first.schema.columns[0].unit == "mm"


async def test_what_is_malformed_gets_the_reason_and_stops_nothing(
    lab: DeviceLab, intake: FakeIntake
) -> None:
    login = lab.add("soldier-1")
    async with device(login) as soldier:
        receipt = await soldier.asks("position", {"lat": True, "lon": 1, "seq": 4, "boot": 1})
        assert receipt["error"] == (
            "field: lat = True: write a number, or null when it is not known"
        )
        assert (receipt["ok"], receipt["again"], receipt["seq"]) == (False, False, 4)
        assert not (await soldier.asks("air", b"\xc1\xff"))["ok"]
        assert (await soldier.asks("air", {"pressure": 210.5}))["ok"]
    assert intake.refused["soldier-1", "field"] == 1
    assert intake.refused["soldier-1", "form"] == 1


async def test_an_sos_is_notified_at_once_and_ends(lab: DeviceLab, intake: FakeIntake) -> None:
    login = lab.add("soldier-1")
    async with device(login) as soldier:
        said = {"active": True, "text": "腿断了", "lat": 34.2, "lon": 108.9}
        assert (await soldier.asks("sos", said))["ok"]
        assert (await soldier.asks("man_down", {"active": False}))["ok"]
    (_, begun), (_, ended) = intake.notices
    assert (begun.kind, begun.active, begun.text) == (AlarmKind.SOS, True, "腿断了")
    assert (ended.kind, ended.active, ended.lat) == (AlarmKind.MAN_DOWN, False, None)


async def test_a_removed_device_is_cut_off_and_others_go_on(
    lab: DeviceLab, intake: FakeIntake
) -> None:
    goes, stays = lab.add("goes-1"), lab.add("stays-1")
    async with device(goes) as gone, device(stays) as other:
        assert (await gone.asks("air", {"co": 3}))["ok"]
        lab.desk.remove({"name": "goes-1"})
        lab.told()
        await asyncio.wait_for(gone.link.closed(), 5)
        assert (await other.asks("air", {"co": 5}))["ok"]
    assert [reading.values["co"] for reading in intake.readings()] == [3, 5]
