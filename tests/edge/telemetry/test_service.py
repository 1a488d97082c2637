"""From a reading to a bundle in a real spool, and from there nowhere but to the centre."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fieldlab.intake import FakeTime
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.fault import SpoolError
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    KIT_DEVICE,
    POSITION,
    SHEAF_MEDIA_TYPE,
    Alarm,
    AlarmKind,
    Block,
    Detail,
    Phase,
    decode_alarm,
    decode_sheaf,
)
from fieldlink.edge.planner import Candidate, SpoolState
from fieldlink.edge.spool import RetentionPolicy, Spool, Stored
from fieldlink.edge.telemetry.ports import Notice, Reading, Source
from fieldlink.edge.telemetry.service import Telemetry
from fieldlink.edge.telemetry.settings import TelemetrySettings

SOLDIER = Source("soldier-1", "soldier", "mqtt")
COUNTING = Source("soldier-1", "soldier", "mqtt", epoch=7)
HERE = {"lat": 34.2, "lon": 108.9}
Scenario = Callable[[Telemetry], Awaitable[None]]
Add = Callable[[Draft, bytes], Stored]


@pytest.fixture
def spool(tmp_path: Path) -> "Spool":
    return open_spool(tmp_path / "spool", RetentionPolicy(quota_bytes=10_000_000))


class _Shelf:
    """The spool, with another `add`."""

    def __init__(self, spool: Spool, add: Add) -> None:
        self.add = add
        self.get, self.read, self.withdraw = spool.get, spool.read, spool.withdraw


def _telemetry(
    folder: Path, spool: Spool, add: Add | None = None, time: FakeTime | None = None
) -> Telemetry:
    return Telemetry(
        TelemetrySettings.model_validate({"tick": "100ms"}),
        spool=_Shelf(spool, add or spool.add),
        state=SpoolState(),
        link=lambda: None,
        time_=time or FakeTime(),
        folder=folder,
    )


def _run(telemetry: Telemetry, scenario: Scenario) -> None:
    async def main() -> None:
        task = asyncio.create_task(telemetry.run(lambda: None))
        await scenario(telemetry)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())


async def _told(ask: Callable[[Callable[[str | None], None]], None]) -> str | None:
    answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    ask(answer.set_result)
    return await asyncio.wait_for(answer, 10)


def _blocks(spool: Spool) -> list[Block]:
    return [
        block
        for stored in spool.bundles()
        if stored.manifest.media_type == SHEAF_MEDIA_TYPE
        for block in decode_sheaf(spool.read(stored.bundle_id, 0, stored.manifest.size))
    ]


def _alarms(spool: Spool) -> list[Alarm]:
    return [
        decode_alarm(spool.read(stored.bundle_id, 0, stored.manifest.size))
        for stored in spool.bundles()
        if stored.manifest.media_type == ALARM_MEDIA_TYPE
    ]


def test_readings_are_in_the_spool_before_the_device_hears_so(tmp_path: Path, spool: Spool) -> None:
    telemetry = _telemetry(tmp_path, spool)

    async def scenario(telemetry: Telemetry) -> None:
        readings = [Reading({**HERE, "speed": 1.5}, sequence=number) for number in (4, 5, 3)]
        answer = await _told(
            lambda done: telemetry.intake.record(COUNTING, POSITION, readings, done)
        )
        assert answer is None
        (block,) = _blocks(spool)
        assert (block.device, block.kind, block.epoch) == ("soldier-1", "soldier", 7)
        assert [sample.sequence for sample in block.samples] == [3, 4, 5]
        assert block.samples[0].values[:5] == (342_000_000, 1_089_000_000, None, None, 150)
        (stored,) = spool.bundles()
        manifest = stored.manifest
        assert (manifest.device, manifest.layer) == (KIT_DEVICE, Layer.REPORT)
        assert manifest.precedence is Precedence.PRIORITY
        assert manifest.clock_error_us == 1_000

    _run(telemetry, scenario)


def test_what_comes_in_as_the_agent_ends_is_stored_too(tmp_path: Path, spool: Spool) -> None:
    telemetry = _telemetry(tmp_path, spool)

    async def scenario(telemetry: Telemetry) -> None:
        await asyncio.sleep(0)
        telemetry.intake.record(SOLDIER, POSITION, [Reading(HERE)])
        telemetry.intake.notify(SOLDIER, Notice(AlarmKind.SOS))

    _run(telemetry, scenario)
    assert len(_blocks(spool)) == 1
    assert [alarm.kind for alarm in _alarms(spool)] == [AlarmKind.SOS]


def test_a_repetition_is_acknowledged_and_not_stored_again(tmp_path: Path, spool: Spool) -> None:
    telemetry = _telemetry(tmp_path, spool)

    async def scenario(telemetry: Telemetry) -> None:
        for _ in range(3):
            reading = Reading(HERE, sequence=1)
            answer = await _told(
                lambda done, reading=reading: telemetry.intake.record(  # type: ignore[misc]
                    COUNTING, POSITION, [reading], done
                )
            )
            assert answer is None

    _run(telemetry, scenario)
    assert sum(len(block.samples) for block in _blocks(spool)) == 1
    assert telemetry.report()["repeated"] == 2


def test_a_disk_that_refuses_is_told_to_the_device_whose_repetition_is_then_new(
    tmp_path: Path, spool: Spool
) -> None:
    broken = True

    def add(draft: Draft, content: bytes) -> Stored:
        if broken:
            raise SpoolError("the disk is full")
        return spool.add(draft, content)

    async def scenario(telemetry: Telemetry) -> None:
        nonlocal broken

        def ask(done: Callable[[str | None], None]) -> None:
            telemetry.intake.record(COUNTING, POSITION, [Reading(HERE, sequence=1)], done)

        assert await _told(ask) == "disk: the disk is full"
        assert telemetry.report()["lost"] == 1
        broken = False
        assert await _told(ask) is None

    _run(_telemetry(tmp_path, spool, add), scenario)
    assert sum(len(block.samples) for block in _blocks(spool)) == 1


def test_an_alarm_goes_at_once_with_where_the_device_was_and_once_however_often_it_is_raised(
    tmp_path: Path, spool: Spool
) -> None:
    async def raises(telemetry: Telemetry) -> None:
        telemetry.intake.record(SOLDIER, POSITION, [Reading(HERE)])
        for _ in range(2):
            notice = Notice(AlarmKind.SOS, text="help\nme")
            assert (
                await _told(
                    lambda done, notice=notice: telemetry.intake.notify(  # type: ignore[misc]
                        SOLDIER, notice, done
                    )
                )
                is None
            )

    async def clears(telemetry: Telemetry) -> None:
        for active in (True, False, False):
            notice = Notice(AlarmKind.SOS, active=active)
            await _told(
                lambda done, notice=notice: telemetry.intake.notify(  # type: ignore[misc]
                    SOLDIER, notice, done
                )
            )

    _run(_telemetry(tmp_path, spool), raises)
    (alarm,) = _alarms(spool)
    assert (alarm.phase, alarm.text) == (Phase.RAISED, "help me")
    assert (alarm.lat, alarm.lon) == (342_000_000, 1_089_000_000)
    again = _telemetry(tmp_path, spool)
    assert [one["kind"] for one in again.report()["alarms"]["open"]] == ["sos"]
    _run(again, clears)
    # One from an earlier run may not have been stored: raised again it goes again, as the same.
    phases = [(one.phase, one.ident) for one in _alarms(spool)]
    assert phases == [
        (Phase.RAISED, alarm.ident), (Phase.RAISED, alarm.ident), (Phase.CLEARED, alarm.ident),
    ]  # fmt: skip
    assert _telemetry(tmp_path, spool).report()["alarms"]["open"] == []


def test_on_a_narrow_link_the_newest_goes_at_once_and_all_of_it_later(
    tmp_path: Path, spool: Spool
) -> None:
    """Every second of this takes a hundredth of one, and nothing is ever sent."""
    time, state = FakeTime(), SpoolState()
    telemetry = Telemetry(
        TelemetrySettings.model_validate({"tick": "100ms"}),
        spool=spool,
        state=state,
        link=lambda: 100.0,
        time_=time,
        folder=tmp_path,
        steady=lambda: time.utc_us / 1e6,
    )
    spool.listen(lambda added, gone: heard.append((list(added), list(gone))))
    heard: list[tuple[list[Stored], list[bytes]]] = []

    def follow() -> None:
        while heard:
            added, gone = heard.pop(0)
            for stored in added:
                state.add(Candidate.of(stored.bundle_id, stored.manifest))
                telemetry.recorded(stored)
            for bundle in gone:
                state.discard(bundle)
                telemetry.gone(bundle)

    async def scenario(telemetry: Telemetry) -> None:
        for _ in range(120):
            telemetry.intake.record(SOLDIER, POSITION, [Reading(HERE)])
            time.pass_s(1)
            await asyncio.sleep(0.01)
            follow()

    _run(telemetry, scenario)
    report = telemetry.report()
    assert report["detail"] == "last"
    assert report["thin"] >= 2
    by_precedence: dict[Precedence, list[Block]] = {}
    for stored in spool.bundles():
        blocks = decode_sheaf(spool.read(stored.bundle_id, 0, stored.manifest.size))
        by_precedence.setdefault(stored.manifest.precedence, []).extend(blocks)
    (thin,) = by_precedence[Precedence.IMMEDIATE]
    assert thin.detail is Detail.LAST
    assert len(thin.samples) == 1
    full = [
        sample.sequence
        for precedence in (Precedence.PRIORITY, Precedence.ROUTINE)
        for block in by_precedence[precedence]
        for sample in block.samples
    ]
    assert sorted(full) == list(range(len(full)))
    assert thin.samples[0].sequence in full


def test_an_end_that_the_disk_refuses_is_not_forgotten(tmp_path: Path, spool: Spool) -> None:
    broken = False

    def add(draft: Draft, content: bytes) -> Stored:
        if broken:
            raise SpoolError("the disk is full")
        return spool.add(draft, content)

    def end(done: Callable[[str | None], None]) -> None:
        telemetry.intake.notify(SOLDIER, Notice(AlarmKind.SOS, active=False), done)

    async def scenario(telemetry: Telemetry) -> None:
        nonlocal broken
        sos = Notice(AlarmKind.SOS)
        assert await _told(lambda done: telemetry.intake.notify(SOLDIER, sos, done)) is None
        broken = True
        assert await _told(end) == "disk: the disk is full"
        assert await _told(end) == "disk: the disk is full"

    telemetry = _telemetry(tmp_path, spool, add)
    _run(telemetry, scenario)
    (going,) = _telemetry(tmp_path, spool).report()["alarms"]["open"]
    broken = False

    async def later(telemetry: Telemetry) -> None:
        assert await _told(end) is None

    telemetry = _telemetry(tmp_path, spool)
    _run(telemetry, later)
    assert [alarm.phase for alarm in _alarms(spool)] == [Phase.RAISED, Phase.CLEARED]
    assert {alarm.ident.hex() for alarm in _alarms(spool)} == {going["id"]}
    assert _telemetry(tmp_path, spool).report()["alarms"]["open"] == []


def test_a_call_for_help_after_a_while_is_another_one(tmp_path: Path, spool: Spool) -> None:
    async def scenario(telemetry: Telemetry) -> None:
        sos = Notice(AlarmKind.SOS)
        for passed_s in (0, 60, 60, 60, 121, 10):  # repeated, then pressed again
            time.pass_s(passed_s)
            assert await _told(lambda done: telemetry.intake.notify(SOLDIER, sos, done)) is None

    time = FakeTime()
    _run(_telemetry(tmp_path, spool, time=time), scenario)
    assert [alarm.phase for alarm in _alarms(spool)] == [Phase.RAISED] * 2
    assert len({alarm.ident for alarm in _alarms(spool)}) == 2
