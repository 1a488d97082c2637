"""`fieldlink relay export`: telemetry as files."""

from pathlib import Path
from typing import Annotated

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json

__all__ = ["LOOSE", "export"]

# "-10m" is a time and no option.
LOOSE = {"ignore_unknown_options": True}


def export(
    first: Annotated[str, typer.Argument(metavar="FROM", help="A time: 14:05, -2h, ISO 8601.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="A time, or now.")],
    file: Annotated[Path, typer.Argument(help="What to write; its ending says how.")],
    config: ConfigFile = None,
    stream: Annotated[str, typer.Option(help="For CSV and Parquet: which stream.")] = "position",
    kit: Annotated[str | None, typer.Option(help="Only of this kit.")] = None,
    device: Annotated[str | None, typer.Option(help="Only of this device.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tracks as GeoJSON, GPX or KML; samples of a stream as CSV or Parquet. 导出

    fieldlink relay export -2h now tracks.gpx               where everybody was

    fieldlink relay export 14:05 14:10 vitals.csv --stream vitals --device soldier-1

    A file that is there already is left alone.
    """
    import time

    from fieldlink.relay.export.gather import Asked
    from fieldlink.relay.export.to_file import export_to
    from fieldlink.relay.orders.times import read_span

    from_us, to_us = read_span(first, last, time.time_ns() // 1000, None)
    size = export_to(file, config, Asked(from_us, to_us, kit, device), stream)
    if as_json:
        say_json({"file": str(file), "bytes": size})
    else:
        say(f"{file}: {size:,} bytes 已导出")
