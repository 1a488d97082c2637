"""What people see and ask of DJI gateways."""

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlab.dji import AIRCRAFT, CAPACITY, RC, VIDEO, DjiLab
from fieldlab.intake import FakeIntake, FakeTime
from fieldlink.edge import beside
from fieldlink.edge.commands import app as edge_app
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.dji import following
from fieldlink.edge.dji.adapter import Dji, make_dji
from fieldlink.edge.dji.following import is_so
from fieldlink.edge.dji.settings import DjiSettings
from fieldlink.edge.dji.wording import brief, gateway_lines
from fieldlink.edge.drone.commands import app as drone_app

pytestmark = pytest.mark.anyio


def adapter(folder: Path, intake: FakeIntake) -> tuple[Dji, DjiLab]:
    """An adapter around a lab's sessions, with its gateway registered as drone-1."""
    api = DeviceApiSettings(enabled=True, plain=True)
    [made] = make_dji(DjiSettings(enabled=True), api, folder, intake, FakeTime(), None)
    made._registry.add("drone-1", "drone", RC)
    lab = DjiLab()
    lab.cloud.sink = made.told
    lab.cloud.register([])
    lab.cloud.register([RC])
    made._cloud = lab.cloud
    made._look()
    return made, lab


async def test_a_person_sees_each_gateway_and_changes_its_video(tmp_path: Path) -> None:
    made, lab = adapter(tmp_path, FakeIntake())
    assert "drone-1  offline 离线" in brief(made.report())
    assert "dji-app.toml" in brief(made.report())
    lab.answers(lab.streaming(), 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    found = await made.command({"act": "list"})
    lines = list(gateway_lines(found))
    assert any("RC Plus" in line and RC in line for line in lines)
    assert any("M30T" in line and AIRCRAFT in line for line in lines)
    assert any("LIVE 直播中" in line and "清晰度 2" in line for line in lines)
    asked = {"act": "quality", "name": "drone-1", "quality": 1}
    assert (await made.command(asked))["ok"]
    assert (await made.command({"act": "lens", "name": "drone-1", "lens": "wide"}))["ok"]
    assert [call["method"] for call in lab.calls()] == ["live_set_quality", "live_lens_change"]
    for bad in ({"quality": 9}, {"act": "lens", "lens": "x-ray"}, {"name": "x"}, {"act": "fly"}):
        assert not (await made.command({**asked, **bad}))["ok"]


async def test_what_is_learnt_goes_to_the_intake_under_the_registered_name(tmp_path: Path) -> None:
    intake = FakeIntake()
    _, lab = adapter(tmp_path, intake)
    lab.online()
    lab.says("osd", {"latitude": 34.2, "longitude": 108.9, "mode_code": 11, "gear": "up"})
    lab.says("osd", {"capacity_percent": 60}, sn=RC)
    sources = {(one.source.device, one.source.kind) for one in intake.records}
    assert sources == {("drone-1", "drone"), ("drone-1-rc", "remote")}
    [(source, notice)] = intake.notices
    assert (source.device, notice.kind, notice.active) == ("drone-1", "failsafe", True)
    assert "强制降落" in notice.text
    assert intake.refused["drone-1", "osd"] == 1


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "edge.toml"
    path.write_text('state_dir = "state"\n')
    return str(path)


def told(monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any]) -> list[dict[str, Any]]:
    """What the agent answers, the last one for ever; what it was asked is remembered."""
    asked: list[dict[str, Any]] = []
    left = list(answers)

    def answer(_settings: Any, command: str, **fields: Any) -> dict[str, Any]:
        assert command == "dji"
        asked.append(fields)
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(beside, "tell_agent", answer)
    return asked


def hurry(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    """Let waiting take no time."""
    ticks = itertools.count(0, step_s)
    monkeypatch.setattr(following.follow_live, "__defaults__", (lambda _: None, ticks.__next__))


def listed(stage: str, **stream: Any) -> dict[str, Any]:
    one = {
        "video": str(VIDEO), "stage": stage, "quality": 2, "lens": "", "changing": [],
        "starts": 1, "reason": "", "received": {"age_s": 0.1, "fps": 25.0}, **stream,
    }  # fmt: skip
    return {"ok": True, "reason": "", "gateways": {"drone-1": {"live": [one]}}}


@pytest.mark.parametrize("rooms", [edge_app, drone_app])
def test_the_same_commands_stand_under_edge_and_under_drone(
    rooms: Any, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = {"ok": False, "said": "no such DJI gateway 没有该设备"}
    asked = told(monkeypatch, no)
    commands = (
        ["live", "quality", "drone-1", "3"], ["live", "lens", "drone-1", "zoom"],
        ["live", "start", "drone-1"], ["live", "stop", "drone-1"], ["first", "drone-1", "t-1"],
        ["status"], ["quality", "drone-1", "3"], ["list"],
    )  # fmt: skip
    for words in commands:
        found = CliRunner().invoke(rooms, ["dji", *words, "--config", config])
        assert found.exit_code == 2, found.output
        assert "没有该设备" in found.output
    assert [one["act"] for one in asked] == [
        "quality", "lens", "start", "stop", "first", "list", "quality", "list",
    ]  # fmt: skip


@pytest.mark.parametrize("command", [["status"], ["status", "--json"], ["live", "stop", "x"]])
def test_a_kit_that_hears_no_dji_aircraft_says_so(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"ok": False, "said": "there is no such command here: dji"}
    monkeypatch.setattr(beside, "ask_agent", lambda *_, **__: answer)
    config = tmp_path / "edge.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    done = CliRunner().invoke(drone_app, ["dji", *command, "--config", str(config)])
    assert "set enabled = true below [dji]" in str(done.exception)


def test_a_start_is_done_when_pictures_arrive_and_not_before(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["dji", "live", "start", "drone-1", "--config", config]
    hurry(monkeypatch, 1)
    told(
        monkeypatch,
        {"ok": True, "said": "1 asked for"},
        listed("resting", reason="513006: it failed"),
        listed("proving"),
        listed("live", received={"age_s": 9.0, "fps": 25.0}),  # it was live
        listed("live"),
    )
    found = CliRunner().invoke(drone_app, words)
    assert found.exit_code == 0, found.output
    assert "513006" in found.output
    assert found.output.rstrip().endswith("画面已到达")
    hurry(monkeypatch, 10)
    told(monkeypatch, {"ok": True, "said": "1 asked for"}, listed("resting", reason="513015"))
    found = CliRunner().invoke(drone_app, [*words, "--json"])
    assert found.exit_code == 1
    said = json.loads(found.output)
    assert (said["ok"], said["live"][0]["reason"]) == (False, "513015")


def test_a_change_is_done_when_it_was_answered_and_pictures_still_arrive() -> None:
    [stream] = listed("live", quality=1, lens="zoom")["gateways"]["drone-1"]["live"]
    assert is_so(stream, {"quality": 1, "lens": "zoom"})
    wrong: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"quality": 3}, {}),
        ({"lens": "wide"}, {}),
        ({}, {"changing": ["live_set_quality"]}),
        ({}, {"stage": "proving"}),
        ({}, {"received": {"age_s": 30.0}}),
    ]
    for asked, more in wrong:
        assert not is_so({**stream, **more}, asked)


async def test_a_stop_holds_until_it_is_started_also_over_new_connections(tmp_path: Path) -> None:
    made, lab = adapter(tmp_path, FakeIntake())
    lab.now_s = time.monotonic()  # which commands go by
    lab.answers(lab.streaming(), 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    assert (await made.command({"act": "stop", "name": "drone-1"}))["ok"]
    assert [call["method"] for call in lab.calls()] == ["live_stop_push"]
    assert "已停止直播" in "\n".join(gateway_lines(await made.command({"act": "list"})))
    lab.flies(60)
    assert all(call["method"] == "live_stop_push" for call in lab.calls())
    lab.cloud.wishes = made._wishes
    lab.cloud.register([])
    lab.cloud.register([RC])  # as after a new connection
    lab.online()
    lab.says("state", {"live_capacity": CAPACITY}, sn=RC)
    lab.passes(5)
    assert lab.calls() == []
    answer = await made.command({"act": "start", "name": "drone-1"})
    assert answer == {"ok": True, "said": "1 asked for 已请求直播"}
    lab.passes(2)
    assert [call["method"] for call in lab.calls()] == ["live_start_push"]


async def test_a_dock_is_asked_to_bring_a_tasks_files_first(tmp_path: Path) -> None:
    made, lab = adapter(tmp_path, FakeIntake())
    asked = {"act": "first", "name": "drone-1", "flight": "task-1"}
    assert (await made.command(asked))["ok"]
    [call] = lab.calls()
    assert (call["method"], call["data"]) == (
        "upload_flighttask_media_prioritize",
        {"flight_id": "task-1"},
    )
    assert not (await made.command({**asked, "flight": "../x"}))["ok"]
