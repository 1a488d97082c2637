"""Tokens and the commands that make them, beside a running agent and without one."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge import check as checking
from fieldlink.edge import commands
from fieldlink.edge.check_attached import check_attached
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.whip import trial
from fieldlink.edge.whip.hub import Hub, token_hash
from fieldlink.edge.whip.tokens import Tokens
from fieldlink.edge.whip.trial import check_publisher

_FILE = """kit = "kit-1"
state_dir = "state"
[whip]
enabled = true
plain = true
address = "192.0.2.7"
[[device]]
name = "phone-1"
url = "whip:"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edge.toml"
    path.write_text(_FILE)
    (tmp_path / "state").mkdir()
    return path


def run(config: Path, *arguments: str) -> str:
    done = CliRunner().invoke(commands.app, ["whip", *arguments, "--config", str(config)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def test_a_token_is_shown_once_kept_as_a_hash_replaced_and_removed(
    config: Path, tmp_path: Path
) -> None:
    png = tmp_path / "phone.png"
    made = json.loads(run(config, "add", "phone-1", "--json", "--png", str(png)))
    assert made["url"] == "http://192.0.2.7:8091/whip/phone-1"
    assert made["uri"] == f"{made['url']}?token={made['token']}"
    assert made["tls_url"] == "https://192.0.2.7:8491/whip/phone-1"
    assert png.read_bytes().startswith(b"\x89PNG")
    path = tmp_path / "state" / "whip" / "tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made["token"] not in path.read_text()
    tokens = Tokens(path.parent)
    tokens.refresh()
    assert tokens.admits("phone-1", token_hash(made["token"]))
    assert not tokens.admits("phone-2", token_hash(made["token"]))
    said = run(config, "add", "phone-1")
    assert "has a new token" in said
    assert "Bearer Token 令牌" in said
    tokens.refresh()
    assert not tokens.admits("phone-1", token_hash(made["token"]))
    assert "phone-1" in run(config, "list")
    run(config, "remove", "phone-1")
    assert "尚未登记推流" in run(config, "list")
    with pytest.raises(ConfigError, match="has no token"):
        run(config, "remove", "phone-1")


def test_what_is_still_missing_is_said(config: Path) -> None:
    with pytest.raises(ConfigError, match="device"):
        run(config, "add", "../phone")
    assert 'add a [[device]] with name = "phone-2", url = "whip:"' in run(config, "add", "phone-2")
    config.write_text(_FILE.replace("enabled = true", "enabled = false"))
    with pytest.raises(
        ConfigError, match=r"phone-1 waits for WHIP; set enabled = true in \[whip\]"
    ):
        load_edge_settings(config)
    config.write_text(_FILE.replace('url = "whip:"', 'url = "whip://kit/phone-1"'))
    with pytest.raises(ConfigError, match="write it as whip: alone"):
        load_edge_settings(config)
    config.write_text(_FILE.replace("plain = true", 'udp_ports = "60000-50000"'))
    with pytest.raises(ConfigError, match="write FROM-TO"):
        load_edge_settings(config)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("{")
    with pytest.raises(ConfigError, match=r"tokens\.json: damaged; remove it"):
        Tokens(tmp_path).refresh()


def test_a_guest_may_come_until_it_is_dismissed() -> None:
    hub = Hub()
    token = hub.invite("drone-1")
    assert hub.admits("drone-1", token_hash(token))
    assert not hub.admits("drone-2", token_hash(token))
    hub.dismiss("drone-1")
    assert not hub.admits("drone-1", token_hash(token))
    assert not hub.admits("drone-1", "")


def test_check_says_of_each_publisher_what_to_do(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_edge_settings(config)
    [plain_and_tls] = [{one.what for one in check_attached(settings)}]
    assert plain_and_tls == {"whip"}
    where = "phone-1", settings.control_path, settings.whip_dir
    assert "fieldlink edge whip add phone-1" in check_publisher(*where).english
    run(config, "add", "phone-1")
    assert "the agent is not running" in check_publisher(*where).english
    received = {"state": "waiting", "reason": "somebody came with a wrong token"}
    device = {"state": "down", "received": received}
    answer = {"ok": True, "status": {"devices": {"phone-1": device}}}
    monkeypatch.setattr(trial, "ask_agent", lambda *_, **__: answer)
    found = check_publisher(*where)
    assert not found.ok
    assert "somebody came with a wrong token" in found.english
    assert "检查推流端" in found.chinese
    received["state"] = "connecting"
    assert "UDP does not come through" in check_publisher(*where).english
    device["state"] = "live"
    received["from"] = "192.0.2.9"
    assert check_publisher(*where).ok
    assert checking._check_device(settings, settings.device[0]).ok, "it is not probed by libav"
