"""The operator's guide and `fieldlink drone` say the same: each command is in it, with its options;
and files are looked at before an aircraft is asked for minutes.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.drone.commands import app
from fieldlink.edge.drone.output import check_out, write_out

ROOT = Path(__file__).resolve().parents[3]
GUIDE = "".join((ROOT / "docs" / name).read_text() for name in ("drones.md", "dji.md"))
_SPAN = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"^(?:\w*\$ )?fieldlink (drone .*)$", re.MULTILINE)


def _leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not hasattr(command, "commands"):
        yield path
        return
    for name, inner in command.commands.items():
        if not inner.hidden:
            yield from _leaves(inner, (*path, name))


# Of whichever click typer brings: known by what it has.
COMMAND: Any = typer.main.get_command(app)


@pytest.mark.parametrize("path", list(_leaves(COMMAND)), ids=" ".join)
def test_each_command_is_in_the_guide(path: tuple[str, ...]) -> None:
    words = " ".join(path)
    # In full; or after others of its group, as in `rates show`, `profile sat`.
    ways = [rf"\b{words}\b"]
    for count in range(1, len(path)):
        group, rest = " ".join(path[:count]), " ".join(path[count:])
        ways.append(rf"\b{group} [a-z]+[^\n|]*`{rest}\b")
    assert any(re.search(way, GUIDE) for way in ways), (
        f"fieldlink drone {words} is not in docs/drones.md or docs/dji.md"
    )


def _shown() -> Iterator[str]:
    for span in _SPAN.findall(GUIDE):
        if span.startswith("fieldlink drone "):
            yield span.removeprefix("fieldlink ")
    for line in _BLOCK.findall(GUIDE):
        yield re.split(r"  +", line)[0]


@pytest.mark.parametrize("shown", sorted(set(_shown())))
def test_each_command_of_the_guide_is_one(shown: str) -> None:
    command: Any = COMMAND
    words = shlex.split(shown)[1:]
    while hasattr(command, "commands"):
        assert words, f"{shown}: a command is missing"
        name = words.pop(0)
        assert name in command.commands, f"{shown}: there is no {name}"
        command = command.commands[name]
    known = {option for param in command.params for option in param.opts}
    options = {word for word in words if re.match(r"--?[a-z]", word)}
    assert options <= known, f"{shown}: {options - known}"


def test_a_file_is_looked_at_before_anybody_is_asked(tmp_path: Path) -> None:
    there = tmp_path / "a.plan"
    write_out(there, ["x"], False)
    for path, why in [
        (there, "is there already"),
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "a.plan", "make it first"),
    ]:
        with pytest.raises(ConfigError, match=why):
            check_out(path, path == tmp_path)
    check_out(there, True)


def test_a_folder_of_tracks_is_made_and_what_is_no_recording_is_said(tmp_path: Path) -> None:
    words = tmp_path / "a.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\n[latitude: 30.1] [longitude: 103.5]\n")
    into = tmp_path / "deep" / "tracks"
    asked = ["--folder", str(into), "--began", "2026-05-01T08:30:00+08:00"]
    CliRunner().invoke(app, ["import", str(words), *asked])
    assert into.is_dir()
    done = CliRunner().invoke(app, ["replay", str(tmp_path / "a.kml")])
    assert done.exit_code == 2
    assert "is no recording" in done.output
