"""`fieldlink drone replay` and `import`: flights in files, of this kit or of anybody."""

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.edge.command_options import AsJson, ConfigFile, say, say_json
from fieldlink.edge.drone.output import Force, write_out

__all__ = ["import_file", "replay"]


def replay(
    file: Annotated[Path, typer.Argument(help="A .tlog, .bin, .ulg or .srt file.")],
    speed: Annotated[
        float, typer.Option(min=0, max=1000, help="So many times as fast; 0: as can be read.")
    ] = 1.0,
    start: Annotated[float, typer.Option("--from", min=0, help="Begin so many seconds in.")] = 0.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
    to: Annotated[
        list[str] | None,
        typer.Option(help="Send it there too, like udpout:192.168.1.5:14550; @sat thins it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fly a recorded flight again, on this screen and to ground stations. 回放

    A damaged file plays up to the damage; then its byte is said, and the exit status is 1.
    """
    from fieldlink.codecs.fault import SourceError
    from fieldlink.drone.connection.address import FILES
    from fieldlink.drone.console.alone import Alone, endpoints_of
    from fieldlink.drone.router import RouterSettings
    from fieldlink.edge.drone.commands import live
    from fieldlink.edge.drone.reports import alone_reports

    if file.suffix.lower() not in FILES:
        raise typer.BadParameter(f"{file.name} is no recording: {', '.join(FILES)} 不是飞行记录")
    options = f",speed={speed:g},from={start:g}{',loop' if loop else ''}"
    alone = Alone(RouterSettings(endpoint=endpoints_of([f"{file}{options}", *(to or ())])))
    live(alone_reports(alone), "", as_json)
    played = alone.router.endpoints[0]
    if played.state == "down":
        reason, _, detail = played.reason.partition(": ")
        raise SourceError(reason, detail)


def import_file(
    files: Annotated[
        list[Path],
        typer.Argument(
            help=".srt, .tlog, .bin, .ulg, .ts, .klv; with --record .mp4, .jpg, no .ts, .klv."
        ),
    ],
    record: Annotated[
        bool,
        typer.Option("--record", help="Into this kit's record, and so to the centre. 入库上传"),
    ] = False,
    vehicle: Annotated[
        str, typer.Option("--vehicle", help="With --record: whose flight, like m300-1. 飞机名称")
    ] = "",
    to: Annotated[str, typer.Option(help="kml, gpx, csv or geojson.")] = "kml",
    folder: Annotated[
        Path | None, typer.Option(help="Where to write; it is made. Without: beside each file.")
    ] = None,
    zone: Annotated[
        str, typer.Option(help="Zone of subtitles' times: +08:00, UTC; without: this machine's.")
    ] = "",
    began: Annotated[
        str, typer.Option(help="When a file without dates began: 2026-05-01T08:30:00+08:00.")
    ] = "",
    pieces: Annotated[
        bool,
        typer.Option(
            "--play/--no-play",
            help="With --record: video plays at the centre too, for twice the bytes. 可播放",
        ),
    ] = True,
    again: Annotated[
        bool, typer.Option("--again", help="With --record: though it was imported before. 重新导入")
    ] = False,
    force: Force = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Flights' files from elsewhere as tracks, or with --record into the record. 导入

    DJI's subtitles, ground stations' and autopilots' logs, KLV in video (MISB ST 0601) as tracks.

    fieldlink drone import DJI_0001.SRT --zone +08:00 --to kml          a track

    fieldlink drone import 00000012.BIN --record --vehicle m300-1       the flight, at the centre

    fieldlink drone import DJI_0001.MP4 --record --vehicle m30t-1       with DJI_0001.SRT beside it

    A file that is damaged or cut off gives what is in it; where the damage is, is said, and the
    exit status is 1. With --record each file is stored once, by its content.
    """
    from fieldlink.codecs.fault import ConfigError, SourceError
    from fieldlink.drone.console.positions import FORMATS, read_positions

    if to not in FORMATS:
        raise typer.BadParameter(f"{to!r}: use one of {', '.join(FORMATS)}")
    where, began_us = _zone(zone), _instant_us(began, _zone(zone))
    if record:
        from fieldlink.edge.importing.commands import record_files

        asked = {"vehicle": vehicle, "zone": _offset(where), "began_us": began_us}
        raise typer.Exit(record_files(config, files, as_json, **asked, pieces=pieces, again=again))
    done: list[dict[str, Any]] = []
    if folder is not None:
        _make(folder)
    for file in files:
        out = (folder or file.parent) / f"{file.stem}.{to}"
        try:
            found = read_positions(file, where, began_us)
            write_out(out, FORMATS[to](found.tracks), force)
        except (ConfigError, SourceError) as error:  # the others are done all the same
            done.append(_said(as_json, file, None, 0, str(error)))
            continue
        count = sum(len(list(track.fixes)) for track in found.tracks)
        done.append(_said(as_json, file, out, count, found.damage))
    if as_json:
        say_json({"files": done})
    raise typer.Exit(1 if any(one["damage"] for one in done) else 0)


def _make(folder: Path) -> None:
    from fieldlink.codecs.fault import ConfigError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}; see --folder") from error


def _said(as_json: bool, file: Path, out: Path | None, fixes: int, damage: str) -> dict[str, Any]:
    if not as_json:
        if out is not None:
            say(f"{file.name}: {fixes} positions 个位置 -> {out}")
        if damage and out is None:
            say(f"NOT DONE 未完成  {damage}")
        elif damage:
            say(f"DAMAGED 损坏  {file.name}: {damage}")
    return {
        "file": str(file),
        "out": None if out is None else str(out),
        "positions": fixes,
        "damage": damage,
    }


def _zone(text: str) -> datetime.tzinfo:
    if not text:
        local = datetime.datetime.now().astimezone().tzinfo
        return local or datetime.UTC
    if text.upper() in ("UTC", "Z"):
        return datetime.UTC
    try:
        return datetime.datetime.strptime(text, "%z").tzinfo or datetime.UTC
    except ValueError:
        raise typer.BadParameter(f"{text!r}: write it as +08:00 or UTC") from None


def _offset(zone: datetime.tzinfo) -> str:
    """A zone as its offset of now: +08:00."""
    text = datetime.datetime.now(zone).strftime("%z")
    return f"{text[:3]}:{text[3:5]}" if text else "UTC"


def _instant_us(text: str, zone: datetime.tzinfo) -> int | None:
    if not text:
        return None
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: write it as 2026-05-01T08:30:00+08:00") from None
    at = at if at.tzinfo is not None else at.replace(tzinfo=zone)
    return round(at.timestamp() * 1e6)
