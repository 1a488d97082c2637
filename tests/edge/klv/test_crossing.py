"""From a recorder's thread to the intake: what it is told, how often, and what of another's."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from fieldlab.klv import T0_US, moments
from fieldlink.codecs.klv import LocalSet, Tag, decode, encode
from fieldlink.codecs.telemetry import POSITION, Flag, Schema
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL
from fieldlink.edge.klv.crossing import Crossing
from fieldlink.edge.klv.readings import readings
from fieldlink.edge.telemetry.ports import Done, Reading, Source


class Heard:
    """An intake that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[Source, Schema, Reading]] = []
        self.answer: str | None = None
        self.thread: int | None = None

    def record(
        self, source: Source, schema: Schema, found: Sequence[Reading], done: Done | None = None
    ) -> None:
        self.thread = threading.get_ident()
        self.told += [(source, schema, reading) for reading in found]
        if done is not None:
            done(self.answer)


def sets(count: int) -> list[LocalSet]:
    return [decode(data) for _, data in moments(count)]


def crossing(intake: Heard, now_s: list[float]) -> Crossing:
    return Crossing(intake, steady=lambda: now_s[0])  # type: ignore[arg-type]


def test_a_set_is_position_attitude_gimbal_and_flight() -> None:
    found = dict(readings(sets(1)[0]))
    assert list(found) == [POSITION, ATTITUDE, GIMBAL, FLIGHT]
    assert {one.device_us for one in found.values()} == {T0_US}
    assert found[POSITION].values["lat"] == pytest.approx(30.0, abs=1e-6)
    assert found[POSITION].values["alt"] == pytest.approx(500.0, abs=0.2)
    assert found[ATTITUDE].values == pytest.approx({"yaw": 0, "pitch": 2, "roll": 3}, abs=0.01)
    gimbal = found[GIMBAL].values
    assert (gimbal["yaw"], gimbal["pitch"]) == pytest.approx((90, -45), abs=0.01)
    assert gimbal["yaw_relative"] == pytest.approx(90, abs=5)
    assert gimbal["target_lon"] == pytest.approx(103.00104, abs=1e-4)
    assert (gimbal["hfov"], gimbal["vfov"]) == pytest.approx((60, 40), abs=0.01)
    assert found[FLIGHT].values["groundspeed"] == 11


def test_what_a_set_does_not_say_is_not_said() -> None:
    nowhere = decode(encode({Tag.TIME: T0_US, Tag.LAT: 0.0, Tag.LON: 0.0, Tag.HFOV: 30.0}))
    found = {schema: reading.values for schema, reading in readings(nowhere)}
    assert found[GIMBAL]["hfov"] == pytest.approx(30, abs=0.01)
    assert found[GIMBAL]["yaw"] is None
    assert ATTITUDE not in found


def test_what_threads_hear_is_told_on_the_loop_five_times_a_second() -> None:
    async def scene() -> None:
        intake, now_s = Heard(), [10.0]
        over = crossing(intake, now_s)
        over.hear("uav-1", sets(1), False)  # nobody listens yet
        over.start()

        def fly() -> None:
            for found in sets(30):  # thirty a second
                over.hear("uav-1", [found], False)
                now_s[0] += 1 / 30

        await asyncio.to_thread(fly)
        await asyncio.sleep(0)
        assert intake.thread == threading.get_ident()
        told = [reading for _, schema, reading in intake.told if schema is POSITION]
        assert len(told) == 5
        assert {source for source, _, _ in intake.told} == {Source("uav-1", "drone", "klv")}
        assert {reading.flags for reading in told} == {Flag.NONE}

    asyncio.run(scene())


def test_a_loop_that_ends_meanwhile_harms_no_recorder(monkeypatch: pytest.MonkeyPatch) -> None:
    over = crossing(Heard(), [10.0])

    async def scene() -> None:
        over.start()

    asyncio.run(scene())
    loop = over._loop
    assert loop is not None
    with monkeypatch.context() as patch:
        patch.setattr(loop, "is_closed", lambda: False)  # it was open a moment ago
        over.hear("uav-1", sets(1), False)


def test_a_recording_is_told_as_an_exercise() -> None:
    async def scene() -> None:
        intake = Heard()
        over = crossing(intake, [10.0])
        over.start()
        over.hear("uav-1", sets(1), True)
        await asyncio.sleep(0)
        assert {reading.flags for _, _, reading in intake.told} == {Flag.EXERCISE}

    asyncio.run(scene())


def test_an_aircraft_that_the_kit_hears_itself_is_left_to_that_for_a_minute() -> None:
    async def scene() -> None:
        intake, now_s = Heard(), [10.0]
        over = crossing(intake, now_s)
        over.start()
        intake.answer = "taken: uav-1 is heard by mavlink; give each device its own name"
        for passed_s in (0, 30, 59):
            now_s[0] = 10.0 + passed_s
            over.hear("uav-1", sets(1), False)
            await asyncio.sleep(0)
        asked = len(intake.told)
        assert asked == 4  # the streams of the first
        now_s[0] = 71.0
        over.hear("uav-1", sets(1), False)
        await asyncio.sleep(0)
        assert len(intake.told) == 2 * asked

    asyncio.run(scene())
