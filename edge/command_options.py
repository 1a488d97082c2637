"""Options that the kit's commands share, and how they print; light, for quick help."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.systemd.terminal import printable

__all__ = ["AsJson", "ConfigFile", "say", "say_json"]

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Settings file; without it /etc/fieldlink/edge.toml, or all defaults."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def say(text: str) -> None:
    """Print one line, whatever is in it."""
    typer.echo(printable(text))


def say_json(value: Mapping[str, Any]) -> None:
    """Print `value` as one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))
