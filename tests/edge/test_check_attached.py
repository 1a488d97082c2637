"""`edge check` of what listens for devices, and the agent's first words about it."""

import socket
from pathlib import Path
from typing import Any

import pytest

from fieldlink.edge import check_attached as checking
from fieldlink.edge.check import check_kit
from fieldlink.edge.check_attached import check_attached
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.starting import greeting

_SENSOR = {
    "name": "water-1",
    "url": "modbus-tcp://127.0.0.1:9/1",
    "value": [{"name": "level", "address": 0}],
}


def _settings(folder: Path, port: int = 0, **tables: Any) -> EdgeSettings:
    jt808 = {"enabled": True, "host": "127.0.0.1", "port": port, "terminal": [{"phone": "1"}]}
    tables = tables or {"jt808": jt808}
    return EdgeSettings.model_validate({"state_dir": folder / "kit", **tables})


def test_a_kit_with_nothing_but_cameras_is_asked_nothing(tmp_path: Path) -> None:
    assert check_attached(EdgeSettings(state_dir=tmp_path / "kit")) == []


def test_a_port_that_another_program_has_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tcp, udp = check_attached(_settings(tmp_path, port))
    assert not tcp.ok
    assert f"TCP 127.0.0.1:{port} cannot be listened on" in tcp.english
    assert "jt808.port" in tcp.english
    assert "无法监听" in tcp.chinese
    assert udp.ok
    assert "fieldlink edge run" in udp.english


def test_every_port_that_a_dji_controller_needs_is_tried(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        api = {"enabled": True, "host": "127.0.0.1", "tls": False, "plain": True, "port": 0}
        dji = {
            "enabled": True, "page_host": "127.0.0.1", "page_port": port, "mqtt_port": port,
            "uploads": {"port": port},
        }  # fmt: skip
        found = check_attached(_settings(tmp_path, device_api=api, dji=dji))
    assert [one.ok for one in found] == [False] * 3
    for one, setting in zip(found, ("page_port", "mqtt_port", "uploads.port"), strict=True):
        assert f"dji.{setting}" in one.english


def test_a_running_agent_says_it_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attached = {
        "jt808": {"state": "ok", "said": "1 of 2 terminals connected 在线终端"},
        "device-api": {"state": "down", "reason": "its broker does not start: no room"},
        "sensor water-1": {"state": "down", "reason": "timeout: tried for itself"},
    }
    answer = {"ok": True, "status": {"attached": attached}}
    monkeypatch.setattr(checking, "ask_agent", lambda *_, **__: answer)
    jt808, api = check_attached(_settings(tmp_path))
    assert (jt808.what, jt808.ok) == ("jt808", True)
    assert (api.what, api.ok) == ("device-api", False)
    assert api.english == "its broker does not start: no room."


def test_a_kit_with_sensors_only_is_not_told_that_nothing_is_attached(tmp_path: Path) -> None:
    found = check_kit(_settings(tmp_path))
    assert "sources" not in [finding.what for finding in found]
    found = check_kit(EdgeSettings(state_dir=tmp_path / "kit"))
    assert "sources" in [finding.what for finding in found]


def test_the_first_words_count_what_is_attached(tmp_path: Path) -> None:
    said = greeting("kit-1", _settings(tmp_path, sensor=[_SENSOR]))
    assert said == "kit-1: listening to 接入 sensor 传感器"
    camera = {"name": "ball-1", "url": "rtsp://192.0.2.1/x"}
    tables: dict[str, Any] = {"device": [camera], "device_api": {"enabled": True}}
    both = greeting("kit-1", _settings(tmp_path, **tables))
    assert both == "kit-1: recording 1 device 路记录中; listening to 接入 device API 设备接口"
    assert "nothing is attached" in greeting("kit-1", EdgeSettings())
