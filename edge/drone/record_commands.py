"""`fieldlink drone record`: what was recorded, here or elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.drone.output import Force, write_out

if TYPE_CHECKING:
    from fieldlink.drone.console.recordings import Recording

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="""Recorded flights: of this kit, with or beside its agent, and .tlog files. 飞行记录

    fieldlink drone record list                      what the kit holds

    fieldlink drone record export last -o f.tlog     the last flight, for Mission Planner or QGC

    fieldlink drone record export last -o f.kml      its track, for Google Earth and 奥维

    fieldlink drone record verify                    read it anew; exit status 1 if damaged""",
)

_Which = Annotated[
    str,
    typer.Argument(help="A flight (or how it begins) of `record list`, `last`, or a .tlog file."),
]


@app.command("list")
def list_recordings(
    paths: Annotated[
        list[Path] | None, typer.Argument(help=".tlog files, or folders; without: the kit's.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """One line for each: name, device, start, length, frames, bytes, what is still to go. 列表"""
    from fieldlink.drone.console.recordings import list_line

    with _recordings(config, paths or []) as found:
        if as_json:
            say_json({"recordings": [one.to_dict() for one in found]})
            return
        for one in found:
            say(list_line(one))
        if not found:
            say("there are no recordings 没有记录")


@app.command("show")
def show(which: _Which, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Messages, gaps with their reasons, and pieces of one recording. 详情"""
    from fieldlink.drone.console.recordings import show_lines

    with _recording(config, which) as one:
        if as_json:
            say_json(one.to_dict())
            return
        for line in show_lines(one):
            say(line)


@app.command("export")
def export(
    which: _Which,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file: .tlog, .kml, .gpx, .csv or .geojson.")
    ],
    force: Force = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """One recording as a .tlog file, or its track as KML, GPX, CSV or GeoJSON. 导出

    Damaged bytes are left out. What has been removed from the kit is at the centre.
    """
    from fieldlink.codecs.fault import SourceError
    from fieldlink.drone.console.positions import FORMATS, tracks_of

    kind = out.suffix.lower().removeprefix(".")
    if kind != "tlog" and kind not in FORMATS:
        raise typer.BadParameter(f"{out.name}: end it in .tlog, .{', .'.join(FORMATS)}")
    with _recording(config, which) as one:
        missing = one.missing
        data = one.content()
        if not data:
            raise SourceError("empty", f"{one.name}: nothing of it is on this kit any more")
        if kind == "tlog":
            size = write_out(out, [data], force)
        else:
            size = write_out(out, FORMATS[kind](tracks_of(data, one.device)), force)
        if as_json:
            say_json({"file": str(out), "bytes": size, "missing": missing})
            return
        say(f"{out}: {size} bytes 已导出")
        if missing:
            say(f"pieces that are not on this kit any more 已不在本机: {missing}")


@app.command("verify")
def verify(
    which: Annotated[
        list[str] | None, typer.Argument(help="Flights or .tlog files; without: all of the kit.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read recordings anew: hashes, every record's checksum; exit status 1 if damaged. 校验"""
    from fieldlink.drone.console.recordings import part_problems

    problems: list[dict[str, object]] = []
    count = 0
    for one in _each(config, which):
        for part in one.parts:
            count += 1
            for problem in part_problems(part):
                problems.append({"name": one.name, "piece": part.number, "problem": problem})
                if not as_json:
                    say(f"DAMAGED 损坏  {one.name} piece {part.number}: {problem}")
    if as_json:
        say_json({"pieces": count, "problems": problems})
    else:
        say(f"{count} pieces read, {len(problems)} problems 问题")
    raise typer.Exit(1 if problems else 0)


def _each(config: Path | None, which: list[str] | None) -> "Iterator[Recording]":
    if not which:
        with _recordings(config, []) as found:
            yield from found
    for name in which or ():
        with _recording(config, name) as one:
            yield one


@contextmanager
def _recordings(config: Path | None, paths: list[Path]) -> "Iterator[list[Recording]]":
    from fieldlink.drone.console.recordings import file_recordings
    from fieldlink.edge.config import load_edge_settings
    from fieldlink.edge.drone.flights import kit_recordings

    if paths:
        yield list(file_recordings(paths))
        return
    with kit_recordings(load_edge_settings(config)) as found:
        yield found


@contextmanager
def _recording(config: Path | None, which: str) -> "Iterator[Recording]":
    from fieldlink.edge.drone.flights import find

    path = Path(which)
    if path.suffix.lower() == ".tlog":
        with _recordings(config, [path]) as found:
            yield found[0]
        return
    with _recordings(config, []) as found:
        yield find(found, which)
