"""`fieldlink relay export`: telemetry and video as files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["LOOSE", "export"]

# "-10m" is a time and no option.
_MOST_SAID = 5
LOOSE = {"ignore_unknown_options": True}


def export(
    first: Annotated[str, typer.Argument(metavar="FROM", help="A time: 14:05, -2h, ISO 8601.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="A time, or now.")],
    file: Annotated[Path, typer.Argument(help="What to write; its ending says how.")],
    config: ConfigFile = None,
    stream: Annotated[str, typer.Option(help="For CSV and Parquet: which stream.")] = "position",
    kit: Annotated[str | None, typer.Option(help="Only of this kit.")] = None,
    device: Annotated[str | None, typer.Option(help="Only of this device.")] = None,
    carrier: Annotated[str, typer.Option(help="For .ts: the aircraft that carries it.")] = "",
    rate: Annotated[
        int, typer.Option(min=1, max=10, help="For .ts: sets made a second, 1 to 10.")
    ] = 5,
    mission: Annotated[str, typer.Option(help="For .ts: the sets' mission id.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tracks as GeoJSON, GPX or KML; samples of a stream as CSV or Parquet; video with KLV. 导出

    fieldlink relay export -2h now tracks.gpx               where everybody was

    fieldlink relay export 14:05 14:10 vitals.csv --stream vitals --device soldier-1

    fieldlink relay export 14:05 14:10 clip.ts --device m300-1     video with its metadata (MISB
    ST 0601), out of the originals that have come, nothing encoded anew 带元数据的视频

    A file that is there already is left alone.
    """
    import time

    from fieldlink.codecs.settings.times import read_span
    from fieldlink.relay.export.clip import ClipOptions
    from fieldlink.relay.export.gather import Asked
    from fieldlink.relay.export.to_file import CLIP, export_clip, export_to

    from_us, to_us = read_span(first, last, time.time_ns() // 1000, None)
    asked = Asked(from_us, to_us, kit, device)
    if file.suffix.lower() == f".{CLIP}":
        options = ClipOptions(carrier, 1_000_000 // rate, mission)
        found = export_clip(file, config, asked, options)
        if as_json:
            say_json(found)
            return
        for line in _clip_lines(found):
            say(line)
        return
    size = export_to(file, config, asked, stream)
    if as_json:
        say_json({"file": str(file), "bytes": size})
    else:
        say(f"{file}: {size:,} bytes 已导出")


def _clip_lines(found: dict[str, Any]) -> list[str]:
    from fieldlink.codecs.tracks import instant

    span = f"{instant(found['from_us'])} to {instant(found['to_us'])}"
    lines = [
        f"{found['file']}: {found['bytes']:,} bytes 已导出",
        f"  {span}, {found['pictures']} pictures 帧",
        f"  KLV 元数据: {found['sets']} sets, {found['sets_made']} of them of telemetry 由遥测生成",
    ]
    if found["thin"]:
        lines.append("  the thin video: no original has come 仅有低码率视频，原始视频未到")
    for begin_us, end_us in found["gaps"][:_MOST_SAID]:
        lines.append(f"  gap 缺口: {instant(begin_us)}, {(end_us - begin_us) / 1e6:.1f} s")
    if found["ended"]:
        lines.append(f"  it ends there 到此为止: {found['ended']}; export the rest by itself")
    return lines + [f"  DAMAGED 损坏: {one}" for one in found["damaged"][:_MOST_SAID]]
