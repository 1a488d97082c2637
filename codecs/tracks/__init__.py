"""Tracks as files for other programs: GeoJSON, GPX and KML.

Every writer gives its file piece by piece, so that a day of a province needs no more memory than
one device's track. `track` says what a track is.
"""

from .geojson import geojson
from .gpx import gpx
from .kml import kml
from .track import LOST_US, Fix, Track, instant, legs, number

__all__ = ["LOST_US", "Fix", "Track", "geojson", "gpx", "instant", "kml", "legs", "number"]
