"""Verbs over the control socket and without an agent: progress on the way, ended with who asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fieldlab.airborne import Airborne
from fieldlab.decks import bridge
from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.planned import keep_parameters, keep_plan
from fieldlab.virtual_loop import run_virtually
from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.commanding import CommandError
from fieldlink.drone.console import alone
from fieldlink.drone.router import Router
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent, serve_control
from fieldlink.edge.drone import adapter
from fieldlink.edge.drone.adapter import Drone
from fieldlink.edge.drone.doing import VERB, ask, do
from fieldlink.edge.drone.settings import DroneSettings

_MISSION = [(3, 16, 0, 0, 0, 0, 342_353_908, 1_089_423_868, 50)]


def _settings(tmp_path: Path, **more: Any) -> EdgeSettings:
    drone = DroneSettings.model_validate(
        {
            "endpoint": [{"name": "air", "connect": "udpin:127.0.0.1:1"}],
            "vehicle": [{"sysid": 7, "name": "m300-1"}],
            "heartbeat": False,
            "video": "off",
            **more,
        }
    )
    return EdgeSettings(state_dir=tmp_path, drone=drone)


@asynccontextmanager
async def _agent(
    settings: EdgeSettings, air: Airborne, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Drone]:
    """The adapter and the control socket at work, as in an agent."""
    monkeypatch.setattr(adapter, "Router", partial(Router, make=lambda _: air))
    drone = Drone(settings.drone, settings.state_dir, FakeIntake(), FakeTime(), None)
    tasks = [
        asyncio.ensure_future(drone.run(lambda: None)),
        asyncio.ensure_future(serve_control(settings.control_path, drone.commands, lambda: None)),
    ]
    try:
        await asyncio.sleep(1.5)
        yield drone
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def test_the_agent_does_it_and_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    air = Airborne()
    keep_parameters(air, [(f"P_{number}", number, 6) for number in range(40)])
    settings, told = _settings(tmp_path), list[dict[str, Any]]()

    async def main() -> Any:
        async with _agent(settings, air, monkeypatch):
            return await ask(settings, "param.download", told=told.append, vehicle="m300-1")

    found = run_virtually(main())
    assert (found["vehicle"], found["system"], len(found["parameters"])) == ("m300-1", 7, 40)
    assert found["parameters"][3] == ["P_3", 3, 6, 3]
    assert told[0] == {"vehicle": "m300-1", "kind": "param", "done": 0, "of": 0}
    assert told[-1]["done"] == 40


def test_without_an_agent_the_links_of_the_settings_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    air = Airborne()
    keep_plan(air, {0: _MISSION})
    monkeypatch.setattr(alone, "Router", partial(Router, make=lambda _: air))
    told: list[dict[str, Any]] = []

    async def main() -> Any:
        settings = _settings(tmp_path)
        kinds = ["mission", "fence"]
        return await ask(settings, "plan.download", told=told.append, kinds=kinds)

    found = run_virtually(main())
    assert found["plans"]["mission"][0]["params"][4:] == [34.2353908, 108.9423868, 50]
    assert found["plans"]["fence"] is None  # it has none, and the mission is given
    assert told[0] == {"alone": True}


def test_what_is_not_done_is_an_error_with_the_aircrafts_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    air = Airborne()
    keep_plan(air, {})
    settings = _settings(tmp_path)

    async def main() -> None:
        async with _agent(settings, air, monkeypatch):
            asked: list[tuple[dict[str, Any], str]] = [
                ({"vehicle": "m300-1", "kinds": ["fence"]}, "unsupported"),
                ({"vehicle": "m300-2", "kinds": ["fence"]}, "not-heard"),
                ({"kinds": ["route"]}, "refused"),
                ({"kinds": "mission"}, "refused"),
            ]
            for fields, reason in asked:
                with pytest.raises(CommandError) as caught:
                    await ask(settings, "plan.download", **fields)
                assert caught.value.reason == reason
            with pytest.raises(CommandError, match=r"param\.download"):
                await ask(settings, "no.such")

    run_virtually(main())


def test_whoever_goes_away_ends_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    air = Airborne()
    settings = _settings(tmp_path)

    async def main() -> None:
        async with _agent(settings, air, monkeypatch):
            asking = asyncio.ensure_future(ask(settings, "plan.download", kinds=["mission"]))
            while not air.count("MISSION_REQUEST_LIST"):
                await asyncio.sleep(0.05)
            asking.cancel()
            await asyncio.wait([asking])
            await asyncio.sleep(30)
            assert air.count("MISSION_REQUEST_LIST") == 1

    run_virtually(main())


def test_an_agent_without_endpoints_and_a_kit_without_either_say_what_to_do(
    tmp_path: Path,
) -> None:
    settings = EdgeSettings(state_dir=tmp_path)

    async def main() -> None:
        with pytest.raises(ConfigError, match=r"drone\.endpoint"):
            await ask(settings, "param.download")
        task = asyncio.ensure_future(serve_control(settings.control_path, {}, lambda: None))
        await asyncio.sleep(0.1)
        with pytest.raises(ConfigError, match=r"drone\.endpoint"):
            await ask(settings, "param.download")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_rates_are_changed_live_judged_as_settings_are_and_a_reload_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    air = Airborne()
    settings = _settings(tmp_path)
    sent: dict[str, Any] = {"what": "rates.set", "endpoint": "air", "rates": {"ATTITUDE": 2}}

    async def main() -> None:
        async with _agent(settings, air, monkeypatch) as drone:
            assert drone.router is not None
            core = drone.router.core
            (port,) = core.ports.values()
            await ask(settings, **sent, profile="sat", budget="4800bit/s")
            assert port.policy.profile.name == "sat"
            assert port.policy.interval_of(30) == 500_000
            assert port.policy.budget_bytes_s == 600
            assert drone.roster.lost_after_us("air") == 30_000_000
            assert drone.report()["endpoints"][0]["profile"] == "sat"
            wrongs: list[dict[str, Any]] = [
                {"rates": {"NO_SUCH": 1}}, {"budget": "fast"}, {"profile": "x"},
            ]  # fmt: skip
            for wrong in wrongs:
                with pytest.raises(CommandError, match=next(iter(wrong))):
                    await ask(settings, **{**sent, **wrong})
            with pytest.raises(CommandError, match="there is"):
                await ask(settings, **{**sent, "endpoint": "radio"})
            shown = await ask(settings, "rates.show")
            (one,) = shown["endpoints"]
            assert (one["settings"]["profile"], one["now"]["profile"]) == ("lan", "sat")
            drone.reloaded()
            assert port.policy.profile.name == "lan"
            assert port.plain
            await ask(settings, **sent)
            assert (await ask(settings, "rates.reset"))["reset"] == ["air"]
            assert (await ask(settings, "rates.reset"))["reset"] == []

    run_virtually(main())


def test_a_verb_is_refused_while_the_links_are_not_open(tmp_path: Path) -> None:
    drone = Drone(_settings(tmp_path).drone, tmp_path, FakeIntake(), FakeTime(), None)

    async def main() -> Any:
        return await drone.commands[VERB]({"what": "param.download"})

    answer = asyncio.run(main())
    assert (answer["ok"], answer["reason"]) == (False, "ended")


def test_one_of_several_aircraft_has_to_be_named(tmp_path: Path) -> None:
    async def main() -> Any:
        async with bridge(tmp_path, Airborne(), Airborne(8, name="b"), video="off") as made:
            return await do(made.doers, {"what": "param.download"})

    answer = run_virtually(main())
    assert answer["said"].endswith("m300-1, mav-8")


def test_an_answer_of_two_megabytes_comes_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    air = Airborne()
    plan = [(3, 16, 1, 2, 3, 4, 342_353_908 + at, 1_089_423_868, 50.5) for at in range(9_000)]
    keep_plan(air, {0: plan})
    settings = _settings(tmp_path)

    async def main() -> Any:
        async with _agent(settings, air, monkeypatch):
            return await ask(settings, "plan.download", kinds=["mission"])

    assert len(run_virtually(main())["plans"]["mission"]) == 9_000


def test_other_commands_on_the_socket_do_not_mind_who_ends_their_side(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def main() -> Any:
        async def status(_: Any) -> dict[str, Any]:
            await asyncio.sleep(0.05)
            return {"ok": True}

        task = asyncio.ensure_future(serve_control(path, {"status": status}, lambda: None))
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"do": "status"}\n')
        writer.write_eof()
        answer = await reader.readline()
        writer.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return answer

    assert asyncio.run(main()) == b'{"ok": true}\n'
    assert ask_agent(path, "status") is None
