"""`fieldlink demo`: an exercise on this machine."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="Record this long, then end by itself; without it, until Ctrl-C."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="A file or URL instead of the simulated cameras; may be repeated."),
    ] = None,
    cameras: Annotated[int, typer.Option(min=1, max=16, help="How many simulated cameras.")] = 4,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port of the page; 0 takes any free one.")
    ] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to keep everything; without it a folder that is removed after."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end.")
    ] = False,
) -> None:
    """An exercise on this machine: a centre, a kit, cameras, telemetry, an aircraft. 演练

    Joined as in the field; the soldier calls for help, the aircraft flies and films.
    It shows what has arrived while it runs, and a summary at the end. Exit
    status 0 only if every stream and every sample reached the centre, and the call.
    """
    from fieldlink.edge.exercise.present import present

    ok = present(seconds, source or [], cameras=cameras, port=port, folder=folder, as_json=as_json)
    raise typer.Exit(0 if ok else 1)
