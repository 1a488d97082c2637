"""The units: systemd understands them, they match the defaults, and they are shut tight."""

import importlib
import subprocess
from pathlib import Path

import pytest

from fieldlab.peers import need_program

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNITS = {"edge": 21, "relay": 15}  # systemd's exposure score in tenths, at most


def lines(room: str) -> list[str]:
    """The unit's settings, comments left out."""
    text = (FOLDER / f"fieldlink-{room}.service").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and line[0] not in "#["]


@pytest.mark.parametrize("room", UNITS)
def test_systemd_understands_every_line(room: str, tmp_path: Path) -> None:
    analyze = need_program("systemd-analyze")
    text = (FOLDER / f"fieldlink-{room}.service").read_text(encoding="utf-8")
    # The command is not installed where tests run; any program that is there takes its place.
    installed = tmp_path / f"fieldlink-{room}.service"
    installed.write_text(text.replace("/opt/fieldlink/bin/fieldlink", "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(installed)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("room", "limit"), UNITS.items())
def test_a_service_that_is_taken_over_could_reach_little(room: str, limit: int) -> None:
    analyze = need_program("systemd-analyze")
    argv = [analyze, "security", "--offline=true", "--no-pager", f"--threshold={limit}"]
    done = subprocess.run(
        [*argv, str(FOLDER / f"fieldlink-{room}.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("room", UNITS)
def test_a_unit_starts_the_command_with_the_files_that_are_its_defaults(room: str) -> None:
    found = lines(room)
    config = importlib.import_module(f"fieldlink.{room}.config")
    settings = getattr(config, f"{room.capitalize()}Settings")()
    assert f"ExecStart=/opt/fieldlink/bin/fieldlink {room} run" in found
    assert Path(f"/etc/fieldlink/{room}.toml") == config.DEFAULT_CONFIG
    assert settings.state_dir == Path(f"/var/lib/fieldlink-{room}")
    assert f"StateDirectory=fieldlink-{room}" in found
    assert f"User=fieldlink-{room}" in found


@pytest.mark.parametrize("room", UNITS)
def test_a_service_is_watched_and_started_again_but_not_with_wrong_settings(room: str) -> None:
    found = lines(room)
    for line in ("Type=notify", "WatchdogSec=60s", "Restart=on-failure"):
        assert line in found
    assert "RestartPreventExitStatus=2" in found


def test_a_kit_can_reach_its_cameras_and_serial_ports() -> None:
    found = lines("edge")
    assert "SupplementaryGroups=video dialout audio" in found
    for device in ("video4linux", "alsa", "ttyUSB", "ttyACM"):
        assert f"DeviceAllow=char-{device} rw" in found
    assert not any(line.startswith("PrivateDevices=yes") for line in found)


def test_a_kit_may_ask_the_kernel_how_good_its_clock_is_and_not_set_it() -> None:
    found = lines("edge")
    assert "SystemCallFilter=adjtimex clock_adjtime" in found
    assert "ProtectClock=yes" not in found, "it forbids asking as well"
    assert "CapabilityBoundingSet=" in found
