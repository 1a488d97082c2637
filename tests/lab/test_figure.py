"""A figure's goal, and the runner of the benchmarks."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fieldlab.figure import Figure

BENCH = Path(__file__).resolve().parents[1] / "bench"
KEYS = ["name", "value", "unit", "peer", "ratio", "limit", "goal", "ok"]


def figure(**changed: Any) -> Figure:
    """A figure of 8 MB/s against a peer of 10 where at least 0.7 is wanted."""
    given = {"name": "x", "value": 8.0, "unit": "MB/s", "peer": 10.0, "limit": 0.7}
    return Figure(**{**given, "better": "more", **changed})


@pytest.mark.parametrize(
    ("changed", "ok"),
    [
        ({}, True),
        ({"value": 6.0}, False),
        ({"better": "less"}, False),
        ({"better": "less", "value": 5.0}, True),
        ({"peer": None, "limit": 8.0}, True),
        ({"peer": None, "limit": 8.1}, False),
        ({"peer": None, "limit": 1.0, "better": "less", "unit": "s", "value": 0.9}, True),
        ({"also": (("lag under 2 s", True),)}, True),
        ({"also": (("lag under 2 s", True), ("memory under 600 MB", False))}, False),
        ({"peer": 0.0}, False),
    ],
)
def test_a_goal_is_met_by_the_ratio_or_the_value_and_all_that_has_to_hold_besides(
    changed: dict[str, Any], ok: bool
) -> None:
    assert figure(**changed).ok is ok


def test_a_figure_is_one_line_of_json_with_its_goal_as_a_sentence() -> None:
    line = figure(also=(("lag under 2 s", True),)).as_json()
    assert list(json.loads(line)) == KEYS
    assert json.loads(line)["goal"] == "at least 0.7 of the peer's, lag under 2 s"
    assert "\n" not in line


GOOD = """
from fieldlab.figure import Figure
def measure():
    print("chatter")
    one = dict(value=2.0, unit="s", limit=1.0, better="less")
    return [Figure(name="sleep", **one), Figure(name="sleep_twice", **one)]
"""


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A folder of benchmarks with the real runner, one that works and one that does not."""
    folder = tmp_path / "tests" / "bench"
    folder.mkdir(parents=True)
    (tmp_path / "tests" / "lab").symlink_to(BENCH.parent / "lab")
    for name in ("__main__.py", "_measure.py"):
        shutil.copy(BENCH / name, folder)
    (folder / "sleep.py").write_text(GOOD)
    (folder / "broken.py").write_text("def measure():\n    return 1 / 0\n")
    return folder


def run(bench: Path, *prefix: str) -> "subprocess.CompletedProcess[str]":
    """The runner, to its end."""
    argv = [sys.executable, str(bench), *prefix]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_missed_goal_is_no_failure_and_chatter_stays_off_standard_output(bench: Path) -> None:
    done = run(bench, "sleep")
    assert done.returncode == 0
    names = [json.loads(line)["name"] for line in done.stdout.splitlines()]
    assert names == ["sleep", "sleep_twice"]
    assert "missed: sleep, sleep_twice" in done.stderr


def test_a_prefix_picks_single_figures(bench: Path) -> None:
    done = run(bench, "sleep_t")
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["sleep_twice"]


def test_a_benchmark_that_breaks_fails_the_run_and_not_the_others(bench: Path) -> None:
    done = run(bench)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert "failed to run: broken" in done.stderr


def test_a_name_that_fits_nothing_says_what_there_is(bench: Path) -> None:
    done = run(bench, "zzz")
    assert done.returncode == 1
    assert "broken, sleep" in done.stderr
