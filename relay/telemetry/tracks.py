"""Where devices went, thin enough to be drawn."""

from dataclasses import dataclass, field
from typing import TypeGuard

from fieldlink.codecs.telemetry import POSITION
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.telemetry.history import History, Query

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
    now_us: int,
) -> tuple[list[Track], bool]:
    """The tracks of all devices that have one, or of those named; and whether some were left out
    or cut short.

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
    tracks: list[Track] = []
    total = 0
    for (its_kit, its_device), kind in sorted(known.items())[:MAX_TRACKS]:
        if total >= _MOST_POINTS:
            truncated = True
            break
        query = Query(
            its_kit,
            its_device,
            POSITION.stream,
            from_us,
            to_us,
            columns=_COLUMNS,
            every_us=max(1, -(-(to_us - from_us) // MAX_POINTS)),
            limit=MAX_POINTS,
        )
        points, cut = _points(history, query, now_us)
        truncated |= cut
        if points:
            tracks.append(Track(its_kit, its_device, kind, points))
            total += len(points)
    return tracks, truncated


def _points(history: History, query: Query, now_us: int) -> tuple[list[Point], bool]:
    answer = history.find(query, now_us)
    places = {column.name: at + 4 for at, column in enumerate(answer.columns)}
    points: list[Point] = []
    if not {"lat", "lon"} <= places.keys():
        return points, answer.truncated
    for row in answer.rows:
        at_us, lat, lon = row[0], row[places["lat"]], row[places["lon"]]
        alt = row[places["alt"]] if "alt" in places else None
        if not isinstance(at_us, int) or not _is_number(lat) or not _is_number(lon):
            continue
        point = (at_us, float(lon), float(lat), float(alt) if _is_number(alt) else None)
        # The last of a stay goes, so that a stay has its begin and its end.
        if len(points) >= 2 and _near(points[-2], point) and _near(points[-1], point):
            points.pop()
        points.append(point)
    return points, answer.truncated


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float)


def _near(a: Point, b: Point) -> bool:
    return abs(a[1] - b[1]) < _NEAR_DEG and abs(a[2] - b[2]) < _NEAR_DEG
