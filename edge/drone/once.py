"""How the commands have something done, and show how far it is."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

__all__ = ["ask_once", "shown_progress"]

Told = Callable[[dict[str, Any]], None]


def ask_once(config: Path | None, what: str, told: Told | None, **fields: Any) -> dict[str, Any]:
    """Have it done by the agent, or alone; Ctrl-C ends it there too."""
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.drone.doing import ask

    return asyncio.run(ask(load_edge_settings(config), what, told=told, **fields))


def shown_progress(as_json: bool) -> Told:
    """A line that is written over, on a terminal; standard output is for the answer."""
    live = sys.stderr.isatty() and not as_json

    def told(said: dict[str, Any]) -> None:
        if said.get("alone") and not as_json:
            typer.echo("no agent runs here; listening 没有程序运行，直接监听…", err=True)
        if not live or not said.get("of"):
            return
        end = "\n" if said["done"] == said["of"] else ""
        line = f"\r{said['vehicle']} {said['kind']} {said['done']}/{said['of']} {end}"
        typer.echo(line, nl=False, err=True)

    return told
