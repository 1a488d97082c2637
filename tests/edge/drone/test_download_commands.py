"""The commands that download: files written whole, none overwritten, nothing asked in vain."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.commanding import CommandError
from fieldlink.drone.commanding.items import Item
from fieldlink.edge.drone import download_commands, rates_commands
from fieldlink.edge.drone.commands import app

_ABOUT = {"vehicle": "m300-1", "system": 7, "component": 1, "autopilot": 12, "type": 2}
_ITEM = Item(0, 3, 16, 1, 1, (0, 0, 0, 0), 34.2, 108.9, 50.0).to_dict()
_PLANS = {"mission": [_ITEM], "fence": None, "rally": []}


class _Asked:
    """In place of `ask_once`: what was asked, and what is answered."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, _: Any, what: str, __: Any, **fields: Any) -> Any:
        self.calls.append((what, fields))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _run(
    monkeypatch: pytest.MonkeyPatch, answer: Any, *words: str | Path
) -> tuple[Any, _Asked]:  # fmt: skip
    asked = _Asked(answer)
    monkeypatch.setattr(download_commands, "ask_once", asked)
    monkeypatch.setattr(rates_commands, "ask_once", asked)
    return CliRunner().invoke(app, [str(word) for word in words]), asked


def test_a_mission_as_a_plan_has_fence_and_rally_points_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "m.plan"
    answer = {**_ABOUT, "plans": _PLANS, "home": [34.0, 108.0, 400.0]}
    result, asked = _run(monkeypatch, answer, "mission", "download", "-o", out)
    assert result.exit_code == 0, result.output
    assert asked.calls[0][1]["kinds"] == ["mission", "fence", "rally"]
    assert json.loads(out.read_text())["mission"]["plannedHomePosition"] == [34, 108, 400]
    assert "1 mission, 0 rally" in result.output
    assert "fence" in result.output.splitlines()[-1]
    _, asked = _run(monkeypatch, answer, "fence", "download", "-o", tmp_path / "f.plan")
    assert asked.calls[0][1]["kinds"] == ["fence"]


@pytest.mark.parametrize("form", ["waypoints", "json"])
def test_other_forms_have_what_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    out = tmp_path / f"m.{form}"
    answer = {**_ABOUT, "plans": {"mission": [_ITEM]}, "home": None}
    result, asked = _run(
        monkeypatch, answer, "mission", "download", "--vehicle", "m300-1", "-o", out, "--json"
    )
    assert asked.calls == [
        ("plan.download", {"vehicle": "m300-1", "kinds": ["mission"], "home": False})
    ]
    assert json.loads(result.stdout) == {
        "vehicle": "m300-1", "file": str(out), "bytes": out.stat().st_size, "mission": 1,
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_file_that_is_there_stays_and_the_aircraft_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.param"
    out.write_text("mine")
    answer = {**_ABOUT, "parameters": [["P", 1, 6, 0]]}
    result, asked = _run(monkeypatch, answer, "param", "download", "-o", out)
    assert isinstance(result.exception, ConfigError)
    assert (out.read_text(), asked.calls) == ("mine", [])
    result, _ = _run(monkeypatch, answer, "param", "download", "-o", out, "--force")
    assert result.exit_code == 0
    assert "P,1" in out.read_text()
    result, asked = _run(monkeypatch, answer, "param", "download", "-o", tmp_path / "a.txt")
    assert (result.exit_code, asked.calls) == (2, [])


def test_a_download_that_fails_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = CommandError("no-answer", "40 of 100 parameters came, then no more; try again")
    result, _ = _run(monkeypatch, error, "param", "download", "-o", tmp_path / "a.param")
    assert result.exception is error
    assert list(tmp_path.iterdir()) == []


def test_parameters_are_shown_by_pattern_and_none_is_an_exit_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = {**_ABOUT, "parameters": [["BATT_V", 14.8, 9, 0], ["FS_THR", 1, 6, 1]]}
    result, _ = _run(monkeypatch, answer, "param", "show", "fs_*")
    assert result.stdout.split() == ["FS_THR", "1"]
    result, _ = _run(monkeypatch, answer, "param", "show", "NO*")
    assert result.exit_code == 1
    result, _ = _run(monkeypatch, answer, "param", "show", "B*", "--json")
    assert json.loads(result.stdout)["parameters"] == [{"name": "BATT_V", "value": 14.8, "type": 9}]


def test_a_mission_is_shown_item_by_item(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {**_ABOUT, "plans": {"mission": [_ITEM]}, "home": None}
    result, _ = _run(monkeypatch, answer, "mission", "download")
    assert result.stdout.startswith("   0* NAV_WAYPOINT  34.2000000 108.9000000  50.0 m above home")
    result, _ = _run(monkeypatch, {**_ABOUT, "plans": {"rally": []}}, "rally", "download")
    assert "没有内容" in result.stdout


def test_rates_that_differ_from_the_settings_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"name": "sat", "connect": "udpin:127.0.0.1:0", "profile": "sat"}
    now = {**kept, "rates": {"ATTITUDE": 0.5}, "budget": "4.8kbit/s"}
    answer = {"ok": True, "endpoints": [{"name": "sat", "settings": kept, "now": now}]}
    config = tmp_path / "edge.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    result, asked = _run(
        monkeypatch, answer, "rates", "set", "sat", "attitude=0.5", "--budget", "4800bit/s",
        "--config", config,
    )  # fmt: skip
    assert asked.calls[0][1]["rates"] == {"ATTITUDE": 0.5}
    assert "ATTITUDE 0.5 Hz (settings: 1 Hz)" in result.stdout
    assert "budget 600 B/s (settings: none)" in result.stdout
    assert "restarted" in result.stdout
    monkeypatch.setattr("fieldlink.edge.control.ask_agent", lambda *_, **__: answer)
    result, _ = _run(monkeypatch, answer, "rates", "show", "--json", "--config", config)
    assert json.loads(result.stdout)["sat"]["changed"] is True
    result, asked = _run(monkeypatch, answer, "rates", "set", "sat", "--config", config)
    assert (result.exit_code, asked.calls) == (2, [])
