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
_ABSOLUTE, _RELATIVE = "absolute", "relativeToGround"
_ABOVE_HOME = "heights are above the place of take-off, drawn as above the ground 高度相对起飞点"


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
        modes = [_mode(leg) for leg in found]
        about = [track.kit, track.kind, *filter(None, [track.about])]
        about += [_ABOVE_HOME] if _RELATIVE in modes else []
        yield f"<Placemark><name>{escape(track.title)}</name>"
        yield f"<description>{escape(' · '.join(about))}</description>"
        yield f"<styleUrl>#{style}</styleUrl><gx:MultiTrack>\n"
        yield "<gx:interpolate>0</gx:interpolate>\n"
        for leg, mode in zip(found, modes, strict=True):
            yield from _leg(leg, mode)
        yield "</gx:MultiTrack></Placemark>\n"
    yield "</Document></kml>\n"


def _mode(leg: list[Fix]) -> str:
    """How the heights of a leg are meant: above the sea where that is known of all, else above the
    ground, else none is given.
    """
    if all(fix.alt is not None for fix in leg):
        return _ABSOLUTE
    return _RELATIVE if all(fix.height is not None for fix in leg) else "clampToGround"


def _leg(leg: list[Fix], mode: str) -> Iterator[str]:
    yield f"<gx:Track><altitudeMode>{mode}</altitudeMode>\n"
    yield "".join(f"<when>{instant(fix.time_us)}</when>\n" for fix in leg)
    for fix in leg:
        high = {_ABSOLUTE: fix.alt, _RELATIVE: fix.height}.get(mode)
        alt = "0" if high is None else number(high, 2)
        yield f"<gx:coord>{number(fix.lon, 7)} {number(fix.lat, 7)} {alt}</gx:coord>\n"
    yield "</gx:Track>\n"
