"""`fieldlink relay originals`: photos and videos of cards, as they were taken."""

from pathlib import Path
from typing import Annotated

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["originals_app"]

# "-2h" is a time and no option.
_LOOSE = {"ignore_unknown_options": True}

originals_app = typer.Typer(
    no_args_is_help=True,
    help="""Originals that controllers brought to the kits: photos and videos. 原片

    fieldlink relay originals list --from -24h            what there is, and what has come

    fieldlink relay originals export DJI_0002.MP4 a.mp4   as it was taken, all parts joined""",
)
_Kit = Annotated[str | None, typer.Option(help="Only of this kit.")]
_Device = Annotated[str | None, typer.Option(help="Only of this aircraft.")]


@originals_app.command("list", context_settings=_LOOSE)
def list_originals(
    config: ConfigFile = None,
    start: Annotated[str, typer.Option("--from", help="14:05, -24h, ISO 8601; else all.")] = "",
    end: Annotated[str, typer.Option("--to", help="As --from; now if left out.")] = "now",
    kit: _Kit = None,
    device: _Device = None,
    as_json: AsJson = False,
) -> None:
    """One line for each: ident, name, kit and aircraft, time, size, what has come, place. 列表"""
    from fieldlink.codecs.settings.times import read_span
    from fieldlink.relay.archive import Archive
    from fieldlink.relay.beside import now_us, opened
    from fieldlink.relay.originals.gather import original_lines, originals

    span = read_span(start, end, now_us(), None) if start else (None, None)
    with opened(config) as (settings, store):
        archive = Archive.open(settings.archive_root, write=False)
        found = originals(store, archive, kit=kit, device=device, from_us=span[0], to_us=span[1])
    if as_json:
        say_json({"originals": [one.to_dict() for one in found]})
        return
    for line in original_lines(found):
        say(line)
    if not found:
        say("there are none 没有原片")


@originals_app.command("export")
def export(
    which: Annotated[
        str, typer.Argument(help="A name or an ident of the list (or its begin), or last.")
    ],
    file: Annotated[Path, typer.Argument(help="What to write.")],
    config: ConfigFile = None,
    kit: _Kit = None,
    device: _Device = None,
    as_json: AsJson = False,
) -> None:
    """One original as it was taken: every part checked, and joined. 导出

    A file that is there already is left alone; what has not come whole is not written.
    """
    from fieldlink.relay.export.to_file import export_original

    size = export_original(file, config, which, kit, device)
    if as_json:
        say_json({"file": str(file), "bytes": size})
    else:
        say(f"{file}: {size:,} bytes 已导出")
