"""How long `fieldlink --help` takes, against the help of an empty typer program."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fieldlab.figure import Figure

_RUNS = 21
_EMPTY = """
import typer
app = typer.Typer()
@app.command()
def empty() -> None:
    "Nothing."
app()
"""


def measure() -> Figure:
    """Median wall time of both, run in turn so that a busy machine slows both alike."""
    ours, peers = [], []
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.py")
        empty.write_text(_EMPTY)
        for _ in range(_RUNS):
            peers.append(_seconds([sys.executable, str(empty), "--help"]))
            ours.append(_seconds([str(Path(sys.executable).with_name("fieldlink")), "--help"]))
    return Figure(
        name="help_time",
        value=statistics.median(ours),
        unit="s",
        peer=statistics.median(peers),
        limit=1.5,
        better="less",
    )


def _seconds(argv: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
