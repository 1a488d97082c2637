"""Parameters and plans downloaded in virtual time, over links that lose, old and new aircraft."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect

from fieldlab.airborne import Airborne, flying
from fieldlab.planned import keep_parameters, keep_plan
from fieldlab.virtual_loop import run_virtually
from fieldlink.drone.commanding import Commander, CommandError
from fieldlink.drone.commanding.items import Item, PlanKind
from fieldlink.drone.commanding.parameters import download_parameters
from fieldlink.drone.commanding.plans import download_plan
from fieldlink.drone.commanding.values import encoded_bytewise

_TARGET = (7, 1)
_TO = (1, 191)
# Of every type, with the ends of each; and what a float cannot hold.
_VALUES = [
    ("A_U8", 255, 1), ("A_I8", -128, 2), ("A_U16", 65_535, 3), ("A_I16", -32_768, 4),
    ("A_U32", 4_294_967_295, 5), ("A_I32", 2_139_095_041, 6), ("SIXTEEN_LETTERS_", 0.1, 9),
    ("B_NEG", -1.5, 9), ("B_ZERO", 0, 6),
]  # fmt: skip
_MISSION = [
    (0, 16, 0, 0, 0, 0, 342_353_908, 1_089_423_868, 412.5),
    (3, 22, 15, 0, 0, math.nan, 342_353_910, 1_089_423_870, 50),
    (2, 177, 1, 3, 0, 0, 0, 0, 0),
]


def _done(
    made: Airborne, ask: Callable[[Commander], Coroutine[Any, Any, Any]], **profiles: str
) -> tuple[Any, float]:
    async def main() -> tuple[Any, float]:
        async with flying(made, **profiles) as router:
            commander = Commander(router)
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            try:
                found: Any = await ask(commander)
            except CommandError as error:
                found = error
            assert commander.idle
            return found, loop.time() - began_s

    return run_virtually(main())


@pytest.mark.parametrize("bytewise", [True, False])
def test_every_type_of_parameter_is_read_as_its_autopilot_encodes_it(bytewise: bool) -> None:
    air = Airborne(autopilot=12 if bytewise else 3)
    values = _VALUES if bytewise else [one for one in _VALUES if abs(one[1]) < 2**24]
    keep_parameters(air, values, bytewise=bytewise)
    found, _ = _done(air, lambda one: download_parameters(one, _TARGET))
    assert [(one.name, one.value, one.type) for one in found] == values
    assert all(isinstance(one.value, int) for one in found if one.type != 9)


def test_px4_is_known_by_its_heartbeat_when_it_does_not_say_how_it_encodes() -> None:
    air = Airborne(autopilot=12)
    keep_parameters(air, _VALUES, bytewise=True)
    del air.answers["COMMAND_LONG"]
    asked = air.answers["PARAM_REQUEST_LIST"]

    def later(message: Any) -> Iterable[Any]:
        for number, reply in enumerate(asked(message)):
            asyncio.get_running_loop().call_later(0.3 * number, air.say, reply)
        return ()

    air.answers["PARAM_REQUEST_LIST"] = later
    found, _ = _done(air, lambda one: download_parameters(one, _TARGET))
    assert [(one.name, one.value, one.type) for one in found] == _VALUES


@pytest.mark.parametrize("bytewise", [True, False])
def test_an_autopilot_that_says_nothing_of_it_is_read_by_its_values(bytewise: bool) -> None:
    air = Airborne(autopilot=0)
    values = [("P_1", 1000, 6), ("P_2", -7, 6), ("P_3", 0.25, 9)]
    keep_parameters(air, values, bytewise=bytewise)
    del air.answers["COMMAND_LONG"]
    found, _ = _done(air, lambda one: download_parameters(one, _TARGET, autopilot=0))
    assert [(one.name, one.value, one.type) for one in found] == values


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_over_a_link_that_loses_a_twentieth_all_parameters_come(seed: int) -> None:
    air = Airborne(loss=0.05, seed=seed)
    values = [(f"P_{number}", number, 6) for number in range(1200)]
    keep_parameters(air, values)
    told: list[tuple[int, int]] = []
    found, took_s = _done(
        air, lambda one: download_parameters(one, _TARGET, lambda *at: told.append(at))
    )
    assert [(one.name, one.value, one.type) for one in found] == values
    reads = [message for message in air.got if message.get_type() == "PARAM_REQUEST_READ"]
    assert 20 < len(reads) < 150  # only what was lost
    assert told[-1] == (1200, 1200)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert took_s < 60


def test_an_aircraft_that_falls_silent_in_the_middle_is_said_with_how_much_came() -> None:
    air = Airborne()
    keep_parameters(air, [(f"P_{number}", number, 6) for number in range(100)])
    whole = air.answers["PARAM_REQUEST_LIST"]
    air.answers["PARAM_REQUEST_LIST"] = lambda message: list(whole(message))[:40]
    del air.answers["PARAM_REQUEST_READ"]
    error, took_s = _done(air, lambda one: download_parameters(one, _TARGET))
    assert error.reason == "no-answer"
    assert "40 of 100" in error.detail
    assert took_s < 20  # although heartbeats went on


def test_a_list_that_grows_in_the_middle_is_read_anew() -> None:
    air = Airborne()
    before = [("A", 1, 6), ("Y", 2, 6), ("Z", 3, 6)]
    after = [("A", 1, 6), ("M", 9, 6), ("Y", 2, 6), ("Z", 3, 6)]
    keep_parameters(air, before)
    first = list(air.answers["PARAM_REQUEST_LIST"](None))
    keep_parameters(air, after)
    air.answers["PARAM_REQUEST_LIST"] = lambda _: first[:2]
    found, _ = _done(air, lambda one: download_parameters(one, _TARGET))
    assert [(one.name, one.value, one.type) for one in found] == after


def test_a_value_that_is_said_for_another_reason_is_not_of_the_list() -> None:
    air = Airborne()
    keep_parameters(air, [("A", 1, 6), ("B", 2, 6)])
    listed = air.answers["PARAM_REQUEST_LIST"]
    check = dialect.MAVLink_param_value_message(b"_HASH_CHECK", 0, 5, 2, 65_535)
    air.answers["PARAM_REQUEST_LIST"] = lambda message: [check, *listed(message)]
    found, _ = _done(air, lambda one: download_parameters(one, _TARGET))
    assert [one.name for one in found] == ["A", "B"]


def test_what_is_known_of_an_autopilot_counts_before_what_its_values_look_like() -> None:
    two, tiny = b"\0\0\0\x40", b"\1\0\0\0"  # 2.0 and next to nothing, as floats
    assert encoded_bytewise(None, 12, [(two, 6)])
    assert not encoded_bytewise(None, 3, [(tiny, 6)])
    assert not encoded_bytewise(131_072, 12, [(tiny, 6)])
    assert encoded_bytewise(16, 3, [(two, 6)])


@pytest.mark.parametrize("name", ["A B", "A,B", "A#", "\x1b[2J", "A\nB"])
def test_a_name_that_would_break_a_file_is_malformed(name: str) -> None:
    air = Airborne()
    keep_parameters(air, [(name, 1, 6)])
    error, _ = _done(air, lambda one: download_parameters(one, _TARGET))
    assert error.reason == "malformed"


def test_nothing_is_downloaded_over_beidou() -> None:
    air = Airborne()
    air.high_latency = True
    for ask in (
        lambda one: download_parameters(one, _TARGET),
        lambda one: download_plan(one, _TARGET, PlanKind.MISSION),
    ):
        error, _ = _done(air, ask, air="beidou")
        assert error.reason == "refused"
    assert air.got == []


def test_mission_fence_and_rally_points_are_told_apart() -> None:
    air = Airborne()
    rally = [(3, 5100, 0, 0, 0, 0, 342_000_000, 1_089_000_000, 30)]
    keep_plan(air, {0: _MISSION, 1: [], 2: rally})

    async def ask(one: Commander) -> Any:
        kinds = PlanKind.MISSION, PlanKind.FENCE, PlanKind.RALLY
        return await asyncio.gather(*(download_plan(one, _TARGET, kind) for kind in kinds))

    (mission, fence, points), _ = _done(air, ask)
    assert [item.command for item in mission] == [16, 22, 177]
    assert (mission[0].x, mission[0].y, mission[0].z) == (34.2353908, 108.9423868, 412.5)
    assert mission[0].current == 1
    assert math.isnan(mission[1].params[3])
    assert (mission[2].x, mission[2].frame) == (0, 2)
    assert fence == []
    assert points == [Item(0, 3, 5100, 1, 1, (0, 0, 0, 0), 34.2, 108.9, 30)]
    acks = [message for message in air.got if message.get_type() == "MISSION_ACK"]
    assert [(ack.type, ack.mission_type) for ack in acks] == [(0, 0), (0, 1), (0, 2)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_over_a_link_that_loses_a_twentieth_a_whole_mission_comes(seed: int) -> None:
    air = Airborne(loss=0.05, seed=seed)
    mission = [(3, 16, 0, 0, 0, 0, 342_000_000 + at, 1_089_000_000, 30) for at in range(300)]
    keep_plan(air, {0: mission})
    found, took_s = _done(air, lambda one: download_plan(one, _TARGET, PlanKind.MISSION))
    assert [round(item.x * 1e7) for item in found] == [342_000_000 + at for at in range(300)]
    assert air.count("MISSION_REQUEST_INT") > 300
    assert took_s < 120


def test_an_item_that_comes_twice_is_not_taken_for_the_next() -> None:
    air = Airborne()
    keep_plan(air, {0: _MISSION})
    item = air.answers["MISSION_REQUEST_INT"]
    before: list[Any] = []

    def again(message: Any) -> Iterable[Any]:
        found = [*before, *item(message)]
        before[:] = found[-1:]
        return found

    air.answers["MISSION_REQUEST_INT"] = again
    found, _ = _done(air, lambda one: download_plan(one, _TARGET, PlanKind.MISSION))
    assert [one.seq for one in found] == [0, 1, 2]


def test_an_old_autopilot_is_asked_for_old_items() -> None:
    air = Airborne()
    keep_plan(air, {0: _MISSION})
    del air.answers["MISSION_REQUEST_INT"]

    def old(message: Any) -> Iterable[Any]:
        frame, command, *numbers = _MISSION[message.seq]
        at = numbers[4] / 1e7, numbers[5] / 1e7, numbers[6]
        return [
            dialect.MAVLink_mission_item_message(
                *_TO, message.seq, int(frame), int(command), 0, 1, *numbers[:4], *at
            )
        ]

    air.answers["MISSION_REQUEST"] = old
    found, _ = _done(air, lambda one: download_plan(one, _TARGET, PlanKind.MISSION))
    assert found[0].x == pytest.approx(34.2353908, abs=1e-5)
    assert air.count("MISSION_REQUEST_INT") == 3  # then it is known to be old
    assert air.count("MISSION_REQUEST") == 3


def test_an_old_autopilot_is_asked_for_its_fence_and_rally_points_one_by_one() -> None:
    air = Airborne()
    corners = [(34.0, 108.0), (34.1, 108.0), (34.1, 108.1), (34.0, 108.0)]
    points = [(34.05, 108.05), *corners]
    keep_plan(air, {0: _MISSION})
    # It does not see the type, which came later, and offers its mission.
    air.answers["MISSION_REQUEST_LIST"] = lambda _: [
        dialect.MAVLink_mission_count_message(*_TO, len(_MISSION))
    ]
    air.answers["FENCE_FETCH_POINT"] = lambda message: [
        dialect.MAVLink_fence_point_message(*_TO, message.idx, len(points), *points[message.idx])
    ]
    air.answers["RALLY_FETCH_POINT"] = lambda message: [
        dialect.MAVLink_rally_point_message(
            *_TO, message.idx, 1, 342_000_000, 1_089_000_000, 30, 0, 0, 0
        )
    ]
    fence, _ = _done(air, lambda one: download_plan(one, _TARGET, PlanKind.FENCE))
    assert [item.command for item in fence] == [5000, 5001, 5001, 5001]
    assert fence[1].params[0] == 3
    rally, _ = _done(air, lambda one: download_plan(one, _TARGET, PlanKind.RALLY))
    assert (rally[0].command, rally[0].x, rally[0].z) == (5100, 34.2, 30)


def test_who_has_no_fence_at_all_says_so_and_who_says_nothing_is_named() -> None:
    air = Airborne()
    keep_plan(air, {0: _MISSION})
    error, _ = _done(air, lambda one: download_plan(one, _TARGET, PlanKind.FENCE))
    assert error.reason == "unsupported"
    error, _ = _done(Airborne(), lambda one: download_plan(one, _TARGET, PlanKind.MISSION))
    assert error.reason == "no-answer"


def test_a_transfer_to_another_ground_station_is_not_ours() -> None:
    air = Airborne()
    keep_plan(air, {0: _MISSION})
    answered = air.answers["MISSION_REQUEST_LIST"]

    def both(message: Any) -> Iterable[Any]:
        return [dialect.MAVLink_mission_count_message(255, 190, 99), *answered(message)]

    air.answers["MISSION_REQUEST_LIST"] = both
    found, _ = _done(air, lambda one: download_plan(one, _TARGET, PlanKind.MISSION))
    assert len(found) == 3
