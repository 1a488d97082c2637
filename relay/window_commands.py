"""`fieldlink relay window`."""

from pathlib import Path
from typing import Annotated

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["window"]


def window(
    incident: Annotated[
        str | None,
        typer.Argument(metavar="[INCIDENT]", help="Its id; the newest open one if left out."),
    ] = None,
    config: ConfigFile = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Write a page with a plot to this file: to be printed or sent on."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Whether an incident's window will be kept: what came, what is promised, what will miss
    and why. 时限报告
    """
    from dataclasses import asdict

    from fieldlink.relay.beside import opened, window_of, write_as_caller
    from fieldlink.relay.window.html import html_page
    from fieldlink.relay.window.text import text_lines

    with opened(config) as (settings, store):
        view = window_of(store, incident)
    if html is not None:
        write_as_caller(html, html_page(view, settings.name))
    if as_json:
        say_json(asdict(view))
    elif html is not None:
        say(f"{html} is written")
    else:
        for line in text_lines(view):
            say(line)
