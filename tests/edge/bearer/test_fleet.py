"""Several bearers at once on loopback, each with an address of its own: held, changed, bounded."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fieldlab.bearer_kit import Kit, all_home, enrol, running
from fieldlab.model_centre import BrokerProcess, ModelCentre
from fieldlink.codecs.bundle import Precedence
from fieldlink.edge.bearer.settings import BearerSettings


def _settings(**tables: dict[str, Any]) -> list[BearerSettings]:
    """A bearer for each name, by the next address of the loopback."""
    return [
        BearerSettings.model_validate({"name": name, "source": f"127.0.0.{number}", **table})
        for number, (name, table) in enumerate(tables.items(), 2)
    ]


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    """nats-server; a kit's files are in tmp_path/identity."""
    made = BrokerProcess("nats-server", tmp_path)
    enrol(made.authority, tmp_path / "identity")
    made.start()
    yield made
    made.kill()


async def _until(what: Callable[[], object]) -> None:
    while not what():
        await asyncio.sleep(0.02)


def _by_name(kit: Kit) -> dict[str, dict[str, Any]]:
    return {report["name"]: report for report in kit.fleet.report()}


def test_two_bearers_carry_at_once_and_every_bundle_arrives_whole(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker.port, tmp_path, _settings(lte={}, sat={}))
        async with running(kit, centre):
            await _until(lambda: all(report["up"] for report in kit.fleet.report()))
            ids = {kit.record(400_000 + number) for number in range(20)}
            await all_home(kit)
            assert set(centre.contents) == ids
            reports = _by_name(kit)
            assert all(reports[name]["delivered_bytes"] for name in ("lte", "sat"))
            sizes = sum(400_000 + number for number in range(20))
            assert centre.received_bytes == sizes
            assert sum(kit.fleet.delivered_bytes().values()) == sizes
            assert set(kit.fleet.odd()) <= {"stale"}  # each hears every answer

    asyncio.run(scenario())


def test_a_dearer_bearer_stands_by_and_hears_no_answers_until_it_is_needed(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker.port, tmp_path, _settings(lte={}, sat={"price": 10}))
        async with running(kit, centre):
            await _until(lambda: all(report["up"] for report in kit.fleet.report()))
            for number in range(10):
                kit.record(200_000 + number)
            await all_home(kit)
            assert _by_name(kit)["sat"]["delivered_bytes"] == 0
            assert _by_name(kit)["sat"]["admits"] == "immediate"
            assert _by_name(kit)["sat"]["lines"] == 1
            standing_by_bytes = _by_name(kit)["sat"]["wire_bytes"]
            assert standing_by_bytes < 30_000
            assert kit.fleet.hold("lte", True)
            kit.record(300_000)
            await all_home(kit)
            assert _by_name(kit)["sat"]["delivered_bytes"] == 300_000
            assert _by_name(kit)["lte"]["reason"] == "held by hand"
            assert kit.fleet.hold("lte", False)
            await _until(lambda: _by_name(kit)["lte"]["up"])
            assert not kit.fleet.hold("nothing", True)

    asyncio.run(scenario())


def test_bearers_come_and_go_with_the_settings_and_those_unchanged_stay_connected(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker.port, tmp_path, _settings(lte={}))
        async with running(kit, centre):
            await _until(lambda: kit.fleet.report()[0]["up"])
            since_us = kit.fleet.report()[0]["since_us"]
            absent = BearerSettings.model_validate({"name": "modem", "interface": "wwan7"})
            await kit.fleet.change([*_settings(lte={}, sat={}), absent])
            await _until(lambda: _by_name(kit)["sat"]["up"])
            await _until(lambda: "no interface wwan7" in _by_name(kit)["modem"]["reason"])
            assert _by_name(kit)["lte"]["since_us"] == since_us
            await kit.fleet.change(_settings(lte={}, sat={})[1:])
            kit.record(100_000)
            await all_home(kit)
            assert list(_by_name(kit)) == ["sat"]
            await kit.fleet.change(_settings(lte={}))
            kit.record(100_001)
            await all_home(kit)

    asyncio.run(scenario())


def test_of_two_changes_at_once_the_later_holds_and_no_bearer_of_the_earlier_lives_on(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker.port, tmp_path, _settings(lte={}))
        async with running(kit, centre):
            await _until(lambda: kit.fleet.report()[0]["up"])
            sat, lte = _settings(sat={}), _settings(lte={"price": 1})
            await asyncio.gather(kit.fleet.change(sat), kit.fleet.change(lte))
            await asyncio.gather(kit.fleet.change(sat), kit.fleet.change(lte))
            keeping = [task.get_name() for task in asyncio.all_tasks()]
            assert [name for name in keeping if name.startswith("bearer ")] == ["bearer lte"]
            assert list(_by_name(kit)) == ["lte"]

    asyncio.run(scenario())


def test_a_change_that_nobody_waits_for_any_more_is_made_all_the_same(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)

    async def scenario() -> None:
        kit = Kit(broker.port, tmp_path, _settings(lte={}))
        async with running(kit, centre):
            await _until(lambda: kit.fleet.report()[0]["up"])
            changing = asyncio.create_task(kit.fleet.change(_settings(lte={"price": 1})))
            await asyncio.sleep(0)
            changing.cancel()
            await _until(lambda: _by_name(kit)["lte"]["price"] and _by_name(kit)["lte"]["up"])
            kit.record(100_000)
            await all_home(kit)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_a_budget_is_used_up_to_its_reserve_then_by_alarms_and_never_two_percent_over(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    centre = ModelCentre(broker)
    budget = 1_000_000

    async def scenario() -> None:
        table = {"budget": "1MB", "budget_per": "month", "reserve": 0.3}
        kit = Kit(broker.port, tmp_path, _settings(sat=table))
        async with running(kit, centre):
            kit.record(5_000_000)
            await _until(lambda: _by_name(kit)["sat"]["admits"] == "immediate")
            await asyncio.sleep(1)
            used = _by_name(kit)["sat"]["used_bytes"]
            assert 0.6 * budget < used < 0.75 * budget
            alarm = kit.record(20_000, Precedence.FLASH)
            await _until(lambda: alarm in centre.contents)
            kit.record(5_000_001, Precedence.FLASH)
            await _until(lambda: not _by_name(kit)["sat"]["up"])
            await asyncio.sleep(0.5)
            report = _by_name(kit)["sat"]
            assert report["reason"] == "its budget for this month is used up"
            assert 0.95 * budget < report["used_bytes"] <= 1.02 * budget
        again = Kit(broker.port, tmp_path, _settings(sat=table))
        used = again.fleet.report()[0]["used_bytes"]
        assert report["used_bytes"] <= used <= 1.03 * budget
        again.spool.close()

    asyncio.run(scenario())
