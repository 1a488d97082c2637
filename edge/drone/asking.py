"""How commands that ask an aircraft for something print the answer, and confirm what moves it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import say, say_json
from fieldlink.edge.drone.once import ask_once, shown_progress

__all__ = ["Camera", "Vehicle", "Watch", "Yes", "answered", "confirmed", "said", "watched"]

Vehicle = Annotated[
    str, typer.Option("--vehicle", help="Its name, as in drone vehicles; without: the only one.")
]
Camera = Annotated[int, typer.Option("--camera", min=0, help="Which camera; without: the first.")]
Watch = Annotated[bool, typer.Option("--watch", help="Anew every second, until Ctrl-C. 实时")]
Yes = Annotated[
    str,
    typer.Option(
        "--yes", metavar="NAME", help="The aircraft's name, to confirm what may move it. 确认"
    ),
]
_EVERY_S = 1.0


def answered(
    config: Path | None,
    as_json: bool,
    lines: Callable[[dict[str, Any]], Sequence[str]],
    what: str,
    **fields: Any,
) -> None:
    """Have it done and print what came of it."""
    said(ask_once(config, what, shown_progress(as_json), **fields), as_json, lines)


def confirmed(
    config: Path | None,
    as_json: bool,
    lines: Callable[[dict[str, Any]], Sequence[str]],
    what: str,
    **fields: Any,
) -> None:
    """The same for what may move an aircraft: at a terminal its name is asked for."""
    from fieldlink.drone.commanding import CommandError

    try:
        found = ask_once(config, what, shown_progress(as_json), **fields)
    except CommandError as error:
        if error.reason != "unconfirmed" or not sys.stdin.isatty():
            raise
        say(error.detail)
        name = typer.prompt("aircraft 飞机名称", err=True)
        found = ask_once(config, what, shown_progress(as_json), **{**fields, "yes": name})
    said(found, as_json, lines)


def said(
    found: dict[str, Any], as_json: bool, lines: Callable[[dict[str, Any]], Sequence[str]]
) -> None:
    """Print what was found, as lines for people or as JSON."""
    if as_json:
        say_json(found)
        return
    for line in lines(found):
        say(line)


def watched(
    config: Path | None,
    as_json: bool,
    lines: Callable[[dict[str, Any]], Sequence[str]],
    what: str,
    **fields: Any,
) -> None:
    """What is asked, anew every second, until Ctrl-C."""
    from fieldlink.drone.console.screen import Screen, until_interrupted
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.drone.doing import ask

    settings = load_edge_settings(config)

    async def told() -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await ask(settings, what, **fields)
            await asyncio.sleep(_EVERY_S)

    async def follow() -> None:
        if as_json:
            async for found in told():
                say_json(found)
            return
        with Screen() as screen:
            await screen.follow(told(), lines)

    until_interrupted(follow())
