"""`fieldlink relay devices`, `alarms` and `history`, beside a centre that does not run."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlab.fleet import Fleet, Shelf
from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.relay.commands import app


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The settings of a centre that heard three devices a minute ago, and two alarms."""
    now_us = time.time_ns() // 1000
    shelf = Shelf(tmp_path, now_us=now_us)
    fleet = Fleet(shelf, devices=3, kits=2, start_us=now_us - 90_000_000)
    fleet.tick(10)
    fleet.now_us += 20_000_000
    fleet.tick(5, custody_us=now_us - 55_000_000)
    fleet.alarm("kit-1", "soldier-1", subject="air.co", value="120", limit="50", unit="[ppm]")
    fleet.alarm("kit-1", "soldier-1", AlarmKind.SOS, ident=b"other-01", text="help 救命")
    shelf.settle()
    shelf.close()
    file = tmp_path / "relay.toml"
    file.write_text(f'state_dir = "{tmp_path}"\n')
    return file


def run(config: Path, *words: str) -> str:
    """What a command prints; a fault stays an exception."""
    done = CliRunner().invoke(app, [*words, "--config", str(config)], catch_exceptions=False)
    assert done.exit_code == 0, done
    return done.stdout


def read(config: Path, *words: str) -> Any:
    """The JSON of a command."""
    return json.loads(run(config, *words, "--json"))


def test_devices_are_a_table_in_both_languages_and_json_as_the_api_has_it(config: Path) -> None:
    lines = run(config, "devices").splitlines()
    assert "设备" in lines[0]
    assert "battery" in lines[0]
    (soldier,) = [line for line in lines if "kit-1" in line and "soldier-1" in line]
    assert " 34.2" in soldier
    assert soldier.endswith(" 2")
    found = read(config, "devices")["devices"]
    assert [(each["kit"], each["device"]) for each in found] == [
        ("kit-1", "soldier-1"),
        ("kit-1", "vehicle-2"),
        ("kit-2", "vehicle-1"),
    ]
    assert [each["kit"] for each in read(config, "devices", "--kit", "kit-2")["devices"]] == [
        "kit-2"
    ]


def test_an_alarm_is_acknowledged_and_ended_by_the_begin_of_its_id(config: Path) -> None:
    listed = run(config, "alarms")
    assert listed.count("SOS 求救") == 2
    assert "air.co 120 [ppm]  limit 限值 50" in listed
    assert "help 救命" in listed
    (seen,) = read(config, "alarms", "ack", "616c", "--note", "on our way")["alarms"]
    assert (seen["state"], seen["note"]) == ("acknowledged", "on our way")
    (again,) = read(config, "alarms", "ack", "616c", "--note", "me too")["alarms"]
    assert (again["acknowledged_by"], again["note"]) == (seen["acknowledged_by"], "on our way")
    (over,) = read(config, "alarms", "clear", seen["id"])["alarms"]
    assert (over["state"], over["cleared_on_site"]) == ("cleared", False)
    assert len(read(config, "alarms")["alarms"]) == 1
    assert len(read(config, "alarms", "list", "--all")["alarms"]) == 2
    assert "解除" in run(config, "events")


def test_what_names_no_alarm_or_several_is_refused(config: Path) -> None:
    for words, kind in (
        (("ack", "6"), ArchiveError),  # both begin with it
        (("ack", "00"), ArchiveError),
        (("ack", "sos"), ConfigError),
        (("drop", "61"), ConfigError),
    ):
        with pytest.raises(kind):
            run(config, "alarms", *words)


def test_history_says_what_is_not_there(config: Path) -> None:
    lines = run(config, "history", "kit-1", "soldier-1", "vitals", "--from", "-2m").splitlines()
    assert lines[0].startswith("time 时间")
    assert "heart_rate /min" in lines[0]
    assert [line for line in lines if "silent 无数据" in line]
    assert len([line for line in lines if line.endswith("exercise")]) == 15
    found = read(
        config, "history", "kit-1", "soldier-1", "vitals", "--from", "-2m", "--every", "5s"
    )
    assert 3 <= len(found["samples"]) <= 5
    assert "没有" in run(config, "history", "kit-1", "nobody", "vitals")
