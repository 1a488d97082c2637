"""What moves an aircraft: not without permission, not without its name, never without a trace."""

import asyncio
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect
from typer.testing import CliRunner

from fieldlab.airborne import Airborne
from fieldlab.decks import bridge
from fieldlab.virtual_loop import run_virtually
from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.commanding.flying import Move, ways
from fieldlink.edge.control import Caller, caller
from fieldlink.edge.drone.commands import app
from fieldlink.edge.drone.doing import do
from fieldlink.edge.drone.eyes import watch_cameras
from fieldlink.edge.drone.journal import read_journal, write_journal

_ANOTHER = "refused: confirmed with another name"
_ORDER = {"what": "fly", "vehicle": "m300-1", "move": "return", "yes": "m300-1", "login": "wang"}


def _ack(message: Any, result: int = 0) -> Iterable[Any]:
    return [dialect.MAVLink_command_ack_message(message.command, result, 0, 0, 1, 191)]


def _air(autopilot: int = 3, kind: int = 2, unknown: tuple[int, ...] = ()) -> Airborne:
    made = Airborne(autopilot=autopilot, kind=kind)
    made.answers["COMMAND_LONG"] = lambda m: _ack(m, 3 if m.command in unknown else 0)
    return made


def _flown(
    tmp_path: Path, air: Airborne, order: dict[str, Any], allowed: bool = True
) -> tuple[dict[str, Any], list[Any], list[tuple[Any, str]]]:
    """The answer, the commands that reached the aircraft, and its texts."""

    async def main() -> Any:
        caller.set(Caller(0, 1, lambda _: None, 1000))
        async with bridge(tmp_path, air, flight_commands=allowed, video="off") as made:
            answer = await do(made.doers, order)
            return answer, [m for m in air.got if m.get_type() == "COMMAND_LONG"], made.events

    found: tuple[dict[str, Any], list[Any], list[tuple[Any, str]]] = run_virtually(main())
    return found


@pytest.mark.parametrize(
    ("order", "allowed", "reason", "written"),
    [
        (_ORDER, False, "refused", ["refused: the settings do not allow it"]),
        ({**_ORDER, "yes": ""}, True, "unconfirmed", []),
        (
            {**_ORDER, "yes": "m300-2"},
            True,
            "unconfirmed",
            ["refused: confirmed with another name"],
        ),
        ({**_ORDER, "vehicle": ""}, True, "refused", []),
        ({**_ORDER, "vehicle": ["m300-1"]}, True, "not-heard", []),
        ({**_ORDER, "vehicle": "mav-9", "yes": "mav-9"}, True, "not-heard", []),
        ({**_ORDER, "move": "takeoff"}, True, "refused", []),
        ({**_ORDER, "move": ["return"]}, True, "refused", []),
    ],
)
def test_without_permission_or_its_name_nothing_reaches_the_aircraft(
    tmp_path: Path, order: dict[str, Any], allowed: bool, reason: str, written: list[str]
) -> None:
    answer, commands, events = _flown(tmp_path, _air(), order, allowed)
    assert (answer["ok"], answer["reason"]) == (False, reason)
    assert commands == []
    assert events == []
    assert [one["answer"] for one in read_journal(tmp_path)] == written


def test_what_is_refused_over_and_over_does_not_push_out_what_was_done(tmp_path: Path) -> None:
    async def main() -> None:
        async with bridge(tmp_path, _air(), video="off") as made:
            for _ in range(20):
                assert (await do(made.doers, _ORDER))["reason"] == "refused"

    run_virtually(main())
    assert len(list(read_journal(tmp_path))) == 1


def test_of_two_aircraft_with_one_number_none_is_commanded(tmp_path: Path) -> None:
    air = _air()

    async def main() -> dict[str, Any]:
        async with bridge(tmp_path, air, video="off", flight_commands=True) as made:
            row = asyncio.create_task(watch_cameras(made.deck))
            for second in range(1, 9):
                boot_ms = 1000 * second + 900_000 * (second % 2)
                air.say(dialect.MAVLink_attitude_message(boot_ms, 0, 0, 0, 0, 0, 0))
                await asyncio.sleep(0.1)
            answer = await do(made.doers, _ORDER)
            row.cancel()
            await asyncio.gather(row, return_exceptions=True)
            return answer

    answer = run_virtually(main())
    assert (answer["ok"], answer["reason"]) == (False, "refused")
    assert "two aircraft" in answer["said"]
    assert 20 not in [one.command for one in air.got]
    assert [one["answer"] for one in read_journal(tmp_path)] == [
        "refused: two aircraft have its number"
    ]


def test_half_a_line_of_a_power_cut_does_not_take_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "flight-commands.jsonl").write_bytes(b'{"what": "fly la')
    write_journal(tmp_path, {"what": "fly return"})
    assert list(read_journal(tmp_path)) == [{"what": "fly return"}]


def test_a_line_that_the_disk_takes_half_of_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.write", lambda number, line: len(line) // 2)
    with pytest.raises(ConfigError, match="No space"):
        write_journal(tmp_path, {"what": "fly return"})


def test_a_flight_command_is_on_the_disk_before_it_goes_and_with_its_answer(
    tmp_path: Path,
) -> None:
    air = _air()
    before: list[int] = []
    answered = air.answers["COMMAND_LONG"]

    def answer(message: Any) -> Iterable[Any]:
        before.append(len(list(read_journal(tmp_path))))
        return answered(message)

    air.answers["COMMAND_LONG"] = answer
    found, commands, events = _flown(tmp_path, air, _ORDER)
    assert found == {
        "ok": True, "vehicle": "m300-1", "move": "return", "by": "NAV_RETURN_TO_LAUNCH",
    }  # fmt: skip
    assert [message.command for message in commands] == [20]
    assert before == [1]
    asked, done = read_journal(tmp_path)
    assert (asked["vehicle"], asked["what"], asked["answer"]) == ("m300-1", "fly return", "asked")
    assert done["answer"] == "accepted (NAV_RETURN_TO_LAUNCH)"
    assert "wang" in done["who"]
    assert "1000" in done["who"]
    ((key, text),) = events
    assert key == (7, 1)
    assert "fly return" in text
    assert "accepted" in text
    assert (tmp_path / "flight-commands.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_down_is_not_commanded(tmp_path: Path) -> None:
    (tmp_path / "flight-commands.jsonl").symlink_to(tmp_path / "elsewhere")
    found, commands, _ = _flown(tmp_path, _air(), _ORDER)
    assert not found["ok"]
    assert commands == []
    assert not (tmp_path / "elsewhere").exists()


def test_the_journal_is_bounded_and_what_a_power_cut_left_half_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "flight-commands.jsonl"
    for number in range(6):
        write_journal(tmp_path, {"number": number, "answer": "x" * 300_000})
    assert path.stat().st_size < 1_000_000
    with path.open("ab") as file:
        file.write(b'{"number": 6, "ans')
    assert [one["number"] for one in read_journal(tmp_path)] == [0, 1, 2, 3, 4, 5]
    write_journal(tmp_path, {"number": 7})
    assert [one["number"] for one in read_journal(tmp_path)] == [0, 1, 2, 3, 4, 5, 7]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_commands_the_agents_user_can_go_on_writing(tmp_path: Path) -> None:
    os.chown(tmp_path, 12_345, 12_345)
    write_journal(tmp_path, {"number": 1})
    assert (tmp_path / "flight-commands.jsonl").stat().st_uid == 12_345


def test_a_refusal_and_a_silence_are_written_down_too(tmp_path: Path) -> None:
    air = _air()
    air.answers["COMMAND_LONG"] = lambda message: _ack(message, 2)
    found, _, _ = _flown(tmp_path, air, _ORDER)
    assert found["reason"] == "denied"
    air.answers.clear()
    found, commands, _ = _flown(tmp_path, air, {**_ORDER, "move": "land"})
    assert found["reason"] == "no-answer"
    assert "may have been done" in found["said"]
    assert [one["answer"].split(":")[0] for one in read_journal(tmp_path)] == [
        "asked", "denied", "asked", "no-answer",
    ]  # fmt: skip
    assert [message.confirmation for message in commands if message.command == 21] == [0, 1, 2]


def test_whoever_goes_away_in_the_middle_leaves_that_in_the_journal(tmp_path: Path) -> None:
    async def main() -> None:
        async with bridge(tmp_path, Airborne(), flight_commands=True, video="off") as made:
            task = asyncio.ensure_future(do(made.doers, _ORDER))
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.wait([task])
            assert made.deck.commander.idle

    run_virtually(main())
    assert [one["answer"].split(";")[0] for one in read_journal(tmp_path)] == [
        "asked", "whoever asked went away",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("move", "autopilot", "kind", "named"),
    [
        (Move.HOLD, 3, 2, ["mode BRAKE", "DO_PAUSE_CONTINUE"]),
        (Move.RETURN, 3, 2, ["NAV_RETURN_TO_LAUNCH", "mode RTL"]),
        (Move.LAND, 3, 2, ["NAV_LAND", "mode LAND"]),
        (Move.HOLD, 3, 1, ["mode LOITER", "DO_PAUSE_CONTINUE"]),
        (Move.LAND, 3, 1, ["NAV_LAND"]),
        (Move.LAND, 3, 20, ["NAV_LAND", "mode QLAND"]),
        (Move.HOLD, 12, 2, ["mode AUTO.LOITER", "DO_PAUSE_CONTINUE"]),
        (Move.LAND, 12, 2, ["NAV_LAND", "mode AUTO.LAND"]),
        (Move.HOLD, 0, 2, ["DO_PAUSE_CONTINUE"]),
    ],
)
def test_each_autopilot_is_told_as_it_knows_it(
    move: Move, autopilot: int, kind: int, named: list[str]
) -> None:
    assert [way.name for way in ways(move, autopilot, kind)] == named


def test_modes_are_those_that_pymavlink_and_px4_have(tmp_path: Path) -> None:
    from pymavlink import mavutil

    for kind in (2, 1, 10):
        for move in (Move.HOLD, Move.RETURN):
            (way,) = [one for one in ways(move, 3, kind) if one.command == 176]
            modes = mavutil.mode_mapping_bynumber(kind)
            assert modes[int(way.params[1])] == way.name.removeprefix("mode ")
    px4 = {Move.HOLD: "LOITER", Move.RETURN: "RTL", Move.LAND: "LAND"}
    for move, name in px4.items():
        (way,) = [one for one in ways(move, 12, 2) if one.command == 176]
        assert mavutil.px4_map[name][1:] == way.params[1:]


def test_who_does_not_know_the_command_is_told_by_its_mode(tmp_path: Path) -> None:
    found, commands, _ = _flown(tmp_path, _air(12, unknown=(20,)), _ORDER)
    assert found["by"] == "mode AUTO.RTL"
    assert [(m.command, m.param1, m.param2, m.param3) for m in commands][1:] == [(176, 1, 4, 5)]
    _, commands, _ = _flown(tmp_path, _air(12), {**_ORDER, "move": "land"})
    assert math.isnan(commands[-1].param5)  # PX4 would fly to 0, 0
    _, commands, _ = _flown(tmp_path, _air(3), {**_ORDER, "move": "land"})
    assert commands[-1].param5 == 0


def test_the_command_asks_for_the_name_and_is_off_by_default(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    endpoint = '[[drone.endpoint]]\nname = "a"\nconnect = "udpin:127.0.0.1:0"\n'
    where = f'kit = "k"\nstate_dir = "{tmp_path}"\n'
    path.write_text(where + endpoint)
    asked = ["fly", "return", "--vehicle", "m300-1", "--config", str(path)]
    result = CliRunner().invoke(app, [*asked, "--yes", "m300-1"])
    assert result.exit_code != 0
    assert "flight_commands" in str(result.exception)
    path.write_text(f"{where}[drone]\nflight_commands = true\n{endpoint}")
    for more in ([], ["--yes", "m300-2"]):
        result = CliRunner().invoke(app, [*asked, *more])
        assert result.exit_code == 2, result.output
    assert list(read_journal(tmp_path)) == []
