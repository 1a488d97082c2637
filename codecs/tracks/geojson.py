"""GeoJSON (RFC 7946): a FeatureCollection, one feature for each device.

A device that moved is a MultiLineString of its legs, one with a single fix in each leg's place a
point among them: RFC 7946, 3.1.4 wants two positions in a line, so such a leg is written twice.
`coordTimes` follows the legs, as togeojson and Mapbox's tools write it.
"""

import json
from collections.abc import Iterable, Iterator

from .track import Fix, Track, instant, legs, number

__all__ = ["geojson"]


def geojson(tracks: Iterable[Track]) -> Iterator[str]:
    """The file, piece by piece."""
    yield '{"type":"FeatureCollection","features":['
    between = "\n"
    for track in tracks:
        found = [leg if len(leg) > 1 else leg * 2 for leg in legs(track.fixes)]
        if found:
            yield between
            yield from _feature(track, found)
            between = ",\n"
    yield "\n]}\n"


def _feature(track: Track, found: list[list[Fix]]) -> Iterator[str]:
    names = {"kit": track.kit, "device": track.device, "kind": track.kind}
    names |= {"name": track.name} if track.name else {}
    names |= {"about": track.about} if track.about else {}
    yield '{"type":"Feature","properties":'
    yield json.dumps(names, ensure_ascii=False)[:-1]
    yield ',"coordTimes":['
    for place, leg in enumerate(found):
        yield ",[" if place else "["
        yield ",".join(f'"{instant(fix.time_us)}"' for fix in leg)
        yield "]"
    yield ']},"geometry":{"type":"MultiLineString","coordinates":['
    for place, leg in enumerate(found):
        yield ",[" if place else "["
        yield ",".join(map(_position, leg))
        yield "]"
    yield "]}}"


def _position(fix: Fix) -> str:
    flat = f"{number(fix.lon, 7)},{number(fix.lat, 7)}"
    return f"[{flat}]" if fix.alt is None else f"[{flat},{number(fix.alt, 2)}]"
