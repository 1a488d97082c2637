"""Trying sensors at the cabinet, and the kit's check of them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldlab.stations import sensor_of
from fieldlink.edge.commands import app
from fieldlink.edge.sensors.trial import Trial, by_line, check_line, trial_lines
from fieldlink.edge.sensors.values import Measured

_DEAD = '[[sensor.value]]\nname = "x"\naddress = 4\nlabel = "水位"\n'
_URL = "modbus-tcp://127.0.0.1:1/1"


def _config(folder: Path) -> str:
    path = folder / "edge.toml"
    path.write_text(f'[[sensor]]\nname = "station-1"\nurl = "{_URL}"\n{_DEAD}', encoding="utf-8")
    return str(path)


def test_a_sensor_that_cannot_be_reached_is_said_in_both_languages(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sensor", "try", "station-1", "--config", _config(tmp_path)])
    assert done.exit_code == 1
    assert "station-1  WRONG 异常" in done.output
    assert "refused: 127.0.0.1:1: nothing listens there" in done.output
    assert "请检查端口号" in done.output


def test_json_has_every_value(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["sensor", "try", "--all", "--json", "--config", _config(tmp_path)]
    )
    found = json.loads(done.output)
    assert found["ok"] is False
    assert found["sensors"][0]["values"][0]["name"] == "x"


def test_a_name_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sensor", "try", "other", "--config", _config(tmp_path)])
    assert done.exit_code == 2
    assert "station-1" in done.output


def test_the_check_says_of_each_sensor_what_to_do() -> None:
    [finding] = check_line([sensor_of(_DEAD, _URL)])
    assert not finding.ok
    assert finding.english.startswith("station-1: refused")
    assert "请检查端口号" in finding.chinese


def test_registers_are_shown_as_the_manual_writes_them() -> None:
    sensor = sensor_of(_DEAD + 'unit = "m"\n', _URL)
    trial = Trial(sensor, {"x": Measured(3.25, raw=325, registers=(0x0145,))})
    assert list(trial_lines(trial)) == [
        f"station-1  ok 正常  {_URL}",
        "  水位 x 3.25 m   [holding 4: 0145]   raw 原始值 325",
    ]


def test_hostile_text_that_is_no_number_is_shown_but_not_obeyed() -> None:
    sensor = sensor_of('[[sensor.value]]\nname = "x"\npattern = "x=(.*)"\n', "tcp://h:1")
    trial = Trial(sensor, {"x": Measured(None, "number", "\x1b[2J")})
    assert any("not a number" in line for line in trial_lines(trial))


def test_sensors_on_one_line_are_tried_one_after_the_other() -> None:
    first, second = (sensor_of(_DEAD, f"modbus-tcp://h/{unit}") for unit in (1, 2))
    other = sensor_of(_DEAD, "modbus-tcp://g/1")
    assert by_line([first, other, second]) == [[first, second], [other]]


@pytest.mark.parametrize("reason", ["refused-2", "missing", "range", "settling"])
def test_a_trial_is_good_only_if_every_value_is_known_or_counting(reason: str) -> None:
    trial = Trial(sensor_of(_DEAD), {"x": Measured(None, reason)})
    assert trial.ok is (reason == "settling")
