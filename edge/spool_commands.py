"""`fieldlink edge spool`: finds the spool by the kit's configuration; edge/spool does the rest."""

from pathlib import Path
from typing import Annotated

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say_json

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="What the kit holds, and whether it is sound. 存储")
_EVERYTHING = 10_000_000


def _folder(config: Path | None) -> Path:
    from fieldlink.edge.config import load_edge_settings

    return load_edge_settings(config).spool_dir


@app.command("ls")
def ls(
    config: ConfigFile = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only what the centre does not have, next first.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many; 1000, with --json all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List bundles: number, state, precedence, layer, device, stream, start, bytes."""
    from itertools import islice

    from fieldlink.edge.spool import SpoolView, commands

    folder = _folder(config)
    if not as_json:
        commands.ls(folder=folder, pending=pending, limit=limit or 1000, as_json=False)
        return
    most = limit or _EVERYTHING
    if not (folder / "index.db").exists():
        say_json({"bundles": []})
        return
    view = SpoolView.open(folder)
    items = view.pending(most) if pending else islice(view.bundles(), most)
    say_json({"bundles": [commands.describe(item) for item in items]})
    view.close()


@app.command("show")
def show(
    bundle: Annotated[str, typer.Argument(help="Its number, or the beginning of its id.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show everything about one bundle, its journey included."""
    from fieldlink.edge.spool import commands

    commands.show(bundle, folder=_folder(config), as_json=as_json)


@app.command("verify")
def verify(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Hash every bundle anew and say what does not match; exit status 1 if anything. 校验"""
    from fieldlink.edge.spool import commands

    commands.verify(folder=_folder(config), as_json=as_json)
