"""Commands with answers, in virtual time, to aircraft by pymavlink."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect

from fieldlab.airborne import Airborne, flying
from fieldlab.virtual_loop import run_virtually
from fieldlink.codecs.mavlink import id_of
from fieldlink.drone.commanding import Answer, Commander, CommandError
from fieldlink.drone.router import Router, RouterSettings
from fieldlink.drone.vehicle.reading import fields_of

_PHOTO = 2000
_INFORMATION = id_of("CAMERA_INFORMATION")
_TARGET = (7, 1)


def _ack(message: Any, result: int = 0, progress: int = 255, to: tuple[int, int] = (1, 191)) -> Any:
    return dialect.MAVLink_command_ack_message(message.command, result, progress, 0, *to)


def _asked(
    made: Airborne, ask: Callable[[Commander], Coroutine[Any, Any, Any]], **profiles: str
) -> tuple[Any, float]:
    """What `ask` gives or raises, and how long it took, seconds; nothing may be left behind."""

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


def test_a_command_is_answered_and_its_parameters_arrive() -> None:
    air = Airborne()
    air.answers["COMMAND_LONG"] = lambda message: [_ack(message)]
    answer, _ = _asked(air, lambda one: one.command(_TARGET, _PHOTO, (1, 2.5)))
    assert answer == Answer(0)
    (got,) = air.got
    assert (got.command, got.confirmation, got.param1, got.param2, got.param7) == (
        _PHOTO, 0, 1, 2.5, 0,
    )  # fmt: skip
    assert (got.target_system, got.target_component) == _TARGET
    assert (got.get_srcSystem(), got.get_srcComponent()) == (1, 191)


def test_what_is_not_answered_is_asked_again_and_counts_its_confirmation_up() -> None:
    air = Airborne()
    air.answers["COMMAND_LONG"] = lambda message: [_ack(message)] if message.confirmation else []
    answer, took_s = _asked(air, lambda one: one.command(_TARGET, _PHOTO))
    assert answer.result == 0
    assert [message.confirmation for message in air.got] == [0, 1]
    assert 1.5 <= took_s < 1.7


@pytest.mark.parametrize(
    ("profile", "each_s"), [("lan", 1.5), ("lte", 3.0), ("sat", 20.0), ("beidou", 120.0)]
)
def test_patience_is_as_the_link_deserves(profile: str, each_s: float) -> None:
    air = Airborne()
    air.high_latency = profile == "beidou"
    error, took_s = _asked(air, lambda one: one.command(_TARGET, _PHOTO), air=profile)
    assert error.reason == "no-answer"
    assert len(air.got) == 3
    assert took_s == pytest.approx(3 * each_s, abs=0.01)


def test_work_that_goes_on_is_waited_for_and_not_asked_for_again() -> None:
    air = Airborne()

    def answer(message: Any) -> Iterable[Any]:
        loop = asyncio.get_running_loop()
        for at_s, progress in ((5, 30), (14, 60)):
            loop.call_later(at_s, air.say, _ack(message, 5, progress))
        loop.call_later(22, air.say, _ack(message))
        return [_ack(message, 5, 0)]

    air.answers["COMMAND_LONG"] = answer
    told: list[int | None] = []
    found, took_s = _asked(
        air,
        lambda one: one.command(_TARGET, _PHOTO, told=lambda answer: told.append(answer.progress)),
    )
    assert found.result == 0
    assert told == [0, 30, 60]
    assert len(air.got) == 1
    assert 22 <= took_s < 22.1


def test_work_whose_end_is_never_told_is_an_error() -> None:
    air = Airborne()
    air.answers["COMMAND_LONG"] = lambda message: [_ack(message, 5, 10)]
    error, _ = _asked(air, lambda one: one.command(_TARGET, _PHOTO))
    assert (error.reason, len(air.got)) == ("no-answer", 1)


@pytest.mark.parametrize(
    ("result", "reason"),
    [(1, "busy"), (2, "denied"), (3, "unsupported"), (4, "failed"), (6, "cancelled")],
)
def test_what_is_not_accepted_is_an_error_with_its_reason(result: int, reason: str) -> None:
    air = Airborne()
    air.answers["COMMAND_LONG"] = lambda message: [_ack(message, result)]
    error, _ = _asked(air, lambda one: one.command(_TARGET, _PHOTO))
    assert error.reason == reason
    assert error.answer.result == result
    assert len(air.got) == 1


def test_answers_to_others_and_of_others_are_not_ours() -> None:
    air = Airborne()

    def answer(message: Any) -> Iterable[Any]:
        if message.confirmation:
            return [_ack(message, to=(0, 0))]  # as MAVLink 1 has it: to nobody
        other = dialect.MAVLink_command_ack_message(_PHOTO + 1, 0)
        return [_ack(message, 2, to=(255, 190)), other]

    air.answers["COMMAND_LONG"] = answer
    found, _ = _asked(air, lambda one: one.command(_TARGET, _PHOTO))
    assert found.result == 0
    assert len(air.got) == 2


def test_several_are_under_way_at_once_and_equal_ones_take_turns() -> None:
    air = Airborne()
    most = [0]

    def answer(message: Any) -> Iterable[Any]:
        open_ = sum(1 for one in air.got if one.command == message.command) - done[message.command]
        most[0] = max(most[0], open_)
        asyncio.get_running_loop().call_later(0.9, finish, message)
        return ()

    done = {_PHOTO: 0, _PHOTO + 1: 0}

    def finish(message: Any) -> None:
        done[message.command] += 1
        air.say(_ack(message))

    air.answers["COMMAND_LONG"] = answer

    async def ask(one: Commander) -> Any:
        numbers = [_PHOTO, _PHOTO, _PHOTO + 1]
        return await asyncio.gather(*(one.command(_TARGET, number) for number in numbers))

    found, took_s = _asked(air, ask)
    assert [one.result for one in found] == [0, 0, 0]
    assert most == [1]
    assert 1.8 <= took_s < 2.0


def test_nothing_is_left_of_what_was_cancelled() -> None:
    air = Airborne()

    async def ask(one: Commander) -> Any:
        tasks = [asyncio.ensure_future(one.command(_TARGET, _PHOTO)) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert not one.idle
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        taps = one._router.core._taps  # type: ignore[attr-defined]
        return len(taps)

    assert _asked(air, ask)[0] == 0


def test_an_asked_message_is_the_answer_and_a_refusal_is_not() -> None:
    air = Airborne()
    information = dialect.MAVLink_camera_information_message(
        0, b"DJI".ljust(32, b"\0"), b"H20T".ljust(32, b"\0"), 0, 0, 0, 0, 0, 0, 0, 0, 0, b""
    )
    wanted: list[float] = []

    def answer(message: Any) -> Iterable[Any]:
        wanted.append(message.param2)
        if message.param1 != _INFORMATION:
            return [_ack(message, 3)]
        return [_ack(message), information] if message.confirmation else [_ack(message)]

    air.answers["COMMAND_LONG"] = answer
    frame, _ = _asked(air, lambda one: one.request_message(_TARGET, _INFORMATION, 2))
    assert bytes((fields_of(frame) or {})["model_name"]).rstrip(b"\0") == b"H20T"
    assert wanted == [2, 2]
    error, _ = _asked(air, lambda one: one.request_message(_TARGET, id_of("STORAGE_INFORMATION")))
    assert error.reason == "unsupported"


def test_who_says_for_ever_that_a_message_comes_is_not_waited_for_for_ever() -> None:
    air = Airborne()

    async def promise() -> None:
        while True:
            await asyncio.sleep(1)
            air.say(dialect.MAVLink_command_ack_message(512, 0, 255, 0, 1, 191))

    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with flying(air) as router:
            promising, began_s = asyncio.create_task(promise()), loop.time()
            with pytest.raises(CommandError, match="no-answer"):
                async with asyncio.timeout(600):
                    await Commander(router).request_message(_TARGET, _INFORMATION)
            promising.cancel()
            return loop.time() - began_s

    assert run_virtually(main()) < 20


def test_the_next_try_goes_over_the_next_best_link_and_each_over_one_alone() -> None:
    near, far = Airborne(name="near"), Airborne(name="far")
    far.answers["COMMAND_LONG"] = lambda message: [_ack(message)]

    async def main() -> Any:
        async with flying(far, near, far="sat") as router:
            return await Commander(router).command(_TARGET, _PHOTO)

    assert run_virtually(main()).result == 0
    assert (near.count("COMMAND_LONG"), far.count("COMMAND_LONG")) == (1, 1)


def test_who_was_never_heard_is_not_asked() -> None:
    error, took_s = _asked(Airborne(), lambda one: one.command((9, 1), _PHOTO))
    assert (error.reason, took_s) == ("not-heard", 0)


def test_a_recorded_flight_is_nobody_to_speak_to() -> None:
    endpoint = {"name": "past", "connect": "/nowhere/flight.tlog"}
    router = Router(RouterSettings.model_validate({"endpoint": [endpoint]}))
    port = router.core.attach("past", router.endpoints[0].policy, 0)
    router.core.routes.learn(port.number, 7, 1, 0)
    assert router.reaches(_TARGET) == []


def test_who_waits_is_told_when_the_router_stops() -> None:
    async def ask(one: Commander) -> Any:
        asyncio.get_running_loop().call_later(0.5, one.close)
        return await one.command(_TARGET, _PHOTO)

    error, took_s = _asked(Airborne(), ask)
    assert error.reason == "ended"
    assert took_s == pytest.approx(0.5, abs=0.01)
