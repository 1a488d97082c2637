"""GPX 1.1 (Topografix): one track for each device, one segment for each leg.

Speed (m/s) and course (degrees) go as Garmin's TrackPointExtension v2, which most programs read:
GPX 1.1 itself has no place for them.
"""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from .track import Fix, Track, instant, legs, number

__all__ = ["gpx"]

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="Fieldlink" xmlns="http://www.topografix.com/GPX/1/1"
 xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">
"""


def gpx(tracks: Iterable[Track]) -> Iterator[str]:
    """The file, piece by piece."""
    yield _HEAD
    for track in tracks:
        found = list(legs(track.fixes))
        if not found:
            continue
        about = ": ".join(filter(None, (track.kit, track.about)))
        yield f"<trk><name>{escape(track.title)}</name><desc>{escape(about)}</desc>"
        yield f"<type>{escape(track.kind)}</type>\n"
        for leg in found:
            yield "<trkseg>\n"
            yield "".join(map(_point, leg))
            yield "</trkseg>\n"
        yield "</trk>\n"
    yield "</gpx>\n"


def _point(fix: Fix) -> str:
    high = "" if fix.alt is None else f"<ele>{number(fix.alt, 2)}</ele>"
    speed = "" if fix.speed is None else f"<gpxtpx:speed>{number(fix.speed, 2)}</gpxtpx:speed>"
    course = (
        "" if fix.heading is None else f"<gpxtpx:course>{number(fix.heading, 1)}</gpxtpx:course>"
    )
    more = f"{speed}{course}"
    if more:
        more = f"<gpxtpx:TrackPointExtension>{more}</gpxtpx:TrackPointExtension>"
        more = f"<extensions>{more}</extensions>"
    where = f'lat="{number(fix.lat, 7)}" lon="{number(fix.lon, 7)}"'
    return f"<trkpt {where}>{high}<time>{instant(fix.time_us)}</time>{more}</trkpt>\n"
