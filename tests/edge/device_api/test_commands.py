"""`fieldlink edge device`: registering beside a running agent and without one."""

import asyncio
import json
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlab.intake import FakeIntake, FakeTime
from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import load_settings
from fieldlink.edge import commands
from fieldlink.edge.attached import make_adapters
from fieldlink.edge.attendant import Attendant
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.device_api import beside
from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.device_api.make import make_device_api
from fieldlink.edge.device_api.settings import DeviceApiSettings

_ON = '[device_api]\nenabled = true\nhost = "127.0.0.1"\ntls_port = 0\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edge.toml"
    path.write_text(f'kit = "kit-1"\nstate_dir = "state"\n{_ON}')
    (tmp_path / "state").mkdir()
    return path


def run(config: Path, *arguments: str) -> str:
    where = [] if arguments == ("schema",) else ["--config", str(config)]
    done = CliRunner().invoke(commands.app, ["device", *arguments, *where])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def test_a_name_that_the_kit_knows_by_another_way_is_refused(config: Path) -> None:
    with config.open("a") as file:
        file.write('[[jt808.terminal]]\nphone = "1"\nname = "fire-1"\n')
        file.write('[[device]]\nname = "soldier-1"\nurl = "rtsp://127.0.0.1/x"\n')
    with pytest.raises(ConfigError, match=r"fire-1 is in \[\[jt808.terminal\]\] already"):
        run(config, "add", "fire-1")
    with pytest.raises(ConfigError, match="choose another name"):
        run(config, "add", "cot-alpha")
    assert "soldier-1 is registered" in run(config, "add", "soldier-1"), "it has a camera"


def test_a_device_is_added_listed_given_a_new_password_and_removed(
    config: Path, tmp_path: Path
) -> None:
    assert "no device is registered" in run(config, "list")
    png = tmp_path / "code.png"
    text = run(config, "add", "soldier-1", "--png", str(png))
    assert "soldier-1 is registered 已登记" in text
    first = Credentials.parse(text.splitlines()[-1])
    assert (first.name, first.host, first.tls is not None) == ("soldier-1", "127.0.0.1", True)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(png.stat().st_mode) == 0o600
    told = json.loads(run(config, "add", "soldier-1", "--kind", "medic", "--json"))
    assert told["password"] != first.password
    assert (told["port"], told["tls"]) == (first.port, first.tls)
    assert told["ca"].startswith("-----BEGIN CERTIFICATE-----")
    listed = json.loads(run(config, "list", "--json"))["devices"]
    assert [(one["name"], one["kind"]) for one in listed] == [("soldier-1", "medic")]
    assert "password" not in str(listed)
    assert "removed" in run(config, "remove", "soldier-1")
    with pytest.raises(ConfigError, match="there is no device"):
        run(config, "remove", "soldier-1")


def test_the_schema_is_printed(config: Path) -> None:
    assert "position" in json.loads(run(config, "schema"))["properties"]


def test_a_kit_whose_device_api_is_off_says_so(config: Path) -> None:
    config.write_text('state_dir = "state"\n')
    assert "set enabled = true" in run(config, "add", "a-1")
    assert "the device API is off" in run(config, "list")


def test_a_running_agent_does_it_and_its_refusal_is_the_commands(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Mapping[str, Any]]] = []

    def agent(_path: Path, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        asked.append((name, fields))
        return {"ok": False, "said": "the disk is full"}

    monkeypatch.setattr(beside, "ask_agent", agent)
    with pytest.raises(ConfigError, match="the disk is full"):
        run(config, "add", "a-1")
    assert asked == [("device-add", {"name": "a-1", "kind": "soldier", "host": ""})]
    assert not (config.parent / "state" / "device-api").exists()


@pytest.mark.anyio
async def test_the_attendant_passes_what_is_asked_to_the_adapter(config: Path) -> None:
    settings = load_edge_settings(config)
    attendant = Attendant(settings, FakeIntake(), FakeTime(), _unstarted)
    attendant._running = True
    await attendant.change(settings)
    made = await attendant.ask("device-add", {"name": "a-1", "kind": "sensor"})
    assert made["ok"]
    assert Credentials.parse(made["device"]["uri"]).name == "a-1"
    assert not (await attendant.ask("device-add", {"name": "../a", "kind": "sensor"}))["ok"]
    assert not (await attendant.ask("device-add", {}))["ok"]
    assert not (await attendant.ask("device-eat", {}))["ok"]
    assert (await attendant.ask("device-list", {}))["devices"][0]["name"] == "a-1"
    await attendant._stop(list(attendant._kept))


def _unstarted(*given: Any) -> list[Any]:
    made = make_adapters(*given)

    async def run(_beat: Callable[[], None]) -> None:
        await asyncio.Event().wait()

    for adapter in made:
        setattr(adapter, "run", run)  # noqa: B010  # the checker knows its signature
    return list(made)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('url = "http://a"', "write mqtt://host:port or mqtts://host:port"),
        ('url = "mqtt://user:pw@a"', "write mqtt://host:port"),
        ("tls_port = 70000", "at most 65535"),
        ('host = "everywhere"', "host = "),
        ("enabled = true\ntls = false", "tls and plain are both off"),
    ],
)
def test_a_bad_setting_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_settings(DeviceApiSettings, text, "edge.toml")


def test_there_is_one_adapter_for_each_listener(tmp_path: Path) -> None:
    def names(**settings: Any) -> list[str]:
        made = make_device_api(DeviceApiSettings(**settings), tmp_path / "none", FakeIntake())
        return [adapter.name for adapter in made]

    assert names() == []
    assert names(enabled=True) == ["device-api"]
    assert names(enabled=True, plain=True) == ["device-api", "device-api-plain"]
    assert names(enabled=True, plain=True, tls=False) == ["device-api"]
    assert names(enabled=True, url="mqtt://localhost") == ["device-api"]
    assert not (tmp_path / "none").exists()  # making one opens nothing


def test_the_sample_names_every_setting_and_its_default() -> None:
    text = (Path(__file__).parents[3] / "docs" / "edge.sample.toml").read_text(encoding="utf-8")
    section = text.split("[device_api]")[1].split("\n[")[0]
    given = tomllib.loads(section)
    optional = set(re.findall(r"(?m)^# ([a-z]+) = ", section))
    assert set(given) | optional == set(DeviceApiSettings.model_fields)
    assert DeviceApiSettings(**given) == DeviceApiSettings()
