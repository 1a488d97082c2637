"""KML 2.3 (OGC 12-007r2): a folder for each kind of device, a placemark with a track for each one.

A track that may be played in time is KML 2.2's `gx:Track` (Google's extension), which both Google
Earth and everything that reads KML 2.3 understands; a device that was lost between is a
`gx:MultiTrack`, whose parts are not joined.
"""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from .track import Fix, Track, instant, legs, number

__all__ = ["kml"]

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">
<Document><name>Fieldlink</name>
"""
_STYLE = (
    '<Style id="{kind}"><LineStyle><color>{colour}</color><width>3</width></LineStyle></Style>\n'
)
# aabbggrr, as KML writes colours.
_COLOURS = {"soldier": "ff4fc3ff", "drone": "fff7c34f", "vehicle": "ff57d98a", "kit": "ffffffff"}
_OTHER = "ffb0b0b0"


def kml(tracks: Iterable[Track]) -> Iterator[str]:
    """The file, piece by piece."""
    yield _HEAD
    for kind, colour in {**_COLOURS, "other": _OTHER}.items():
        yield _STYLE.format(kind=kind, colour=colour)
    for track in tracks:
        found = list(legs(track.fixes))
        if not found:
            continue
        style = track.kind if track.kind in _COLOURS else "other"
        yield f"<Placemark><name>{escape(track.device)}</name>"
        yield f"<description>{escape(track.kit)} · {escape(track.kind)}</description>"
        yield f"<styleUrl>#{style}</styleUrl><gx:MultiTrack>\n"
        yield "<gx:interpolate>0</gx:interpolate>\n"
        for leg in found:
            yield from _leg(leg)
        yield "</gx:MultiTrack></Placemark>\n"
    yield "</Document></kml>\n"


def _leg(leg: list[Fix]) -> Iterator[str]:
    # A height is above the sea where it is known; on the ground where it is not.
    high = all(fix.alt is not None for fix in leg)
    mode = "absolute" if high else "clampToGround"
    yield f"<gx:Track><altitudeMode>{mode}</altitudeMode>\n"
    yield "".join(f"<when>{instant(fix.time_us)}</when>\n" for fix in leg)
    for fix in leg:
        alt = number(fix.alt, 2) if fix.alt is not None and high else "0"
        yield f"<gx:coord>{number(fix.lon, 7)} {number(fix.lat, 7)} {alt}</gx:coord>\n"
    yield "</gx:Track>\n"
