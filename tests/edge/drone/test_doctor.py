"""`fieldlink drone doctor` and `sign`: what is wrong is told with what to do."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.console.keys import new_passphrase
from fieldlink.drone.router import EndpointSettings
from fieldlink.drone.router.router import read_key
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.drone.commands import app
from fieldlink.edge.drone.doctor import link_findings, serial_findings, uplink_findings
from fieldlink.edge.drone.settings import DroneSettings

RUN = CliRunner()
GOOD = {
    "link": "radio",
    "state": "OK",
    "packets": 100,
    "bytes": 4000,
    "garbage_bytes": 0,
    "signing_rejects": 0,
    "silent_s": 0.2,
    "loss_percent": 0.0,
    "bytes_s": 900.0,
}


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({}, "nothing wrong"),
        ({"garbage_bytes": 2000}, "baud rate"),
        ({"signing_rejects": 90}, "drone sign"),
        ({"state": "DOWN", "silent_s": 12.0}, "antenna of the radio"),
        ({"loss_percent": 9.0}, "raise the antenna"),
    ],
)
def test_a_bad_link_is_told_with_what_to_do(change: dict[str, Any], advice: str) -> None:
    endpoint = {"name": "radio", "connect": "/dev/ttyUSB0", "state": "open", "reason": "",
                "links": [{**GOOD, **change}]}  # fmt: skip
    (found,) = link_findings({"endpoints": [endpoint], "vehicles": [], "recording": None})
    assert advice in found.english
    assert found.ok is not bool(change)
    assert found.chinese


def test_nobody_is_wrong_only_while_no_aircraft_is_heard() -> None:
    endpoint = {"name": "gcs", "connect": "udpin:0.0.0.0:14550", "state": "listening",
                "reason": "", "links": []}  # fmt: skip
    report = {"endpoints": [endpoint], "vehicles": [], "recording": {"reason": "disk: full"}}
    assert [one.ok for one in link_findings(report)] == [False, False]
    heard = {"endpoints": [endpoint], "vehicles": [{"state": "heard"}], "recording": None}
    assert [one.ok for one in link_findings(heard)] == [True]


def test_each_link_to_the_centre_is_told() -> None:
    up = {"name": "lte", "up": True, "rate_bps": 20_000.0}
    bearers = [up, {**up, "stalled": True}, {**up, "up": False, "reason": "no route"},
               {**up, "held": True}, {**up, "up": False, "down_by": "identity"}]  # fmt: skip
    found = uplink_findings({"bearers": bearers})
    assert [one.ok for one in found] == [True, False, False, False]
    assert all(one.link for one in found[1:])
    assert "no route; see its cable" in found[2].english
    assert "bearer release lte" in found[3].english


def test_why_a_link_is_down_is_said_in_both_languages() -> None:
    endpoint = {"name": "gcs", "connect": "udpin:0.0.0.0:1", "state": "down", "links": [],
                "reason": "0.0.0.0:1 cannot be listened on (Address already in use)"}  # fmt: skip
    (found,) = link_findings({"endpoints": [endpoint], "vehicles": [], "recording": None})
    assert "端口被其他程序占用" in found.chinese


def test_two_aircraft_with_one_number_are_said() -> None:
    vehicle = {"name": "mav-1", "system": 1, "state": "heard", "two": True}
    (found,) = link_findings({"endpoints": [], "vehicles": [vehicle], "recording": None})
    assert not found.ok
    assert "two aircraft speak as system 1" in found.english


def test_serial_devices_are_looked_for_and_offered() -> None:
    wanted = EndpointSettings(name="radio", connect="/dev/nothing-there,57600")
    settings = EdgeSettings(drone=DroneSettings(endpoint=(wanted,)))
    missing, offered = serial_findings(settings, {"/dev/ttyACM7": "Pixhawk"})
    assert not missing.ok
    assert "/dev/serial/by-id" in missing.english
    assert "Pixhawk is plugged in" in offered.english


def test_a_doctor_without_a_kit_says_where_to_begin(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    done = RUN.invoke(app, ["doctor", "--json", "--config", str(config)])
    assert done.exit_code == 1
    found = {one["what"]: one for one in json.loads(done.stdout)["findings"]}
    assert "[[drone.endpoint]]" in found["aircraft"]["english"]
    assert {"disk", "clock", "centre"} <= set(found)


def test_a_kit_without_a_key_says_how_one_is_made(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    for command in ("show", "forget"):
        said = str(RUN.invoke(app, ["sign", command, "--config", str(config)]).exception)
        assert "make one with fieldlink drone sign new" in said


def test_a_key_is_made_shown_by_its_fingerprint_and_forgotten(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    key = tmp_path / "k"
    config.write_text(f'state_dir = "{tmp_path}"\n[drone]\nsigning_key_file = "{key}"\n')
    options = ["--json", "--config", str(config)]
    made = json.loads(RUN.invoke(app, ["sign", "new", *options]).stdout)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(read_key(key)) == 32
    assert isinstance(RUN.invoke(app, ["sign", "new", *options]).exception, ConfigError)
    shown = RUN.invoke(app, ["sign", "show", *options]).stdout
    assert json.loads(shown)["fingerprint"] == made["fingerprint"]
    assert made["key"] not in shown
    assert made["key"] in RUN.invoke(app, ["sign", "show", "--reveal", *options]).stdout
    assert isinstance(RUN.invoke(app, ["sign", "forget", *options]).exception, ConfigError)
    assert RUN.invoke(app, ["sign", "forget", "--force", *options]).exit_code == 0
    assert not key.exists()
    assert new_passphrase() != new_passphrase()
