"""What cameras and gimbals are told, in virtual time, by a commander over a real router."""

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect

from fieldlab.airborne import Airborne, flying
from fieldlab.virtual_loop import run_virtually
from fieldlink.drone.camera import CameraState
from fieldlink.drone.camera.acting import Gimbaling, photo, record, set_mode, stream, zoom
from fieldlink.drone.commanding import Commander, CommandError

KEY = (7, 1)
PITCH_YAW, MOUNT, ROI = 1000, 205, 195
UNSUPPORTED = 3


def sent(
    ask: Callable[[Commander], Coroutine[Any, Any, Any]], result: Callable[[int], int] = lambda _: 0
) -> tuple[Any, list[tuple[int, list[float]]]]:
    """What `ask` gives or raises, and the commands with their parameters that arrived."""
    air = Airborne()

    def ack(message: Any) -> list[Any]:
        done = result(message.command)
        return [dialect.MAVLink_command_ack_message(message.command, done, 255, 0, 1, 191)]

    air.answers = {"COMMAND_LONG": ack, "COMMAND_INT": ack}

    async def main() -> Any:
        async with flying(air) as router:
            try:
                return await ask(Commander(router))
            except CommandError as error:
                return error

    found = run_virtually(main())
    return found, [(one.command, _params(one)) for one in air.got]


def _params(message: Any) -> list[float]:
    four = [getattr(message, f"param{n}") for n in range(1, 5)]
    if message.get_type() == "COMMAND_INT":
        return [*four, message.x, message.y, message.z, message.frame]
    return [*four, *(getattr(message, f"param{n}") for n in range(5, 8))]


def camera(device: int = 0, flags: int | None = 1 | 2 | 4 | 64) -> CameraState:
    made = CameraState((*KEY, device))
    made.flags = flags
    return made


def test_commands_of_a_camera_that_is_attached_to_an_autopilot_say_which() -> None:
    asked: list[tuple[Callable[[Commander], Coroutine[Any, Any, Any]], int, list[float]]] = [
        (lambda c: photo(c, camera(2), 9), 2000, [2, 0, 1, 9, 0, 0, 0]),
        (lambda c: record(c, camera(2), on=True), 2500, [0, 0, 2, 0, 0, 0, 0]),
        (lambda c: record(c, camera(2), on=False), 2501, [0, 2, 0, 0, 0, 0, 0]),
        (lambda c: zoom(c, camera(2), "in"), 531, [1, 1, 2, 0, 0, 0, 0]),
        (lambda c: zoom(c, camera(2), "40%"), 531, [2, 40, 2, 0, 0, 0, 0]),
        (lambda c: set_mode(c, camera(2), "survey"), 530, [2, 2, 0, 0, 0, 0, 0]),
        (lambda c: stream(c, camera(2), 1, on=True), 2502, [1, 2, 0, 0, 0, 0, 0]),
    ]
    for ask, command, params in asked:
        assert sent(ask)[1] == [(command, params)]


@pytest.mark.parametrize("to", ["", "101", "-1", "nan", "far"])
def test_a_zoom_that_is_none_is_not_sent(to: str) -> None:
    found, commands = sent(lambda c: zoom(c, camera(), to))
    assert found.reason == "refused"
    assert commands == []


def test_a_camera_is_not_asked_for_what_it_says_that_it_cannot() -> None:
    found, commands = sent(lambda c: photo(c, camera(flags=1), 1))
    assert found.reason == "unsupported"
    assert commands == []
    assert sent(lambda c: photo(c, camera(flags=None), 1))[1]  # it did not say


class RefusedError(CommandError):
    """It may not."""


def deny() -> None:
    raise RefusedError("refused", "not here")


def point(
    *, has_yaw: bool | None, yaw: float | None, north: bool = False, side: float | None = None,
    allow: Callable[[], None] = deny, result: Callable[[int], int] = lambda _: 0,
) -> tuple[Any, list[tuple[int, list[float]]]]:  # fmt: skip
    return sent(
        lambda c: Gimbaling(c, KEY, has_yaw, allow).point(-45, yaw, north=north, side=side), result
    )


def unknown(command: int) -> int:
    return UNSUPPORTED if command == PITCH_YAW else 0


def test_down_alone_keeps_the_side_and_turns_nothing_else() -> None:
    _, [(command, params)] = point(has_yaw=True, yaw=None, side=20.0)
    assert (command, params[:2], params[4]) == (PITCH_YAW, [-45, 20], 0)
    assert math.isnan(params[2])
    assert math.isnan(params[3])
    for has_yaw in (False, None):
        _, [(command, params)] = point(has_yaw=has_yaw, yaw=None, side=20.0)
        assert (command, params[:2]) == (PITCH_YAW, [-45, 0])


@pytest.mark.parametrize("has_yaw", [False, None])
def test_looking_to_a_side_or_at_a_place_is_not_sent_where_the_aircraft_would_turn(
    has_yaw: bool | None,
) -> None:
    found, commands = point(has_yaw=has_yaw, yaw=30.0)
    assert isinstance(found, RefusedError)
    assert commands == []
    found, commands = sent(lambda c: Gimbaling(c, KEY, has_yaw, deny).look_at(30.0, 103.0, None))
    assert isinstance(found, RefusedError)
    assert commands == []


@pytest.mark.parametrize("autopilot", [12, 0])
def test_px4_turns_to_a_place_whatever_its_gimbal_can(autopilot: int) -> None:
    found, commands = sent(
        lambda c: Gimbaling(c, KEY, True, deny, autopilot).look_at(30.0, 103.0, None)
    )
    assert isinstance(found, RefusedError)
    assert commands == []


def test_with_leave_it_is_sent() -> None:
    allowed: list[bool] = []
    _, commands = point(has_yaw=False, yaw=30.0, allow=lambda: allowed.append(True))
    assert allowed == [True]
    assert commands[0][1][:2] == [-45, 30]


def test_the_old_command_is_tried_only_where_it_turns_no_aircraft() -> None:
    assert [c for c, _ in point(has_yaw=True, yaw=None, result=unknown)[1]] == [PITCH_YAW, MOUNT]
    assert [c for c, _ in point(has_yaw=False, yaw=None, result=unknown)[1]] == [PITCH_YAW]
    # It knows no north.
    assert [c for c, _ in point(has_yaw=True, yaw=9.0, north=True, result=unknown)[1]] == [1000]


def test_an_old_gimbal_is_told_by_the_old_command() -> None:
    _, commands = point(has_yaw=True, yaw=30.0, result=unknown)
    assert commands[1] == (MOUNT, [-45, 0, 30, 0, 0, 0, 2])
    _, commands = sent(lambda c: Gimbaling(c, KEY, None, deny).neutral(), unknown)
    assert commands[1] == (MOUNT, [0, 0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize(("alt_m", "frame"), [(480.0, 0), (None, 3)])
def test_a_place_is_exact_and_its_height_is_above_the_sea_or_above_home(
    alt_m: float | None, frame: int
) -> None:
    _, [(command, params)] = sent(
        lambda c: Gimbaling(c, KEY, True, deny).look_at(30.12345, 103.5, alt_m)
    )
    assert command == ROI
    assert params[4:] == [301_234_500, 1_035_000_000, alt_m or 0.0, frame]


def test_yaw_from_north_is_locked() -> None:
    _, [(_, params)] = point(has_yaw=True, yaw=90.0, north=True)
    assert (params[1], params[4]) == (90, 16)


def test_no_answer_is_no_reason_for_the_old_command() -> None:
    air = Airborne()

    async def main() -> Any:
        async with flying(air) as router:
            with pytest.raises(CommandError, match="no-answer"):
                await Gimbaling(Commander(router), KEY, True, deny).neutral()
            await asyncio.sleep(0)

    run_virtually(main())
    assert {one.command for one in air.got} == {PITCH_YAW}
