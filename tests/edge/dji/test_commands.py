"""What people see and ask of DJI gateways."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlab.dji import AIRCRAFT, RC, VIDEO, DjiLab
from fieldlab.intake import FakeIntake, FakeTime
from fieldlink.edge import beside
from fieldlink.edge.commands import app
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.dji.adapter import Dji, make_dji
from fieldlink.edge.dji.settings import DjiSettings
from fieldlink.edge.dji.wording import brief, gateway_lines

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


def test_the_commands_ask_the_running_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('state_dir = "state"\n')
    asked: list[tuple[str, dict[str, Any]]] = []

    def answer(_settings: Any, command: str, **fields: Any) -> dict[str, Any]:
        asked.append((command, fields))
        return {"ok": False, "said": "no such DJI gateway 没有该设备"}

    monkeypatch.setattr(beside, "tell_agent", answer)
    for words in (["quality", "drone-1", "3"], ["lens", "drone-1", "zoom"], ["list"]):
        found = CliRunner().invoke(app, ["dji", *words, "--config", str(config)])
        assert found.exit_code == 2
        assert "没有该设备" in found.output
    assert asked == [
        ("dji", {"act": "quality", "name": "drone-1", "quality": 3}),
        ("dji", {"act": "lens", "name": "drone-1", "lens": "zoom"}),
        ("dji", {"act": "list"}),
    ]
