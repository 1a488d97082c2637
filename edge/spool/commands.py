"""`fieldlink edge spool`: what the kit holds, and whether it is sound. Works beside the agent."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldlink.systemd.terminal import printable

if TYPE_CHECKING:
    from fieldlink.edge.spool.stored import Stored

app = typer.Typer(help="What the kit holds: ls, show, verify.", no_args_is_help=True)

Folder = Annotated[
    Path,
    typer.Option("--folder", help="The spool's folder.", envvar="FIELDLINK_SPOOL"),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value on standard output.")]
_FOLDER = Path("/var/lib/fieldlink-edge/spool")


@app.command("ls")
def ls(
    folder: Folder = _FOLDER,
    pending: Annotated[
        bool, typer.Option("--pending", help="Only what the centre does not have, next first.")
    ] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """List bundles: number, state, precedence, layer, device, stream, start, bytes."""
    from itertools import islice

    from fieldlink.edge.spool.view import SpoolView

    view = SpoolView.open(folder)
    items = view.pending(limit) if pending else list(islice(view.bundles(), limit))
    view.close()
    if as_json:
        typer.echo(json.dumps([describe(item) for item in items]))
        return
    for item in items:
        typer.echo(_line(item))


@app.command("show")
def show(
    bundle: Annotated[str, typer.Argument(help="Its number, or the beginning of its id.")],
    folder: Folder = _FOLDER,
    as_json: AsJson = False,
) -> None:
    """Show everything about one bundle, its journey included."""
    from fieldlink.edge.spool.view import SpoolView

    view = SpoolView.open(folder)
    found = view.find(bundle.lower())
    view.close()
    if not found:
        typer.echo(f"no bundle {printable(bundle)} in {folder}; see `fieldlink edge spool ls`")
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps([describe(item) for item in found]))
        return
    for item in found:
        for key, value in describe(item).items():
            typer.echo(f"{key:16} {printable(str(value))}")


@app.command("verify")
def verify(folder: Folder = _FOLDER, as_json: AsJson = False) -> None:
    """Hash every bundle anew and say what does not match; exit status 1 if anything."""
    from fieldlink.edge.spool.view import SpoolView

    view = SpoolView.open(folder)
    checked = view.count()
    with typer.progressbar(length=checked, label="verify", hidden=as_json) as bar:
        wrong = view.verify(lambda: bar.update(1))
    view.close()
    if as_json:
        faults = [{**describe(item), "fault": fault} for item, fault in wrong]
        typer.echo(json.dumps({"ok": not wrong, "checked": checked, "faults": faults}))
    else:
        for item, fault in wrong:
            typer.echo(f"{_line(item)}: {fault}")
        typer.echo(f"{checked} bundles checked, {len(wrong)} do not match")
    raise typer.Exit(1 if wrong else 0)


def describe(item: "Stored") -> dict[str, Any]:
    """A bundle as JSON: manifest, state and journey; times in UTC microseconds."""
    manifest = item.manifest
    return {
        "id": item.bundle_id.hex(),
        "sequence": manifest.sequence,
        "state": item.state.value,
        "precedence": manifest.precedence.name,
        "layer": manifest.layer.value,
        "device": manifest.device,
        "stream": manifest.stream,
        "start_us": manifest.start_us,
        "end_us": manifest.end_us,
        "deadline_us": manifest.deadline_us,
        "media_type": manifest.media_type,
        "size": manifest.size,
        "content_hash": manifest.content_hash.hex(),
        "meta": dict(manifest.meta),
        "recorded_us": item.recorded_us,
        "first_sent_us": item.first_sent_us,
        "last_sent_us": item.last_sent_us,
        "custody_us": item.custody_us,
        "bearers": list(item.bearers),
        "reason": item.reason,
    }


def _line(item: "Stored") -> str:
    from datetime import UTC, datetime

    manifest = item.manifest
    start = datetime.fromtimestamp(manifest.start_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    where = f"{manifest.device}/{manifest.stream}"
    return (
        f"{manifest.sequence:8} {item.state.value:8} {manifest.precedence.name:9}"
        f" {manifest.layer.value:8} {where:24} {start} {manifest.size:10} B"
    )
