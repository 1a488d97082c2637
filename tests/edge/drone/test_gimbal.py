"""Where a gimbal may look, by the settings and by who asks; in virtual time."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect

from fieldlab.airborne import Airborne, flying
from fieldlab.decks import bridge
from fieldlab.virtual_loop import run_virtually
from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.commanding import Commander
from fieldlink.drone.vehicle import Fleet
from fieldlink.edge.control import Caller, caller
from fieldlink.edge.drone.doing import Deck, do
from fieldlink.edge.drone.eyes import watch_cameras
from fieldlink.edge.drone.parts import make_doers
from fieldlink.edge.drone.settings import DroneSettings

_KEY = (7, 1)
_YAW = 32 | 256
_MANAGER = 280


class Craft(Airborne):
    """An autopilot that is the manager of a gimbal with `flags`, or of none."""

    def __init__(self, flags: int | None, autopilot: int = 3) -> None:
        super().__init__(7, autopilot=autopilot)
        self.answers = {"COMMAND_LONG": self._answer, "COMMAND_INT": self._answer}
        self.flags, self.others = flags, list[int]()

    def _answer(self, message: Any) -> list[Any]:
        wanted = message.command == 512 and message.param1 == _MANAGER
        unknown = message.command == 512 and not (wanted and self.flags is not None)
        ack = dialect.MAVLink_command_ack_message(
            message.command, 3 if unknown else 0, 255, 0, 1, 191
        )
        if wanted and self.flags is not None:
            said = [
                dialect.MAVLink_gimbal_manager_information_message(
                    0, flags, device, -0.1, 0.1, -1.5, 0.5, -3.0, 3.0
                )
                for device, flags in enumerate((*self.others, self.flags), 1)
            ]
            return [*said, ack]
        return [ack]

    def moved(self) -> list[int]:
        """The commands that came, but for questions."""
        return [one.command for one in self.got if one.command not in (512, 521, 511)]


def asked(
    folder: Path, flags: int | Craft | None, settings: dict[str, Any], **fields: Any
) -> tuple[dict[str, Any], Craft, list[str]]:
    """The answer to gimbal.point, what the aircraft was told, and what was kept of it."""
    craft, kept = flags if isinstance(flags, Craft) else Craft(flags), list[str]()

    async def main() -> dict[str, Any]:
        async with flying(craft) as router:
            fleet = Fleet()

            def heard(frame: Frame) -> None:
                fleet.take(frame, 1)

            router.tap(heard)
            deck = Deck(
                settings=DroneSettings.model_validate(
                    {"endpoint": [{"name": "air", "connect": "udpin:127.0.0.1:1"}], **settings}
                ),
                state_dir=folder,
                router=router,
                commander=Commander(router),
                fleet=fleet,
                names=lambda: {"m300-1": _KEY},
                event=lambda _, text: kept.append(text),
            )
            row = asyncio.create_task(watch_cameras(deck))
            await asyncio.sleep(5)
            caller.set(Caller(os.getuid(), 1, lambda _: None))
            answer = await do(make_doers(deck), {"what": "gimbal.point", "vehicle": "", **fields})
            row.cancel()
            await asyncio.gather(row, return_exceptions=True)
            return answer

    return run_virtually(main()), craft, kept


def test_a_gimbal_that_turns_by_itself_needs_no_leave(tmp_path: Path) -> None:
    answer, craft, kept = asked(tmp_path, _YAW, {}, pitch=-30, yaw=40)
    assert answer["ok"], answer
    assert craft.moved() == [1000]
    assert kept == []


@pytest.mark.parametrize("flags", [32, None])
def test_looking_to_a_side_is_refused_where_the_aircraft_would_turn(
    tmp_path: Path, flags: int | None
) -> None:
    for fields in ({"yaw": 40}, {"lat": 30.0, "lon": 103.0}):
        answer, craft, kept = asked(tmp_path, flags, {}, yes="m300-1", **fields)
        assert (answer["ok"], answer["reason"]) == (False, "refused")
        assert "flight_commands" in answer["said"]
        assert (craft.moved(), kept) == ([], [])
    down, craft, _ = asked(tmp_path, flags, {}, pitch=-90)
    assert down["ok"]
    assert craft.moved() == [1000]


def test_a_second_gimbal_that_cannot_turn_counts_for_both(tmp_path: Path) -> None:
    """Commands go to all gimbals of an aircraft."""
    craft = Craft(_YAW)
    craft.others = [32]
    answer, _, _ = asked(tmp_path, craft, {}, pitch=-30, yaw=40)
    assert (answer["ok"], answer["reason"]) == (False, "refused")
    assert craft.moved() == []


def test_at_a_place_px4_looks_by_turning_whatever_its_gimbal_can(tmp_path: Path) -> None:
    place = {"lat": 30.0, "lon": 103.0}
    answer, craft, _ = asked(tmp_path, _YAW, {}, **place)
    assert (answer["ok"], craft.moved()) == (True, [195])
    answer, craft, _ = asked(tmp_path, Craft(_YAW, autopilot=12), {}, **place)
    assert (answer["ok"], answer["reason"], craft.moved()) == (False, "refused", [])


def test_allowed_it_is_confirmed_by_name_and_written_down_with_who_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    allowed = {"flight_commands": True}
    for yes in ("", "m300-2"):
        answer, craft, kept = asked(tmp_path, 32, allowed, yaw=40, yes=yes)
        assert answer["reason"] == "unconfirmed"
        assert (craft.moved(), kept) == ([], [])
    with caplog.at_level(logging.WARNING):
        answer, craft, kept = asked(tmp_path, 32, allowed, yaw=40, yes="m300-1", login="li")
    assert answer["ok"]
    assert craft.moved() == [1000]
    (text,) = kept
    assert f"(uid {os.getuid()}, as li)" in text
    assert "yaw 40" in text
    assert "result 0" in text
    assert text in caplog.text


def test_what_the_settings_say_of_a_gimbal_counts(tmp_path: Path) -> None:
    named = {"vehicle": [{"sysid": 7, "name": "m300-1", "gimbal_yaw": True}]}
    answer, craft, _ = asked(tmp_path, None, named, yaw=40)
    assert answer["ok"]
    assert craft.moved() == [1000]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"pitch": -30, "home": True},
        {"lat": 30.0},
        {"pitch": float("nan")},
        {"pitch": "down"},
        {"pitch": True},
        {"lat": 91, "lon": 0},
    ],
)
def test_what_cannot_be_is_not_sent(tmp_path: Path, fields: dict[str, Any]) -> None:
    answer, craft, _ = asked(tmp_path, _YAW, {}, **fields)
    assert answer["reason"] == "refused"
    assert craft.moved() == []


def test_who_is_at_it_for_ever_does_not_keep_a_question_waiting(tmp_path: Path) -> None:
    air = Airborne(7)

    async def main() -> list[float]:
        async with bridge(tmp_path, air, video="off") as made:
            row = asyncio.create_task(watch_cameras(made.deck))
            for _ in range(60):
                await asyncio.sleep(1)
                for command in (512, 521):
                    air.say(dialect.MAVLink_command_ack_message(command, 5, 50, 0, 1, 191))
            row.cancel()
            await asyncio.gather(row, return_exceptions=True)
            return [one.param1 for one in air.got]

    assert _MANAGER in run_virtually(main())  # the second question
