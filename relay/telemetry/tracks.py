"""Where devices went, thin enough to be drawn."""

from dataclasses import dataclass, field
from typing import TypeGuard

from fieldlink.codecs.telemetry import POSITION
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.telemetry.history import History, Query
from fieldlink.relay.telemetry.rendering import number

__all__ = ["MAX_POINTS", "MAX_TRACKS", "Track", "find_tracks"]

MAX_POINTS = 2_000
"""Of one device."""

MAX_TRACKS = 500
_MOST_POINTS = 200_000
_MOST_SERIES = 20_000
# Nearer than this is the same place on any map: a metre.
_NEAR_DEG = 1e-5
_COLUMNS = ("lat", "lon", "alt")

Point = tuple[int, float, float, float | None]


@dataclass(slots=True)
class Track:
    """A device's way: points of time, longitude, latitude, altitude (None: unknown)."""

    kit: str
    device: str
    kind: str
    points: list[Point] = field(default_factory=list)


def find_tracks(
    catalogue: Catalogue,
    history: History,
    *,
    kit: str | None,
    device: str | None,
    from_us: int,
    to_us: int,
) -> tuple[list[Track], bool]:
    """The tracks of all devices that have one, or of those named; and whether some were left out.

    Raises:
        ArchiveError: the catalogue does not work.
    """
    known: dict[tuple[str, str], str] = {}
    found = catalogue.find_series(
        kit=kit, device=device, stream=POSITION.stream, limit=_MOST_SERIES
    )
    for series in found:
        known.setdefault((series.kit, series.device), series.kind)
    truncated = len(known) > MAX_TRACKS or len(found) == _MOST_SERIES
    chosen = sorted(known.items())[:MAX_TRACKS]
    # Many are drawn coarser: nobody sees 2,000 points of each of 500.
    most = min(MAX_POINTS, _MOST_POINTS // max(1, len(chosen)))
    every_us = max(1, -(-(to_us - from_us) // (most - 1)))
    tracks: list[Track] = []
    for (its_kit, its_device), kind in chosen:
        query = Query(its_kit, its_device, POSITION.stream, from_us, to_us, every_us=every_us)
        points = _points(history, query)
        if points:
            tracks.append(Track(its_kit, its_device, kind, points))
    return tracks, truncated


def _points(history: History, query: Query) -> list[Point]:
    points: list[Point] = []
    for schema, sample in history.thinned(query):
        known = {
            column.name: number(value, column.scale)
            for column, value in zip(schema.columns, sample.values, strict=True)
            if column.name in _COLUMNS and not column.is_text
        }
        lat, lon, alt = (known.get(name) for name in _COLUMNS)
        if not _is_number(lat) or not _is_number(lon):
            continue
        height = float(alt) if _is_number(alt) else None
        point = (sample.time_us, float(lon), float(lat), height)
        # The middle of a stay goes, so that a stay has its begin and its end.
        if len(points) >= 2 and _near(points[-2], point) and _near(points[-1], point):
            points.pop()
        points.append(point)
    return points


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float)


def _near(a: Point, b: Point) -> bool:
    return abs(a[1] - b[1]) < _NEAR_DEG and abs(a[2] - b[2]) < _NEAR_DEG
