"""The `fieldlink` command: quick help, loaded when called, errors in one line."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from fieldlink.systemd.command import ROOMS

# Typer itself loads pydantic where it is installed, so that one is not ours to keep out.
_HEAVY = ("av", "cv2", "numpy", "fastapi", "sqlalchemy", "paho", "cryptography")

# A room of its own takes the place of `demo`: the command is tested apart from what it loads.
_WITH_ROOM = """
import sys
from fieldlink.systemd import command
command.ROOMS = (command.Room("trial", "trial:run", "A trial."),)
sys.path.insert(0, {folder!r})
command.main()
"""


def fieldlink(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`fieldlink` run to its end in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fieldlink.systemd.command", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "100", **environment},
    )


def trial(folder: Path, body: str) -> list[str]:
    """The command line of a `fieldlink` whose one room is the function `run` in `body`."""
    (folder / "trial.py").write_text(body)
    return [sys.executable, "-c", _WITH_ROOM.format(folder=str(folder)), "trial"]


def test_help_names_every_room_and_says_what_it_is_for() -> None:
    done = fieldlink("--help")
    assert done.returncode == 0
    for room in ROOMS:
        assert f" {room.name} " in done.stdout
        assert room.help[:30] in done.stdout
    assert "fieldlink edge join CODE" in done.stdout


@pytest.mark.parametrize("asked", [["--help"], ["version"], ["no-such-room"]])
def test_help_loads_no_room_and_no_heavy_library(asked: list[str]) -> None:
    program = (
        "import atexit, json, sys\n"
        "from fieldlink.systemd.command import main\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *asked], capture_output=True, text=True, check=False
    )
    loaded = json.loads(done.stderr.splitlines()[-1])
    assert "typer" in loaded
    rooms = [name for name in loaded if name.startswith(("fieldlink.edge", "fieldlink.relay"))]
    assert rooms == []
    assert not set(_HEAVY) & set(loaded)


@pytest.mark.parametrize("room", [room.name for room in ROOMS])
def test_every_room_opens_without_its_heavy_libraries(room: str) -> None:
    program = (
        "import atexit, json, sys\n"
        "from fieldlink.systemd.command import main\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, room, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"fieldlink {room}" in done.stdout
    assert not set(_HEAVY) & set(json.loads(done.stderr.splitlines()[-1]))


def test_the_version_is_the_installed_one() -> None:
    for asked in ("version", "--version"):
        done = fieldlink(asked)
        assert (done.returncode, done.stdout.strip()) == (0, version("fieldlink"))


def test_an_unknown_room_is_wrong_usage() -> None:
    done = fieldlink("kitchen")
    assert done.returncode == 2
    assert "kitchen" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        ("ConfigError('a.toml: b = 1: wrong', 'a.toml: c: missing')", 2, 2),
        ("LinkError('the centre is away, try later')", 3, 1),
        ("SpoolError('the disk is full, make room')", 1, 1),
        ("FieldlinkError('a name of \\x1b[2J from outside')", 1, 1),
        ("ExceptionGroup('tasks', [LinkError('away'), LinkError('away')])", 3, 1),
    ],
)
def test_an_error_made_on_purpose_is_one_line_for_each_fault(
    tmp_path: Path, raised: str, status: int, said: int
) -> None:
    body = f"from fieldlink.codecs.fault import *\ndef run():\n    raise {raised}\n"
    done = subprocess.run(trial(tmp_path, body), capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert len(done.stderr.splitlines()) == said
    assert all(line.startswith("fieldlink: ") for line in done.stderr.splitlines())
    assert "\x1b" not in done.stderr


def test_a_bug_shows_its_traceback_and_fails(tmp_path: Path) -> None:
    argv = trial(tmp_path, "def run():\n    return 1 / 0\n")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path: Path) -> None:
    argv = trial(tmp_path, "def run():\n    while True:\n        print('line', flush=True)\n")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.readline()
        done.stdout.close()
        assert done.stderr.read() == ""
        assert done.wait(timeout=20) == 1


def test_another_connection_that_breaks_is_not_taken_for_the_terminal(tmp_path: Path) -> None:
    argv = trial(tmp_path, "def run():\n    raise BrokenPipeError(32, 'a camera')\n")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a camera" in done.stderr


def test_control_c_ends_the_command_quietly(tmp_path: Path) -> None:
    # A shell starts its background jobs with Ctrl-C ignored, and a child inherits that.
    argv = trial(
        tmp_path,
        "import signal, time\n"
        "def run():\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    print('up', flush=True)\n"
        "    time.sleep(60)\n",
    )
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        assert done.stdout.readline() == "up\n"
        done.send_signal(signal.SIGINT)
        assert done.wait(timeout=20) == 130
        assert "Traceback" not in done.stderr.read()
