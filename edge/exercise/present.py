"""Runs an exercise in front of a person or a program: a live screen, log lines, or JSON."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live

from fieldlink.edge.exercise.direct import Exercise, Progress
from fieldlink.edge.exercise.show import final_report, plain_line, progress_view
from fieldlink.edge.exercise.summary import Summary

__all__ = ["present"]

_LINE_EVERY = 10
_STARTING = "starting centre, kit, cameras and devices 正在启动中心、设备箱、摄像机和终端 …"


def present(
    seconds: float | None,
    sources: list[str],
    *,
    cameras: int,
    port: int,
    folder: Path | None,
    as_json: bool,
) -> bool:
    """Run an exercise and show it; whether every stream reached the centre whole.

    Progress goes to standard error when JSON goes to standard output.

    Raises:
        FieldlinkError: a part of it did not start or ended by itself.
    """
    console = Console(stderr=as_json)
    with _folder(folder) as place, _screen(console) as live:
        exercise = Exercise(
            place,
            cameras=cameras,
            sources=sources,
            page_port=port,
            progress=lambda *view: show(*view),
        )
        show = _progress(exercise, live)
        console.print(_STARTING)
        summary = exercise.run(seconds)
    final_report(
        console, summary, exercise.gap_reasons, {"kept in 保存于": folder} if folder else {}
    )
    if as_json:
        sys.stdout.write(json.dumps(summary.as_json()) + "\n")
    return summary.ok


def _progress(exercise: Exercise, live: Live | None) -> Progress:
    seen = 0

    def show(summary: Summary, phase: str, left_s: float | None) -> None:
        nonlocal seen
        if live is not None:
            live.update(progress_view(summary, exercise.where, left_s, phase))
        elif seen % _LINE_EVERY == 0:
            said = [f"{key}: {value}" for key, value in exercise.where.items()] if not seen else []
            sys.stderr.write("\n".join([*said, plain_line(summary, phase)]) + "\n")
        seen += 1

    return show


@contextmanager
def _screen(console: Console) -> Iterator[Live | None]:
    if not console.is_terminal:
        yield None
        return
    with Live(console=console, refresh_per_second=2, transient=True) as live:
        yield live


@contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="fieldlink-exercise-") as name:
        yield Path(name)
