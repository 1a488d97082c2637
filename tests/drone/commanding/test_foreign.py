"""Software written by others: MAVSDK is the aircraft, gives it its mission, and reads our files."""

import asyncio
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import fieldlab
from fieldlab.mavsdk_planner import INTS, ITEMS
from fieldlab.peers import need_module
from fieldlink.drone.commanding import Commander, CommandError
from fieldlink.drone.commanding.files import waypoint_lines
from fieldlink.drone.commanding.flying import Move, fly
from fieldlink.drone.commanding.items import Item, PlanKind
from fieldlink.drone.commanding.parameters import download_parameters
from fieldlink.drone.commanding.plan_file import plan_text
from fieldlink.drone.commanding.plans import download_plan
from fieldlink.drone.router import Router, RouterSettings

_TARGET = (1, 1)
_LOCAL = "127.0.0.1"


async def _peer(role: str, url: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "PYTHONPATH": str(Path(fieldlab.__file__).parents[1])}
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "fieldlab.mavsdk_planner", role, url]
    return await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=environment
    )


async def _said(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next object that it prints; MAVSDK prints its own lines in between."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while line := await process.stdout.readline():
            if line.startswith(b"{"):
                return dict(json.loads(line))
    raise AssertionError("the peer ended")


async def _port(router: Router, name: str) -> int:
    (found,) = [one for one in router.endpoints if one.settings.name == name]
    while not (port := getattr(found.connection, "port", 0)):
        await asyncio.sleep(0.01)
    return int(port)


async def _asked(router: Router) -> dict[str, Any]:
    uav = await _peer("autopilot", f"udpout://{_LOCAL}:{await _port(router, 'uav')}")
    planner = await _peer("planner", f"tcpout://{_LOCAL}:{await _port(router, 'gcs')}")
    try:
        await _said(planner)
        one = Commander(router)
        found: dict[str, Any] = {"parameters": await download_parameters(one, _TARGET)}
        mission = await download_plan(one, _TARGET, PlanKind.MISSION)
        found["mission"] = mission
        rally = [Item(0, 3, 5100, 0, 1, (0, 0, 0, 0), 34.2, 108.9, 30)]
        text = plan_text(mission=mission, fence=_FENCE, rally=rally, autopilot=12, kind=2)
        files = {"plan": text, "waypoints": "".join(waypoint_lines(mission))}
        assert planner.stdin is not None
        planner.stdin.write(json.dumps(files).encode() + b"\n")
        found["read"] = await _said(planner)
        found["mission mode"] = await one.command(_TARGET, 176, (1, 4, 4))
        found["told"] = await _said(uav)
        try:
            await fly(one, _TARGET, Move.HOLD, 12, 2)
        except CommandError as error:  # MAVSDK takes AUTO.MISSION, and no other of PX4's modes
            found["hold"] = error.reason
        return found
    finally:
        for process in (uav, planner):
            process.kill()
            await process.wait()


_FENCE = [
    Item(at, 3, 5001, 0, 1, (3, 0, 0, 0), 34 + at / 10, 108.0, 0.0) for at in range(3)
] + [Item(3, 3, 5004, 0, 1, (120.0, 0, 0, 0), 34.05, 108.05, 0.0)]  # fmt: skip


def test_mavsdk_gives_its_parameters_and_its_mission_answers_commands_and_reads_our_files() -> None:
    need_module("mavsdk")
    endpoints = [
        {"name": "uav", "connect": f"udpin:{_LOCAL}:0"},
        {"name": "gcs", "connect": f"tcpin:{_LOCAL}:0"},
    ]

    async def main() -> dict[str, Any]:
        router = Router(RouterSettings.model_validate({"endpoint": endpoints}))
        work = asyncio.ensure_future(router.run(lambda: None))
        try:
            return await _asked(router)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    found = asyncio.run(main())
    values = {one.name: one.value for one in found["parameters"]}
    assert values == {
        **{f"INT_{number}": number * 1000 - 7 for number in range(INTS)}, "FLOAT": 3.14159,
    }  # fmt: skip
    assert [round(item.x * 1e7) for item in found["mission"]] == [
        342_353_900 + at * 100 for at in range(ITEMS)
    ]
    assert all(math.isnan(item.params[3]) for item in found["mission"])
    expected = [
        [16, 3, 342_353_900 + at * 100, 1_089_423_860 + at, 50.0 + at, 2.5] for at in range(ITEMS)
    ]
    assert found["read"]["mission"] == expected
    assert found["read"]["plain"] == expected
    assert [item[:4] for item in found["read"]["rally"]] == [[5100, 3, 342_000_000, 1_089_000_000]]
    assert [item[0] for item in found["read"]["fence"]] == [5001, 5001, 5001, 5004]
    assert found["mission mode"].result == 0
    assert found["told"] == {"mode": "MISSION"}
    assert found["hold"] == "busy"
