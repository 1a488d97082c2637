"""Who is never heard again keeps nothing going, and nobody's place."""

import asyncio
from pathlib import Path

from fieldlab.autopilot import Autopilot
from fieldlab.recorders import RecorderKit, Shelf

_S = 1_000_000


def test_a_flight_whose_aircraft_is_never_heard_again_is_ended_after_a_new_start(
    tmp_path: Path,
) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        await kit.fly(5)
        again = RecorderKit(tmp_path, shelf)
        again.now_us = kit.now_us
        await again.recorder.begin()
        again.now_us += 601 * _S
        await again.flush()
        assert [index["ended"] for index in shelf.indexes()] == ["lost"]

    asyncio.run(scenario())
    assert not list(tmp_path.iterdir())


def test_vehicles_that_are_lost_keep_nobodys_place(tmp_path: Path) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        for sysid in range(2, 66):
            kit.recorder.take(Autopilot(sysid=sysid).beat(at_us=kit.now_us))
        await kit.recorder.write()
        kit.now_us += 601 * _S
        await kit.recorder.write()
        await kit.fly(1)
        assert kit.recorder.report()["flights"].keys() == {"m300-1"}

    asyncio.run(scenario())
