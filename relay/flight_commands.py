"""`fieldlink relay flights`: what the centre holds of flights, and as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldlink.relay.command_options import AsJson, ConfigFile, say, say_json

if TYPE_CHECKING:
    from fieldlink.relay.catalogue import Catalogue, StoredFlight

__all__ = ["flights"]

# "-2h" is a time and no option.
_LOOSE = {"ignore_unknown_options": True}

flights = typer.Typer(
    no_args_is_help=True,
    help="""Flights of aircraft, as far as they have come. 飞行记录

    fieldlink relay flights list --from -24h             what flew

    fieldlink relay flights show last                    pieces, gaps, video, messages

    fieldlink relay flights export last flight.tlog      for Mission Planner and QGroundControl

    fieldlink relay flights export last flight.kml       its way; also .gpx and .geojson""",
)

_Which = Annotated[
    str,
    typer.Argument(
        metavar="FLIGHT",
        help="Its name in `flights list`, or enough of its begin; last: the last one.",
    ),
]
_Kit = Annotated[str | None, typer.Option(help="Only of this kit.")]
_Device = Annotated[str | None, typer.Option(help="Only of this aircraft.")]


@flights.command("list", context_settings=_LOOSE)
def list_flights(
    config: ConfigFile = None,
    start: Annotated[str, typer.Option("--from", help="14:05, -24h, ISO 8601; else all.")] = "",
    end: Annotated[str, typer.Option("--to", help="As --from; now if left out.")] = "now",
    kit: _Kit = None,
    device: _Device = None,
    idle: Annotated[
        bool, typer.Option("--idle", help="Also what was recorded on the ground, disarmed.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """One line for each, the newest first: name, kit, aircraft, length, height, pieces. 列表"""
    from fieldlink.codecs.settings.times import read_span
    from fieldlink.relay.beside import now_us, opened
    from fieldlink.relay.flights.row import flight_row
    from fieldlink.relay.flights.telling import flight_lines

    span = read_span(start, end, now_us(), None) if start else (None, None)
    with opened(config) as (_settings, store):
        found = store.flights(
            from_us=span[0],
            to_us=span[1],
            kit=kit,
            device=device,
            armed=None if idle else True,
            limit=limit,
        )
    rows = [flight_row(each) for each in found]
    if as_json:
        say_json({"flights": rows})
        return
    for line in flight_lines(rows):
        say(line)


@flights.command("show")
def show(
    which: _Which,
    config: ConfigFile = None,
    kit: _Kit = None,
    device: _Device = None,
    as_json: AsJson = False,
) -> None:
    """Pieces that are here and not, gaps with their reasons, video, messages. 详情"""
    from fieldlink.relay.archive import Archive
    from fieldlink.relay.beside import opened
    from fieldlink.relay.flights.detail import detail_of
    from fieldlink.relay.flights.row import detail_row
    from fieldlink.relay.flights.telling import detail_lines

    with opened(config) as (settings, store):
        archive = Archive.open(settings.archive_root, write=False)
        found = detail_row(detail_of(store, archive, _chosen(store, which, kit, device)))
    if as_json:
        say_json(found)
        return
    for line in detail_lines(found):
        say(line)


@flights.command("export")
def export(
    which: _Which,
    file: Annotated[Path, typer.Argument(help="What to write: .tlog, .kml, .gpx or .geojson.")],
    config: ConfigFile = None,
    kit: _Kit = None,
    device: _Device = None,
    as_json: AsJson = False,
) -> None:
    """A flight's recording as one .tlog file, or its way as KML, GPX or GeoJSON. 导出

    Pieces that have not come are named; a file that is there already is left alone.
    """
    from fieldlink.relay.export.to_file import export_flight

    size, missing = export_flight(file, config, lambda store: _chosen(store, which, kit, device))
    if as_json:
        say_json({"file": str(file), "bytes": size, "missing": missing})
        return
    say(f"{file}: {size:,} bytes 已导出")
    if missing:
        say(f"pieces that have not come yet 尚未到达的分段: {missing}")


def _chosen(store: "Catalogue", which: str, kit: str | None, device: str | None) -> "StoredFlight":
    from fieldlink.relay.flights.telling import chosen_flight

    return chosen_flight(store, which, kit, device)
