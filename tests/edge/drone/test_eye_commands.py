"""The commands of cameras, gimbals and video: what they ask, and what they print."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlink.edge.drone import asking, once
from fieldlink.edge.drone.commands import app


class Agent:
    """Answers with `answer` and knows what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []
        for module in (asking, once):
            monkeypatch.setattr(module, "ask_once", self._ask)

    def _ask(self, config: Path | None, what: str, told: Any, **fields: Any) -> dict[str, Any]:
        self.asked.append((what, fields))
        return dict(self.answer)


def run(*words: str) -> str:
    """What `fieldlink drone` prints."""
    found = CliRunner().invoke(app, [*words])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_gimbal_is_asked_in_the_words_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent(monkeypatch, vehicle="m300-1", said="look pitch -45 转动云台")
    words = ("--pitch", "-45", "--yaw", "90", "--north", "--vehicle", "m300-1", "--yes", "m300-1")
    assert run("gimbal", "point", *words) == "m300-1: look pitch -45 转动云台\n"
    ((what, fields),) = agent.asked
    assert what == "gimbal.point"
    assert {name: value for name, value in fields.items() if value} == {
        "pitch": -45.0, "yaw": 90.0, "north": True, "vehicle": "m300-1", "yes": "m300-1",
    }  # fmt: skip


def test_a_picture_that_the_camera_did_not_confirm_is_not_said_to_be_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Agent(monkeypatch, vehicle="m300-1", camera=1, confirmed=False, index=None)
    assert "not confirmed" in run("camera", "photo")
    Agent(monkeypatch, vehicle="m300-1", camera=1, confirmed=True, index=7)
    assert run("camera", "photo") == "m300-1: taken 已拍照, number 编号 7\n"
    assert json.loads(run("camera", "photo", "--json"))["index"] == 7


def test_a_snapshot_is_a_file_and_none_is_overwritten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jpeg = base64.b64encode(b"\xff\xd8picture").decode()
    found = {"name": "m300-1", "width": 3840, "height": 2160, "at_us": 0, "kept": True}
    agent = Agent(monkeypatch, **found, jpeg=jpeg)
    out = tmp_path / "a.jpg"
    said = json.loads(run("video", "snapshot", "m300-1", "-o", str(out), "--json"))
    assert out.read_bytes() == b"\xff\xd8picture"
    assert "jpeg" not in said
    again = CliRunner().invoke(app, ["video", "snapshot", "m300-1", "-o", str(out)])
    assert again.exit_code != 0
    assert len(agent.asked) == 1  # nobody was asked for a picture that has no place


def test_what_makes_an_added_stream_last_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    Agent(monkeypatch, name="extra", block='[[device]]\nname = "extra"')
    lines = run("video", "add", "extra", "rtsp://h/x").splitlines()
    assert lines[-2:] == ["  [[device]]", '  name = "extra"']
